"""A conflict is decided place by place, and sent only whole and after a last look."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from autodev_tui.domain.approval import ApprovalKind, Decision, HunkDecision
from autodev_tui.domain.commands import Decide
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import ConflictAnswer, GetConflict, Refused
from autodev_tui.domain.review import ConflictHunk, ConflictView
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.ui.stage import Stage, drawn
from widgets.conflict_pane import ConflictPane
from widgets.conflict_rows import lines_of
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven, SheetOpened
from widgets.text_editor import TextEditor

QUESTION = shown.approval(
    ApprovalKind.MERGE,
    "T4 conflicts with what joined before it",
    {"branch": "autodev/s1/T4", "dependents": ["T6"], "places": 3},
    id="a9",
    task="T4",
    choices=["leave out", "agent"],
)
VIEW = ConflictView(
    approval="a9",
    shown_hash=QUESTION.shown_hash,
    task="T4",
    left_name="autodev/s1/session",
    right_name="autodev/s1/T4",
    hunks=[
        ConflictHunk(
            number=1,
            path="src/auth.py",
            start=41,
            before=["def login(user):\n"],
            base=["    return issue(user)\n"],
            left=["    return issue(user, now())\n"],
            right=["    log(user)\n", "    return issue(user)\n"],
            proposal=["    log(user)\n", "    return issue(user, now())\n"],
            why="each side changed other lines",
        ),
        ConflictHunk(
            number=2, path="src/views.py", start=80, base=["x = 1\n"], left=["x = 2"], right=["x = 3\n"]
        ),
    ],
    whole_files=["logo.png"],
)


class Merging:
    """The pane on a stage that answers with VIEW."""

    def __init__(self, answer: Any = None) -> None:
        self.mirror = Mirror()
        self.mirror.apply(shown.update(approvals=[QUESTION]))
        self.pane = ConflictPane(now=lambda: shown.NOW)
        self.stage = Stage(self.pane, {GetConflict: answer or ConflictAnswer(conflict=VIEW)})

    def running(self, height: int = 17) -> Any:
        return self.stage.run_test(size=(80, height))

    async def begin(self, pilot: Pilot[None], *keys: str) -> None:
        self.pane.show(self.mirror)
        await pilot.pause()
        await self.press(pilot, *keys)

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    @property
    def decisions(self) -> list[Decision]:
        given = [one.command for one in self.stage.heard(CommandGiven)]
        return [command.decision for command in given if isinstance(command, Decide)]


async def test_all_three_sides_and_the_proposal_are_shown():
    merging = Merging()
    async with merging.running(height=30) as pilot:
        await merging.begin(pilot)
        rows = drawn(merging.stage)
        assert rows[0] == "━ Conflict  T4 Docs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 0 of 3 decided ━"
        text = "\n".join(rows)
        for words in (
            "@@ src/auth.py  line 41",
            "    <     return issue(user, now())",
            "    >     log(user)",
            "    =     log(user)",
            "each side changed other lines",
            "x = 2  no line end",
            "it is binary, or one side has deleted it",
        ):
            assert words in text


async def test_every_place_is_decided_and_sent_after_a_last_look():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "a", "enter")
        assert not merging.stage.heard(SheetOpened), "two places are open"
        assert merging.stage.heard(LinePane.Ignored)[-1].words == "2 of 3 still open"
        await merging.press(pilot, "b", "greater_than_sign", "enter")
        (sheet,) = merging.stage.heard(SheetOpened)
        assert not merging.decisions
        sheet.confirmed()
        await pilot.pause()
        (decision,) = merging.decisions
        assert (decision.verdict, decision.shown_hash) == ("approve", QUESTION.shown_hash)
        assert decision.hunks == [
            HunkDecision(hunk=1, verdict="edit", new_lines=VIEW.hunks[0].proposal),
            HunkDecision(hunk=2, verdict="edit", new_lines=["x = 2\n", "x = 3\n"]),
            HunkDecision(hunk=3, verdict="accept"),
        ]


async def test_four_keys_take_a_proposal_that_passes_the_checks():
    one = VIEW.but(hunks=VIEW.hunks[:1], whole_files=[], proposal={"verdict": "pass", "ran": ["pytest"]})
    merging = Merging(ConflictAnswer(conflict=one))
    async with merging.running() as pilot:
        await merging.begin(pilot)
        assert "✓ all proposals together pass the checks" in drawn(merging.stage)[1]
        await merging.press(pilot, "a", "enter")
        merging.stage.heard(SheetOpened)[0].confirmed()
        await pilot.pause()
        assert merging.decisions[0].hunks[0].new_lines == one.hunks[0].proposal


async def test_what_was_chosen_is_taken_back_and_chosen_again():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "a", "less_than_sign", "u")
        assert set(merging.pane.chosen) == {1}
        await merging.press(pilot, "u", "U", "U")
        assert merging.pane.chosen[2].lines == ["x = 2"]


async def test_keys_that_have_no_use_in_a_place_do_nothing():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "n", "a", "n", "b", "a", "e")
        assert not merging.pane.chosen and not merging.pane.typing
        assert not merging.pane.check_action("edit", ()) and merging.pane.check_action("left", ())


async def test_lines_of_ones_own_are_kept_by_ctrl_o_and_left_as_a_draft_by_escape():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "e", "tab")
        editor = merging.pane.query_one(TextEditor)
        assert editor.text.startswith("    "), "tab indents"
        editor.load_text("    mine(user)‹U+2028›‹0D›\n")
        await merging.press(pilot, "escape")
        assert not merging.pane.chosen and merging.pane.has_focus
        await merging.press(pilot, "e")
        assert merging.pane.query_one(TextEditor).text == "    mine(user)‹U+2028›‹0D›\n"
        await merging.press(pilot, "ctrl+o")
        assert merging.pane.chosen[1].lines == ["    mine(user)\u2028\r\n"]


async def test_what_was_chosen_outlives_a_restart_but_not_another_conflict():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "a", "less_than_sign")
        state = merging.pane.state()
    again = Merging()
    async with again.running() as pilot:
        again.pane.restore(state)
        await again.begin(pilot)
        assert again.pane.chosen == merging.pane.chosen
        other = VIEW.but(shown_hash="e" * 64)
        again.stage.answers[GetConflict] = ConflictAnswer(conflict=other)
        again.mirror.apply(Update(approvals=[QUESTION.but(shown_hash="e" * 64)]))
        again.pane.show(again.mirror)
        await pilot.pause()
        assert not again.pane.chosen


async def test_back_to_the_agent_with_words():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "r", *"both", "enter")
        decision = merging.decisions[0]
        assert (decision.verdict, decision.choice, decision.reason) == ("choose", "agent", "both")


async def test_leaving_a_task_out_says_what_else_falls():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "d")
        assert not merging.decisions
        (sheet,) = merging.stage.heard(SheetOpened)
        assert sheet.danger and any("T6" in row for row in sheet.rows)
        sheet.confirmed()
        await pilot.pause()
        assert merging.decisions[0].choice == "leave out"


async def test_keys_that_look_or_leave_decide_nothing():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, *["escape"] * 20, "y", "n", "space", "j", "k", "f", "h", "l", "enter")
        assert not merging.stage.heard(CommandGiven) and not merging.stage.heard(SheetOpened)


async def test_a_conflict_that_cannot_be_shown_says_why():
    merging = Merging(Refused(reason="a9 is no conflict any more"))
    async with merging.running() as pilot:
        await merging.begin(pilot, "a", "e", "enter", "greater_than_sign")
        assert "a9 is no conflict any more" in drawn(merging.stage)[0]
        assert not merging.stage.heard(CommandGiven)


def test_both_sides_never_run_together_in_one_line():
    assert lines_of(VIEW.hunks[1], "both") == ["x = 2\n", "x = 3\n"]


async def test_what_was_chosen_is_never_sent_for_another_conflict_than_the_one_that_is_shown():
    merging = Merging()
    async with merging.running() as pilot:
        await merging.begin(pilot, "a", "b", "greater_than_sign")
        merging.stage.answers[GetConflict] = Refused(reason="not there yet")
        merging.mirror.apply(Update(approvals=[QUESTION.but(shown_hash="f" * 64)]))
        merging.pane.show(merging.mirror)
        await merging.press(pilot, "enter", "r", "d")
        assert not merging.stage.heard(SheetOpened) and not merging.pane.typing
