"""The last decision and the sheet of levels."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.commands import Decide, Pin
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import GetLanding, RowsAnswer
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import Update
from autodev_tui.planning.autonomy import score
from tests.fakes import shown
from tests.ui.stage import Stage, drawn
from widgets.landing_pane import LandingPane
from widgets.level_sheet import LevelSheet
from widgets.line_pane import LinePane
from widgets.messages import Asked, CommandGiven, Said, WentTo
from widgets.text_editor import TextEditor

TREE = "c41d07e" + "0" * 33
OLD = "77ab2c1" + "0" * 33
MESSAGE = "feat: OAuth login with daily rotated keys\n\nTokens expire after one hour.\n"
FACTS = {
    "commits": 9,
    "files": 11,
    "added": 412,
    "removed": 96,
    "target_moved": False,
    "needed": 0.85,
    "reviewed": {"hunks": 37, "accepted": 31, "edited": 4, "rejected": 2},
    "dependencies": [{"path": "pyproject.toml", "text": "freezegun 1.5 added"}],
    "dirty": 2,
    "dirty_met": [],
}
CHECKS = [
    {"check": "pytest", "command": "pytest -q", "result": "passed", "text": "63 passed", "duration_s": 11.2},
    {"check": "ruff", "command": "ruff check src", "result": "failed", "text": "", "duration_s": 0.4},
]


def landing(**ask: Any) -> Approval:
    given = {
        "branch": "main",
        "old": OLD,
        "head": TREE,
        "tree": TREE,
        "mode": "ff",
        "paths": ["a.py"],
        "quality": {"verdict": "pass", "score": 0.91, "reasons": []},
        "message": MESSAGE,
        "hows": ["merge"],
        "hooks": [],
    }
    return shown.approval(ApprovalKind.LAND, "land c41d07e on main", {**given, **ask}, id="a7", risk="high")


REFUSAL = shown.approval(
    ApprovalKind.LAND,
    "landing on main was refused",
    {
        "branch": "main",
        "why": "src/auth.py is dirty in your checkout",
        "hooks": [{"name": "pre-commit", "output": "no [/b]"}],
    },
    id="a8",
    choices=["try again"],
)


class Landing:
    def __init__(self, *approvals: Approval, **changes: Any) -> None:
        self.time = 0.0
        self.mirror = Mirror()
        self.mirror.apply(shown.update(approvals=list(approvals), **changes))
        self.pane = LandingPane(clock=lambda: self.time, now=lambda: shown.NOW)
        self.stage = Stage(self.pane, {GetLanding: RowsAnswer(rows=CHECKS, facts=FACTS)})

    def running(self, height: int = 18) -> Any:
        return self.stage.run_test(size=(80, height))

    async def begin(self, pilot: Pilot[None], *keys: str) -> None:
        self.pane.show(self.mirror)
        await pilot.pause()
        await self.press(pilot, *keys)

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            self.time += 1
            await pilot.press(key)
            await pilot.pause()

    @property
    def decisions(self) -> list[Decision]:
        given = [one.command for one in self.stage.heard(CommandGiven)]
        return [command.decision for command in given if isinstance(command, Decide)]


async def test_a_check_that_was_red_before_is_not_told_as_failing() -> None:
    land = Landing(landing())
    old = {"check": "lint", "command": "ruff check old", "result": "failed", "before": True}
    rows = [*CHECKS, {**old, "text": "2 failing: a.py: F401", "duration_s": 0.4}]
    land.stage.answers[GetLanding] = RowsAnswer(rows=rows, facts=FACTS)
    async with land.running() as pilot:
        await land.begin(pilot)
        shown = drawn(land.stage)
        assert "   ✗ red before too      ruff check old   2 failing: a.py: F401   0.4 s" in shown
        assert sum("✗ failing @" in row for row in shown) == 1


async def test_the_landing_as_drawn():
    land = Landing(landing())
    async with land.running() as pilot:
        await land.begin(pilot)
        rows = drawn(land.stage)
        assert rows[0] == "━ Land  Add OAuth login ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ ◐ the last decision ━"
        assert rows[1] == "   oauth-login   9 commits, 11 files, +412 −96      @c41d07e"
        assert rows[2] == "   main          not moved since you started        @77ab2c1"
        assert rows[5] == "   ✓ verified @c41d07e   pytest -q   63 passed   11.2 s"
        assert rows[6].startswith("   ✗ failing @c41d07e    ruff check src")
        assert rows[7] == "   ✓ quality  0.91       needed 0.85"
        assert rows[8] == "   ✓ reviewed            37 hunks: 31 accepted, 4 edited, 2 rejected"
        assert rows[9] == "   ! dependencies        pyproject.toml  freezegun 1.5 added"
        assert rows[10] == "   · your files          2 uncommitted, none of them touched by this"
        assert rows[12].startswith("─ message ──────")


async def test_it_lands_only_once_armed_and_read_to_its_end():
    land = Landing(landing())
    async with land.running(height=10) as pilot:
        await land.begin(pilot, "enter", "y", "n", "escape")
        assert not land.decisions and land.stage.heard(WentTo)[0].pane == "change"
        await land.press(pilot, "a")
        assert land.stage.heard(Said)[-1].words == "read to the end first · G"
        await land.press(pilot, "G")
        await pilot.press("a")
        assert not land.decisions, "half a second after the last key"
        await land.press(pilot, "a", "a")
        (decision,) = land.decisions
        assert (decision.verdict, decision.approval) == ("approve", "a7")


async def test_another_message_and_another_way_are_asked_for():
    land = Landing(landing())
    async with land.running() as pilot:
        await land.begin(pilot, "e")
        editor = land.pane.query_one(TextEditor)
        assert editor.text == MESSAGE
        editor.load_text("fix: other")
        await land.press(pilot, "ctrl+o")
        assert (land.decisions[0].verdict, land.decisions[0].text) == ("edit", "fix: other")
        land.mirror.apply(Update(approvals=[landing(message="fix: other").but(shown_hash="c" * 64)]))
        land.pane.show(land.mirror)
        await pilot.pause()
        await land.press(pilot, "m")
        assert (land.decisions[1].verdict, land.decisions[1].choice) == ("choose", "merge")


async def test_it_is_sent_back_with_a_reason_and_put_off_without():
    land = Landing(landing())
    async with land.running() as pilot:
        await land.begin(pilot, "r", *"docs", "enter")
        assert (land.decisions[0].verdict, land.decisions[0].reason) == ("reject", "docs")
    later = Landing(landing())
    async with later.running() as pilot:
        await later.begin(pilot, "d")
        assert later.decisions[0].verdict == "defer"


async def test_a_comment_goes_with_the_decision():
    land = Landing(landing())
    async with land.running(height=30) as pilot:
        await land.begin(pilot, "c", *"fine", "enter")
        assert any('" fine' in row for row in drawn(land.stage)) and not land.decisions
        await land.press(pilot, "a")
        assert land.decisions[0].reason == "fine"


async def test_a_refused_landing_says_why_and_what_to_do():
    land = Landing(landing(), REFUSAL)
    async with land.running() as pilot:
        await land.begin(pilot)
        text = "\n".join(drawn(land.stage))
        assert "✗ refused with nothing moved: src/auth.py is dirty in your checkout" in text
        assert "no [/b]" in text and "a tries again" in text
        await land.press(pilot, "a")
        assert (land.decisions[0].approval, land.decisions[0].choice) == ("a8", "try again")


async def test_what_has_landed_says_what_moved():
    done = shown.session(state=SessionState.LANDED, landed_commit=TREE)
    land = Landing(landing().but(state="approved"), session=done)
    async with land.running() as pilot:
        await land.begin(pilot, "a", "r", "d", "m", "e")
        assert "main is now @c41d07e, was @77ab2c1 · nothing was pushed" in drawn(land.stage)[2]
        assert not land.stage.heard(CommandGiven)


async def test_nothing_to_land_yet():
    land = Landing()
    async with land.running() as pilot:
        await land.begin(pilot, "a", "r", "d", "m", "e", "c")
        assert any("Nothing to land yet." in row for row in drawn(land.stage))
        assert not land.stage.heard(CommandGiven)


# -- the sheet of levels


async def test_a_level_is_pinned_and_its_reasons_are_read():
    reasons = score({"task_complexity": 0.6, "risk_level": 0.4, "context_clarity": 0.8})
    mirror = Mirror()
    mirror.apply(shown.update(tasks=[one.but(autonomy=reasons.doc()) for one in shown.tasks()]))
    pane = LevelSheet()
    stage = Stage(pane, {})
    async with stage.run_test(size=(80, 18)) as pilot:
        pane.show_level(mirror, "T6")
        await pilot.pause()
        text = "\n".join(drawn(stage))
        assert "guided  pinned" in text and "▌◆ guided" in text
        assert "capped at collaborative by the slider" in text
        assert text.count("not measured") == 3 and "supervised at 0.67" in text
        await pilot.press("j", "enter", "g", "enter", "escape", "y")
        await pilot.pause()
        given = [one.command for one in stage.heard(CommandGiven)]
        assert given == [Pin(task="T6", level=Level.COLLABORATIVE), Pin(task="T6", level=None)]
        assert not stage.heard(LinePane.Ignored)


async def test_the_level_of_the_goal():
    reasons = score({"risk_level": 0.9})
    session = shown.session(autonomy_decisions=[{"task": None, **reasons.doc()}])
    mirror = Mirror()
    mirror.apply(shown.update(session=session))
    pane = LevelSheet()
    stage = Stage(pane, {})
    async with stage.run_test(size=(80, 18)) as pilot:
        pane.show_level(mirror, None)
        await pilot.pause()
        rows = drawn(stage)
        assert "Level  the goal" in rows[0] and any(f"score  {reasons.score:.2f}" in row for row in rows)
        await pilot.press("j", "enter")
        await pilot.pause()
        assert stage.heard(CommandGiven)[0].command == Pin(task=None, level=Level.GUIDED)


async def test_what_another_landing_rests_on_is_never_shown_for_this_one():
    land = Landing(landing())
    del land.stage.answers[GetLanding]
    async with land.running() as pilot:
        await land.begin(pilot)
        first = land.stage.heard(Asked)[-1]
        land.mirror.apply(Update(approvals=[landing().but(shown_hash="f" * 64)]))
        land.pane.show(land.mirror)
        first.answered(RowsAnswer(rows=CHECKS, facts=FACTS))
        await pilot.pause()
        assert not any("63 passed" in row for row in drawn(land.stage))
