"""Eight agents that stream 2,000 lines a second each: a key is on the screen within 50 ms, p99.

The baseline is the same view with the same agents while nothing streams. Half of the agents write words, half
run a command whose output is open; the updates come 30 times a second, as the engine sends them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from rich.console import RenderableType
from textual.app import App, ComposeResult
from textual.screen import Screen

from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.domain.updates import EngineFacts, StreamPiece, Update
from tests.bench.harness import Row, spread
from widgets.agents_view import AgentsView

AGENTS = 8
LINES_A_SECOND = 2000
UPDATES_A_SECOND = 30
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
    p99, calm = (statistics.quantiles(one, n=100, method="inclusive")[98] for one in (loud, quiet))
    detail = f"{spread(loud)} against {spread(quiet)} quiet, n = {len(loud)}, {lines:,.0f} lines a second"
    return [
        Row("key to repaint while 8 agents stream", p99, 0.0, p99 / calm, LIMIT_S, p99 <= LIMIT_S, detail)
    ]


async def _key(app: Host, view: AgentsView, number: int) -> float:
    """Seconds from a key that moves the cursor to the frame that shows it."""
    app.was = view.front_pane.cursor
    app.painted.clear()
    begun = time.perf_counter()
    app.simulate_key("j" if number % 2 else "k")
    await app.painted.wait()
    took = time.perf_counter() - begun
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
        pieces = [_piece(agent, text) for agent in range(1, AGENTS + 1)]
        view.show(mirror, mirror.apply(Update(streams=pieces)))
        await asyncio.sleep(1 / UPDATES_A_SECOND)
    return sent * AGENTS / (time.perf_counter() - begun)


def _piece(agent: int, text: str) -> StreamPiece:
    if agent % 2:
        return StreamPiece(task=f"T{agent}", kind="text", text=text)
    return StreamPiece(task=f"T{agent}", kind="output", step=f"s/{agent:02d}live", text=text)


def _mirror() -> Mirror:
    session = Session(
        id="s", goal="g", model="m", slider=Level.COLLABORATIVE, state=SessionState.RUNNING, target_branch="main",
        base_commit="", session_branch="", start_time=0.0,
    )  # fmt: skip
    names = [f"T{number}" for number in range(1, AGENTS + 1)]
    tasks = [
        Task(id=name, session="s", title="A task", state=TaskState.IN_PROGRESS, worktree="/w")
        for name in names
    ]
    steps = [_step(number, at) for number in range(1, AGENTS + 1) for at in range(200)]
    steps += [_live(number) for number in range(1, AGENTS + 1)]
    mirror = Mirror()
    facts = EngineFacts(busy=True)
    mirror.apply(Update(facts=facts, session=session, tasks=tasks, steps=steps, working=names))
    return mirror


def _step(agent: int, at: int) -> Step:
    name, result = f"s/{agent:02d}{at:04d}", {"lines": 118, "text": "said"}
    reply = {
        "text": "The **clock** must be frozen: `freezegun` is not here. " * 4,
        "content": [],
        "calls": [],
    }
    if at % 2:
        return Step(id=name, session="s", seq=at, task=f"T{agent}", kind=StepKind.TOOL, name="read_file",
                    state=StepState.DONE, args={"path": "src/tokens.py"}, result=result, created=1.0)  # fmt: skip
    return Step(id=name, session="s", seq=at, task=f"T{agent}", kind=StepKind.MODEL, name="m", turn=at,
                state=StepState.DONE, result={"text": "", "reply": reply}, created=1.0)  # fmt: skip


def _live(agent: int) -> Step:
    fields = {"session": "s", "seq": 900, "task": f"T{agent}", "state": StepState.STARTED, "created": 1.0}
    if agent % 2:
        return Step(id=f"s/{agent:02d}live", kind=StepKind.MODEL, name="m", turn=900, started=1.0, **fields)
    return Step(id=f"s/{agent:02d}live", kind=StepKind.TOOL, name="run_command", args={"command": "pytest"},
                started=1.0, **fields)  # fmt: skip
