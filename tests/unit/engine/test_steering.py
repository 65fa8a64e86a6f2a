"""Agents held, stopped in the middle, and let go on, one by one; how much they may do alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.step import Step
from autodev_tui.engine import flow
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.refusal import Refusal
from autodev_tui.providers.base import ProviderError
from tests.fakes.engine_kit import PATIENCE_S, Kit, until, waiting
from tests.fakes.many_agents import Agents, calling, many, plan_of, write

LIST = ("list_files", {})
NOTHING = "0 nothing changed, so nothing lands"


@asynccontextmanager
async def at_work(place: Path, agents: Agents, at_once: int = 5) -> AsyncIterator[Kit]:
    """An interactive engine, closed at the end."""
    made = many(place, agents, at_once, interactive=True)
    try:
        yield made
    finally:
        await made.engine.aclose()


def model_steps(kit: Kit, task: str | None) -> list[str]:
    return [str(step.state) for step in kit.board.steps(task) if step.kind == "model"]


def command_steps(kit: Kit, task: str) -> list[Step]:
    return [step for step in kit.board.steps(task) if step.name == "run_command"]


async def end(kit: Kit) -> str:
    async with asyncio.timeout(PATIENCE_S):
        outcome = await kit.engine.wait()
    return f"{outcome.code} {outcome.error}"


async def test_one_agent_is_held_before_its_next_step_and_the_other_goes_on(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}, {}), {"T1": [LIST]})
    agents.hold("T1", "T2", "T3")
    async with at_work(tmp_path, agents, 2) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await one.engine.submit(commands.PauseTask(task="T1"))
        assert one.services.held == ["T1"] and one.stored("plan_tasks")[0]["held"] == "paused"
        agents.open("T1")
        await calling(agents, "T2", "T3")
        assert one.services.working == ["T2", "T3"], "who is held has no slot"
        assert [step.state for step in one.board.steps("T1") if step.kind == "tool"] == ["planned"]
        agents.open("T2", "T3")
        await until(lambda: not one.services.working)
        assert one.engine.busy, "it waits for who is held"
        await one.engine.submit(commands.ContinueTask(task="T1"))
        assert await end(one) == NOTHING
        assert model_steps(one, "T1") == ["done", "done"]


async def test_a_model_call_is_ended_at_once_and_asked_again_when_it_goes_on(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}))
    agents.hold("T1", "T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await one.engine.submit(commands.PauseTask(task="T1", now=True))
        await calling(agents, "T2")
        await until(lambda: model_steps(one, "T1") == ["interrupted"])
        assert one.board.tasks["T1"].held == "interrupted"
        assert agents.cancelled == ["T1"] and one.session.usage.at_least
        agents.open()
        await one.engine.submit(commands.ContinueTask(task="T1"))
        assert await end(one) == NOTHING
        assert model_steps(one, "T1") == ["interrupted", "done"]


async def test_a_command_is_ended_with_all_it_started_and_the_model_hears_of_it(tmp_path: Path) -> None:
    sleep = ("run_command", {"command": "echo begun; /bin/sleep 62 & wait"})
    agents = Agents(plan_of({}), {"T1": [sleep]})
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await until(lambda: one.engine.session and command_steps(one, "T1"))
        record = one.services.session_directory() / "commands"
        await until(lambda: any(b"begun" in path.read_bytes() for path in record.glob("*.out")))
        await one.engine.submit(commands.PauseTask(task="T1", now=True))
        await until(lambda: command_steps(one, "T1")[0].state == "interrupted")
        assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0062" in read(one)]
        assert one.board.pending() == [], "nobody is asked what became of it"
        await one.engine.submit(commands.ContinueTask(task="T1"))
        assert await end(one) == NOTHING
        assert len(command_steps(one, "T1")) == 1, "it is not run again by itself"
        heard = agents.heard("T1")
        assert "The human ended this command" in heard and "begun" in heard


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_who_is_held_stays_so_over_a_restart(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}))
    agents.hold("T1", "T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await one.engine.submit(commands.PauseTask(task="T1", now=True))
        await one.engine.submit(commands.PauseTask(task="T2"))
        session = one.session.id
        await one.engine.aclose()
        one.open()
        agents.open()
        await one.engine.submit(commands.ResumeSession(session=session))
        await until(lambda: one.session.state is SessionState.RUNNING and one.session.phase == 4)
        assert one.services.held == ["T1", "T2"]
        await one.engine.submit(commands.ContinueTask(task="T2"))
        await until(lambda: one.board.tasks["T2"].state == "completed")
        await until(lambda: one.services.working == [])
        assert one.services.held == ["T1"]
        await one.engine.submit(commands.ContinueSession())
        assert await end(one) == NOTHING


async def test_headless_nobody_is_held_after_a_restart(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    agents.hold("T1")
    one = many(tmp_path, agents)
    try:
        await one.start()
        await calling(agents, "T1")
        await one.engine.submit(commands.PauseTask(task="T1"))
        agents.open()
        assert (await one.resume()).code == flow.DONE
    finally:
        await one.engine.aclose()


async def test_an_answer_given_to_a_held_agent_takes_effect_when_it_goes_on(tmp_path: Path) -> None:
    command = ("run_command", {"command": "touch made"})
    agents = Agents(plan_of({}), {"T1": [command]})
    async with at_work(tmp_path, agents) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        question = await waiting(one, "command")
        await one.engine.submit(commands.PauseTask(task="T1"))
        await one.answer(question)
        assert command_steps(one, "T1")[0].state == "awaiting"
        await one.engine.submit(commands.ContinueTask(task="T1"))
        await until(lambda: command_steps(one, "T1")[0].state == "done")


async def test_a_failed_task_is_tried_again_while_others_go_on(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}), {"T1": [ProviderError("auth", "no key")]})
    agents.hold("T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await until(lambda: one.engine.session and "T1" in one.board.tasks)
        await until(lambda: one.board.tasks["T1"].state == "failed")
        with pytest.raises(Refusal, match="T1 is failed"):
            await one.engine.submit(commands.PauseTask(task="T1"))
        await one.engine.submit(commands.ContinueTask(task="T1"))
        await until(lambda: one.board.tasks["T1"].state == "completed")
        assert "The human says: go on" in agents.heard("T1")
        agents.open()
        assert await end(one) == NOTHING


async def test_a_failed_task_begins_the_ended_run_again_and_only_it(tmp_path: Path) -> None:
    wrong = [ProviderError("auth", "no key")]
    agents = Agents(plan_of({}, {}), {"T1": list(wrong), "T2": list(wrong)})
    async with at_work(tmp_path, agents) as one:
        await one.start()
        assert await end(one) == "1 no key; no key"
        await one.engine.submit(commands.ContinueTask(task="T2"))
        assert await end(one) == "1 no key"
        assert [task.state for task in one.board.tasks.values()] == ["failed", "completed"]
        with pytest.raises(Refusal, match="T2 is completed"):
            await one.engine.submit(commands.ContinueTask(task="T2"))
        with pytest.raises(LookupError):
            await one.engine.submit(commands.ContinueTask(task="T7"))


async def test_one_goes_on_while_all_others_stay_paused(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}), {"T1": [LIST], "T2": [LIST]})
    agents.hold("T1", "T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await one.engine.submit(commands.PauseSession())
        agents.open()
        await until(lambda: not one.services.working)
        assert one.session.state is SessionState.PAUSED
        await one.engine.submit(commands.ContinueTask(task="T2"))
        await until(lambda: one.board.tasks["T2"].state == "completed")
        assert one.session.state is SessionState.RUNNING and one.services.held == ["T1"]
        await one.engine.submit(commands.ContinueSession())
        assert await end(one) == NOTHING


async def test_nobody_begins_while_all_are_paused(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}), {"T1": [LIST]})
    agents.hold("T1")
    async with at_work(tmp_path, agents, 1) as one:
        await one.start()
        await calling(agents, "T1")
        await one.engine.submit(commands.PauseSession())
        agents.open()
        await until(lambda: not one.services.working)
        await one.engine.submit(commands.CancelTask(task="T1"))
        await until(lambda: one.board.tasks["T1"].state == "cancelled")
        assert one.board.tasks["T2"].state == "planned" and one.engine.busy
        await one.engine.submit(commands.ContinueSession())
        assert await end(one) == NOTHING
        assert one.board.tasks["T2"].state == "completed"


async def test_the_planner_is_stopped_and_goes_on(tmp_path: Path) -> None:
    agents = Agents(plan_of({}))
    agents.hold("")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "")
        assert one.services.working == [""]
        await one.engine.submit(commands.PauseTask(task="", now=True))
        await until(lambda: model_steps(one, None) == ["interrupted"])
        assert one.services.held == [""]
        await until(lambda: one.services.working == [])
        agents.open()
        await one.engine.submit(commands.ContinueTask(task=""))
        assert await end(one) == NOTHING


async def test_pins_and_the_slider_hold_from_the_next_action_and_are_told(tmp_path: Path) -> None:
    agents = Agents(plan_of({}), {"T1": [LIST, write("n.txt"), write("m.txt")]})
    agents.hold("T1")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1")
        await one.engine.submit(commands.Pin(task="T1", level=Level.GUIDED))
        agents.open()
        edit = await waiting(one, "edit")
        await one.engine.submit(commands.Pin(task="T1"))
        await one.engine.submit(commands.Pin(level=Level.COLLABORATIVE))
        await one.engine.submit(commands.SetSlider(level=Level.SUPERVISED))
        await one.answer(edit)
        await waiting(one, "changes")
        assert (one.session.pin, one.session.slider) == (Level.COLLABORATIVE, Level.SUPERVISED)
        path = one.board.log._path
        assert path
        said = [event.text for event in read_events(path) if event.kind == "noticed"]
        for text in (
            "T1 is pinned to guided",
            "T1 is not pinned any more",
            "the goal is pinned to collaborative",
        ):
            assert text in said
        assert any("supervised" in text for text in said)


async def test_time_counts_while_one_works_though_another_waits(tmp_path: Path) -> None:
    now = 0.0
    ask = ("ask_user", {"question": "which?"})
    agents = Agents(plan_of({}, {}), {"T1": [ask], "T2": [ask]})
    agents.hold("T2")
    one = many(tmp_path, agents, interactive=True, monotonic=lambda: now)
    try:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        await waiting(one, "question")
        await calling(agents, "T2")
        now = 100.0
        assert one.services.active_s() == 100.0
        agents.open()
        await until(lambda: len(one.board.pending()) == 2)
        now = 10_000.0
        assert one.services.active_s() == 100.0, "all wait for the human"
    finally:
        await one.engine.aclose()


async def test_a_criterion_is_ticked_by_its_words_and_stays_so(tmp_path: Path) -> None:
    agents = Agents(plan_of({"acceptance_criteria": [{"text": "it reads well"}]}), {"T1": [LIST]})
    agents.hold("T1")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1")
        await one.engine.submit(commands.TickCriterion(task="T1", criterion="it reads well", ticked=True))
        agents.open()
        await end(one)
        (stored,) = [row["acceptance_criteria"] for row in one.stored("plan_tasks")]
        assert [row["ticked"] for row in stored] == [True]
        with pytest.raises(LookupError):
            await one.engine.submit(commands.TickCriterion(task="T1", criterion="other", ticked=True))
