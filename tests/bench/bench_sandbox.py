"""What starting a command costs: each rung against no sandbox, and that against the standard library."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from autodev_tui.sandbox.client import Spawner, find_bubblewrap
from autodev_tui.sandbox.spec import Command, Rung

ROUNDS = 25
KINDS = ("none", "landlock", "landlock without namespaces", "bubblewrap")
OUTPUT_BYTES = 256 * 1024 * 1024


def run() -> list[object]:
    """The rows of this part of the bench."""
    return asyncio.run(_run())


async def _run() -> list[object]:
    with tempfile.TemporaryDirectory() as name:
        state = Path(name)
        (state / "worktree").mkdir()
        (state / "worktree" / ".git").write_text("gitdir: x\n")
        kinds = [kind for kind in KINDS if kind != "bubblewrap" or find_bubblewrap()]
        spawners = {kind: await _spawner(kind, state) for kind in kinds}
        contenders: dict[str, Callable[[], Awaitable[object]]] = {
            kind: _through(spawner, _true(kind, state)) for kind, spawner in spawners.items()
        }
        contenders["subprocess"] = _by_subprocess
        contenders["python -I -S"] = lambda: asyncio.to_thread(
            subprocess.run, [sys.executable, "-I", "-S", "-c", ""], check=True
        )
        times = await _interleaved(contenders)
        throughput = await _output(spawners["none"], state)
        start = statistics.median([await _start_time(state) for _ in range(ROUNDS)])
        for spawner in spawners.values():
            await spawner.aclose()
    return _rows(times, start, throughput)


async def _spawner(kind: str, state: Path) -> Spawner:
    return await Spawner.start(Rung(kind.split()[0]), [state], namespaces="without" not in kind)


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


def _through(spawner: Spawner, command: Command) -> Callable[[], Awaitable[object]]:
    return lambda: spawner.run(command)


async def _by_subprocess() -> None:
    process = await asyncio.create_subprocess_exec("/bin/true")
    await process.wait()


async def _interleaved(contenders: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for attempt in contenders.values():
        await attempt()
    for _ in range(ROUNDS):
        for name, attempt in contenders.items():
            start = time.perf_counter()
            await attempt()
            times[name].append(time.perf_counter() - start)
    return times


async def _start_time(state: Path) -> float:
    start = time.perf_counter()
    spawner = await _spawner("none", state)
    taken = time.perf_counter() - start
    await spawner.aclose()
    return taken


async def _output(spawner: Spawner, state: Path) -> tuple[float, float, int, int]:
    """(seconds through the spawner, seconds of the bare pipeline, growth of its memory in kB, bytes kept)."""
    script = f"yes autodev | head -c {OUTPUT_BYTES}"
    start = time.perf_counter()
    await asyncio.to_thread(subprocess.run, ["/bin/sh", "-c", f"{script} | cat > /dev/null"], check=True)
    bare = time.perf_counter() - start
    before, peak = _memory(spawner.pid), 0

    def look(_: bytes) -> None:
        nonlocal peak
        peak = max(peak, _memory(spawner.pid))

    command = _true("none", state)
    start = time.perf_counter()
    exited = await spawner.run(Command(**{**vars(command), "argv": ("/bin/sh", "-c", script)}), look)
    return time.perf_counter() - start, bare, peak - before, exited.spooled_bytes


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def _rows(times: dict[str, list[float]], start: float, output: tuple[float, float, int, int]) -> list[object]:
    from tests.bench.harness import Row

    median = {name: statistics.median(values) * 1000 for name, values in times.items()}
    spread = {name: statistics.quantiles(values, n=10)[8] * 1000 for name, values in times.items()}

    def row(name: str, what: str, against: str, budget: str, ok: bool) -> object:
        detail = f"p90 {spread[what]:.1f} ms, n={ROUNDS}, against {against}"
        measured, baseline = f"{median[what]:.1f} ms", f"{median[against]:.1f} ms"
        return Row(name, measured, baseline, median[what] / median[against], budget, ok, detail)

    rows = [
        row("command start, no sandbox", "none", "subprocess", "≤ 20 ms", median["none"] <= 20),
    ]
    for kind in ("landlock", "landlock without namespaces", "bubblewrap"):
        if kind in median:
            extra = median[kind] - median["none"]
            rows.append(row(f"command start, {kind}", kind, "none", "+ ≤ 25 ms", extra <= 25))
    bare = median["python -I -S"]
    ratio = start * 1000 / bare
    rows.append(
        Row(
            "spawner start",
            f"{start * 1000:.1f} ms",
            f"{bare:.1f} ms",
            ratio,
            "≤ 6 ×",
            ratio <= 6,
            "bare Python",
        )
    )
    seconds, pipeline, growth, kept = output
    bounded = growth <= 20 * 1024 and kept <= 64 * 1024 * 1024
    rows.append(
        Row(
            "256 MB of command output",
            f"{seconds:.2f} s",
            f"{pipeline:.2f} s",
            seconds / pipeline,
            "≤ 64 MB kept, memory + ≤ 20 MB",
            bounded,
            f"{kept / 1024 / 1024:.0f} MB kept, memory + {growth / 1024:.1f} MB, against the pipeline alone",
        )
    )
    return rows
