"""The agents on the screen: tiles and tabs, following and standing still, every key of a pane."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot

from autodev_tui.domain.commands import CancelTask, ContinueTask, PauseTask
from autodev_tui.domain.requests import GetOutput, TextAnswer
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.step import StepKind
from tests.fakes.agent_logs import NOW, Logs, workbench
from tests.ui.stage import Stage, drawn, until
from widgets.agent_pane import AgentPane
from widgets.agents_view import AgentsView, chosen, heights, layout_for
from widgets.line_pane import LinePane
from widgets.messages import Asked, CommandGiven, EditedOutside, SheetOpened, WentTo

TILES = """\
─ 2 Agents  T3 tests ──── ◐ asks · step 9 · 0:08 ─
   read   src/tokens.py                 118 lines
   edit   tests/test_tokens.py             +31 −0
 ▸ run    pytest -q tests        ✗ 2 failed 3.4 s
   The clock must be frozen; freezegun is not here
   run    pip install freezegun            ◐ asks
─ T4 docs ──── ● running · step 3 · 0:06 · $0.02 ─
   read   docs/login.md                  88 lines
   edit   docs/login.md                    +14 −2
   Next: the table of scopes.


─ T5 login page ───── ● running · step 21 · 0:20 ─
   search redirect_uri                     6 hits
   edit   src/views/login.py              +40 −11
 ▸ run    ruff check src                  ✓ 0.3 s
   edit   src/views/callback.py            +22 −0
   now: writing src/views/callback.py"""


class Agents(Stage):
    """The agents, with a clock that stands."""

    def __init__(self, logs: Logs) -> None:
        super().__init__(AgentsView(lambda: NOW), {GetOutput: TextAnswer(head="out", rows=1)})
        self.logs = logs

    def on_mount(self) -> None:
        self.view.show(self.logs.mirror)

    @property
    def view(self) -> AgentsView:
        assert isinstance(self.widget, AgentsView)
        return self.widget

    @property
    def front(self) -> AgentPane:
        assert isinstance(self.view.front_pane, AgentPane)
        return self.view.front_pane

    def screen_text(self) -> str:
        return "\n".join(drawn(self)).rstrip()


async def ready(app: Agents, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(app.view.front_pane, AgentPane) and app.front.row_count())
    app.view.focus_front()
    await until(pilot, lambda: app.front.has_focus)


async def fed(app: Agents, pilot: Pilot[None]) -> None:
    """What the logs know is on the screen."""
    app.view.show(app.logs.mirror)
    await until(pilot, lambda: not app.front._dirty)
    await pilot.pause()


async def test_three_agents_are_three_tiles_as_drawn() -> None:
    app = Agents(workbench())
    async with app.run_test(size=(50, 18)) as pilot:
        await until(
            pilot, lambda: "callback.py  " in app.screen_text() and "now: writing" in app.screen_text()
        )
        assert app.screen_text() == TILES


async def test_low_panes_are_tabs_and_t_chooses() -> None:
    app = Agents(workbench())
    async with app.run_test(size=(86, 8)) as pilot:
        await ready(app, pilot)
        title = drawn(app)[0]
        assert title.startswith("━ 2 Agents  T3 tests · T4 docs · T5 login page ━")
        assert title.endswith("━ ◐ asks · step 9 · 0:08 · $0.05 ━")
        await pilot.press("l")
        await until(
            pilot, lambda: drawn(app)[0].startswith("━ 2 Agents  T4 docs · T5 login page · T3 tests ━")
        )
        assert app.view.front == "T4"
        await pilot.resize_terminal(86, 18)
        await until(pilot, lambda: len(app.view._shown) == 3)
        assert app.front.has_focus
        await pilot.press("t")
        await until(pilot, lambda: app.view._shown == ["T4"])


async def test_nobody_says_what_will_be_here() -> None:
    app = Agents(Logs())
    async with app.run_test(size=(70, 8)) as pilot:
        await pilot.pause()
        assert "Nobody works. Agents show here when the plan is approved." in app.screen_text()
        app.logs.tell(tasks=workbench().mirror.tasks.values())


async def test_events_never_exchange_the_agent_in_front() -> None:
    logs = workbench()
    app = Agents(logs)
    async with app.run_test(size=(60, 8)) as pilot:
        await ready(app, pilot)
        await pilot.press("l")
        assert app.view.front == "T4"
        logs.task("T4", "Docs", TaskState.COMPLETED)
        logs.task("T7", "More")
        logs.asks(logs.call("T7", "run_command", {"command": "make"}, state=StepState.AWAITING))
        await fed(app, pilot)
        assert app.view.front == "T4"
        assert "✓ finished" in drawn(app)[0]


async def test_a_planner_nobody_looked_at_gives_way_to_the_first_agent() -> None:
    logs = Logs()
    logs.says("", "One task is enough.")
    app = Agents(logs)
    async with app.run_test(size=(60, 8)) as pilot:
        await until(pilot, lambda: app.view.front == "")
        logs.task("T1", "Docs")
        logs.asked("T1")
        app.view.show(logs.mirror)
        assert app.view.front == "T1"


def streaming() -> Logs:
    logs = Logs()
    logs.task("T1", "Docs")
    for number in range(30):
        logs.call("T1", "read_file", {"path": f"src/{number}.py"})
    logs.asked("T1")
    logs.stream("T1", "first\n")
    return logs


async def test_scrolled_up_no_row_moves_and_the_count_grows() -> None:
    app = Agents(streaming())
    async with app.run_test(size=(60, 12)) as pilot:
        await ready(app, pilot)
        assert drawn(app)[-1].strip() == "▌  first"[1:].strip() or "first" in drawn(app)[-1]
        await pilot.press("ctrl+u", "k")
        rows = drawn(app)[1:]
        for number in range(5):
            app.logs.stream("T1", f"more {number}\n")
            await fed(app, pilot)
            assert drawn(app)[1:] == rows
            assert f"follow off · {number + 1} new · G" in drawn(app)[0]
        app.logs.tell(steps=[app.logs.mirror.steps_of("T1")[-1].but(state=StepState.INTERRUPTED, ended=NOW)])
        await fed(app, pilot)
        assert drawn(app)[1:] == rows
        await pilot.press("G")
        await fed(app, pilot)
        assert "follow off" not in drawn(app)[0]
        assert "interrupted" in drawn(app)[-1]


async def test_down_at_the_end_of_what_stands_still_lets_in_what_came() -> None:
    app = Agents(streaming())
    async with app.run_test(size=(60, 12)) as pilot:
        await ready(app, pilot)
        await pilot.press("k")
        app.logs.stream("T1", "second\nthird\n")
        app.logs.message("T1", "hello")
        await fed(app, pilot)
        assert "second" not in app.screen_text()
        await pilot.press("j", "j")
        await fed(app, pilot)
        assert "second" in app.screen_text()
        assert "follow off · G" in drawn(app)[0]


async def test_blocks_open_and_close() -> None:
    app = Agents(workbench())
    run = app.logs.mirror.steps_of("T3")[2]
    async with app.run_test(size=(60, 20)) as pilot:
        await ready(app, pilot)
        await pilot.press("k", "k", "space")
        await until(pilot, lambda: "▌▾ run    pytest" in app.screen_text() and "   out" in app.screen_text())
        assert [asked.request for asked in app.heard(Asked)] == [GetOutput(step=run.id, rows=40)]
        await pilot.press("space")
        assert "out" not in app.screen_text()
        await pilot.press("enter")
        await until(pilot, lambda: len(app.heard(Asked)) == 2)
        assert app.heard(Asked)[-1].request == GetOutput(step=run.id, rows=0)
        await pilot.press("j", "enter", "t")
        assert app.front.content.source
        assert len(app.view._shown) == 3


async def test_a_step_is_brought_to_the_top_of_its_agent() -> None:
    app = Agents(streaming())
    async with app.run_test(size=(60, 12)) as pilot:
        await ready(app, pilot)
        app.view.bring("T1", app.logs.mirror.steps_of("T1")[4].id)
        await until(pilot, lambda: "src/4.py" in drawn(app)[1])
        assert drawn(app)[1].startswith("▌")


async def test_keys_that_tell_and_go() -> None:
    app = Agents(workbench())
    async with app.run_test(size=(60, 20)) as pilot:
        await ready(app, pilot)
        await pilot.press("c", "x", "X", "o", "k", "k", "k", "o", "w", "y")
        await pilot.pause()
        assert [one.agent for one in app.heard(AgentPane.Messaged)] == ["T3"]
        assert [one.command for one in app.heard(CommandGiven)] == [PauseTask(task="T3")]
        (sheet,) = app.heard(SheetOpened)
        assert sheet.yes == "cancel T3"
        sheet.confirmed()
        await until(pilot, lambda: len(app.heard(CommandGiven)) == 2)
        assert app.heard(CommandGiven)[-1].command == CancelTask(task="T3")
        assert [one.words for one in app.heard(LinePane.Ignored)] == ["open its output first: space"]
        assert [(one.path, one.task) for one in app.heard(EditedOutside)] == [("tests/test_tokens.py", "T3")]
        (went,) = app.heard(WentTo)
        assert (went.pane, went.task, went.step) == ("review", "T3", app.logs.mirror.steps_of("T3")[1].id)
        assert [one.text for one in app.heard(LinePane.Copied)] == ["tests/test_tokens.py"]
        app.logs.tell(paused=["T4"])
        app.view.bring("T4")
        app.view.focus_front()
        await pilot.press("x")
        assert app.heard(CommandGiven)[-1].command == ContinueTask(task="T4")


async def test_looking_in_other_ways() -> None:
    logs = workbench()
    logs.call("T3", "run_command", {"command": "long"}, state=StepState.STARTED)
    logs.stream("T3", "x" * 30 + "y" * 60, "output", logs.mirror.steps_of("T3")[-1].id)
    app = Agents(logs)
    async with app.run_test(size=(60, 8)) as pilot:
        await ready(app, pilot)
        await pilot.press("L", "L", "L")
        assert drawn(app)[7].strip().startswith("x" * 6 + "y")
        await pilot.press("H", "H", "H", "T")
        assert drawn(app)[7].strip().startswith("x" * 30)
        assert re.match(r"▌▸ \d\d:\d\d:\d\d run    long ", drawn(app)[6])
        await pilot.press("T", "W", "ampersand", "ampersand")
        assert "only commands" in drawn(app)[0]
        assert "tokens.py" not in app.screen_text()
        await pilot.press("ampersand", "ampersand", "ampersand", "ampersand", "k", "k", "k", "v", "j", "y")
        (copied,) = app.heard(LinePane.Copied)
        assert copied.what == "rows"
        assert len(copied.text.split("\n")) == 2


async def test_turns_and_find() -> None:
    app = Agents(workbench())
    async with app.run_test(size=(60, 12)) as pilot:
        await ready(app, pilot)
        await pilot.press("K")
        assert drawn(app)[app.front.cursor + 1].startswith("▌  The clock")
        await pilot.press("K", "J")
        assert drawn(app)[app.front.cursor + 1].startswith("▌  The clock")
        await pilot.press("g", "slash", *"tokens", "enter", "n")
        assert "find: tokens 2 of 2" in drawn(app)[0]


async def test_what_is_hostile_is_shown() -> None:
    logs = Logs()
    logs.task("T1", "a\u202eb [/b] \x1b[31m")
    name = "evil\u202efig\x1b[31m[/b].py"
    logs.call("T1", "read_file", {"path": name})
    logs.call("T1", "run_command", {"command": name}, state=StepState.AWAITING)
    logs.says("T1", f"{name} &#x202E; [bold]x[/b]")
    logs.step("T1", StepKind.NOTE, "message s/m1", result={"text": name})
    logs.message("T1", name)
    logs.asked("T1")
    logs.stream("T1", name + "\n" + "漢" * 200)
    app = Agents(logs)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(app, pilot)
        text = app.screen_text()
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert text.count("evil‹U+202E›fig‹1B›[31m[/b].py") == 6
        assert "[bold]x[/b]" in text
        assert "a‹U+202E›b [/b] ‹1B›" in text


async def test_a_restart_shows_the_same_screen() -> None:
    logs = streaming()
    logs.task("T2", "Tests")
    logs.says("T2", "**Words** " * 30)
    for number in range(20):
        logs.call("T2", "run_command", {"command": f"make {number}"})
    first = Agents(logs)
    async with first.run_test(size=(60, 24)) as pilot:
        await ready(first, pilot)
        await pilot.press("l", "k", "k", "space", "k", "ctrl+u", "h", "ctrl+u")
        await fed(first, pilot)
        logs.stream("T1", "more\n")
        await fed(first, pilot)
        text, state = first.screen_text(), first.view.state()
    second = Agents(logs)
    second.view.restore(state)
    async with second.run_test(size=(60, 24)) as pilot:
        await ready(second, pilot)
        await until(pilot, lambda: second.screen_text() == text)
        assert "1 new" in text
        assert second.view.state() == state


async def test_another_session_has_nothing_of_the_last_one() -> None:
    app = Agents(streaming())
    async with app.run_test(size=(60, 12)) as pilot:
        await ready(app, pilot)
        await pilot.press("k", "k")
        other = Logs()
        session = other.mirror.session
        assert session
        other.tell(session=session.but(id="other"))
        other.task("T1", "Tests")
        other.says("T1", "hello")
        app.logs = other
        app.view.show(other.mirror)
        await until(pilot, lambda: "T1 tests" in drawn(app)[0] and "hello" in app.screen_text())
        assert "follow off" not in drawn(app)[0]
        assert "src" not in app.screen_text()


async def test_hidden_panes_compute_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = workbench()
    app = Agents(logs)
    async with app.run_test(size=(60, 8)) as pilot:
        await ready(app, pilot)
        await pilot.press("l")
        await until(pilot, lambda: app.view.front == "T4" and app.front.row_count())
        behind = app.view._panes["T3"]
        await until(pilot, lambda: not behind._on_screen)
        rows = behind.content.rows
        logs.says("T3", "more")
        await fed(app, pilot)
        assert behind.content.rows is rows
        await pilot.press("h")
        await until(pilot, lambda: "more" in app.screen_text())


def test_how_many_tiles_and_how_high() -> None:
    assert [layout_for(50, rows) for rows in (0, 5, 11, 12, 18, 30, 90)] == [1, 1, 1, 2, 3, 4, 4]
    assert heights(3, 0, 18) == [6, 6, 6]
    assert heights(3, 1, 56) == [8, 40, 8]
    assert heights(1, 0, 18) == [18]


def test_who_is_shown() -> None:
    agents = ["", "T1", "T2", "T3", "T4"]
    assert chosen(agents, ["T1", "T2"], [], "T1", 3) == ["T1", "T2"]
    assert chosen(agents, ["T2"], ["T1", "T2"], "T2", 3) == ["T1", "T2"]
    assert chosen(agents, ["T2", "T3"], ["T1", "T2"], "T2", 2) == ["T2", "T3"]
    assert chosen(agents, ["T2", "T3"], ["T1", "T2"], "T1", 2) == ["T1", "T2"]
    assert chosen(agents, ["T2", "T3", "T4"], [], "T4", 1) == ["T4"]


async def test_with_ascii_glyphs_cut_marks_are_ascii_too_and_nothing_moves() -> None:
    logs = Logs()
    logs.task("T3", "Tests")
    logs.call("T3", "run_command", {"command": "pytest " + "tests/a_long_name.py " * 8})
    logs.call("T3", "read_file", {"path": "src/" + "deep/" * 20 + "café.py"}, result={"lines": 1})
    logs.call("T3", "search", {"pattern": "words " * 20}, result={"matches": 3})
    shown_as: dict[bool, list[str]] = {}
    for plain in (False, True):
        app = Agents(logs)
        app.ascii_glyphs = plain  # type: ignore[attr-defined]
        async with app.run_test(size=(50, 8)) as pilot:
            await ready(app, pilot)
            shown_as[plain] = drawn(app)
    assert sum("…" in row for row in shown_as[False]) == 3
    ours = [row.replace("café", "cafe") for row in shown_as[True]]
    assert all(row.isascii() for row in ours), ours
    assert [len(row) for row in shown_as[True]] == [len(row) for row in shown_as[False]]
    assert any("café.py" in row for row in shown_as[True]), "what is not ours stays as it is"
