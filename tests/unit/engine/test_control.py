"""The human's hand on a running session: pause, go on, end a task, move the slider, stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.engine import flow
from autodev_tui.engine.refusal import Refusal
from autodev_tui.providers.base import Request
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting

READ_A = ("read_file", {"path": "a.txt"})
LIST: tuple[str, dict[str, Any]] = ("list_files", {})


def edit(old: str, new: str) -> tuple[str, dict[str, Any]]:
    return ("edit_file", {"path": "a.txt", "old_text": old, "new_text": new})


def at_turn(kit: Kit, number: int) -> tuple[asyncio.Event, asyncio.Event]:
    """(reached, go on): the developer's model hangs in its n-th turn."""
    reached, release = asyncio.Event(), asyncio.Event()

    async def before(request: Request) -> None:
        if request.meta["role"] == "development" and request.meta["turn"] == number:
            reached.set()
            await release.wait()

    kit.provider.before = before
    return reached, release


def asked(kit: Kit) -> int:
    return len([one for one in kit.provider.requests if one.meta["role"] == "development"])


async def quiet(kit: Kit) -> None:
    """Nothing is committed any more while everybody else had many chances to."""
    number, still = kit.database.number, 0
    while still < 30:
        await asyncio.sleep(0.005)
        still = still + 1 if kit.database.number == number else 0
        number = kit.database.number


async def test_a_pause_holds_before_the_next_action_and_goes_on(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(LIST), make_turn(DONE))) as one:
        reached, release = at_turn(one, 1)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.PauseSession())
        assert one.session.state is SessionState.PAUSED
        release.set()
        await quiet(one)
        assert asked(one) == 1
        calls = [step for step in one.board.steps("T1") if step.kind == "tool"]
        assert [step.state for step in calls] == ["planned"], "the reply is kept, its call not begun"
        await one.engine.submit(commands.ContinueSession())
        assert str(one.session.state) == "running"
        assert (await one.engine.wait()).code == flow.DONE
        assert asked(one) == 3


async def test_a_pause_in_the_last_turn_holds_before_the_change_is_reviewed(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(edit("one", "1")), make_turn(DONE))) as one:
        reached, release = at_turn(one, 3)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.PauseSession())
        release.set()
        await quiet(one)
        assert one.session.state is SessionState.PAUSED
        assert one.board.tasks["T1"].state is TaskState.IN_PROGRESS
        await one.engine.submit(commands.ContinueSession())
        assert (await one.engine.wait()).code == flow.WAITING_CODE, "no check ran, so the change asks"


async def test_a_pause_while_planning_holds_too(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(DONE))) as one:
        reached, release = asyncio.Event(), asyncio.Event()

        async def before(request: Request) -> None:
            reached.set()
            await release.wait()

        one.provider.before = before
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.PauseSession())
        release.set()
        await quiet(one)
        assert one.board.tasks == {}
        await one.engine.submit(commands.ContinueSession())
        assert (await one.engine.wait()).code == flow.DONE


async def test_a_paused_session_can_be_stopped_and_resumed(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(DONE))) as one:
        reached, release = at_turn(one, 1)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.PauseSession())
        release.set()
        await quiet(one)
        await one.engine.submit(commands.StopSession())
        assert (await one.engine.wait()).code == flow.INTERRUPTED_CODE
        assert one.session.state is SessionState.INTERRUPTED
        one.provider.before = None
        assert (await one.resume()).code == flow.DONE


async def test_a_stop_in_the_middle_of_a_model_call_is_at_once_and_loses_nothing(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(LIST), make_turn(DONE))) as one:
        reached, _ = at_turn(one, 2)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.StopSession())
        async with asyncio.timeout(10):
            assert (await one.engine.wait()).code == flow.INTERRUPTED_CODE
        states = [step.state for step in one.board.steps("T1") if step.kind == "model"]
        assert states == ["done", "interrupted"]
        assert one.session.usage.at_least is True
        one.provider.before = None
        assert (await one.resume()).code == flow.DONE
        reads = [step for step in one.board.steps("T1") if step.name == "read_file"]
        assert len(reads) == 1, "what was done is not done again"


