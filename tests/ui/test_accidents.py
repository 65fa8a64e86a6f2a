"""Keys that meet what comes in the same moment: nothing is begun, trusted or raised by accident."""

from __future__ import annotations

from typing import Any

import pytest

from autodev_tui.app import Autodev
from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.requests import GetResume, Refused
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import Stage, drawn, until
from tests.ui.test_first_run import RESUME
from widgets.messages import SheetOpened
from widgets.sheet import Sheet


def started(*updates: Update) -> tuple[Autodev, FakeBridge]:
    """The workbench over a bridge that begins with these."""
    bridge = FakeBridge(*updates, answers={GetResume: RESUME})
    return Autodev(bridge, now=lambda: shown.NOW), bridge  # type: ignore[arg-type]


def interrupted() -> Update:
    """A session whose engine was killed."""
    facts = shown.FACTS.but(busy=False, interrupted="s1")
    return shown.update(facts=facts, session=shown.session(state=SessionState.INTERRUPTED), working=[])


async def test_a_resume_offer_takes_no_letter_of_what_is_being_typed() -> None:
    app, bridge = started()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"add")
        bridge.push(interrupted())
        await until(pilot, lambda: any("Look first" in row for row in drawn(app)))
        await pilot.press(*" a login", "enter")
        await pilot.pause()
        assert not bridge.of(commands.ResumeSession)
        assert [one.goal for one in bridge.of(commands.StartSession)] == ["add a login"]


async def test_the_first_letter_of_a_goal_resumes_nothing() -> None:
    app, bridge = started(interrupted())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: any("Look first" in row for row in drawn(app)))
        await pilot.press(*"add a", "j", "enter")
        await pilot.pause()
        assert not bridge.of(commands.ResumeSession)


async def test_more_autonomy_wants_enter_without_a_session_too() -> None:
    app, bridge = started(Update(reset=True, facts=shown.FACTS))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await pilot.press("escape", "right_square_bracket")
        await pilot.pause()
        assert not bridge.of(commands.SetOption)
        await pilot.press("enter")
        await until(pilot, lambda: bridge.of(commands.SetOption))
        assert bridge.of(commands.SetOption)[0].value == Level.SUPERVISED.value
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: len(bridge.of(commands.SetOption)) == 2)


async def test_words_for_all_come_back_when_nobody_works() -> None:
    app, bridge = started(shown.update(working=[]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await pilot.press("escape", "i", *"@all stop", "enter")
        await until(pilot, lambda: "nobody works" in drawn(app)[19])
        assert app.bench.composer.text == "stop" and app.bench.composer.target == "all"
        assert not bridge.of(commands.SendMessage)


async def test_refused_words_come_back_for_whom_they_were_meant() -> None:
    app, bridge = started(shown.update())
    bridge.refused[commands.SendMessage] = Refused(reason="T2 is busy")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await pilot.press("escape", "i", *"@T2 wait", "enter")
        await until(pilot, lambda: app.bench.composer.text == "wait")
        assert app.bench.composer.target == "T2"


async def test_a_held_enter_confirms_no_sheet() -> None:
    done: list[bool] = []
    clock = [0.0]
    opened = SheetOpened("Join", ["x"], yes="join", confirmed=lambda: done.append(True))
    app: Any = Stage(Sheet(opened, now=lambda: clock[0]), {})
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(20):
            clock[0] += 0.1
            await pilot.press("enter")
        assert not done
        clock[0] += 0.6
        await pilot.press("enter")
        await pilot.pause()
        assert done == [True]


def left(paused: bool) -> Update:
    """A session that was left in order while its agents worked, or were all held by the human."""
    state = SessionState.PAUSED if paused else SessionState.RUNNING
    session = shown.session(state=SessionState.INTERRUPTED, left_state=state)
    facts = shown.FACTS.but(busy=False, interrupted="s1")
    view = {"left": True, "running": True, "at": shown.NOW - 60}
    return shown.update(facts=facts, session=session, working=[], views={"s1": view})


@pytest.mark.parametrize("paused", [False, True])
async def test_what_the_human_paused_stays_so_when_they_come_back(paused: bool) -> None:
    app, bridge = started(left(paused))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await until(pilot, lambda: bridge.of(commands.SaveView))
        assert bool(bridge.of(commands.ResumeSession)) is not paused
        assert ("/continue" in str(app.bench.needs_row.news)) is paused


async def test_an_engine_that_is_started_again_leaves_paused_what_was() -> None:
    app, bridge = started(shown.update(session=shown.session(state=SessionState.PAUSED)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.bench.engine_lost("it fell", 2)
        bridge.push(left(True))
        await until(pilot, lambda: not app.bench.needs_row.lost)
        await pilot.pause()
        assert not bridge.of(commands.ResumeSession)
