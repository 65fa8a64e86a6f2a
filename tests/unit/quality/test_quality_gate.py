"""The gate's arithmetic and its invariants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.evidence import CheckKind, Evidence
from autodev_tui.domain.task import Criterion
from autodev_tui.quality.gate import base_needed, score

RANK = {"fail": 0, "ask": 1, "pass": 2}


def make(
    check="pytest", result="passed", kind=CheckKind.BEHAVIOUR, failures=(), passed=3, **rest
) -> Evidence:
    values = {"check": check, "kind": kind, "command": f"run {check}", "tree": "t", "result": result}
    return Evidence(**{**values, "failures": sorted(failures), "passed_tests": passed, **rest})


def red(*failures: str, **rest) -> Evidence:
    return make(result="failed", failures=failures, **rest)


def test_all_green_is_a_pass_of_one():
    found = score("t", [make(), make("ruff", kind=CheckKind.LINT)])
    assert (found.verdict, found.score, found.ran, found.not_run) == ("pass", 1.0, ["pytest", "ruff"], [])


@pytest.mark.parametrize("kind", list(CheckKind))
def test_one_red_check_of_any_kind_is_zero(kind):
    found = score("t", [make(), red("a", check="other", kind=kind)])
    assert (found.verdict, found.score, found.new_failures) == ("fail", 0.0, {"other": ["a"]})


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ("tests/test_a.py", "tests/test_a.py::test_one", CheckKind.BEHAVIOUR),
        ("a.py: invalid-syntax", "a.py: F401", CheckKind.LINT),
        ("a.py: syntax", "b.py: arg-type", CheckKind.TYPES),
    ],
)
def test_what_could_not_be_seen_before_is_asked_about(before, now, kind):
    rest = [] if kind is CheckKind.BEHAVIOUR else [make("pytest")]
    found = score("t", [*rest, red(now, check="c", kind=kind)], [red(before, check="c", kind=kind, tree="b")])
    assert found.verdict == "ask"
    other = score(
        "t", [*rest, red("c.py::x", check="c", kind=kind)], [red(before, check="c", kind=kind, tree="b")]
    )
    assert other.verdict == "fail"


def test_old_failures_are_named_and_only_new_ones_count():
    base = [red("a", "b", tree="b")]
    same = score("t", [red("a", "b")], base)
    assert (same.verdict, same.score, same.old_failures) == ("pass", 1.0, {"pytest": ["a", "b"]})
    assert any("red before too: a, b" in reason for reason in same.reasons)
    assert same.red_before == same.kept()["red_before"] == ["pytest"]
    fewer = score("t", [red("a")], base)
    assert (fewer.verdict, fewer.old_failures) == ("pass", {"pytest": ["a"]})
    more = score("t", [red("a", "c")], base)
    assert (more.verdict, more.new_failures, more.old_failures) == (
        "fail",
        {"pytest": ["c"]},
        {"pytest": ["a"]},
    )
    assert more.red_before == []


def test_a_second_finding_of_the_same_name_is_new():
    lint = {"check": "ruff", "kind": CheckKind.LINT}
    found = score("t", [make(), red("a.py: F401", "a.py: F401", **lint)], [red("a.py: F401", **lint)])
    assert (found.verdict, found.new_failures) == ("fail", {"ruff": ["a.py: F401"]})


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [
        (red(), red(tree="b"), "ask"),
        (red("a"), red(tree="b"), "ask"),
        (red(), red("a", tree="b"), "fail"),
        (red("a"), make(tree="b"), "fail"),
        (red("a"), make(result="unverifiable", tree="b"), "fail"),
        (red("a"), make(result="not_run", tree="b"), "fail"),
        (red("a", passed=0), red("a", tree="b"), "ask"),
    ],
)
def test_what_cannot_be_compared_is_never_a_pass(now, before, verdict):
    assert score("t", [now], [before]).verdict == verdict


def test_what_did_not_run_is_left_out_and_named():
    skipped = make("mypy", "not_run", CheckKind.TYPES, why="mypy is not installed")
    found = score("t", [make(), skipped])
    assert (found.verdict, found.score, found.not_run) == ("pass", 1.0, ["mypy"])
    assert "mypy: not run: mypy is not installed" in found.reasons


@pytest.mark.parametrize(
    "evidence",
    [
        [],
        [make("ruff", kind=CheckKind.LINT)],
        [make(result="not_run")],
        [make(result="unverifiable")],
        [make(), make("slow", "unverifiable")],
        [make(tree="other")],
    ],
)
def test_without_sound_evidence_of_behaviour_it_asks(evidence):
    assert score("t", evidence).verdict == "ask"


@pytest.mark.parametrize(
    ("bound", "result", "verdict"),
    [
        (None, "claimed", "pass"),
        ("pytest", "passed", "pass"),
        ("run pytest", "passed", "pass"),
        ("t.py::a", "passed", "pass"),
        ("t.py::b", "failed", "fail"),
        ("t.py::c", "not_run", "ask"),
        ("t.py::nowhere", "not_run", "ask"),
    ],
)
def test_a_criterion_has_the_result_of_what_it_is_bound_to(bound, result, verdict):
    tests = {"t.py::a": "passed", "t.py::b": "failed", "t.py::c": "skipped"}
    found = score("t", [make(tests=tests)], criteria=[Criterion(text="it works", check=bound)])
    assert (found.criteria[0]["result"], found.verdict) == (result, verdict)


def test_an_old_failure_does_not_meet_a_criterion():
    criterion = Criterion(text="the bug is gone", check="t.py::bug")
    found = score("t", [red("t.py::bug")], [red("t.py::bug", tree="b")], [criterion])
    assert (found.verdict, found.reasons[0]) == ("fail", "not met: the bug is gone")


def test_only_red_checks_need_the_base():
    assert base_needed([make(), red("a", check="x"), make("y", "not_run")]) == ["x"]


names = st.sampled_from(["a", "b", "c", "d"])
some_evidence = st.builds(
    lambda check, kind, result, failures, passed: make(
        check, result, kind, failures if result == "failed" else (), passed
    ),
    names,
    st.sampled_from(list(CheckKind)),
    st.sampled_from(["passed", "failed", "not_run", "unverifiable"]),
    st.lists(st.sampled_from(["f1", "f2", "f3"]), max_size=3),
    st.integers(0, 2),
)
evidence_lists = st.lists(some_evidence, max_size=5, unique_by=lambda item: item.check)
criteria_lists = st.lists(st.builds(Criterion, text=st.just("x"), check=st.none() | names), max_size=3)


@given(evidence_lists, evidence_lists, criteria_lists)
def test_a_new_red_check_of_behaviour_never_raises_the_verdict(evidence, base, criteria):
    before = score("t", evidence, base, criteria)
    after = score("t", [*evidence, red("new", check="added")], base, criteria)
    assert RANK[after.verdict] <= RANK[before.verdict]
    assert after.score <= before.score
    assert after.verdict == "fail"


@given(evidence_lists, evidence_lists, criteria_lists)
def test_a_pass_always_stands_on_behaviour_that_ran(evidence, base, criteria):
    found = score("t", evidence, base, criteria)
    assert 0.0 <= found.score <= 1.0
    if found.verdict == "pass":
        behaviour = [item.result for item in evidence if item.kind is CheckKind.BEHAVIOUR]
        assert {"passed", "failed"} & set(behaviour)
        assert "unverifiable" not in behaviour
        assert found.score >= 0.85
        assert not found.new_failures


@given(evidence_lists, criteria_lists)
def test_without_a_red_base_every_red_check_fails(evidence, criteria):
    found = score("t", evidence, [], criteria)
    assert (found.score == 0.0 and found.verdict == "fail") or not any(
        item.result == "failed" for item in evidence
    )


@given(evidence_lists, evidence_lists)
def test_claimed_criteria_never_change_the_verdict(evidence, base):
    claimed = [Criterion(text="looks nice"), Criterion(text="is fast")]
    assert score("t", evidence, base, claimed).verdict == score("t", evidence, base).verdict


@given(evidence_lists, evidence_lists)
def test_the_order_of_evidence_does_not_matter(evidence, base):
    one, other = score("t", evidence, base), score("t", evidence[::-1], base[::-1])
    assert (one.verdict, one.score) == (other.verdict, other.score)


@given(evidence_lists, evidence_lists)
def test_every_check_is_named_once(evidence, base):
    found = score("t", evidence, base)
    assert sorted([*found.ran, *found.not_run]) == sorted(item.check for item in evidence)