async def test_stopping_twice_records_once(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(DONE))) as one:
        reached, _ = at_turn(one, 1)
        await one.start()
        await reached.wait()
        for _ in range(3):
            await one.engine.submit(commands.StopSession())
            await asyncio.sleep(0)
        assert (await one.engine.wait()).code == flow.INTERRUPTED_CODE
        assert one.stored("sessions")[0]["state"] == "interrupted"
        assert len(one.stored("history")) == 1


async def test_the_slider_holds_from_the_next_action_on(tmp_path: Path) -> None:
    reply = turns(
        make_turn(READ_A), make_turn(edit("one", "1")), make_turn(edit("two", "2")), make_turn(DONE)
    )
    async with kit(tmp_path, reply, interactive=True) as one:
        reached, release = at_turn(one, 3)
        await one.start()
        await reached.wait()
        assert one.board.pending() == [], "at full an edit does not ask"
        await one.engine.submit(commands.SetSlider(level=Level.GUIDED))
        assert one.session.slider is Level.GUIDED
        release.set()
        question = await waiting(one, "edit")
        assert one.session.slider is Level.GUIDED, "the agent's own commits did not undo it"
        await one.answer(question)
        await waiting(one, "changes")
        await one.engine.submit(commands.SetSlider(level=Level.FULL))
        assert one.stored("sessions")[0]["slider"] == "full"


async def test_a_task_is_ended_in_the_middle_of_a_model_call(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(DONE))) as one:
        reached, _ = at_turn(one, 2)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.CancelTask(task="T1"))
        async with asyncio.timeout(10):
            outcome = await one.engine.wait()
        assert one.board.tasks["T1"].state is TaskState.CANCELLED
        assert one.board.tasks["T1"].transitions[-1].why == "cancelled by the human"
        assert outcome.code == flow.DONE, "nothing is left to do, and nothing changed"
        with pytest.raises(Refusal, match="cancelled already"):
            await one.engine.submit(commands.CancelTask(task="T1"))
        with pytest.raises(LookupError):
            await one.engine.submit(commands.CancelTask(task="T9"))


async def test_a_task_is_ended_while_it_waits_for_an_answer(tmp_path: Path) -> None:
    reply = turns(make_turn(("ask_user", {"question": "which?"})), make_turn(DONE))
    async with kit(tmp_path, reply, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        await waiting(one, "question")
        await one.engine.submit(commands.CancelTask(task="T1"))
        async with asyncio.timeout(10):
            await one.engine.wait()
        assert one.board.pending() == [], "its question fell away"
        assert one.board.tasks["T1"].state is TaskState.CANCELLED


async def test_ending_one_task_leaves_the_others_running(tmp_path: Path) -> None:
    three = {
        "tasks": [
            {"id": "x", "title": "First", "description": ""},
            {"id": "y", "title": "Second", "description": ""},
            {"id": "z", "title": "Third", "description": "", "depends_on": ["y"]},
        ]
    }
    reply = turns(make_turn(DONE), make_turn(DONE), plan=("submit_plan", three))
    async with kit(tmp_path, reply) as one:
        reached, release = at_turn(one, 1)
        await one.start()
        await reached.wait()
        await one.engine.submit(commands.CancelTask(task="T2"))
        assert one.stored("plan_tasks")[1]["state"] == "cancelled", "at once, and for good"
        release.set()
        outcome = await one.engine.wait()
        states = [task.state for task in one.board.tasks.values()]
        assert states == ["completed", "cancelled", "planned"]
        assert outcome.code == flow.FAILED
        assert "T3 cannot start" in outcome.error


async def test_a_stop_while_a_question_waits_ends_the_run(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(DONE)), interactive=True) as one:
        await one.start(level=Level.GUIDED)
        question = await waiting(one, "plan")
        await one.engine.submit(commands.StopSession())
        assert (await one.engine.wait()).code == flow.INTERRUPTED_CODE
        assert [pending.id for pending in one.board.pending()] == [question.id]
        await until(lambda: one.stored("sessions")[0]["state"] == "interrupted")
