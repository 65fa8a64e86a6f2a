"""Decisions of a review: what is done can be undone exactly, the rest never has a hard gate in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.changeset import Hunk
from autodev_tui.domain.review import HunkInfo, LineComment, ReviewDraft
from tests.fakes.changes import change_set, mode_change, review, seven_hunks
from widgets.review_decisions import (
    STATES,
    Decisions,
    changed_numbers,
    editable,
    edited,
    line_number,
    without,
)

HUNKS = st.integers(1, 7)
ACTS = st.one_of(
    st.tuples(st.just("accept"), HUNKS, st.just("")),
    st.tuples(st.just("reject"), HUNKS, st.sampled_from(["", "no"])),
    st.tuples(st.just("comment"), HUNKS, st.sampled_from(["", "why"])),
    st.tuples(st.just("rest"), HUNKS, st.just("")),
)


def act(decisions: Decisions, kind: str, hunk: int, text: str) -> bool:
    match kind:
        case "accept" | "reject":
            done = decisions.decide(HunkDecision(hunk=hunk, verdict=kind, reason=text))
        case "comment":
            done = decisions.comment(hunk, 3, text)
        case "rest":
            together, _ = decisions.rest(range(hunk, 8))
            done = decisions.decide(*(HunkDecision(hunk=one, verdict="accept") for one in together))
        case _:
            raise ValueError(kind)
    return done is not None


def fresh(draft: ReviewDraft | None = None) -> Decisions:
    gated = HunkInfo(number=5, badges=["asserts −1"], hard_gates=["asserts −1"])
    return Decisions(review(seven_hunks(), h5=gated), draft)


@given(st.lists(ACTS, max_size=20))
def test_undo_takes_back_exactly_and_redo_does_it_again(acts: list[tuple[str, int, str]]) -> None:
    decisions = fresh()
    drafts = [decisions.draft]
    for one in acts:
        if act(decisions, *one):
            drafts.append(decisions.draft)
    last = drafts[-1]
    for expected in reversed(drafts[:-1]):
        assert decisions.undo()
        assert decisions.draft == expected
    assert decisions.undo() is None
    assert decisions.counts()["open"] == 7
    while decisions.redo():
        pass
    assert decisions.draft == last


@given(st.lists(ACTS, max_size=20))
def test_counts_and_a_kept_draft_say_the_same(acts: list[tuple[str, int, str]]) -> None:
    decisions = fresh()
    for one in acts:
        act(decisions, *one)
    states = [decisions.state(number) for number in decisions.hunks]
    assert decisions.counts() == {word: states.count(word) for word in STATES}
    again = fresh(decisions.draft)
    assert again.draft == decisions.draft
    assert again.counts() == decisions.counts()


@given(st.lists(ACTS, max_size=20))
def test_the_rest_has_neither_hard_gates_nor_what_was_said_something_about(
    acts: list[tuple[str, int, str]],
) -> None:
    decisions = fresh()
    for one in acts:
        act(decisions, *one)
    together, alone = decisions.rest(decisions.hunks, moved=["src/keys.py"])
    assert 5 not in together and 3 not in together
    assert all(decisions.state(number) == "open" for number in together)
    assert all(decisions.state(number) in ("open", "commented") for number in alone)
    decided = {n for n in decisions.hunks if decisions.state(n) in ("accepted", "rejected", "edited")}
    assert {*together, *alone} | decided == set(range(1, 8))


@given(st.lists(ACTS, min_size=1, max_size=12))
def test_a_refused_decision_never_happened(acts: list[tuple[str, int, str]]) -> None:
    decisions = fresh()
    for one in acts[:-1]:
        act(decisions, *one)
    before = decisions.draft
    if act(decisions, *acts[-1]):
        change = decisions.undo()
        assert change is not None
        decisions.redo()
        assert decisions.revert([change.path]) == change
        assert decisions.draft == before
        assert decisions.redo() is None


def test_a_refusal_undoes_its_file_alone() -> None:
    decisions = fresh()
    for number in (1, 3, 4):
        decisions.decide(HunkDecision(hunk=number, verdict="accept"))
    change = decisions.revert(["src/claims.py"])
    assert change is not None and change.hunk == 1
    assert [decisions.state(number) for number in (1, 3, 4)] == ["open", "accepted", "accepted"]
    assert decisions.undo() is not None and decisions.state(4) == "open"


def test_the_next_open_hunk_goes_round_once() -> None:
    decisions = fresh()
    assert decisions.next_open(7) == 1
    assert decisions.next_open(1, -1) == 7
    for number in (1, 2, 4, 5, 6, 7):
        decisions.decide(HunkDecision(hunk=number, verdict="accept"))
    assert decisions.next_open(7) == 3
    assert decisions.next_open(3) == 3
    decisions.decide(HunkDecision(hunk=3, verdict="reject"))
    assert decisions.next_open(3) == 0


def test_a_draft_of_another_review_is_not_taken() -> None:
    stale = ReviewDraft(
        approval="a1", shown_hash="0" * 64, decisions=[HunkDecision(hunk=1, verdict="accept")]
    )
    assert fresh(stale).counts()["open"] == 7


def test_what_is_sent_names_every_decision_and_leaves_the_others_open() -> None:
    decisions = fresh()
    decisions.decide(HunkDecision(hunk=1, verdict="accept"))
    decisions.decide(HunkDecision(hunk=2, verdict="reject", reason="no"))
    decisions.comment(3, 4, "why?")
    parts = decisions.parts()
    assert [(one.hunk, one.verdict) for one in parts.hunks] == [
        (1, "accept"),
        (2, "reject"),
        (3, "comment"),
    ]
    assert parts.comments == [LineComment(hunk=3, line=4, text="why?")]
    assert parts.left_open == [4, 5, 6, 7]
    assert parts.verdict == "approve"
    for number in range(1, 8):
        decisions.decide(HunkDecision(hunk=number, verdict="reject"))
    assert decisions.parts().verdict == "reject"


def hunk_of(old: str, new: str) -> Hunk:
    return change_set(("a.py", old, new)).hunks[0]


def test_lines_left_out_keep_what_was_there() -> None:
    hunk = hunk_of("a\nb\nc\n", "a\nB\nc\nd\n")
    assert changed_numbers(hunk, 0, 99) == [1, 2, 3]
    assert changed_numbers(hunk, 1, 2) == [1, 2]
    assert without(hunk, [1, 2]) == ["a\n", "b\n", "c\n", "d\n"]
    assert without(hunk, [3]) == ["a\n", "B\n", "c\n"]
    assert without(hunk, []) == hunk.new_lines
    assert [line_number(hunk, at) for at in range(5)] == [1, 2, 2, 3, 4]


@given(st.text(alphabet="ab\x1b\u202e‹›1B\udce9 \t\r", max_size=12), st.booleans())
def test_an_editor_gives_untouched_lines_back_byte_for_byte(line: str, ended: bool) -> None:
    hunk = hunk_of("", f"{line}x\nkept{chr(10) if ended else ''}")
    text = editable(hunk)
    assert "\x1b" not in text and "\u202e" not in text
    assert edited(hunk, text) == hunk.new_lines
    assert edited(hunk, text.replace("kept", "typed"))[:-1] == hunk.new_lines[:-1]
    assert edited(hunk, "") == []


def test_whole_files_are_left_alone_by_lines() -> None:
    changes = seven_hunks()
    both = changes.but(files=[*changes.files, mode_change("run.sh", 8)])
    decisions = Decisions(review(both))
    decisions.comment(8, -1, "why executable?")
    assert decisions.state(8) == "commented"


def test_lines_that_end_with_a_carriage_return_are_typed_without_it() -> None:
    hunk = hunk_of("", "a\r\nb\r\n")
    assert editable(hunk) == "a\nb\n"
    assert edited(hunk, "a\nb\n") == hunk.new_lines
    assert edited(hunk, "a\nnew\nb\n") == ["a\r\n", "new\r\n", "b\r\n"]
    mixed = hunk_of("", "a\r\nb\n")
    assert editable(mixed) == "a‹0D›\nb\n"
    assert edited(mixed, editable(mixed)) == mixed.new_lines
