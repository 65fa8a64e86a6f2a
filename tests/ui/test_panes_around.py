"""The panes around the work: sessions, usage, settings, checkpoints and the others."""

from __future__ import annotations

from typing import Any

import pytest

from autodev_tui.domain import requests
from autodev_tui.domain.commands import (
    ArchiveSession,
    Command,
    DeleteSession,
    OpenSession,
    RenameSession,
    RevokeRule,
    SetOption,
    StopSession,
)
from autodev_tui.domain.events import Noticed
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Refused, RowsAnswer
from autodev_tui.domain.updates import EngineFacts, Rule, Update
from tests.ui.stage import Stage, drawn, until
from tests.ui.test_composer import running
from widgets.checkpoints_pane import CheckpointsPane
from widgets.doctor_pane import DoctorPane
from widgets.key_help import KeyHelp
from widgets.keys import reachable
from widgets.line_pane import LinePane
from widgets.log_pane import LogPane
from widgets.messages import Asked, CommandGiven, SheetOpened, WentTo
from widgets.prompts_pane import PromptsPane
from widgets.rules_pane import RulesPane
from widgets.sessions_pane import SessionsPane
from widgets.settings_pane import SettingsPane
from widgets.sheet import Sheet
from widgets.table_pane import TablePane
from widgets.text_pane import TextPane
from widgets.usage_pane import UsagePane

SIZE = (80, 24)


def given(app: Stage) -> list[Command]:
    return [one.command for one in app.heard(CommandGiven)]


def session(name: str, state: str = "landed", **more: Any) -> dict[str, Any]:
    row = {
        "id": name, "title": f"goal {name}", "goal": name, "state": state, "over": state == "landed",
        "started": 1000.0, "ended": None, "active_s": 1.0, "done": 1, "tasks": 6, "cost_usd": 0.42,
        "cost_known": True, "waiting": 0, "branch": "b", "target": "main", "landed": "", "archived": False,
        "current": False,
    }  # fmt: skip
    return row | more


SESSIONS = RowsAnswer(
    rows=[session("s1", "running", current=True, waiting=2), session("s2"), session("s3", archived=True)],
    facts={"archived": 1, "current": "s1"},
)


async def test_sessions_open_rename_archive_and_are_deleted_only_when_confirmed() -> None:
    pane = SessionsPane(now=lambda: 1000.0 + 7200)
    pane.mirror = running()
    app = Stage(pane, {requests.GetSessions: SESSIONS})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        assert drawn(app)[1].startswith("▌› goal s1") and "◐ asks 2" in drawn(app)[1]
        assert "2 h ago" in drawn(app)[2]
        await pilot.press("enter", "j", "enter", "a", "x", "d")
        await pilot.pause()
        assert app.heard(WentTo)[0].pane == "tasks"
        assert given(app) == [OpenSession(session="s2"), ArchiveSession(session="s2")]
        sheet = app.heard(SheetOpened)[0]
        assert sheet.danger
        sheet.confirmed()
        await pilot.press("e")
        await until(pilot, lambda: pane.typing)
        await pilot.press(*"!!", "enter")
        await until(pilot, lambda: not pane.typing)
        assert given(app)[2:] == [DeleteSession(session="s2"), RenameSession(session="s2", title="goal s2!!")]


async def test_only_the_session_that_runs_is_stopped_and_asked_first() -> None:
    pane = SessionsPane(now=lambda: 1000.0)
    pane.mirror = running()
    app = Stage(pane, {requests.GetSessions: SESSIONS})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("j", "x")
        await pilot.pause()
        assert [one.words for one in app.heard(LinePane.Ignored)] == ["it does not run"]
        await pilot.press("k", "x")
        await pilot.pause()
        assert given(app) == []
        app.heard(SheetOpened)[0].confirmed()
        await pilot.pause()
        assert given(app) == [StopSession()]


def option(name: str, value: Any, kind: str = "text", **more: Any) -> dict[str, Any]:
    row = {"group": "", "name": name, "value": value, "default": value, "source": "default",
           "help": f"about {name}", "kind": kind, "choices": [], "bounds": "", "writable": True}  # fmt: skip
    return row | more


SETTINGS = RowsAnswer(
    rows=[
        option("autonomy", "collaborative", "choice", choices=["guided", "collaborative", "full"]),
        option("max_turns", 200, "whole", bounds="at least 1"),
        option("checks", [], "list", writable=False),
    ],
    facts={"file": "/home/config.toml", "problem": "", "notices": []},
)


async def test_a_choice_is_shown_first_and_taken_with_enter() -> None:
    pane = SettingsPane()
    app = Stage(pane, {requests.GetSettings: SETTINGS})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        assert any("about autonomy" in row for row in drawn(app))
        await pilot.press("enter")
        assert pane.key == "autonomy=collaborative"
        await pilot.press("j")
        await pilot.pause()
        assert given(app) == []
        await pilot.press("enter")
        await pilot.pause()
        assert given(app) == [SetOption(name="autonomy", value="full")]
        assert pane.key == "autonomy"


