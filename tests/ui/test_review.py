"""The review pane from the keyboard, in a small app that carries out nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from autodev_tui.domain.approval import Approval, ApprovalKind, HunkDecision
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.evidence import CheckKind, Evidence
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.review import FileText, HunkInfo, LineComment, ReviewDraft, ReviewView
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.step import Step, StepKind
from tests.fakes.changes import change_set, file_change, mode_change, review, seven_hunks
from tests.fakes.review_app import ReviewApp
from widgets.review_inputs import WITHOUT

EVIL = "src/\u202eevil\x1b[31m[/b].py"
GATED = HunkInfo(number=5, badges=["asserts −1"], hard_gates=["asserts −1"])


class Desk:
    """The app, the keyboard, and time that passes between keys."""

    def __init__(self, app: ReviewApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.host = app.host
        self.pane = app.pane

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
            self.app.settle()

    async def type(self, text: str) -> None:
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))

    def state(self, hunk: int) -> str:
        assert self.pane.decisions is not None
        return self.pane.decisions.state(hunk)

    def row_of(self, text: str) -> int:
        return next(at for at, row in enumerate(self.app.text().split("\n")) if text in row)


@asynccontextmanager
async def opened(
    view: ReviewView | None = None, draft: ReviewDraft | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Desk]:
    app = ReviewApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.open_review(view or review(seven_hunks()), draft)
        app.pane.focus()
        await pilot.pause()
        app.settle()
        yield Desk(app, pilot)


@pytest.fixture(autouse=True)
def no_colour_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "COLORTERM", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    yield


OLD = """\
def issue(user: User, scopes: Scopes = ()) -> str:
    return jwt.encode({"sub": user.id}, KEY)
"""
NEW = """\
def issue(user: User, scopes: Scopes = ()) -> str:
    now = clock.now()
    claims = {"sub": user.id, "exp": now + TTL}
    return jwt.encode(claims, key_for(now))
