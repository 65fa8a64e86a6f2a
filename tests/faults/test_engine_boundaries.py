"""SIGKILL at every point between two durable things of a run, then `resume` until it has landed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.crashes import SCRIPT, START, Crashing, copy_place, reference_run
from tests.fakes.program import git

STRIDES = (43, 29)
"""About a dozen kills, evenly spread, in the normal suite."""


@dataclass
class Reference:
    """A run without kills, and where to start from: the beginning, and after its question was answered."""

    program: Crashing
    begun: Path
    answered: Path
    points: list[tuple[Path, int, str]]
    tree: str


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    home = tmp_path_factory.mktemp("boundaries")
    answered, log = home / "answered", home / "points"
    with reference_run(home, SCRIPT) as (program, begun):
        first = program.fork(*START, AUTODEV_CRASH_AT=f"0:{log}").result()
        assert first.code == 3, first.err
        names = log.read_text().splitlines()
        points = [(begun, number, name) for number, name in enumerate(names, 1)]
        program.answer_all()
        copy_place(program.place, answered)
        log.unlink()
        second = program.fork("resume", "--headless", AUTODEV_CRASH_AT=f"0:{log}").result()
        assert second.code == 0, second.err
        names = log.read_text().splitlines()
        points += [(answered, number, name) for number, name in enumerate(names, 1)]
        tree = git(program.repository, "rev-parse", "main^{tree}")
        program.check_landed(tree)
        yield Reference(program, begun, answered, points, tree)


def killed_at(reference: Reference, start: Path, number: int) -> None:
    program = reference.program
    copy_place(start, program.place)
    program.server.requests.clear()
    words = START if start == reference.begun else ("resume", "--headless")
    killed = program.fork(*words, AUTODEV_CRASH_AT=str(number)).result()
    assert killed.code == -9, killed.err
    program.go_on()
    program.check_landed(reference.tree)


def test_the_run_has_every_kind_of_point(reference: Reference) -> None:
    names = "\n".join(name for _, _, name in reference.points)
    for wanted in (
        "before · model",
        "tool edit_file started",
        "tool run_command done",
        "tool move_file started",
        "checkpoint tree",
        "check ",
        "commit r1 started",
        "merge joined done",
        "after · Approval pending",
        "land land started",
        "index written",
        "branch after",
        "Session landed",
    ):
        assert wanted in names, wanted
    assert len(reference.points) > 100


@pytest.mark.parametrize("stride", [STRIDES[0], pytest.param(STRIDES[1], marks=pytest.mark.soak)])
def test_killed_again_and_again(reference: Reference, stride: int) -> None:
    """Every process dies at its own point number `stride`, also while it recovers from the one before."""
    program, kills = reference.program, 0
    copy_place(reference.begun, program.place)
    program.server.requests.clear()
    for _ in range(60):
        program.no_process_is_left()
        words = ("resume", "--headless") if program.sessions() else START
        asked, durable = len(program.server.requests), program.durable_turns()
        result = program.fork(*words, AUTODEV_CRASH_AT=str(stride)).result()
        program.asked_only_what_was_open(asked, durable)
        kills += result.code == -9
        if result.code == 3:
            program.answer_all()
        elif result.code != -9:
            assert result.code == 0 or "nothing to resume" in result.err, result.err
            break
    program.check_landed(reference.tree)
    assert kills >= len(reference.points) // stride


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_killed_at_every_point(reference: Reference, part: int) -> None:
    for start, number, name in reference.points[part::8]:
        try:
            killed_at(reference, start, number)
        except BaseException as error:
            error.add_note(f"killed at {number}, {name}, from {start.name}")
            raise
