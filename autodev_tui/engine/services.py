"""What every part of a running session shares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from autodev_tui.domain.levels import Level, effective_level
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import Board
from autodev_tui.engine.broker import Broker, Superseded
from autodev_tui.engine.flow import Interrupted, LimitReached, Waiting
from autodev_tui.engine.messages import Mailbox
from autodev_tui.engine.overlaps import Overlaps
from autodev_tui.engine.purse import Purse
from autodev_tui.engine.slots import SEAT, Seat, Signal, Slots
from autodev_tui.engine.spending import Spending
from autodev_tui.engine.stopwatch import Stopwatch
from prompts import PromptTemplateManager

if TYPE_CHECKING:
    from autodev_tui.engine.commands_runner import CommandRunner
    from autodev_tui.engine.models import Models
    from autodev_tui.policy.secrets import Masker
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from autodev_tui.vcs.worktrees import Worktrees
    from store.blobs import Blobs

T = TypeVar("T")
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


@dataclass
class Services:
    """Handed to every part; holds no decisions of its own but pause, limits and levels."""

    board: Board
    broker: Broker
    blobs: Blobs
    repository: Repository
    worktrees: Worktrees
    models: Models
    settings: Settings
    runner: CommandRunner
    masker: Masker
    state: Path
    """The repository's state directory."""
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    rules: tuple[tuple[str, str], ...] = ()
    """(file name, text) of the repository's rules, once trusted."""
    prompts: PromptTemplateManager = field(default_factory=PromptTemplateManager)
    """The templates that count here: the shipped ones, and trusted ones of the repository."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    told: set[str] = field(default_factory=set)
    """Notices about prompts that this run has given already."""
    cancelled: set[str] = field(default_factory=set)
    unpaused: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """What runs for a task of the plan now, so that it can be ended alone."""
    tried: set[str] = field(default_factory=set)
    """Tasks that this run does not begin again by itself."""
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Task branches join the session branch one at a time."""
    asking_for_money: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One agent at a time asks about the budget."""
    stopped_at: set[str] = field(default_factory=set)
    """The limits at which the human said stop, in this run."""
    spending: Path | None = None
    """Where the user's spending is recorded; None: beside the repository's state."""
    watch: Stopwatch = field(init=False)
    signal: Signal = field(init=False)
    """Given when somebody may go on who could not before."""
    slots: Slots = field(init=False)
    purse: Purse = field(init=False)
    mailbox: Mailbox = field(init=False)
    overlaps: Overlaps = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Stopwatch(self.monotonic)
        self.signal = Signal(self.board.touch)
        self.purse = Purse(self, Spending(self.spending or self.state / "spending"))
        self.slots = Slots(lambda: self.settings.agents, self.signal)
        self.mailbox = Mailbox(self.board)
        self.overlaps = Overlaps(self.board, self.repository, self.signal, lambda: list(self.at_work))
        self.broker.idle = self.idle
        self.broker.may_go_on = self.may_go_on
        self._seats: dict[str, Seat] = {}
        self._wait_with_slot: list[str] = []

    @property
    def session(self) -> Session:
        """The session as it is now."""
        return self.board.session

    @property
    def sandboxed(self) -> bool:
        """Whether commands run in a sandbox that was seen to work."""
        return self.runner.sandboxed

    def session_directory(self) -> Path:
        """Where this session's logs and command outputs are."""
        return self.state / "sessions" / self.session.id

    def level(self, task: Task | None) -> Level:
        """The level that holds for `task`, or for the goal as a whole."""
        recommended = task.recommended if task else Level(self.session.analysis["recommended"])
        pin = (task.pin if task else None) or self.session.pin
        return effective_level(self.session.slider, recommended, pin)

    def active_s(self) -> float:
        """Seconds the session was at work, over all its runs."""
        return self.session.active_s + self.watch.seconds()

    # -- who works

    @property
    def working(self) -> list[str]:
        """The agents that have a slot now and do not wait with it; "" is the planner."""
        return [name for name in self.slots.holders if name not in self._wait_with_slot]

    @property
    def held(self) -> list[str]:
        """The agents that a human holds; "" is the planner."""
        tasks = [one.id for one in self.board.tasks.values() if one.held and one.state not in _ENDED]
        return [*([""] if self.session.held else []), *tasks]

    @property
    def meets(self) -> dict[str, list[str]]:
        """Tasks that wait because another works on the same file: `T4 in src/auth.py`."""
        return self.overlaps.meets()

    def sit(self, name: str) -> Seat:
        """A seat for the agent `name`, with a slot from now on."""
        seat = self._seats[name] = Seat(name)
        self.watch.begin()
        self.slots.take(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """The agent has ended."""
        self._give_slot_back(seat)
        if self._seats.get(seat.name) is seat:
            del self._seats[seat.name]
        self.signal.give()

    @contextmanager
    def seated(self, name: str) -> Iterator[None]:
        """What runs inside is the agent `name`; whoever runs it does nothing else meanwhile."""
        with self.watch.held():
            seat = self.sit(name)
            token = SEAT.set(seat)
            try:
                yield
            finally:
                SEAT.reset(token)
                self.leave(seat)

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """While inside, the present agent waits for somebody else, and another may have its slot."""
        seat = SEAT.get()
        if seat is None or seat.keeps_slot:
            with self._with_slot(seat):
                yield
            return
        self._give_slot_back(seat)
        yield
        await self._have_slot(seat)

    @contextmanager
    def _with_slot(self, seat: Seat | None) -> Iterator[None]:
        """Inside, the present agent waits without giving its slot away: it is not at work."""
        names = [seat.name] if seat else []
        self._wait_with_slot += names
        self.board.touch()
        try:
            with self.watch.held():
                yield
        finally:
            for name in names:
                self._wait_with_slot.remove(name)
            self.board.touch()

    def _give_slot_back(self, seat: Seat) -> None:
        if seat.has_slot:
            self.slots.give_back(seat)
            self.watch.end()

    async def _have_slot(self, seat: Seat) -> None:
        async with seat.lock:
            if not seat.has_slot:
                await self.slots.take_again(seat)
                self.watch.begin()

    def interruptible(self) -> AbstractContextManager[None]:
        """What runs inside ends at once when the human interrupts the present agent.

        Raises:
            Interrupted: it was.
        """
        seat = SEAT.get()
        return seat.interruptible() if seat else nullcontext()

    def interrupt(self, name: str) -> None:
        """End at once what this agent is doing."""
        if seat := self._seats.get(name):
            seat.interrupt()

    def heed(self, task: str | None) -> None:
        """Raises Interrupted when words of the human wait for an agent that believes to be done."""
        if SEAT.get() and self.mailbox.queued(task):
            raise Interrupted

    async def alone(self, lock: asyncio.Lock, do: Callable[[], Awaitable[T]]) -> T:
        """`do` under `lock`, questions and all.

        Whoever is inside keeps its slot: those who wait for the lock keep theirs, and would keep it out.
        """
        seat = SEAT.get()
        with self._with_slot(seat) if lock.locked() else nullcontext():
            await lock.acquire()
        try:
            with seat.keeping_slot() if seat else nullcontext():
                return await do()
        finally:
            lock.release()

    async def patiently(self, lock: asyncio.Lock, do: Callable[[], Awaitable[T]]) -> T:
        """`do` under `lock`; what it asks is waited for outside of it, then it is done anew."""

        async def ask_only() -> T:
            with self.broker.asking_only():
                return await do()

        while True:
            try:
                return await self.alone(lock, ask_only)
            except Waiting as waiting:
                if not self.broker.waits:
                    raise
                questions = waiting.approvals
            for question in questions:
                with suppress(Superseded):
                    await self.broker.answer_to(question)

    # -- going on

    async def may_go_on(self) -> None:
        """Wait while the session or the present agent is held; stop at the end of a limit.

        Raises:
            LimitReached: the session's active time is used up.
        """
        await self.not_paused()
        seat = SEAT.get()
        while seat and self._stands(seat.name):
            async with self.idle():
                await self.signal.until(lambda: not self._stands(seat.name))
            await self.not_paused()
        if seat:
            await self._have_slot(seat)

    async def not_paused(self) -> None:
        """Wait while the whole session is paused; an agent's own pause holds it at a better place.

        Raises:
            LimitReached: the session's active time is used up.
        """
        while not self.unpaused.is_set():
            async with self.idle():
                await self.unpaused.wait()
        active = self.active_s()
        if active > self.settings.max_time_s:
            raise LimitReached(
                f"the session has run for {active:.0f} s; max_time_s is {self.settings.max_time_s:.0f}"
            )

    def _stands(self, name: str) -> bool:
        """Whether this agent is held, or waits for one that works on the same file."""
        if not name:
            return bool(self.session.held)
        task = self.board.tasks.get(name)
        return bool(task and task.held) or self.overlaps.holds_up(name)

    async def keep_text(self, text: str) -> str:
        """Keep bulk text as a blob; its digest."""
        return await asyncio.to_thread(self.put_text, text)

    def put_text(self, text: str) -> str:
        """Keep bulk text as a blob; its digest. Sync."""
        return self.blobs.put(text.encode(errors="surrogateescape"))
