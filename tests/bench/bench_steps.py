"""An agent's step (one model turn with one read_file call): the engine's own time beyond the measured floors.

The floors are measured beside each step: what the step made durable, written and synced once more to plain
files, and the same request sent by the bare SDK to the same server, which is a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from autodev_tui.engine.agent_loop import work
from autodev_tui.providers.anthropic import AnthropicProvider
from autodev_tui.providers.anthropic_request import build_body
from autodev_tui.providers.base import Chunk, Provider, Request, Turn
from autodev_tui.providers.models import facts
from autodev_tui.providers.scripted import FunctionProvider
from autodev_tui.settings import Settings
from store.blobs import Blobs
from store.files import sync, sync_directory
from store.journal import Journal
from tests.bench.harness import Row, limit, spread
from tests.fakes.engine_kit import Kit, desk, make_turn

FILES = {f"src/m{n}.py": f'"""Module {n}."""\n\n' + "x = 1\n" * 20 for n in range(40)}
OWN_S, WHOLE_S, GROWTH = 0.005, 0.015, 1.3
WINDOW = 20
LONG, OVER_WIRE = 2000, 200
MODEL = "claude-opus-5"


@dataclass
class Written:
    """What one step made durable."""

    lines: list[bytes] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)


@dataclass
class Sample:
    """Seconds of one step: the engine between two model calls, the model call, and the floors of both."""

    engine: float = 0.0
    cpu: float = 0.0
    """Seconds of processor time in `engine`, all threads: what a busy machine does not change."""
    call: float = 0.0
    durable: float = 0.0
    bare: float = 0.0
    appends: int = 0

    @property
    def own(self) -> float:
        """The engine's own time."""
        return self.engine - self.durable

    @property
    def provider(self) -> float:
        """What our provider adds to the SDK."""
        return self.call - self.bare


class Watched:
    """A provider that measures each step and, between two steps, its floors."""

    name = "watched"

    def __init__(self, inner: Provider, plain: Path, bare: Callable[[Request], Any] | None = None) -> None:
        self.inner = inner
        self.samples: list[Sample] = []
        self.written = Written()
        self._bare = bare
        self._plain = plain
        self._fd = os.open(plain / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._left = self._used = 0.0

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """The inner turn; the time since the last one ended was the engine's."""
        came, used = time.perf_counter(), time.process_time()
        if self._left:
            self.samples[-1].engine = came - self._left
            self.samples[-1].cpu = used - self._used
            self.samples[-1].appends = len(self.written.lines)
            self.samples[-1].durable = await asyncio.to_thread(self._write_again)
        self.samples.append(Sample())
        if self._bare:
            start = time.perf_counter()
            await self._bare(request)
            self.samples[-1].bare = time.perf_counter() - start
        start = time.perf_counter()
        turn = await self.inner.complete(request, on_chunk)
        self._left, self._used = time.perf_counter(), time.process_time()
        self.samples[-1].call = self._left - start
        self.written = Written()
        return turn

    def _write_again(self) -> float:
        """Seconds for the same bytes in plain files."""
        start = time.perf_counter()
        for line in self.written.lines:
            os.write(self._fd, line)
            sync(self._fd)
        for number, blob in enumerate(self.written.blobs):
            temporary = self._plain / f"tmp{number}"
            with temporary.open("wb") as file:
                file.write(blob)
                file.flush()
                sync(file.fileno())
            temporary.replace(self._plain / f"blob{number}")
            sync_directory(self._plain)
        return time.perf_counter() - start

    async def limits(self, model: str) -> Any:
        """The inner provider's."""
        return await self.inner.limits(model)

    async def aclose(self) -> None:
        """Close the inner provider."""
        os.close(self._fd)
        await self.inner.aclose()


def watch_disk(watched: Watched) -> Callable[[], None]:
    """Note every line and blob that is made durable from now on; returns what ends it."""
    append, write = Journal.append, Blobs._write

    def noted_append(self: Journal, line: bytes) -> None:
        if self.path.is_relative_to(watched._plain.parent):
            watched.written.lines.append(line)
        append(self, line)

    def noted_write(self: Blobs, path: Path, data: bytes) -> None:
        watched.written.blobs.append(data)
        write(self, path, data)

    Journal.append, Blobs._write = noted_append, noted_write  # type: ignore[method-assign]

    def end() -> None:
        Journal.append, Blobs._write = append, write  # type: ignore[method-assign]

    return end


def call_of(turn: int) -> tuple[str, dict[str, Any]]:
    """Another file each time, so that the agent goes in no circle."""
    return ("read_file", {"path": f"src/m{turn % len(FILES)}.py"})


async def steps(place: Path, provider: Provider, count: int, bare: Any = None) -> list[Sample]:
    """Run an agent for so many steps."""
    plain = place / "plain"
    plain.mkdir()
    watched = Watched(provider, plain, bare)
    settings = Settings.model_validate({"max_turns": count + 10, "limits": {"context_tokens": 10**9}})
    kit = Kit(place, reply=lambda _: make_turn(), files=FILES, settings=settings, own_provider=watched)
    end = watch_disk(watched)
    try:
        at = await desk(kit)
        await work(at.agent, at.verifier, at.workspace)
    finally:
        end()
        await kit.engine.aclose()
    return watched.samples[:-1]


def scripted(count: int) -> FunctionProvider:
    """Turns without any model or wire."""

    def reply(request: Request) -> Turn:
        turn = int(request.meta["turn"])
        call = call_of(turn) if turn <= count else ("finish", {"summary": "done"})
        return make_turn(call, text=f"Turn {turn}.", first_id=turn)

    provider = FunctionProvider(reply)
    provider.requests = _Nothing()
    return provider


class _Nothing(list[Any]):
    """Keeps no requests: 2000 of them with their histories are too many."""

    def append(self, _: Any) -> None:
        pass


@asynccontextmanager
async def server(place: Path, count: int) -> AsyncIterator[str]:
    """The service in a process of its own; its address."""
    port = place / "port"
    command = [sys.executable, "-m", "tests.bench.plain_server", str(port), str(count), str(len(FILES))]
    process = await asyncio.to_thread(subprocess.Popen, command, cwd=Path(__file__).parents[2])
    try:
        while not port.exists():
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port.read_text().strip()}"
    finally:
        process.terminate()
        process.wait()


