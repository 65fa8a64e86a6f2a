"""Eight agents that stream 2,000 lines a second each: a key is on the screen within 50 ms, p99.

The baseline is the same view with the same agents while nothing streams. Half of the agents write words, half
run a command; the updates come 30 times a second, as the engine sends them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from rich.console import RenderableType
from textual.app import App, ComposeResult
from textual.screen import Screen

from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import StepState
from autodev_tui.domain.updates import StreamPiece, Update
from tests.bench.harness import Row, spread
from tests.fakes.agent_logs import Logs
from widgets.agents_view import AgentsView

AGENTS = 8
LINES_A_SECOND = 2000
UPDATES_A_SECOND = 30
HISTORY = 100
"""Turns of each agent that are over."""
KEYS = 120
LIMIT_S = 0.050
SIZE = (120, 36)


class Host(App[None]):
    """Only the agents. `painted` is set by the first frame in which the cursor has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.painted = asyncio.Event()
        self.was = -1

    def compose(self) -> ComposeResult:
        yield AgentsView(time.time)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if self.query_one(AgentsView).front_pane.cursor != self.was:
            self.painted.set()


def run() -> list[Row]:
    """The 99th percentile, quiet and streaming."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    mirror = _mirror()
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        view = app.query_one(AgentsView)
        view.show(mirror)
        await pilot.pause()
        view.focus_front()
        await pilot.press("t", "k", "k")
        quiet = [await _key(app, view, number) for number in range(KEYS)]
        stop = asyncio.Event()
        streaming = asyncio.create_task(_stream(view, mirror, stop))
        loud = [await _key(app, view, number) for number in range(KEYS)]
        stop.set()
        lines = await streaming
    p99, calm = _p99([wall for wall, _ in loud]), _p99([wall for wall, _ in quiet])
    own = _p99([processor for _, processor in loud])
    detail = (
        f"{spread([wall for wall, _ in loud])} against {spread([wall for wall, _ in quiet])} quiet, "
        f"n = {len(loud)}, {lines:,.0f} lines a second; p99 of our own processor time {own * 1e3:.1f} ms"
    )
    return [
        Row("key to repaint while 8 agents stream", p99, 0.0, p99 / calm, LIMIT_S, p99 <= LIMIT_S, detail)
    ]


def _p99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100, method="inclusive")[98]


async def _key(app: Host, view: AgentsView, number: int) -> tuple[float, float]:
    """Seconds from a key that moves the cursor to the frame that shows it, and how long we worked in them."""
    app.was = view.front_pane.cursor
    app.painted.clear()
    begun, worked = time.perf_counter(), time.process_time()
    app.simulate_key("j" if number % 2 else "k")
    await app.painted.wait()
    took = time.perf_counter() - begun, time.process_time() - worked
    await asyncio.sleep(0.02)
    return took


async def _stream(view: AgentsView, mirror: Mirror, stop: asyncio.Event) -> float:
    """Feed all agents until told to stop; how many lines a second came in all."""
    begun, sent = time.perf_counter(), 0
    while not stop.is_set():
        due = int((time.perf_counter() - begun) * LINES_A_SECOND)
        count, sent = due - sent, due
        text = "".join(
            f"{due - left} tests/test_tokens.py::test_expiry[{left}] PASSED\n" for left in range(count)
        )
        pieces = [_piece(agent, mirror, text) for agent in range(1, AGENTS + 1)]
        view.show(mirror, mirror.apply(Update(streams=pieces)))
        await asyncio.sleep(1 / UPDATES_A_SECOND)
    return sent * AGENTS / (time.perf_counter() - begun)


def _piece(agent: int, mirror: Mirror, text: str) -> StreamPiece:
    task = f"T{agent}"
    if agent % 2:
        return StreamPiece(task=task, kind="text", text=text)
    return StreamPiece(task=task, kind="output", step=mirror.steps_of(task)[-1].id, text=text)


def _mirror() -> Mirror:
    logs = Logs()
    for number in range(1, AGENTS + 1):
        task = f"T{number}"
        logs.task(task, "A task")
        for turn in range(HISTORY):
            logs.says(task, "The **clock** must be frozen: `freezegun` is not here. " * 4, turn=turn)
            logs.call(task, "read_file", {"path": "src/tokens.py"}, turn=turn)
        if number % 2:
            logs.asked(task)
        else:
            logs.call(task, "run_command", {"command": "pytest"}, state=StepState.STARTED)
    return logs.mirror
