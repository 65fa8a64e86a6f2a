from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.task import TaskComplexity
from autodev_tui.planning.complexity import Complexity, ComplexityClass, classify


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("fix typo in the readme", ComplexityClass.SIMPLE),
        ("Fix a typo", ComplexityClass.SIMPLE),
        ("update comment above parse()", ComplexityClass.SIMPLE),
        ("gawa ng maliit na function", ComplexityClass.SIMPLE),
        ("The failing test in calc.py", ComplexityClass.SIMPLE),
        ("refactor the token module", ComplexityClass.MEDIUM),
        ("We are optimizing the query", ComplexityClass.MEDIUM),
        ("pagandahin ang error messages", ComplexityClass.MEDIUM),
        ("i-improve ang login page", ComplexityClass.MEDIUM),
        ("small refactoring of the parser, then rename it, first the tests", ComplexityClass.MEDIUM),
        ("implement OAuth", ComplexityClass.COMPLEX),
        ("Implementation of a cache", ComplexityClass.COMPLEX),
        ("gumawa ng sistema para sa billing", ComplexityClass.COMPLEX),
        ("build a plugin framework", ComplexityClass.COMPLEX),
    ],
)
def test_goals_in_english_and_filipino(goal: str, expected: ComplexityClass) -> None:
    assert classify(goal).complexity_class is expected


def test_a_word_inside_another_is_none() -> None:
    assert classify("the ecosystem page") == classify("the page")
    assert classify("rebuilding trust") == classify("the page")


def test_a_small_word_takes_a_big_one_down() -> None:
    assert classify("implement it").score - classify("implement a small one").score == 2


def test_sequence_condition_and_size_add() -> None:
    base = classify("refactor it").score
    assert classify("first refactor it").score == base + 1
    assert classify("una refactor it, tapos test, panghuli docs").score == base + 2
    assert classify("refactor it kapag mabagal").score == base + 1
    assert classify("refactor it if slow, unless tested").score == base + 1
    assert classify("refactor it\n- a\n- b\n- c").score == base + 1
    assert classify("refactor it", files=5).score == base + 1
    assert classify("refactor it", files=15).score == base + 2
    assert classify("refactor it" + " x" * 60).indicators["size"] == ["62 words"]


@pytest.mark.parametrize(
    ("score", "expected_class", "task", "level"),
    [
        (0, "simple", TaskComplexity.SIMPLE, 0.0),
        (3, "simple", TaskComplexity.SIMPLE, 0.3),
        (4, "medium", TaskComplexity.MODERATE, 0.4),
        (6, "medium", TaskComplexity.MODERATE, 0.6),
        (7, "complex", TaskComplexity.COMPLEX, 0.7),
        (8, "complex", TaskComplexity.COMPLEX, 0.8),
        (9, "complex", TaskComplexity.EXPERT, 0.9),
        (10, "complex", TaskComplexity.EXPERT, 1.0),
    ],
)
def test_bands(score: int, expected_class: str, task: TaskComplexity, level: float) -> None:
    found = Complexity(score=score, indicators={})
    assert (found.complexity_class, found.task_complexity, found.level) == (expected_class, task, level)


@given(st.text(), st.integers(0, 100))
def test_any_text_has_a_score_in_range(text: str, files: int) -> None:
    assert 0 <= classify(text, files).score <= 10


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_more_files_never_make_it_simpler(text: str, one: int, other: int) -> None:
    assert classify(text, min(one, other)).score <= classify(text, max(one, other)).score