def bare_sdk(url: str) -> Any:
    """The plainest loop over the SDK's stream."""
    import anthropic

    client = anthropic.AsyncAnthropic(api_key="none", base_url=url, max_retries=0)

    async def ask(request: Request) -> None:
        known = facts(request.model)
        assert known is not None
        stream = await client.messages.create(**build_body(request, known), stream=True)
        async for _ in stream:
            pass

    return ask


def window(samples: list[Sample], middle: int) -> list[Sample]:
    """The WINDOW steps around one of that number."""
    start = max(0, min(middle - WINDOW // 2, len(samples) - WINDOW))
    return samples[start : start + WINDOW]


def floor(samples: list[Sample]) -> str:
    """The floors in words."""
    durable = spread([one.durable for one in samples])
    count = median(one.appends for one in samples)
    cpu = spread([one.cpu for one in samples])
    return f"processor time {cpu}; beyond {count:g} durable appends, {durable}"


def engine_only(place: Path) -> list[Row]:
    """2000 steps with a model that answers at once."""
    samples = asyncio.run(steps(place, scripted(LONG), LONG))
    rows = [
        limit(
            f"engine's own time per step at {at}",
            [one.own for one in window(samples, at)],
            OWN_S,
            floor(window(samples, at)),
        )
        for at in (20, 200, LONG)
    ]
    first = median(one.own for one in samples[WINDOW : 2 * WINDOW])
    last = median(one.own for one in samples[-WINDOW:])
    growth = last / first
    detail = f"{last * 1e3:.3f} ms against {first * 1e3:.3f} ms"
    return [
        *rows,
        Row(f"last {WINDOW} of {LONG} steps", last, first, growth, GROWTH, growth <= GROWTH, detail),
    ]


def over_the_wire(place: Path) -> list[Row]:
    """200 steps through the real SDK."""

    async def run() -> list[Sample]:
        async with server(place, OVER_WIRE) as url:
            provider = AnthropicProvider(api_key="none", base_url=url)
            return await steps(place / "wire", provider, OVER_WIRE, bare_sdk(url))

    (place / "wire").mkdir()
    samples = asyncio.run(run())
    rows = []
    for at in (20, OVER_WIRE):
        part = window(samples, at)
        bare = spread([one.bare for one in part])
        ours = spread([one.provider for one in part])
        detail = f"of it the provider {ours}; {floor(part)}, and the bare SDK, {bare}"
        own = [one.own + one.provider for one in part]
        rows.append(limit(f"engine and provider per step at {at} over the wire", own, OWN_S, detail))
    whole = [one.engine + one.call for one in window(samples, OVER_WIRE)]
    return [*rows, limit(f"the whole step at {OVER_WIRE} over the wire", whole, WHOLE_S)]


def run() -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        return [*engine_only(Path(one)), *over_the_wire(Path(two))]
