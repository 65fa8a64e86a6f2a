"""The rows of a change set: every line of every hunk once, with the numbers that git gives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.review import FileText
from tests.fakes.changes import change_set, file_change, mode_change, seven_hunks
from widgets.diff_layout import Insert, Kind, Row
from widgets.diff_model import DiffModel

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=40).map("".join)
OPEN_END = st.builds(lambda text, end: text + end, LINES, st.sampled_from(["", "z"]))


@st.composite
def changes(draw: st.DrawFn) -> ChangeSet:
    texts = [(f"f{at}.py", draw(OPEN_END), draw(OPEN_END)) for at in range(draw(st.integers(1, 3)))]
    return change_set(*(one for one in texts if one[1] != one[2]))


def rows(model: DiffModel) -> list[Row]:
    return [model.row(y) for y in range(model.height)]


@given(changes())
def test_every_line_of_every_hunk_has_one_row_in_order(made: ChangeSet) -> None:
    lines = [(row.hunk, row.index) for row in rows(DiffModel(made)) if row.kind is Kind.LINE]
    assert lines == [(hunk.number, at) for hunk in made.hunks for at in range(len(hunk.diff))]


@given(changes())
def test_numbers_name_the_very_lines_of_both_sides(made: ChangeSet) -> None:
    model = DiffModel(made)
    for row in rows(model):
        if row.kind is not Kind.LINE:
            continue
        hunk = model.hunks[row.hunk]
        assert (row.old == 0) is (row.sign == "+") and (row.new == 0) is (row.sign == "-")
        if row.old:
            assert hunk.old_lines[row.old - hunk.old_start].removesuffix("\n") == row.text
        if row.new:
            assert hunk.new_lines[row.new - hunk.new_start].removesuffix("\n") == row.text


@given(changes())
def test_a_row_is_found_where_it_is(made: ChangeSet) -> None:
    model = DiffModel(made)
    for y, row in enumerate(rows(model)):
        if row.kind not in (Kind.BLANK, Kind.FILE):
            assert model.find(row) == y


@given(changes(), st.data())
def test_opened_gaps_show_the_whole_file(made: ChangeSet, data: st.DataObject) -> None:
    model = DiffModel(made)
    for at, file in enumerate(made.files):
        new = "".join(line for hunk in file.hunks for line in hunk.new_lines)
        if file.status != "modified":
            assert not any(row.kind is Kind.GAP for row in rows(model) if row.file == at)
            continue
        # The fake's texts are not kept: only what lies around hunks is invented here.
        hunk = file.hunks[0]
        before = "x\n" * (hunk.new_start - 1 if hunk.new_lines else hunk.new_start)
        if len(file.hunks) == 1:
            model.give_text(FileText(path=file.path, old="", new=before + new))
            for gap in {row.gap for row in rows(model) if row.kind is Kind.GAP and row.file == at}:
                assert model.fold(at, gap)
            shown = [row.text for row in rows(model) if row.file == at and row.new]
            assert shown == (before + new).removesuffix("\n").split("\n")[: len(shown)]
            numbers = [row.new for row in rows(model) if row.file == at and row.new]
            assert numbers == list(range(1, len(numbers) + 1))


def test_a_gap_opens_with_both_numbers_and_closes_again() -> None:
    old = [f"line {n}\n" for n in range(1, 41)]
    new = ["first\n", *old[:19], "changed\n", *old[20:]]
    model = DiffModel(change_set(("a.py", "".join(old), "".join(new))))
    before = rows(model)
    assert [model.gap(0, row.gap).count for row in before if row.kind is Kind.GAP] == [13, 0]
    model.give_text(FileText(path="a.py", old="".join(old), new="".join(new)))
    assert model.fold(0, 1)
    opened = [row for row in rows(model) if row.kind is Kind.CONTEXT]
    assert (opened[0].old, opened[0].new, opened[0].text) == (4, 5, "line 4")
    assert (opened[-1].old, opened[-1].new) == (16, 17)
    assert not model.fold(0, 1)
    assert [row.kind for row in rows(model)] == [row.kind for row in before]
    assert model.gap(0, 2).count == 17


def test_an_end_that_is_near_has_no_gap() -> None:
    model = DiffModel(change_set(("a.py", "a\nb\nc\n", "a\nB\nc\n"), ("b.py", "", "x\n" * 9)))
    assert Kind.GAP not in {row.kind for row in rows(model)}


def test_inserts_move_only_what_is_below_them_and_find_follows() -> None:
    model = DiffModel(seven_hunks())
    below = model.row(model.first_change(4))
    y, height = model.find(below), model.height
    model.insert({3: (Insert(2, "data", ("one", "two")), Insert(-1, "data", ("note",)))})
    assert model.height == height + 3
    assert model.find(below) == y + 3
    span = [model.row(at) for at in range(*model.span(3))]
    assert [row.kind for row in span[:3]] == [Kind.HEADING, Kind.INSERT, Kind.LINE]
    assert [row.part for row in span if row.kind is Kind.INSERT] == [0, 0, 1]
    assert span[5].kind is Kind.INSERT and span[4].index == 2
    model.insert({})
    assert model.height == height


@given(st.integers(1, 30))
def test_wrapped_lines_have_as_many_rows_as_they_need(width: int) -> None:
    made = change_set(("a.py", "short\n", "x" * 70 + "\nshort\n"))
    model = DiffModel(made)
    plain = [(row.kind, row.index) for row in rows(model)]
    model.wrap(lambda text: max(-(-len(text) // width), 1))
    wrapped = rows(model)
    assert sum(row.index == 0 and row.kind is Kind.LINE for row in wrapped) == -(-70 // width)
    assert list(dict.fromkeys((row.kind, row.index) for row in wrapped)) == plain
    model.wrap(None)
    assert [(row.kind, row.index) for row in rows(model)] == plain


def test_hidden_hunks_leave_their_files_with_them() -> None:
    model = DiffModel(seven_hunks())
    model.show_only([3, 5])
    shown = rows(model)
    assert {row.hunk for row in shown if row.hunk} == {3, 5}
    assert sum(row.kind is Kind.FILE for row in shown) == 2
    model.show_only(None)
    assert {row.hunk for row in rows(model) if row.hunk} == set(range(1, 8))


def test_changes_without_lines_have_a_row_to_stand_on() -> None:
    changes = ChangeSet(base="1", proposed="2", files=[mode_change("run.sh", 1)])
    assert [row.kind for row in rows(DiffModel(changes))] == [Kind.FILE, Kind.HEADING, Kind.WHOLE]


def test_a_long_diff_is_opened_by_its_hunks_not_its_lines() -> None:
    one = file_change("a.py", "", "x\n" * 50_000)
    model = DiffModel(ChangeSet(base="1", proposed="2", files=[one]))
    assert model.height == 50_002
    assert model.row(50_001).new == 50_000
    with pytest.raises(IndexError):
        model.row(50_002)


def test_the_nearest_hunk_of_a_row() -> None:
    model = DiffModel(seven_hunks())
    gap = next(y for y in range(model.height) if model.row(y).kind is Kind.GAP and model.row(y).file == 2)
    assert model.hunk_near(gap) == 5
    assert model.hunk_near(0) == 1
    assert [model.hunk_near(model.first_change(number)) for number in range(1, 8)] == list(range(1, 8))
