"""kill -9 in the middle of a healing: it goes on exactly there, and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_heal import BROKEN, CHECK, HEALED
from tests.fakes.program import KNOWN_CHECK, Program, git
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e

PATIENCE_S = 60.0
HOPELESS = (
    "import unittest\n\n\nclass WrongTest(unittest.TestCase):\n"
    "    def test_wrong(self):\n        self.assertEqual(2 + 2, 5)\n"
)
FILES = {**BROKEN, "tests/test_wrong.py": HOPELESS}
EDITS = Counter({"shop/prices.py": 3})
LEFT = f"{CHECK} is red, and rules could not heal it (needs a model)"


def moved(program: Program) -> Iterator[dict[str, Any]]:
    """What the healing's calls came to, as far as the whole lines of the log tell."""
    for log in program.state_root.glob("repositories/*/sessions/*/events.jsonl"):
        for line in log.read_text().split("\n")[:-1]:
            event = json.loads(line)
            if event["kind"] == "step_moved" and event["step_kind"] == "tool":
                yield event


def killed(program: Program, name: str, new: str, times: int) -> None:
    """Heal, and be killed as soon as so many calls of that name have come so far."""
    running = program.start("heal", "--json")
    end = time.monotonic() + PATIENCE_S
    while sum(one["name"] == name and one["new"] == new for one in moved(program)) < times:
        assert time.monotonic() < end and running.poll() is None, "it never came so far"
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    program.no_process_is_left()
    assert git(program.repository, "status", "--porcelain") == ""


def edits(program: Program) -> Counter[str]:
    with program.state() as database:
        steps = database.all("steps")
    done = [one for one in steps if one["name"] == "edit_file" and one["state"] == "done"]
    return Counter(one["args"]["path"] for one in done)


def left(program: Program) -> list[str]:
    return [one["description"] for one in program("todo", "list", "--json").json]


def reviewed_and_landed(program: Program) -> None:
    """What was proposed is what an undisturbed healing proposes; the rest stays to be done."""
    assert (program.repository / "shop/prices.py").read_text() == HEALED
    assert git(program.repository, "log", "-1", "--format=%s") == "fix: imports, names and lint in prices.py"
    assert git(program.repository, "rev-list", "--count", "HEAD") == "2"
    assert edits(program) == EDITS
    assert left(program) == [LEFT]
    program.clean()


@pytest.mark.parametrize(
    ("name", "new", "times"),
    [
        ("edit_file", "done", 1),
        pytest.param("run_command", "started", 1, marks=pytest.mark.soak),
        pytest.param("edit_file", "started", 2, marks=pytest.mark.soak),
        pytest.param("finish", "done", 1, marks=pytest.mark.soak),
    ],
)
def test_resume_goes_on_there_and_tells_it_all(name: str, new: str, times: int, tmp_path: Path) -> None:
    program = Program(tmp_path, FILES, settings=KNOWN_CHECK)
    head = program.head()
    killed(program, name, new, times)
    assert program.head() == head
    resumed = program("resume", "--headless")
    assert resumed.code == 3, resumed.err
    assert resumed.out.startswith("3 repairs made and proven; 1 failure left for a model.")
    assert "the change waits for your review" in resumed.err
    assert program.head() == head and git(program.repository, "status", "--porcelain") == ""
    assert left(program) == [LEFT]
    assert program.approve(program.only_question()).code == 0
    assert "ready · 1 left for a model" in program("resume", "--headless").err
    assert program("land").code == 0
    reviewed_and_landed(program)


@pytest.mark.soak
def test_the_workbench_goes_on_there(tmp_path: Path) -> None:
    program = Program(tmp_path, FILES, settings=KNOWN_CHECK)
    killed(program, "edit_file", "done", 1)
    seat = Seat(program)
    try:
        seat.open()
        seat.sees("was interrupted", "0 of 1 done", "nothing uncommitted", "▌ Look first")
        seat.decide("a", "± 1 review")
        assert git(program.repository, "status", "--porcelain") == ""
        seat.review()
        seat.sees("shop/prices.py")
        seat.terminal.send("ctrl+q")
        assert seat.terminal.ended() == 0
    finally:
        seat.close()
    assert edits(program) == EDITS and left(program) == [LEFT]
    assert program.approve(program.only_question()).code == 0
    assert program.resume().code == 3
    assert program("land").code == 0
    reviewed_and_landed(program)
