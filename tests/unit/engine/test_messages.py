"""Words of the human to running agents: heard before the next model call, word for word, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.engine import flow
from autodev_tui.engine.board import Board
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.refusal import Refusal
from tests.fakes.engine_kit import DONE, PATIENCE_S, Kit, make_turn, until, waiting
from tests.fakes.many_agents import Agents, calling, many, plan_of, write

LIST = ("list_files", {})
WORDS = "use the frozen clock\n — not `time.time`"


@asynccontextmanager
async def at_work(place: Path, agents: Agents, *, interactive: bool = True) -> AsyncIterator[Kit]:
    made = many(place, agents, interactive=interactive)
    try:
        yield made
    finally:
        await made.engine.aclose()


def kept(kit: Kit) -> list[tuple[str, str]]:
    """(text, state) of all messages on the disk."""
    return [(one["text"], one["state"]) for one in kit.stored("messages")]


def notes(kit: Kit, task: str | None) -> list[str]:
    return [step.result["text"] for step in kit.board.steps(task) if step.name.startswith("message ")]


async def end(kit: Kit) -> int:
    async with asyncio.timeout(PATIENCE_S):
        return (await kit.engine.wait()).code


async def running(kit: Kit) -> None:
    """Until the command of T1 runs."""

    def started() -> bool:
        steps = kit.board.steps("T1") if kit.engine.session else ()
        return any(step.name == "run_command" and step.state == "started" for step in steps)

    await until(started, "the command")


async def say(kit: Kit, text: str, task: str | None = "T1", **more: Any) -> None:
    await kit.engine.submit(commands.SendMessage(task=task, text=text, **more))


async def test_it_is_heard_with_the_next_step_word_for_word(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}), {"T1": [LIST]})
    agents.hold("T1", "T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await say(one, WORDS)
        assert kept(one) == [(WORDS, "queued")]
        agents.open()
        assert await end(one) == flow.DONE
        assert notes(one, "T1") == [WORDS] and kept(one) == [(WORDS, "delivered")]
        last = [request for request in agents.requests if request.meta["task"] == "T1"][-1]
        assert {"type": "text", "text": WORDS} in last.messages[-1]["content"]
        assert notes(one, "T2") == []


async def test_now_ends_the_running_call_first(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    agents.hold("T1")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1")
        await say(one, "stop that", now=True)
        await until(lambda: agents.cancelled == ["T1"])
        await until(lambda: kept(one) == [("stop that", "delivered")])
        agents.open()
        assert await end(one) == flow.DONE
        assert agents.heard("T1").count("stop that") == 1


async def test_what_is_queued_can_be_delivered_at_once_or_taken_back(tmp_path: Path) -> None:
    sleep = ("run_command", {"command": "/bin/sleep 63; /bin/true"})
    agents = Agents(plan_of({}), {"T1": [sleep]})
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await running(one)
        with pytest.raises(Refusal, match="nothing is queued"):
            await one.engine.submit(commands.DeliverMessages(task="T1"))
        await say(one, "first")
        await say(one, "second")
        name = one.stored("messages")[1]["id"]
        await one.engine.submit(commands.TakeBackMessage(message=name))
        await one.engine.submit(commands.DeliverMessages(task="T1"))
        assert await end(one) == flow.DONE
        assert kept(one) == [("first", "delivered"), ("second", "taken_back")]
        with pytest.raises(Refusal, match="taken back already"):
            await one.engine.submit(commands.TakeBackMessage(message=name))
        with pytest.raises(LookupError):
            await one.engine.submit(commands.TakeBackMessage(message="m9"))
        assert "first" in agents.heard("T1") and "second" not in agents.heard("T1")


async def test_the_rest_of_a_reply_is_not_run_when_the_human_cuts_in(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    sleep = ("run_command", {"command": "/bin/sleep 64; /bin/true"})
    replies = [make_turn(sleep, write("never.txt"), first_id=50), make_turn(DONE, first_id=60)]
    plain = agents._reply
    agents._reply = lambda request: replies.pop(0) if request.meta["task"] else plain(request)
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await running(one)
        await say(one, "not like this", now=True)
        assert await end(one) == flow.DONE
        calls = [step.state for step in one.board.steps("T1") if step.kind == "tool"]
        assert calls == ["interrupted", "superseded", "done"]


async def test_an_agent_that_believes_to_be_done_hears_it_too(tmp_path: Path) -> None:
    agents = Agents(plan_of({}), {"T1": [write("n.txt"), ("finish", {"summary": "s"}), write("m.txt")]})
    async with at_work(tmp_path, agents) as one:
        await one.start()
        first = await waiting(one, "changes")
        await say(one, "write m.txt as well")
        await until(lambda: [q for q in one.board.pending() if q.kind == "changes" and q.id != first.id])
        assert {hunk["path"] for hunk in one.board.pending()[0].ask["hunks"]} == {"n.txt", "m.txt"}
        moves = [(move.old, move.new, move.why) for move in one.board.tasks["T1"].transitions]
        assert ("in_review", "in_progress", "the human has something to say") in moves


async def test_the_planner_hears_it_until_the_plan_is_approved(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    agents.hold("")
    async with at_work(tmp_path, agents) as one:
        await one.start(level=Level.GUIDED)
        await calling(agents, "")
        await say(one, "two tasks, please", None, now=True)
        agents.open()
        await waiting(one, "plan")
        assert notes(one, None) == ["two tasks, please"]
        asked = len(agents.requests)
        await say(one, "name them", None)
        await until(lambda: len(agents.requests) > asked and one.board.pending())
        assert notes(one, None) == ["two tasks, please", "name them"]
        await one.answer(await waiting(one, "plan"))
        await until(lambda: one.session.state == "running")
        with pytest.raises(Refusal, match="the plan is made"):
            await say(one, "too late", None)


async def test_nobody_is_told_who_would_not_hear(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}))
    agents.hold("T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await until(lambda: one.engine.session and one.board.tasks)
        await until(lambda: one.board.tasks["T1"].state == "completed")
        with pytest.raises(Refusal, match="T1 is completed"):
            await say(one, "hello")
        with pytest.raises(LookupError, match="no task T7"):
            await say(one, "hello", "T7")
        with pytest.raises(Refusal, match="no words"):
            await say(one, " \n", "T2")
        assert kept(one) == []


async def test_what_an_ended_task_did_not_hear_is_told(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    agents.hold("T1")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1")
        await say(one, "wait")
        await one.engine.submit(commands.CancelTask(task="T1"))
        assert await end(one) == flow.DONE
        assert kept(one) == [("wait", "taken_back")]
        path = one.board.log._path
        assert path
        said = [event.text for event in read_events(path) if event.kind == "noticed"]
        assert "T1 ended before it heard your message: wait" in said


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_kill_at_its_delivery_neither_loses_nor_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    plain = Board.commit

    class Killed(Exception):
        pass

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        delivers = any(getattr(one, "name", "").startswith("message ") for one in records)
        if not delivers or place == "after":
            await plain(board, *records, **more)
        if delivers:
            raise Killed

    agents = Agents(plan_of({}), {"T1": [LIST]})
    agents.hold("T1")
    async with at_work(tmp_path, agents, interactive=False) as one:
        await one.start()
        await calling(agents, "T1")
        await say(one, "only once")
        with monkeypatch.context() as patch:
            patch.setattr(Board, "commit", commit)
            agents.open()
            assert await end(one) == flow.FAILED
        assert kept(one) == [("only once", "queued" if place == "before" else "delivered")]
        assert (await one.resume()).code == flow.DONE
        assert kept(one) == [("only once", "delivered")]
        assert notes(one, "T1") == ["only once"]
        assert agents.heard("T1").count("only once") == 1
