"""What bounds an agent: the tools of its role, the time of its commands, and a spawner that can be lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from autodev_tui.domain import events
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import StepKind
from autodev_tui.engine.agent_loop import work
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.unknown import RUN_AGAIN
from autodev_tui.providers.base import Request, Turn
from tests.fakes.engine_kit import DONE, PATIENCE_S, PLAN, desk, kit, make_turn, turns, until, waiting


def running(mark: str) -> list[str]:
    """The processes whose command line holds `mark`."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if mark in line]


async def test_a_tool_of_another_role_is_refused_and_logged(tmp_path: Path) -> None:
    def reply(request: Request) -> Turn:
        if request.meta["role"] != "planning":
            return make_turn(DONE, first_id=900)
        if request.meta["turn"] > 1:
            return make_turn(PLAN, first_id=500)
        return make_turn(
            ("write_file", {"path": "a.txt", "content": "mine"}),
            ("run_command", {"command": "touch made"}),
            ("make_coffee", {}),
        )

    async with kit(tmp_path, reply) as one:
        await one.run()
        write, run, unknown = [step for step in one.board.steps(None) if step.kind is StepKind.TOOL][:3]
        assert [step.state for step in (write, run, unknown)] == [StepState.FAILED] * 3
        assert [step.result["denied"] for step in (write, run, unknown)] == [True, True, False]
        assert not (one.fixture.root / "made").exists()
        assert (one.fixture.root / "a.txt").read_text() == "one\ntwo\nthree\n"
        asked = one.provider.requests
        seen = [block["content"] for block in asked[1].messages[-1]["content"]]
        assert "not a tool of your role" in seen[0]
        assert "not a tool of your role" in seen[1]
        assert "no tool of that name" in seen[2]
        logged = [
            event
            for event in read_events(one.services.session_directory() / "events.jsonl")
            if isinstance(event, events.StepMoved) and event.step == write.id and event.new == "failed"
        ]
        assert len(logged) == 1
        assert logged[0].name == "write_file"
        offered = {tool.name for tool in asked[0].tools}
        assert not offered & {"write_file", "run_command", "edit_file", "delete_file", "move_file"}


async def test_a_command_that_takes_too_long_is_killed_with_its_whole_group(tmp_path: Path) -> None:
    mark = f"31337.{os.getpid()}"
    command = f"/bin/sleep {mark} & (/bin/sleep {mark}; true) & /bin/sleep {mark}; true"
    reply = turns(make_turn(("run_command", {"command": command, "timeout_s": 1})), make_turn(DONE))
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        await work(place.agent, place.verifier, place.workspace)
        (step,) = [step for step in place.agent.steps if step.name == "run_command"]
        assert step.state is StepState.DONE
        assert step.result["timed_out"] is True
        assert "time" in step.result["text"]
        assert running(mark) == []


async def test_a_spawner_killed_between_two_commands_is_started_again(tmp_path: Path) -> None:
    def command(text: str) -> Turn:
        return make_turn(("run_command", {"command": f"echo {text} >> said; echo {text}"}))

    reply = turns(command("first"), command("second"), make_turn(DONE))
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        killed: list[int] = []

        async def kill(request: Request) -> None:
            spawner = one.services.runner._spawner
            if spawner and not killed:
                killed.append(spawner.pid)
                os.kill(spawner.pid, signal.SIGKILL)
                await until(lambda: spawner.gone, "the spawner's end")

        one.provider.before = kill
        await work(place.agent, place.verifier, place.workspace)
        steps = [step for step in place.agent.steps if step.name == "run_command"]
        assert [step.state for step in steps] == [StepState.DONE, StepState.DONE]
        assert (place.workspace.path / "said").read_text() == "first\nsecond\n"
        assert "second" in steps[1].result["text"]
        assert one.services.runner._spawner is not None
        assert one.services.runner._spawner.pid != killed[0]


async def test_a_spawner_killed_under_a_command_asks_what_became_of_it_and_runs_it_again(
    tmp_path: Path,
) -> None:
    mark = f"31338.{os.getpid()}"
    command = f"if [ -e begun ]; then echo again; else echo > begun; /bin/sleep {mark}; fi"
    reply = turns(make_turn(("run_command", {"command": command})), make_turn(DONE))
    async with kit(tmp_path, reply, interactive=True) as one:
        place = await desk(one)
        working = asyncio.ensure_future(work(place.agent, place.verifier, place.workspace))
        await until((place.workspace.path / "begun").exists, "the command's start")
        spawner = one.services.runner._spawner
        assert spawner is not None
        os.kill(spawner.pid, signal.SIGKILL)
        question = await waiting(one, "escalation")
        (step,) = [step for step in place.agent.steps if step.name == "run_command"]
        assert step.state is StepState.UNKNOWN
        await until(lambda: not running(mark), "the end of what the spawner ran")
        await one.answer(question, "choose", choice=RUN_AGAIN)
        await asyncio.wait_for(working, PATIENCE_S)
        step = one.board.step(step.id)
        assert step.state is StepState.DONE
        assert "again" in step.result["text"]
        assert one.services.runner._spawner is not None
        assert one.services.runner._spawner.pid != spawner.pid
