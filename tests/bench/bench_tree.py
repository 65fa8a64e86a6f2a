"""The task tree with 10,000 tasks, beside one with 10: a task more, a move of the cursor, a new state."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from itertools import count

from textual.app import App, ComposeResult
from textual.screen import Screen

from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.updates import Update
from tests.bench.harness import Row, limit, spread
from tests.fakes import shown
from widgets.tasks_pane import TasksPane

TASKS = 10_000
FEW = 10
SAMPLES = 60
SIZE = (120, 36)
BUDGET_S = 0.016
"""A frame: nothing may hold the screen longer."""


class Host(Screen[None]):
    """The tree over the whole screen."""

    def __init__(self, pane: TasksPane) -> None:
        super().__init__()
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield self.pane


class Tree:
    """A tree of some tasks, as an update would show it."""

    def __init__(self, tasks: int) -> None:
        self.mirror = Mirror()
        made = [self.task(number) for number in range(1, tasks + 1)]
        self.mirror.apply(shown.update(tasks=made, approvals=[], steps=[], working=[]))
        self.pane = TasksPane()
        self.numbers = count(tasks + 1)
        self.turns = count()

    @staticmethod
    def task(number: int, state: TaskState = TaskState.PLANNED) -> object:
        return shown.task(number, f"Task number {number}", state)

    def add(self) -> None:
        self.mirror.apply(Update(tasks=[self.task(next(self.numbers))]))
        self.pane.show(self.mirror)

    def change(self) -> None:
        states = [TaskState.ASSIGNED, TaskState.PLANNED]
        self.mirror.apply(Update(tasks=[self.task(5, states[next(self.turns) % 2])]))
        self.pane.show(self.mirror)

    def move(self) -> None:
        if next(self.turns) % 10:
            self.pane.action_move(1)
        elif self.pane.cursor > self.pane.row_count() // 2:
            self.pane.action_top()
        else:
            self.pane.action_end()

    def open(self) -> None:
        self.pane.show(self.mirror)


def paint(app: App[None]) -> None:
    """Draw the whole screen, as a terminal would be given it."""
    app.screen._compositor.render_strips(app.screen.size)


async def measured() -> list[Row]:
    """All rows."""
    app: App[None] = App()
    async with app.run_test(size=SIZE) as pilot:
        trees = [Tree(FEW), Tree(TASKS)]
        taken: dict[str, list[list[float]]] = {}
        for tree in trees:
            await app.push_screen(Host(tree.pane))
            await pilot.pause()
            acts: dict[str, Callable[[], None]] = {
                "open": tree.open,
                "one task more": tree.add,
                "move the cursor": tree.move,
                "a task's new state": tree.change,
            }
            for name, act in acts.items():
                times = []
                for _ in range(SAMPLES):
                    start = time.perf_counter()
                    act()
                    paint(app)
                    times.append(time.perf_counter() - start)
                    await pilot.pause()
                taken.setdefault(name, []).append(times)
            app.pop_screen()
    return [
        limit(f"{TASKS:,} tasks: {name}", many, BUDGET_S, f"{spread(many)} · with {FEW}: {spread(few)}")
        for name, (few, many) in taken.items()
    ]


def run() -> list[Row]:
    """All rows."""
    return asyncio.run(measured())


if __name__ == "__main__":
    from tests.bench.harness import show

    sys.exit(0 if show(run()) else 1)