"""


async def test_it_looks_as_it_was_drawn() -> None:
    above = "".join(f"# {number}\n" for number in range(1, 40))
    file = file_change("src/tokens.py", above + OLD, above + NEW, headers={0: "def issue"})
    changes = ChangeSet(base="0" * 40, proposed="1f3c9e2" + "0" * 33, files=[file])
    passed = [
        Evidence(check=name, kind=CheckKind.BEHAVIOUR, command=name, tree="t", result="passed")
        for name in ("pytest", "ruff")
    ]
    view = review(changes, h1=HunkInfo(number=1, badges=["public signature"])).but(evidence=passed)
    async with opened(view) as desk:
        await desk.press("j")
        rows = desk.app.text().split("\n")
        assert rows[:3] == [
            "━ 3 Review T2 token model ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 1 open ━",
            " src/tokens.py  +3 −1   file 1 of 1           ✓ verified @1f3c9e2  pytest, ruff",
            "   ··· 37 lines",
        ]
        assert rows[3] == "▌@@ def issue                                   ! public signature   ○ open 1/1"
        assert rows[7:10] == [
            '▌  41      −     return jwt.encode({"sub": user.id}, KEY)',
            "▌       41›+     now = clock.now()",
            '▌       42 +     claims = {"sub": user.id, "exp": now + TTL}',
        ]


# -- deciding


async def test_all_hunks_are_accepted_and_sent_in_two_keys() -> None:
    async with opened() as desk:
        await desk.press("enter", "a")
        (decision,) = desk.host.sent
        assert [(one.hunk, one.verdict) for one in decision.hunks] == [(n, "accept") for n in range(1, 8)]
        assert (decision.verdict, decision.rest) == ("approve", "open")
        assert decision.shown_hash == "f" * 64


async def test_the_rest_leaves_out_a_hard_gate_and_says_so() -> None:
    async with opened(review(seven_hunks(), h5=GATED)) as desk:
        await desk.press("enter")
        assert "hunk 5 stays open, decided one by one" in desk.app.text()
        await desk.press("a")
        (decision,) = desk.host.sent
        assert [one.hunk for one in decision.hunks] == [1, 2, 3, 4, 6, 7]
        assert desk.host.words[-1] == "hunk 5 stays open, decided one by one"


async def test_accept_goes_to_the_next_open_hunk_undo_comes_back_and_redo_does_it_again() -> None:
    async with opened() as desk:
        await desk.press("n", "a")
        assert (desk.state(2), desk.pane.hunk) == ("accepted", 3)
        assert desk.host.words[-1] == "accepted 2/7 · u undo"
        await desk.press("u")
        assert (desk.state(2), desk.pane.hunk) == ("open", 2)
        await desk.press("U")
        assert (desk.state(2), desk.pane.hunk) == ("accepted", 3)
        assert desk.host.draft is not None and [one.hunk for one in desk.host.draft.decisions] == [2]


async def test_with_nothing_to_undo_the_screen_takes_back_what_was_sent() -> None:
    async with opened() as desk:
        await desk.press("u")
        assert desk.host.undone == 1


async def test_a_decision_from_before_a_restart_is_undone_where_it_stands() -> None:
    view = review(seven_hunks())
    kept = [HunkDecision(hunk=1, verdict="accept"), HunkDecision(hunk=2, verdict="reject")]
    draft = ReviewDraft(approval=view.approval, shown_hash=view.shown_hash, decisions=kept)
    async with opened(view, draft) as desk:
        await desk.press("p", "u")
        assert (desk.state(1), desk.state(2)) == ("accepted", "open")
        await desk.press("u")
        assert (desk.state(2), desk.host.undone) == ("open", 1)
        await desk.press("U")
        assert desk.state(2) == "rejected"


async def test_the_rest_of_the_file_is_one_act() -> None:
    async with opened(review(seven_hunks(), h5=GATED)) as desk:
        await desk.press("J", "J", "A")
        assert [desk.state(number) for number in (4, 5, 6, 7)] == ["accepted", "open", "accepted", "accepted"]
        assert "1 left to be decided alone" in desk.host.words[-1]
        await desk.press("u")
        assert {desk.state(number) for number in range(1, 8)} == {"open"}
        await desk.press("R")
        await desk.type("no")
        await desk.press("enter")
        assert [desk.state(number) for number in (4, 5, 6)] == ["rejected", "open", "rejected"]


async def test_an_empty_reason_is_asked_for_once() -> None:
    async with opened() as desk:
        await desk.press("r", "enter")
        assert (desk.state(1), desk.host.words[-1]) == ("open", WITHOUT)
        await desk.press("enter")
        assert (desk.state(1), desk.pane.hunk) == ("rejected", 2)


async def test_a_reason_is_typed_below_its_hunk_and_stays_there() -> None:
    async with opened() as desk:
        await desk.press("r")
        await desk.type("a b: [x]")
        assert desk.state(1) == "open"
        await desk.press("enter")
        assert desk.state(1) == "rejected"
        assert desk.row_of('" you: a b: [x]') > desk.row_of("✗ rejected 1/7")
        assert desk.row_of('" you: a b') < desk.row_of("open 2/7") if "2/7" in desk.app.text() else True
        await desk.press("enter")
        assert "a b: [x]" in desk.app.text()


async def test_earlier_reasons_come_back() -> None:
    async with opened() as desk:
        await desk.press("r")
        await desk.type("again")
        await desk.press("enter", "r", "up", "enter")
        assert desk.pane.decisions is not None
        reasons = [desk.pane.decisions.draft.decisions[at].reason for at in (0, 1)]
        assert reasons == ["again", "again"]


async def test_escape_keeps_half_typed_words_as_a_draft() -> None:
    async with opened() as desk:
        await desk.press("r")
        await desk.type("so")
        await desk.press("escape")
        assert desk.state(1) == "open"
        draft = desk.host.draft
        assert draft is not None and draft.texts == {"reject:1": "so"}
        assert "so" in desk.app.text() and "draft" in desk.app.text()
        await desk.press(*["escape"] * 5)
        assert {desk.state(number) for number in range(1, 8)} == {"open"}
    async with opened(draft=draft) as desk:
        await desk.press("r", "enter")
        assert desk.pane.decisions is not None
        assert desk.pane.decisions.draft.decisions[0].reason == "so"


async def test_a_comment_stands_below_its_line_and_is_sent_with_it() -> None:
    async with opened() as desk:
        await desk.press("j", "c")
        await desk.type("why [b]?")
        await desk.press("enter")
        assert desk.state(1) == "commented"
        at = desk.row_of("+ changed 5")
        assert desk.app.text().split("\n")[at + 1] == '▌    " you, line 5: why [b]?'
        await desk.press("enter")
        assert "> 5 +changed 5" in desk.app.text()
        await desk.press("a")
        (decision,) = desk.host.sent
        assert decision.comments == [LineComment(hunk=1, line=4, text="why [b]?")]
        assert decision.hunks[0].verdict == "comment"


async def test_an_edit_that_is_left_is_a_draft_and_one_that_is_kept_is_a_decision() -> None:
    async with opened() as desk:
        await desk.press("e")
        await desk.type("more ")
        await desk.press("escape")
        assert desk.state(1) == "open"
        draft = desk.host.draft
        assert draft is not None and draft.texts["edit:1"].startswith("more line 2")
    async with opened(draft=draft) as desk:
        await desk.press("e", "ctrl+o")
        assert (desk.state(1), desk.pane.hunk) == ("edited", 2)
        assert desk.host.draft is not None
        (decision,) = desk.host.draft.decisions
        hunk = desk.pane.view.changes.hunks[0] if desk.pane.view else None
        assert hunk is not None
        assert decision.new_lines == ["more line 2\n", *hunk.new_lines[1:]]
        assert "edited by you:" in desk.app.text()


async def test_an_edit_that_changes_nothing_accepts() -> None:
    async with opened() as desk:
        await desk.press("e", "f2")
        assert desk.state(1) == "accepted"


async def test_chosen_lines_alone_are_taken_or_left_out() -> None:
    async with opened() as desk:
        await desk.press("j", "v", "a")
        await desk.press("v", "r")
        await desk.type("no")
        await desk.press("enter")
        assert desk.pane.decisions is not None
        taken, left = desk.pane.decisions.draft.decisions
        assert (taken.hunk, taken.verdict, taken.lines) == (1, "accept", [2])
        assert (left.hunk, left.verdict, left.reason) == (2, "edit", "no")
        assert (
            left.new_lines is not None and "line 40\n" in left.new_lines and "changed 40\n" in left.new_lines
        )


async def test_a_range_says_that_it_began_and_that_it_ended() -> None:
    async with opened() as desk:
        await desk.press("j", "v")
        assert desk.host.words[-1] == "range from here: j k to its end, then a r c · v ends it"
        await desk.press("j", "v")
        assert desk.host.words[-1] == "no range any more"


# -- what must not happen


async def test_a_burst_over_a_pane_that_just_appeared_decides_nothing() -> None:
    async with opened() as desk:
        desk.pane.open_review(review(seven_hunks()))
        await desk.pilot.pause()
        await desk.pilot.press(*"aaaaaArRaaaa")
        assert {desk.state(number) for number in range(1, 8)} == {"open"}
        assert desk.host.draft is None
        assert "look first" in desk.host.ignored[-1]
        desk.app.settle()
        await desk.press("a")
        assert desk.state(1) == "accepted"


async def test_a_hunk_that_was_never_drawn_is_not_decided() -> None:
    async with opened() as desk:
        last = desk.pane.row_count() - 1
        desk.pane.set_reactive(type(desk.pane).cursor, last - 1)
        desk.pane.action_accept()
        await desk.pilot.pause()
        assert desk.state(7) == "open"
        assert "not shown yet" in desk.host.ignored[-1]


async def test_a_held_key_stops_at_what_nobody_saw_yet() -> None:
    async with opened() as desk:
        await desk.pilot.press(*"aaaaaaaaaaaa")
        decided = [number for number in range(1, 8) if desk.state(number) == "accepted"]
        assert decided == [1, 2]
        desk.app.settle()
        await desk.press("a")
        assert desk.state(3) == "accepted"


async def test_a_double_enter_sends_nothing() -> None:
    async with opened() as desk:
        await desk.press("a")
        await desk.pilot.press("enter", "enter", "enter")
        assert desk.host.sent == []
        await desk.press("escape")
        assert desk.pane.has_focus


async def test_enter_without_a_decision_sends_nothing() -> None:
    async with opened() as desk:
        await desk.press("enter", "enter")
        assert desk.host.sent == []
        assert "nothing is decided yet" in desk.host.ignored[-1]


async def test_a_file_that_moved_is_marked_and_its_decision_never_happened() -> None:
    async with opened() as desk:
        desk.host.refuse["src/claims.py"] = "src/claims.py changed since it was shown"
        before = desk.pane.decisions.draft if desk.pane.decisions else None
        await desk.press("a")
        assert desk.pane.decisions is not None and desk.pane.decisions.draft == before
        assert desk.pane.hunk == 1
        assert "≠ moved under you, look again 1/7" in desk.app.text()
        assert [one.path for one in desk.host.commands if hasattr(one, "path")] == [""]
        await desk.press("3", "J", "a")
        assert desk.state(3) == "accepted"


# -- moving and looking


async def test_every_hunk_line_and_file_is_reached() -> None:
    async with opened() as desk:
        seen = [desk.pane.hunk]
        for _ in range(6):
            await desk.press("n")
            seen.append(desk.pane.hunk)
        assert seen == [1, 2, 3, 4, 5, 6, 7]
        await desk.press("p", "h", "K")
        assert desk.pane.hunk == 3
        await desk.press("g")
        lines = set()
        for _ in range(90):
            row = desk.pane.here
            assert row is not None
            lines.add((row.hunk, row.index))
            desk.pane.action_move(1)
        wanted = {(h.number, at) for h in seven_hunks().hunks for at in range(len(h.diff))}
        assert wanted <= lines


async def test_the_next_open_hunk_skips_what_is_decided() -> None:
    async with opened() as desk:
        await desk.press("n", "a", "p", "p", "full_stop")
        assert desk.pane.hunk == 3
        await desk.press("comma")
        assert desk.pane.hunk == 1


async def test_hits_are_stepped_through_until_escape() -> None:
    async with opened() as desk:
        await desk.press("slash")
        await desk.type("changed")
        await desk.press("enter")
        first = desk.pane.cursor
        assert len(desk.pane.hits) == 7
        await desk.press("n")
        assert desk.pane.cursor > first and desk.pane.hunk == 2
        await desk.press("N")
        assert desk.pane.cursor == first
        desk.pane.end_find()
        await desk.press("n", "p")
        assert desk.pane.hunk == 1


async def test_hidden_lines_open_under_the_cursor_and_close() -> None:
    async with opened() as desk:
        numbered = "".join(f"line {number}\n" for number in range(1, 81))
        desk.host.texts["src/claims.py"] = FileText(path="src/claims.py", old=numbered, new=numbered)
        desk.pane.cursor = 1
        assert "··· 1 line" in desk.app.text()
        before = desk.pane.row_count()
        await desk.press("j", "k", "space")
        await desk.pilot.pause()
        assert desk.pane.row_count() == before
        assert "▌   1    1›  line 1" in desk.app.text()
        await desk.press("space")
        assert "··· 1 line" in desk.app.text()


async def test_wrapping_shows_all_of_a_long_line() -> None:
    long = "start " + "x" * 150 + " end"
    async with opened(review(change_set(("a.py", "a\n", f"{long}\n")))) as desk:
        assert "…" in desk.app.text() and " end" not in desk.app.text()
        await desk.press("L", "L", "L", "L", "L", "L")
        assert " end" in desk.app.text()
        await desk.press("W")
        shown = desk.app.text().replace("\n", "").replace("▌", "").replace(" ", "")
        assert long.replace(" ", "") in shown
        row = desk.pane.here
        await desk.press("W")
        assert desk.pane.here == row


async def test_only_what_is_badged_is_shown_on_request() -> None:
    async with opened(review(seven_hunks(), h5=GATED)) as desk:
        await desk.press("ampersand", "ampersand")
        assert desk.pane.hunk == 5
        assert "only badged" in desk.app.text()
        assert "open 4/7" not in desk.app.text()
        await desk.press("ampersand")
        assert "only" not in desk.app.text().split("\n")[0]


async def test_files_are_listed_and_gone_to() -> None:
    async with opened() as desk:
        await desk.press("f")
        assert "src/keys.py  +1 −1" in desk.app.text()
        await desk.press("j", "enter")
        assert (desk.pane.hunk, desk.pane.has_focus) == (3, True)


async def test_the_hunk_is_copied_as_a_patch() -> None:
    async with opened() as desk:
        await desk.press("n", "y")
        assert desk.host.copied[0].startswith(
            "--- a/src/claims.py\n+++ b/src/claims.py\n@@ -37,7 +37,7 @@\n line 37"
        )
        assert "-line 40\n+changed 40\n" in desk.host.copied[0]


async def test_criteria_are_ticked_or_not_met_with_a_reason() -> None:
    async with opened(review(seven_hunks()).but(criteria=["expires after 1 h", "rotates"])) as desk:
        await desk.press("C", "a", "j", "r")
        await desk.type("no")
        await desk.press("enter")
        assert "✗ rotates" in desk.app.text() and "✓ expires after 1 h" in desk.app.text()
        await desk.press("escape", "enter", "a")
        (decision,) = desk.host.sent
        assert (decision.ticked, decision.unmet) == (["expires after 1 h"], {"rotates": "no"})


async def test_a_change_is_also_only_looked_at() -> None:
    async with opened() as desk:
        desk.pane.show_changes(seven_hunks(), "the whole change")
        await desk.pilot.pause()
        desk.app.settle()
        await desk.press("n", "a", "r", "enter", "e", "c")
        assert desk.host.commands == []
        text = desk.app.text()
        assert "the whole change" in text and "2/7" in text and "open" not in text


async def test_nothing_to_review_says_what_will_be_here() -> None:
    async with opened() as desk:
        desk.pane.show_nothing()
        await desk.press("a", "enter", "n", "J", "f", "space", "y")
        assert "Nothing to review." in desk.app.text()


async def test_hostile_text_is_shown_and_does_nothing() -> None:
    bad = "print('\u202e[/b]\x1b[2J')\n"
    changes = change_set((EVIL, "a\n", f"a\n{bad}"))
    evil = HunkInfo(number=1, badges=["\x1b[7m[/b]"], rejected_before="\u202eno [/b]")
    async with opened(review(changes, h1=evil)) as desk:
        text = desk.app.text()
        assert "‹U+202E›evil‹1B›[31m[/b].py" in text
        assert "print('‹U+202E›[/b]‹1B›[2J')" in text
        assert "came back after a reject: ‹U+202E›no [/b]" in text
        assert "\x1b" not in text and "\u202e" not in text
        await desk.press("e")
        assert "print('‹U+202E›[/b]‹1B›[2J')" in desk.app.text()
        await desk.press("ctrl+o")
        assert desk.state(1) == "accepted"
        await desk.press("y", "enter")
        assert "\x1b" not in desk.host.copied[0] and "\x1b" not in desk.app.text()


async def test_another_size_keeps_the_line_and_the_decisions() -> None:
    async with opened(size=(120, 36)) as desk:
        await desk.press("a", "n", "n", "j")
        here, top = desk.pane.here, desk.pane.scroll_y
        await desk.pilot.resize_terminal(80, 24)
        await desk.pilot.pause()
        assert (desk.pane.here, desk.pane.scroll_y) == (here, top)
        await desk.press("a")
        assert desk.state(4) == "open" and "look first" in desk.host.ignored[-1]
        assert "▌        3›+ changed 3" in desk.app.text()
        await desk.press("a")
        assert desk.state(4) == "accepted"
        desk.pane.scroll_to(y=top, animate=False, force=True)
        await desk.pilot.resize_terminal(120, 36)
        await desk.pilot.pause()
        assert (desk.state(1), desk.pane.scroll_y) == ("accepted", top)


async def test_a_restart_comes_back_to_the_same_line() -> None:
    async with opened() as desk:
        await desk.press("n", "n", "n", "j")
        state, here = desk.pane.state(), desk.pane.here
        top = desk.app.text().split("\n")[1:8]
    async with opened() as desk:
        desk.pane.restore(state)
        await desk.pilot.pause()
        assert desk.pane.here == here
        assert desk.app.text().split("\n")[1:8] == top


async def test_a_long_title_gives_way_to_the_counts() -> None:
    view = review(seven_hunks()).but(title="Make every token expire and every key rotate")
    async with opened(view, size=(60, 20)) as desk:
        await desk.press("a", "r", "x", "enter")
        title = desk.app.text().split("\n")[0]
        assert title.startswith("━ 3 Review T2 make ") and "…" in title
        assert title.endswith("1 accepted  1 rejected  5 open ━") and len(title) == 60


async def test_a_mouse_selection_copies_what_is_under_it() -> None:
    async with opened() as desk:
        selected = desk.pane.get_selection(Selection(Offset(13, 4), Offset(19, 6)))
        assert selected is not None
        assert selected[0].split("\n")[0] == "line 3"
        assert selected[0].split("\n")[2].endswith("− line 5")


async def test_ascii_glyphs_leave_no_other_in_our_own_text() -> None:
    changes = seven_hunks()
    both = changes.but(files=[*changes.files, mode_change("run.sh", 8)])
    async with opened(review(both, h4=HunkInfo(number=4, badges=["odd"])), size=(100, 40)) as desk:
        plain = desk.app.text().split("\n")
        desk.app.ascii_glyphs = True
        await desk.press("g", "j", "a", "r", "x", "enter", "c", "y", "enter", "e", "z", "ctrl+o")
        for keys in (["G"], ["enter"], ["escape", "f"]):
            await desk.press(*keys)
            assert desk.app.text().isascii()
        assert not "".join(plain).isascii()


async def test_every_state_is_told_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    changes = seven_hunks()
    async with opened(
        review(changes.but(files=[*changes.files, mode_change("run.sh", 8)])), size=(100, 60)
    ) as desk:
        await desk.press("a", "r", "x", "enter", "c", "y", "enter", "g")
        text = desk.app.text()
        for words in ("✓ accepted 1/8", "✗ rejected 2/8", '" commented 3/8', "○ open 4/8"):
            assert words in text
        assert text.startswith("━")


# -- between the pane and the engine


def known(
    view: ReviewView, state: ApprovalState = ApprovalState.PENDING, draft: ReviewDraft | None = None
) -> Mirror:
    mirror = Mirror()
    approval = Approval(
        id=view.approval,
        session="s",
        task=view.task,
        kind=ApprovalKind.CHANGES,
        title=view.title,
        ask={},
        shown_hash=view.shown_hash,
        state=state,
        created=1.0,
    )
    mirror.approvals[approval.id] = approval
    if draft:
        mirror.drafts[view.approval] = draft
    return mirror


async def test_it_fetches_what_waits_with_its_draft_and_ends_with_it() -> None:
    view = review(seven_hunks())
    draft = ReviewDraft(
        approval=view.approval,
        shown_hash=view.shown_hash,
        decisions=[HunkDecision(hunk=1, verdict="accept")],
    )
    async with opened() as desk:
        desk.pane.show_nothing()
        desk.host.reviews[view.approval] = view
        desk.pane.show(known(view, draft=draft))
        await desk.pilot.pause()
        assert (desk.state(1), desk.pane.hunk) == ("accepted", 2)
        await desk.press("n", "n")
        desk.pane.show(known(view, draft=draft))
        assert desk.pane.hunk == 4, "its own draft coming back changes nothing"
        desk.pane.show(known(view, ApprovalState.APPROVED))
        await desk.pilot.pause()
        assert "Nothing to review." in desk.app.text()


async def test_what_was_sent_and_taken_back_is_there_again() -> None:
    view = review(seven_hunks())
    async with opened(view) as desk:
        desk.host.reviews[view.approval] = view
        desk.pane.show(known(view))
        await desk.press("a", "enter", "enter")
        assert len(desk.host.sent) == 1
        desk.pane.show(known(view, ApprovalState.APPROVED))
        await desk.press("u")
        assert desk.host.undone == 1
        desk.pane.show(known(view))
        await desk.pilot.pause()
        assert desk.state(1) == "accepted"
        assert desk.host.draft is not None and desk.host.draft.decisions[0].hunk == 1


async def test_a_review_that_cannot_be_had_is_asked_for_once() -> None:
    view = review(seven_hunks()).but(approval="a2")
    async with opened() as desk:
        for _ in range(3):
            desk.pane.show(known(view))
            await desk.pilot.pause()
        assert (desk.host.reviews_asked, desk.host.words[-1]) == (1, "✗ gone")
        desk.host.reviews["a2"] = view
        desk.pane.stand_at(approval="a2")
        await desk.pilot.pause()
        assert desk.pane.view == view


async def test_a_burst_at_the_next_review_decides_nothing() -> None:
    first, second = review(seven_hunks()), review(seven_hunks()).but(approval="a2")
    async with opened(first) as desk:
        desk.host.reviews["a2"] = second
        mirror = known(second)
        desk.pane.show(mirror)
        await desk.pilot.pause()
        assert desk.pane.view == second
        await desk.pilot.press(*"aaaa")
        assert {desk.state(number) for number in range(1, 8)} == {"open"}


async def test_a_review_whose_files_moved_says_where() -> None:
    view = review(seven_hunks())
    async with opened(view) as desk:
        await desk.press("a")
        desk.host.reviews[view.approval] = view.but(moved=["src/keys.py"])
        mirror = known(view)
        mirror.moved.add(view.approval)
        for _ in range(3):
            desk.pane.show(mirror)
            await desk.pilot.pause()
        assert desk.host.reviews_asked == 1
        await desk.press("enter")
        assert "≠ 3 src/keys.py" in desk.app.text()
        assert desk.state(1) == "accepted"


async def test_words_that_are_typed_when_another_review_comes_are_not_lost() -> None:
    async with opened() as desk:
        await desk.press("r")
        await desk.type("so")
        desk.pane.open_review(review(seven_hunks()).but(approval="a2"))
        await desk.pilot.pause()
        desk.app.settle()
        await desk.press("r", "up", "enter")
        assert desk.pane.decisions is not None
        assert desk.pane.decisions.draft.decisions[0].reason == "so"


async def test_the_step_that_wrote_a_line_is_gone_to() -> None:
    view = review(seven_hunks())
    async with opened(view) as desk:
        mirror = known(view)
        for number, text in enumerate(("changed 5", "else"), start=1):
            args = {"path": "src/claims.py", "old_text": "x", "new_text": text}
            step = Step(
                id=f"s/{number}", session="s", seq=number, task="T2", kind=StepKind.TOOL, name="edit_file",
                args=args, created=1.0,
            )  # fmt: skip
            mirror.steps.setdefault("T2", {})[step.id] = step
        desk.pane.show(mirror)
        await desk.press("j", "w")
        assert (desk.host.went[0].pane, desk.host.went[0].task, desk.host.went[0].step) == (
            "agents",
            "T2",
            "s/1",
        )
        await desk.press("o")
        assert (desk.host.outside[0].path, desk.host.outside[0].line) == ("src/claims.py", 5)


async def test_a_long_diff_is_searched_beside_the_typing() -> None:
    async with opened(review(change_set(("a.txt", "", "line\n" * 6000 + "needle\n")))) as desk:
        await desk.press("slash")
        await desk.type("needle")
        await desk.app.workers.wait_for_complete()
        await desk.pilot.pause()
        row = desk.pane.here
        assert row is not None and row.new == 6001
        assert "find: needle▏" in desk.app.text()
