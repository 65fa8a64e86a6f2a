"""Who works: at most so many agents at once, and one that waits for somebody else gives its slot away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from autodev_tui.engine.flow import Interrupted


class Signal:
    """Wakes everybody who waits for something to change."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._event = asyncio.Event()
        self._told = told

    def give(self) -> None:
        """Something changed."""
        self._event.set()
        self._event = asyncio.Event()
        self._told()

    async def wait(self) -> None:
        """Until something changes."""
        await self._event.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until `condition` holds; looked at each time something changes."""
        while not condition():
            await self.wait()


@dataclass(eq=False)
class _Running:
    task: asyncio.Task[object]
    interrupted: bool = False


class Seat:
    """One agent at the table: it has a slot while it works."""

    def __init__(self, name: str) -> None:
        self.name = name
        """Its task's id; "" is the planner."""
        self.has_slot = False
        self.keeps_slot = 0
        """Above 0 it waits without giving its slot away."""
        self.lock = asyncio.Lock()
        self._running: list[_Running] = []

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """What runs inside is ended by `interrupt`. Raises Interrupted when it was."""
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        running = _Running(task)
        self._running.append(running)
        try:
            yield
        except asyncio.CancelledError as error:
            # The same account as asyncio.timeout keeps: a cancel of somebody else's goes on as one.
            if running.interrupted:
                running.interrupted = False
                if task.uncancel() <= before:
                    raise Interrupted from error
            raise
        finally:
            self._running.remove(running)
            if running.interrupted:
                # It ended by itself in that very moment.
                task.uncancel()

    @contextmanager
    def keeping_slot(self) -> Iterator[None]:
        """Inside, waiting does not give the slot away."""
        self.keeps_slot += 1
        try:
            yield
        finally:
            self.keeps_slot -= 1

    def interrupt(self) -> None:
        """End at once what runs now and may be interrupted."""
        if self._running and not any(running.interrupted for running in self._running):
            self._running[-1].interrupted = True
            self._running[-1].task.cancel()


SEAT: ContextVar[Seat | None] = ContextVar("seat", default=None)
"""The agent on whose behalf the present code runs; None outside of any."""


class Slots:
    """As many as may work at once. Who comes back to work is served before who begins."""

    def __init__(self, limit: Callable[[], int], signal: Signal) -> None:
        self._limit = limit
        self._signal = signal
        self.holders: list[str] = []
        self._queue: list[Seat] = []

    @property
    def free(self) -> bool:
        """Whether one more agent may begin."""
        return len(self.holders) + len(self._queue) < self._limit()

    def take(self, seat: Seat) -> None:
        """A slot, at once."""
        seat.has_slot = True
        self.holders.append(seat.name)
        self._signal.give()

    async def take_again(self, seat: Seat) -> None:
        """A slot as soon as there is one, first come, first served."""
        self._queue.append(seat)
        try:
            await self._signal.until(lambda: len(self.holders) < self._limit() and self._queue[0] is seat)
            self.take(seat)
        finally:
            self._queue.remove(seat)
            self._signal.give()

    def give_back(self, seat: Seat) -> None:
        """The slot is free for another."""
        seat.has_slot = False
        self.holders.remove(seat.name)
        self._signal.give()