async def test_an_option_is_found_by_a_part_of_its_name() -> None:
    pane = SettingsPane()
    app = Stage(pane, {requests.GetSettings: SETTINGS})
    async with app.run_test(size=SIZE) as pilot:
        pane.stand_at(option="turns")
        await until(pilot, lambda: pane.key == "max_turns")
        pane.stand_at(option="autonomy")
        assert pane.key == "autonomy"


async def test_a_value_is_typed_and_stays_until_it_fits() -> None:
    pane = SettingsPane()
    app = Stage(pane, {requests.GetSettings: SETTINGS})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("j", "e")
        await until(pilot, lambda: pane.typing)
        await pilot.press("x", "enter")
        await pilot.pause()
        assert any("this takes a whole number" in row for row in drawn(app))
        await pilot.press("backspace", "backspace", "enter")
        await pilot.pause()
        assert given(app) == [SetOption(name="max_turns", value=20)]
        last = app.heard(CommandGiven)[-1]
        assert last.refused is not None and last.then is not None
        last.refused("max_turns: no", [])
        await pilot.pause()
        assert pane.typing and any("max_turns: no" in row for row in drawn(app))
        await pilot.press("escape")
        await until(pilot, lambda: not pane.typing)
        await pilot.press("e")
        await until(pilot, lambda: pane.typing)
        assert any(" 20" in row for row in drawn(app)), "what was typed is still there"
        await pilot.press("enter")
        await pilot.pause()
        app.heard(CommandGiven)[-1].then()  # type: ignore[misc]
        await until(pilot, lambda: not pane.typing)


async def test_rules_are_revoked_one_by_one() -> None:
    pane = RulesPane(now=lambda: 100.0)
    mirror = Mirror()
    rule = Rule(id="r1", action="run", words="pytest [/b] runs", pattern={}, created=40.0, used=1)
    mirror.apply(Update(rules=[rule, rule.model_copy(update={"id": "r2"})]))
    pane.mirror = mirror
    app = Stage(pane, {})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.rows)
        assert "pytest [/b] runs" in drawn(app)[1]
        assert "this repository · used 1 time · made 1 min ago" in drawn(app)[2]
        await pilot.press("j", "d")
        await pilot.pause()
        assert given(app) == [RevokeRule(rule="r2")]


def checkpoint(number: int, task: str) -> dict[str, Any]:
    return {
        "number": number, "task": task, "at": 10.0 * number, "commit": "1f3c9e2aaa", "tree": f"tree{number}",
        "ref": f"ref{number}", "title": f"before {task} edited a.py", "files": 1, "paths": [], "step": "x",
        "seq": number,
    }  # fmt: skip


async def test_checkpoints_compare_with_the_latest_or_with_the_mark() -> None:
    pane = CheckpointsPane(now=lambda: 100.0)
    rows = [checkpoint(4, "T5"), checkpoint(3, "T4"), checkpoint(2, "T5"), checkpoint(1, "T5")]
    app = Stage(pane, {requests.GetCheckpoints: RowsAnswer(rows=rows)})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("enter", "J")
        assert pane.key == "ref3"
        await pilot.press("j", "enter", "v", "j", "enter")
        await pilot.pause()
        compared = [(one.old, one.new) for one in app.heard(CheckpointsPane.Compared)]
        assert compared == [("tree2", "tree4"), ("tree1", "tree2")]
        assert "T5 2 marked" in drawn(app)[0]


async def test_a_prompt_opens_below_its_row() -> None:
    row = {"name": "planner", "version": 3, "label": "", "category": "planning", "origin": "shipped",
           "place": "", "tokens": 12}  # fmt: skip

    def prompts(request: requests.GetPrompts) -> RowsAnswer:
        if not request.name:
            return RowsAnswer(rows=[row])
        facts = {"text": "You plan.\nGoal [/b]", "bare": "bare", "source": "{% src %}", "safety": []}
        return RowsAnswer(rows=[row], facts=facts)

    pane = PromptsPane()
    app = Stage(pane, {requests.GetPrompts: prompts})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("enter")
        await until(pilot, lambda: "   Goal [/b]" in "\n".join(drawn(app)))
        await pilot.press("t", "t", "y")
        await pilot.pause()
        assert "{% src %}" in drawn(app)[2]
        assert app.heard(LinePane.Copied)[0].text == "{% src %}"
        await pilot.press("enter")
        assert drawn(app)[2] == ""


async def test_the_log_opens_at_its_end_and_stays_where_one_reads() -> None:
    rows = [{"at": 1000.0 + at, "task": "T3", "severity": "error", "text": f"row {at}"} for at in range(50)]
    pane = LogPane()
    app = Stage(pane, {requests.GetLog: RowsAnswer(rows=rows[:40])})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "row 39" in drawn(app)[23])
        await pilot.press("g")
        app.answers[requests.GetLog] = RowsAnswer(rows=rows)
        mirror = Mirror()
        mirror.apply(Update(events=[Noticed(seq=9, severity="error", text="x")]))
        pane.show(mirror)
        await until(pilot, lambda: pane.row_count() == 50)
        assert "row 0" in drawn(app)[1]


