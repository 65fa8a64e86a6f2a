"""What starting a command costs, against the same without sandbox, spawner or both; and much output."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from asyncio import Runner
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autodev_tui.sandbox.client import Spawner, find_bubblewrap
from autodev_tui.sandbox.spec import Command, Rung
from tests.bench.harness import Row, compare, interleaved, limit, timed

ROUNDS = 25
OUTPUT_BYTES = 256 * 1024 * 1024
KINDS = ("none", "landlock", "landlock without namespaces", "bubblewrap")


def run() -> list[Row]:
    """The rows of this part of the bench."""
    with tempfile.TemporaryDirectory() as name, Runner() as runner:
        state = Path(name)
        (state / "worktree").mkdir()
        (state / "worktree" / ".git").write_text("gitdir: x\n")
        kinds = [kind for kind in KINDS if kind != "bubblewrap" or find_bubblewrap()]
        spawners = {kind: runner.run(_spawner(kind, state)) for kind in kinds}
        actions: dict[str, Callable[[], object]] = {"plain": lambda: _plain(state, "/bin/true")}
        for kind, spawner in spawners.items():
            actions[kind] = _through(runner, spawner, _true(kind, state))
        if "bubblewrap" in kinds:
            bare = (str(find_bubblewrap()), "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
            actions["bwrap"] = lambda: _plain(state, *bare, "--unshare-all", "/bin/true")
        actions["python"] = lambda: subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
        actions["start"] = lambda: runner.run(_start_and_end(state))
        for action in actions.values():
            action()
        samplers = [lambda action=action: timed(action) for action in actions.values()]  # type: ignore[misc]
        times = dict(zip(actions, interleaved(*samplers, count=ROUNDS), strict=True))
        rows = [compare("command without sandbox / subprocess + 2 fsync", times["none"], times["plain"], 4)]
        for kind in kinds[1:]:
            rows.append(compare(f"command in {kind} / without sandbox", times[kind], times["none"], 5))
        if "bubblewrap" in kinds:
            rows.append(compare("command in bubblewrap / bare bwrap", times["bubblewrap"], times["bwrap"], 3))
        rows.append(compare("spawner start and end / bare Python", times["start"], times["python"], 8))
        rows.append(_output(runner, spawners["none"], state))
        for spawner in spawners.values():
            runner.run(spawner.aclose())
    return rows


async def _spawner(kind: str, state: Path) -> Spawner:
    return await Spawner.start(Rung(kind.split()[0]), [state], namespaces="without" not in kind)


async def _start_and_end(state: Path) -> None:
    await (await _spawner("none", state)).aclose()


def _true(kind: str, state: Path) -> Command:
    return Command(
        argv=("/bin/true",),
        cwd=str(state / "worktree"),
        env={"PATH": "/usr/bin:/bin"},
        timeout_s=60,
        spool=str(state / "spool"),
        exit_file=str(state / "exit"),
        writable=(str(state / "worktree"),),
        protected=(str(state / "worktree/.git"), str(state / "worktree/.autodev")),
        sandboxed=kind != "none",
    )


def _through(runner: Runner, spawner: Spawner, command: Command) -> Callable[[], object]:
    return lambda: runner.run(spawner.run(command))


def _plain(state: Path, *argv: str) -> None:
    """The floor: the command by the standard library, and a durable record of its end."""
    done = subprocess.run(argv, check=True)
    with (state / "plain.tmp").open("w") as file:
        file.write(str(done.returncode))
        file.flush()
        os.fsync(file.fileno())
    (state / "plain.tmp").rename(state / "plain")
    folder = os.open(state, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _output(runner: Runner, spawner: Spawner, state: Path) -> Row:
    """Seconds for much output; what it may keep on disk and in memory decides too."""
    before, peak = _memory(spawner.pid), 0

    def look(_: bytes) -> None:
        nonlocal peak
        peak = max(peak, _memory(spawner.pid))

    script = f"yes autodev | head -c {OUTPUT_BYTES}"
    command = replace(_true("none", state), argv=("/bin/sh", "-c", script))
    start = time.perf_counter()
    exited = runner.run(spawner.run(command, look))
    taken = time.perf_counter() - start
    growth, kept = (peak - before) / 1024, exited.spooled_bytes / 1024**2
    text = f"{kept:.0f} MB kept (at most 64), spawner's memory + {growth:.1f} MB (at most 20)"
    row = limit(f"{OUTPUT_BYTES // 1024**2} MB of command output", [taken] * 2, 10, text)
    return replace(row, ok=row.ok and kept <= 64 and growth <= 20)


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
