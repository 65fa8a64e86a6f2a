"""The fast lane: goals in words become tasks, the same every time, and without losing a word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.planning import wording
from autodev_tui.planning.action_items import parse
from autodev_tui.planning.items import ActionPlan, ItemType
from tests.unit.planning.goals import GOALS, GOLDEN, KNOWN, shown


def test_goals_of_many_kinds_become_the_tasks_that_a_reader_expects() -> None:
    golden = GOLDEN.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    assert len(golden) == len(GOALS) >= 60
    for goal, expected in zip(GOALS, golden, strict=True):
        assert shown(parse(goal, KNOWN)) == expected


@pytest.mark.parametrize(
    ("goal", "score", "kind", "chunking"),
    [
        ("fix typo", 1, ItemType.SIMPLE_DIRECT, "none"),
        ("add a flag if the user asks", 3, ItemType.SIMPLE_DIRECT, "none"),
        ("improve logging", 4, ItemType.COMPLEX_CHUNKED, "light"),
        ("build a small framework for plugins", 6, ItemType.COMPLEX_CHUNKED, "light"),
        ("implement logging", 7, ItemType.COMPLEX_CHUNKED, "heavy"),
        (
            "implement a new system and migrate the framework if it can be",
            10,
            ItemType.COMPLEX_CHUNKED,
            "heavy",
        ),
    ],
)
def test_the_edges_of_the_bands(goal: str, score: int, kind: ItemType, chunking: str) -> None:
    (item,) = parse(goal).items
    assert (item.score, item.type, item.chunking) == (score, kind, chunking)
    assert len(item.subtasks) == {"none": 0, "light": 2, "heavy": 5}[chunking]


def test_the_parts_of_a_list_are_steps_of_its_one_task() -> None:
    (item,) = parse("implement login, logout and reset").items
    assert item.subtasks[1:4] == ["implement login", "logout", "reset"]


def test_what_is_urgent_begins_first_with_all_that_it_needs() -> None:
    plan = parse("tidy the docs; fix the parser; then fix the outage, urgent")
    assert [item.priority for item in plan.items] == ["P2", "P2", "P0"]
    assert plan.order == ["T2", "T3", "T1"]


def test_times_and_agents_follow_from_the_order() -> None:
    plan = parse("- fix lint\n- add tests\n\nFinally, deploy it")
    assert [item.starts_minute for item in plan.items] == [0, 0, 15]
    assert (plan.total_minutes, plan.critical_minutes, plan.agents) == (45, 30, 2)


WORDS = st.sampled_from(
    [
        *sorted(
            wording.word_set(
                """fix add the tests lint first then and finally , ; . : - * 1. 2) if unless when kung kapag
    una tapos
            pagkatapos bago i-fix mag-add otherwise it urgent src/app.py `a;b` ( ) # ``` build should \" """
            )
        ),
        "\n",
        "\n\n",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "\n2. ",
        "\n# ",
    ]
)
TEXTS = st.one_of(st.lists(WORDS, max_size=60).map(" ".join), st.text(max_size=300))


@settings(max_examples=80, deadline=None)
@given(goal=TEXTS)
def test_whatever_is_written_nothing_is_lost_and_nothing_goes_in_circles(goal: str) -> None:
    plan = parse(goal)
    assert "".join(item.text for item in plan.items).split() == goal.split()
    assert parse(goal) == plan
    assert bool(plan.items) == bool(goal.strip())
    seen: set[str] = set()
    for item in plan.items:
        assert item.title.strip() and len(item.title) <= 200
        assert seen.issuperset(item.depends_on)
        seen.add(item.id)
    assert sorted(plan.order) == sorted(seen)
    place = {one: number for number, one in enumerate(plan.order)}
    for item in plan.items:
        assert all(place[one] < place[item.id] for one in item.depends_on)


@pytest.mark.parametrize("unit", ["fix it, then add tests. ", "“", "- fix a\n", "if a, then "])
def test_the_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    def took(characters: int) -> float:
        goal = (unit * characters)[:characters]
        times = []
        for _ in range(2):
            began = time.process_time()
            parse(goal)
            times.append(time.process_time() - began)
        return min(times)

    took(500)
    # Eight times the text: squared time would be sixty-four times as long.
    assert took(8_000) < 30 * max(took(1_000), 0.0005)


def test_polite_words_do_not_hide_what_is_asked() -> None:
    assert wording.asks("Could you please also fix the lint")
    assert wording.asks("Paki-ayos ang tests")
    assert not wording.asks("The tests are red")


def _titles(plan: ActionPlan) -> list[str]:
    return [item.title for item in plan.items]


def test_a_long_goal_keeps_every_task() -> None:
    goal = "\n".join(f"- fix problem {number}" for number in range(400))
    assert _titles(parse(goal))[-1] == "fix problem 399"