async def test_the_doctor_says_what_to_do_and_opens_what_helps() -> None:
    found = [
        {"name": "trust", "state": "warn", "text": "not trusted: AGENTS.md", "todo": "autodev trust --show"},
        {"name": "tmux", "state": "bad", "text": "escape-time 500", "todo": "set -s escape-time 10"},
    ]
    pane = DoctorPane()
    app = Stage(pane, {requests.GetDoctor: RowsAnswer(rows=found)})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        assert "✗ 1 wrong  ! 1 to look at" in drawn(app)[0]
        assert drawn(app)[2].strip() == "→ autodev trust --show"
        await pilot.press("enter", "j", "enter", "y")
        await pilot.pause()
        assert [one.pane for one in app.heard(WentTo)] == ["trust"]
        assert "set -s escape-time 10" in app.heard(LinePane.Copied)[0].text


async def test_the_keys_of_a_pane_come_first_and_can_be_found() -> None:
    pane = KeyHelp()
    app = Stage(pane, {})
    async with app.run_test(size=SIZE) as pilot:
        pane.show_context("sessions", reachable("sessions"))
        await pilot.press("slash", *"palette", "enter")
        await pilot.pause()
        assert drawn(app)[0].startswith("━ Keys  Sessions  find: palette 1 of 2")
        assert pane.row_text(1).split() == ["enter", "open"]
        assert "command palette" in pane.row_text(pane.cursor)


async def test_a_dangerous_sheet_wants_a_quiet_moment() -> None:
    clock = [0.0]
    done: list[bool] = []
    opened = SheetOpened("Delete", ["gone"], yes="delete", confirmed=lambda: done.append(True), danger=True)
    sheet = Sheet(opened, now=lambda: clock[0])
    app = Stage(sheet, {})
    async with app.run_test(size=SIZE) as pilot:
        assert drawn(app)[23].strip() == "enter delete   esc back"
        await pilot.press("enter", "j")
        clock[0] = 0.4
        await pilot.press("enter")
        await pilot.pause()
        assert not done and not app.heard(Sheet.Closed)
        clock[0] = 1.0
        await pilot.press("enter")
        await pilot.pause()
        assert done == [True] and app.heard(Sheet.Closed)[0].confirmed


async def test_escape_leaves_a_sheet_undone() -> None:
    done: list[bool] = []
    app = Stage(Sheet(SheetOpened("Stop", ["x"], yes="stop", confirmed=lambda: done.append(True))), {})
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("y", "n", "escape")
        await pilot.pause()
        assert not done and [one.confirmed for one in app.heard(Sheet.Closed)] == [False]


async def test_text_is_shown_as_data_and_copied_as_it_is() -> None:
    pane = TextPane()
    app = Stage(pane, {})
    async with app.run_test(size=SIZE) as pilot:
        text = "\x1b[31m[/b]\tend\n" + "long " * 40
        pane.show_text("a text", text)
        await pilot.press("y")
        await pilot.pause()
        assert drawn(app)[1].startswith("▌ ‹1B›[31m[/b]") and drawn(app)[3].startswith("  long")
        assert app.heard(LinePane.Copied)[0].text == text


@pytest.mark.parametrize(
    ("pane", "answer", "words"),
    [
        (SessionsPane, RowsAnswer(), "No session in this repository yet."),
        (CheckpointsPane, RowsAnswer(), "None yet. The first comes before the first change."),
        (UsagePane, Refused(reason="no session yet · type a goal"), "✗ no session yet · type a goal"),
    ],
)
async def test_waiting_refused_and_empty_are_said(pane: type[TablePane], answer: Any, words: str) -> None:
    app = Stage(pane(), {})
    app.keep = app.said.append  # type: ignore[method-assign]
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.heard(Asked))
        assert drawn(app)[1].strip() == "…"
        app.heard(Asked)[0].answered(answer)
        await until(pilot, lambda: words in "\n".join(drawn(app)))


async def test_the_cursor_stays_on_what_it_is_on() -> None:
    pane: TablePane = SessionsPane(now=lambda: 1000.0)
    app = Stage(pane, {requests.GetSessions: SESSIONS})
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("j")
        rows = [session("s9", "running"), *SESSIONS.rows]
        app.answers[requests.GetSessions] = RowsAnswer(rows=rows, facts=SESSIONS.facts)
        mirror = running()
        mirror.apply(Update(facts=EngineFacts(busy=False)))
        pane.show(mirror)
        await until(pilot, lambda: pane.row_count() == 4)
        assert pane.key == "s2" and pane.cursor == 2
