"""What every part of a running session shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.domain.levels import Level, effective_level
from autodev_tui.domain.session import Session
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import Board
from autodev_tui.engine.broker import Broker
from autodev_tui.engine.flow import LimitReached
from autodev_tui.engine.stopwatch import Stopwatch
from prompts import PromptTemplateManager

if TYPE_CHECKING:
    from autodev_tui.engine.commands_runner import CommandRunner
    from autodev_tui.policy.secrets import Masker
    from autodev_tui.providers.base import Provider
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from autodev_tui.vcs.worktrees import Worktrees
    from store.blobs import Blobs


@dataclass
class Services:
    """Handed to every part; holds no decisions of its own but pause, limits and levels."""

    board: Board
    broker: Broker
    blobs: Blobs
    repository: Repository
    worktrees: Worktrees
    provider: Provider
    model: str
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
    watch: Stopwatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Stopwatch(self.monotonic)
        self.broker.watch = self.watch

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

    async def may_go_on(self) -> None:
        """Wait while paused; stop at the end of a limit.

        Raises:
            LimitReached: the session's active time is used up.
        """
        if not self.unpaused.is_set():
            with self.watch.held():
                await self.unpaused.wait()
        active = self.active_s()
        if active > self.settings.max_time_s:
            raise LimitReached(
                f"the session has run for {active:.0f} s; max_time_s is {self.settings.max_time_s:.0f}"
            )

    async def keep_text(self, text: str) -> str:
        """Keep bulk text as a blob; its digest."""
        return await asyncio.to_thread(self.put_text, text)

    def put_text(self, text: str) -> str:
        """Keep bulk text as a blob; its digest. Sync."""
        return self.blobs.put(text.encode(errors="surrogateescape"))
