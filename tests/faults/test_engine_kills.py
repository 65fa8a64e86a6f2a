"""SIGKILL at random moments of a run, of the program or its spawner alone; then it goes on and lands."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.crashes import EFFECTS, FILES, SCRIPT, START, Crashing, copy_place, reference_run
from tests.fakes.program import CHECK, FIX, agent, call, git, plan, reply, task

KILLS, SOAK_KILLS = 10, 200


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Crashing, Path, str, float]]:
    """The program, the place as it begins, the tree that lands, and how long a run takes."""
    with reference_run(tmp_path_factory.mktemp("kills"), SCRIPT) as (program, begun):
        started = time.monotonic()
        program.go_on()
        yield program, begun, git(program.repository, "rev-parse", "main^{tree}"), time.monotonic() - started


def kill_at_random(landed: tuple[Crashing, Path, str, float], kills: int, seed: int) -> None:
    """Start and kill again and again, each time somewhere in what a run takes, then let it land."""
    program, begun, tree, duration = landed
    chance = random.Random(seed)
    done = 0
    while done < kills:
        copy_place(begun, program.place)
        program.server.requests.clear()
        while done < kills:
            program.no_process_is_left()
            words = ("resume", "--headless") if program.sessions() else START
            asked, durable = len(program.server.requests), program.durable_turns()
            running = program.fork(*words)
            time.sleep(chance.uniform(0.3, max(1.5, duration / 3)))
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)
            result = running.result()
            program.asked_only_what_was_open(asked, durable)
            done += result.code == -9
            if result.code == 3:
                program.answer_all()
            elif result.code != -9:
                assert result.code == 0 or "nothing to resume" in result.err, result.err
                break
        program.go_on()
        program.check_landed(tree)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(landed: tuple[Crashing, Path, str, float], seed: int) -> None:
    kill_at_random(landed, KILLS // 2, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_killed_at_many_random_moments(landed: tuple[Crashing, Path, str, float], seed: int) -> None:
    kill_at_random(landed, SOAK_KILLS // 10, seed)


def spawners() -> list[int]:
    """Pids of living spawners."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and b"spawner_main.py" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def kill_spawner_of(program: Crashing) -> None:
    for pid in spawners():
        with contextlib.suppress(OSError):
            if os.fsencode(program.place) in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)


def script_of(command: str) -> dict[str, object]:
    """A task that runs `command` and then fixes the shop."""
    replies = (FIX[0], reply(call("run_command", command=command)), *FIX[1:])
    return {"conversations": [plan(task("fix", "Fix the discount")), agent("Fix the discount", *replies)]}


def test_spawner_killed_under_a_command(tmp_path: Path) -> None:
    """Nobody can tell how far it came: asked, not told as `not run`; what follows has a new spawner."""
    command = f"echo first >> {EFFECTS}; sleep 60"
    with reference_run(tmp_path, script_of(command)) as (program, _):
        running = program.fork(*START)
        program.wait_for_effect("first")
        kill_spawner_of(program)
        result = running.result(30)
        assert result.code == 3, result.err
        question = program.only_question()
        assert question["kind"] == "escalation" and command in question["title"]
        assert program.answer(question, "--choice", "mark done").code == 0
        assert program("resume", "--headless").code == 0
        assert (program.repository / EFFECTS).read_text() == "first\n"
        program.clean()


def test_spawner_killed_under_a_check(tmp_path: Path) -> None:
    """A check may run again, and does, without a question."""
    slow = {"tests/test_slow.py": SLOW_TEST}
    with reference_run(tmp_path, script_of(CHECK), FILES | slow) as (program, _):
        running = program.fork(*START)
        program.wait_for_effect("ran", "ran.txt")
        kill_spawner_of(program)
        result = running.result(60)
        assert result.code == 0, result.err
        assert git(program.repository, "show", "--name-only", "--format=", "main") == "shop/prices.py"
        program.clean()


SLOW_TEST = """import pathlib, signal, unittest


class SlowTest(unittest.TestCase):
    def test_slow_at_first(self):
        mark = pathlib.Path("ran.txt")
        if not mark.exists() and "-check" not in str(pathlib.Path.cwd()):
            mark.write_text("ran")
            signal.pause()
"""
