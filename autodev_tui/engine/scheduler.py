"""The scheduler: which tasks are at work side by side, in dependency order, until none can go on (S19).

What becomes of one task never ends another: who fails, waits or is cancelled frees its slot, and the others
go on. What is true of the whole run is told once all have ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.ending import end_task
from autodev_tui.engine.lacking import held_up
from autodev_tui.engine.overlaps import foreseen
from autodev_tui.engine.rule_tasks import lacks_model
from autodev_tui.engine.services import Services
from autodev_tui.engine.slots import SEAT, Seat
from store.journal import StoreError

Perform = Callable[[str], Awaitable[None]]
"""Brings one task to its end, from wherever it stands, and its work into the session branch."""


class Scheduler:
    """Runs the tasks of the plan once, each from wherever it stands."""

    def __init__(self, services: Services, perform: Perform) -> None:
        self._services = services
        self._board = services.board
        self._perform = perform
        self._waiting: dict[str, list[Approval]] = {}
        self._limit: flow.LimitReached | None = None
        self._trouble: Exception | None = None

    async def run(self) -> None:
        """Start what may start and wait, until nothing is at work and nothing can begin.

        Raises:
            LimitReached: budget, time or turns are used up.
            Waiting: headless, and questions wait for the human.
            GaveUp: tasks failed, or cannot start.
        """
        services = self._services
        try:
            with services.watch.held():
                while True:
                    if ended := next((name for name, work in services.at_work.items() if work.done()), ""):
                        await self._ended(ended, services.at_work.pop(ended))
                        services.signal.give()
                        continue
                    self._start()
                    if not services.at_work and not self._held_back():
                        break
                    await services.signal.wait()
        finally:
            await self._end_all()
        self._conclude()

    def _start(self) -> None:
        """Give every free slot to the first task of the plan that can use it."""
        services = self._services
        before, services.overlaps.planned = services.overlaps.planned, {}
        self._give_out_slots()
        if services.overlaps.planned != before:
            self._board.touch()

    def _give_out_slots(self) -> None:
        services = self._services
        if self._limit or not services.unpaused.is_set():
            return
        for task in self._ready():
            if task.held:
                continue
            if met := self._meets(task):
                services.overlaps.planned[task.id] = met
            elif services.slots.free:
                self._begin(task.id)

    def _begin(self, name: str) -> None:
        services = self._services
        services.tried.add(name)
        seat = services.sit(name)
        work = asyncio.create_task(self._seated(seat), name=name)
        services.at_work[name] = work
        # Not in the task itself: one that is cancelled before it begins must not keep its slot.
        work.add_done_callback(lambda _: services.leave(seat))

    async def _seated(self, seat: Seat) -> None:
        SEAT.set(seat)
        await self._perform(seat.name)

    def _ready(self) -> Iterator[Task]:
        """The tasks, in the order of the plan, that can go on and were not tried in this run."""
        services = self._services
        taken = services.tried | set(services.at_work)
        tasks = [one for one in self._board.tasks.values() if one.id not in taken]
        # It has not joined the session branch before a crash: nothing may be built without it.
        yield from (one for one in tasks if one.state is TaskState.COMPLETED and one.worktree)
        for task in tasks:
            needed = [self._board.tasks[one] for one in task.dependencies]
            joined = all(one.state is TaskState.COMPLETED and not one.worktree for one in needed)
            if task.state in (TaskState.COMPLETED, TaskState.CANCELLED) or not joined:
                continue
            if not lacks_model(services, task):
                yield task

    def _meets(self, task: Task) -> str:
        """Whom this task would meet in what it is to change; it begins when that one is done."""
        if task.state is TaskState.COMPLETED or self._services.overlaps.is_waived(task.id):
            return ""
        for name in self._services.at_work:
            other = self._board.tasks.get(name)
            if other and (path := foreseen(task.files, other.files)):
                return f"{name} in {path}"
        return ""

    def _held_back(self) -> bool:
        """Whether there are tasks that only a human keeps from going on."""
        return not self._limit and any(True for _ in self._ready())

    async def _ended(self, name: str, work: asyncio.Task[None]) -> None:
        services, board = self._services, self._board
        try:
            work.result()
        except flow.Waiting as stop:
            self._waiting[name] = stop.approvals
        except flow.LimitReached as limit:
            self._limit = self._limit or limit
        except asyncio.CancelledError:
            if name not in services.cancelled:
                raise
            services.cancelled.discard(name)
            if not await end_task(services, name):
                services.tried.discard(name)  # completed in that very moment: it joins like any other
        except flow.GaveUp as error:
            if board.tasks[name].state is TaskState.COMPLETED:
                # Its own work is done: that it cannot join is the session's trouble.
                self._trouble = self._trouble or error
            else:
                await board.commit(board.task_moved(name, TaskState.FAILED, error=str(error)))
        except StoreError:
            raise
        except Exception as error:
            self._trouble = self._trouble or error

    async def _end_all(self) -> None:
        """Nobody goes on when the run ends; what is in hand is recorded first, whoever else hurries."""
        at_work = self._services.at_work
        works = list(at_work.values())
        for work in works:
            work.cancel()
        while any(not work.done() for work in works):
            try:
                await asyncio.wait(works)
            except asyncio.CancelledError:
                for work in works:
                    work.cancel()
        for work in works:
            if not work.cancelled():
                work.exception()  # asked for, so that asyncio does not report it as lost
        at_work.clear()

    def _conclude(self) -> None:
        if self._limit:
            raise self._limit
        if self._trouble:
            raise self._trouble
        tasks = self._board.tasks.values()
        if self._waiting:
            raise flow.Waiting([one for task in tasks for one in self._waiting.get(task.id, ())])
        failed = [task for task in tasks if task.state is TaskState.FAILED]
        if failed:
            raise flow.GaveUp("; ".join(task.error or f"{task.id} failed" for task in failed))
        lacking = {task.id for task in held_up(self._services)}
        stuck = [task.id for task in tasks if task.state is TaskState.PLANNED and task.id not in lacking]
        if stuck:
            raise flow.GaveUp(f"{', '.join(stuck)} cannot start: what they depend on was cancelled")
