"""Whoever dies, and in whatever order: no process of a command is left, and no result is made up."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autodev_tui.sandbox.client import find_bubblewrap, read_exit

ROOT = Path(__file__).parents[2]
KINDS = ["none", "bubblewrap", "landlock", "landlock-bare"]

ENGINE = """
import asyncio, sys
from pathlib import Path
from autodev_tui.sandbox.client import Spawner
from autodev_tui.sandbox.spec import Command, Rung

async def main(kind, state, script):
    worktree = state / "worktree"
    rung = Rung(kind.removesuffix("-bare"))
    spawner = await Spawner.start(rung, [state], namespaces=kind != "landlock-bare")
    print(spawner.pid, spawner._scratch, flush=True)
    await spawner.run(Command(
        argv=("/bin/bash", "-c", script), cwd=str(worktree), env={"PATH": "/usr/bin:/bin"},
        timeout_s=60,
        spool=str(state / "spool"), exit_file=str(state / "exit"), writable=(str(worktree),),
        protected=(str(worktree / ".autodev"),), sandboxed=kind != "none"))
    print("done", flush=True)
    await asyncio.Event().wait()  # until it is killed

asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
"""

TREE = """
trap '' TERM HUP INT
hold() { exec 9>$1; flock 9; touch $1.ready; sleep 600 9>&9; }
(hold plain) &
(setsid bash -c 'exec 9>session; flock 9; touch session.ready; exec sleep 600' &)
(setsid setsid bash -c 'trap "" TERM HUP; exec 9>deep; flock 9; touch deep.ready; exec sleep 600' &)
while :; do echo line; sleep 0.01; done
"""
LOCKS = ("plain", "session", "deep")


class Engine:
    def __init__(self, kind: str, state: Path, script: str) -> None:
        if kind == "bubblewrap" and find_bubblewrap() is None:
            pytest.skip("bubblewrap is not installed")
        self.state, self.worktree = state, state / "worktree"
        self.worktree.mkdir(parents=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, kind, str(state), script],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        spawner, self.scratch = self.process.stdout.readline().split()
        self.spawner = int(spawner)

    def wait(self, condition, seconds: float = 5.0) -> float:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, "the condition never came true"
            time.sleep(0.005)
        return time.monotonic() - start

    def locked(self) -> list[str]:
        """Which parts of the tree live: each holds a lock, which the kernel takes from the dead alone."""
        held = []
        for name in LOCKS:
            path = self.worktree / name
            if path.exists():
                with path.open() as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        held.append(name)
        return held

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def engine(tmp_path):
    started: list[Engine] = []

    def start(kind: str, script: str = TREE) -> Engine:
        started.append(Engine(kind, tmp_path / f"state{len(started)}", script))
        return started[-1]

    yield start
    for each in started:
        each.end()


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


VICTIMS = {
    "engine": [["engine"]],
    "spawner": [["spawner"]],
    "both": [["engine", "spawner"], ["spawner", "engine"]],
    "engine, politely": [["engine TERM"]],
    "spawner, politely": [["spawner TERM"]],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("victims", VICTIMS)
def test_the_whole_tree_dies_with_its_owner(engine, kind, victims):
    for order in VICTIMS[victims]:
        run = engine(kind)
        run.wait(lambda run=run: all((run.worktree / f"{name}.ready").exists() for name in LOCKS))
        assert run.locked() == list(LOCKS)
        for victim in order:
            pid = run.spawner if victim.startswith("spawner") else run.process.pid
            os.kill(pid, signal.SIGTERM if victim.endswith("TERM") else signal.SIGKILL)
        assert run.wait(lambda run=run: not run.locked()) < 3
        run.wait(lambda run=run: not running(run.spawner))
        assert read_exit(run.state / "exit") is None, "what was cut off has no result"
        if "spawner" not in order:
            run.wait(lambda run=run: not Path(run.scratch).exists())
            assert not (run.worktree / ".autodev").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_kills_at_random_moments_leave_nothing(engine, kind):
    """Also while it is being set up: the command appends to a file, which must stop growing."""
    random.seed(7)
    for _ in range(4):
        run = engine(kind, "while :; do echo x >> grow; sleep 0.005; done")
        time.sleep(random.uniform(0, 0.04))
        pids = [run.process.pid, run.spawner]
        random.shuffle(pids)
        for pid in pids[: random.randint(1, 2)]:
            os.kill(pid, signal.SIGKILL)
        run.wait(lambda run=run: not running(run.spawner) or running(run.process.pid))

        def stopped(grow=run.worktree / "grow") -> bool:
            before = grow.stat().st_size if grow.exists() else 0
            time.sleep(0.05)
            return (grow.stat().st_size if grow.exists() else 0) == before

        run.wait(stopped, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_written_before_the_kill_is_kept(engine, kind):
    run = engine(kind, "echo out; exit 4")
    assert run.process.stdout.readline() == "done\n"
    os.kill(run.process.pid, signal.SIGKILL)
    os.kill(run.spawner, signal.SIGKILL)
    exited = read_exit(run.state / "exit")
    assert exited is not None and (exited.code, exited.output_bytes) == (4, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_at_the_terminal_does_not_reach_commands(engine, kind):
    run = engine(kind)
    run.wait(lambda: all((run.worktree / f"{name}.ready").exists() for name in LOCKS))
    assert os.getsid(run.spawner) != os.getsid(run.process.pid)
    ignored = (signal.SIGINT, signal.SIGHUP, signal.SIGTSTP)
    status = Path(f"/proc/{run.spawner}/status").read_text()
    mask = int(next(line for line in status.splitlines() if line.startswith("SigIgn")).split()[1], 16)
    # Ignored means discarded when sent, so there is nothing to wait for.
    assert all(mask >> (number - 1) & 1 for number in ignored)
    for number in ignored:
        os.kill(run.spawner, number)
    assert run.locked() == list(LOCKS) and running(run.spawner)


@pytest.mark.parametrize("kind", ["none", "landlock-bare"])
def test_a_killed_supervisor_takes_its_command_along(engine, kind):
    """The one process between: without it the spawner itself must find what is left."""
    run = engine(kind)
    run.wait(lambda: all((run.worktree / f"{name}.ready").exists() for name in LOCKS))
    children = Path(f"/proc/{run.spawner}/task/{run.spawner}/children").read_text().split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)
    run.wait(lambda: not run.locked(), 3)
    assert running(run.spawner)
