"""Editing a plan never makes a circle, loses no task that was not given up, and can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.levels import Level
from autodev_tui.domain.plan import PlannedTask
from autodev_tui.domain.task import Criterion
from widgets.plan_edits import (
    Plan,
    PlanRefused,
    change,
    circle,
    delete,
    ids,
    in_order,
    indent,
    insert,
    merge,
    needs,
    new_id,
    outdent,
    shift,
    split,
)
from widgets.plan_text import PlanTextError, from_text, to_text


def task(name: str, *wanted: str, **fields: object) -> PlannedTask:
    return PlannedTask(id=name, title=f"title {name}", dependencies=list(wanted), **fields)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 7))
    names = [f"T{number}" for number in range(1, count + 1)]
    return [
        task(name, *draw(st.lists(st.sampled_from(names[:place]), unique=True) if place else st.just([])))
        for place, name in enumerate(names)
    ]


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "split", "merge", "up", "down", "indent", "outdent", "needs"]),
        st.integers(0, 20),
        st.lists(st.integers(0, 20), max_size=3),
    ),
    max_size=12,
)


def apply(plan: Plan, edit: str, at: int, others: list[int]) -> Plan:
    name = plan[at % len(plan)].id
    match edit:
        case "insert":
            return insert(plan, name, task(new_id(plan, [])))
        case "delete":
            return delete(plan, name)
        case "split":
            return split(plan, name, task(new_id(plan, [])))
        case "merge":
            return merge(plan, name)
        case "up":
            return shift(plan, name, -1)
        case "down":
            return shift(plan, name, 1)
        case "indent":
            return indent(plan, name)
        case "outdent":
            return outdent(plan, name)
        case _:
            return needs(plan, name, [plan[one % len(plan)].id for one in others])


@given(plans(), EDITS)
def test_no_edit_makes_a_circle_or_leaves_a_task_above_what_it_needs(plan, edits):
    for edit, at, others in edits:
        before = [one.doc() for one in plan]
        try:
            after = apply(plan, edit, at, others)
        except PlanRefused as refusal:
            assert str(refusal)
            continue
        assert [one.doc() for one in plan] == before, "the plan that was there is what undo brings back"
        plan = after
        assert not circle(plan)
        assert len(set(ids(plan))) == len(plan)
        for place, one in enumerate(plan):
            assert set(one.dependencies) <= set(ids(plan)[:place])


@given(plans(), EDITS)
def test_only_delete_and_merge_give_up_an_id(plan, edits):
    for edit, at, others in edits:
        try:
            after = apply(plan, edit, at, others)
        except PlanRefused:
            continue
        gone = set(ids(plan)) - set(ids(after))
        assert len(gone) == (1 if edit in ("delete", "merge") else 0)
        plan = after


@given(plans(), st.integers(0, 20), st.sampled_from([1, -1]))
def test_a_move_and_its_opposite_leave_the_plan_as_it_was(plan, at, step):
    name = plan[at % len(plan)].id
    try:
        moved = shift(plan, name, step)
    except PlanRefused:
        return
    assert shift(moved, name, -step) == plan


def test_what_needed_a_deleted_task_needs_what_it_needed():
    plan = [task("T1"), task("T2", "T1"), task("T3", "T2")]
    assert delete(plan, "T2")[1].dependencies == ["T1"]


def test_the_second_half_of_a_split_comes_after_the_first_and_before_what_needed_it():
    plan = split([task("T1"), task("T2", "T1")], "T1", task("T3"))
    assert [(one.id, one.dependencies) for one in plan] == [("T1", []), ("T3", ["T1"]), ("T2", ["T1", "T3"])]


def test_two_tasks_become_one_with_the_work_of_both_and_the_lower_pin():
    plan = [
        task("T1", files=["a"], pin=Level.FULL, acceptance_criteria=[Criterion(text="x")]),
        task("T2", "T1", files=["a", "b"], pin=Level.GUIDED, risk=0.9),
        task("T3", "T2"),
    ]
    one, last = merge(plan, "T1")
    assert (one.id, one.title, one.files) == ("T1", "title T1; title T2", ["a", "b"])
    assert (one.pin, one.risk, one.dependencies) == (Level.GUIDED, 0.9, [])
    assert last.dependencies == ["T1"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda plan: needs(plan, "T1", ["T2"]), "wait for itself"),
        (lambda plan: needs(plan, "T1", ["T1"]), "cannot need itself"),
        (lambda plan: needs(plan, "T1", ["T9"]), "no task T9"),
        (lambda plan: shift(plan, "T2", -1), "T2 needs T1"),
        (lambda plan: shift(plan, "T1", -1), "first task already"),
        (lambda plan: merge(plan, "T2"), "last task"),
        (lambda plan: delete(plan, "T7"), "T7 has begun"),
        (lambda plan: delete(plan[:1], "T1"), "only task left"),
        (lambda plan: outdent(plan, "T1"), "needs no other"),
        (lambda plan: indent(plan, "T2"), "needs T1 already"),
    ],
)
def test_what_cannot_be_is_refused_in_words(edit, words):
    with pytest.raises(PlanRefused, match=words):
        edit([task("T1"), task("T2", "T1")])


def test_a_task_that_has_begun_may_be_needed():
    plan = needs([task("T5")], "T5", ["T1"], begun=["T1"])
    assert plan[0].dependencies == ["T1"]
    assert new_id(plan, ["T1", "T7"]) == "T8"


def test_tasks_that_are_out_of_order_are_put_below_what_they_need():
    assert ids(in_order([task("T2", "T1"), task("T1"), task("T3")])) == ["T1", "T2", "T3"]


# -- the text form

FULL = PlannedTask(
    id="T3",
    title="Tests",
    description="Cover issue,\n\nverify and rotation.",
    dependencies=["T1", "T2"],
    acceptance_criteria=[
        Criterion(text="every token test passes", check="pytest -q tests", ticked=True),
        Criterion(text="read by somebody"),
    ],
    role="testing",
    files=["tests/", "my file.py"],
    estimated_effort=10 / 60,
    pin=Level.GUIDED,
    note="use the frozen clock",
)


def test_a_task_as_text_reads_back_as_the_same_task():
    assert from_text(to_text(FULL), FULL) == FULL


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@given(words, words, st.lists(words, max_size=3))
def test_any_words_survive_the_text_form(title, what, files):
    given_task = task("T1", description=what, files=[one.replace(",", "") or "x" for one in files], note=what)
    assert from_text(to_text(given_task.but(title=title)), given_task) == given_task.but(title=title)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("titel: x", "line 1: begins with none of title, what"),
        ("title: a\ntitle: b", "line 2: title stands there twice"),
        ("title:", "the title is empty"),
        ("minutes: soon", "line 1: soon is no number of minutes"),
        ("minutes: 0", "line 1: 0 minutes cannot be"),
        ("level: total", "line 1: no level total · there are guided"),
        ("role: two words", "line 1: a role is one word"),
    ],
)
def test_a_text_that_says_no_task_names_its_line(text, error):
    with pytest.raises(PlanTextError) as caught:
        from_text(text, FULL)
    assert error in str(caught.value)


def test_an_edited_task_is_checked_for_circles():
    plan = [task("T1"), task("T2", "T1")]
    with pytest.raises(PlanRefused):
        change(plan, plan[0].but(dependencies=["T2"]))
