"""Who drives a folder: one front end; others read along with its engine, and one of them may take over."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from autodev_tui import paths
from autodev_tui.domain import commands
from autodev_tui.domain.requests import Answer, Refused, Request
from autodev_tui.domain.updates import EngineFacts
from autodev_tui.engine.refusal import Refusal
from autodev_tui.live import Live, Watched
from autodev_tui.looking import Opened, open_place, stamp
from store.lock import owner

if TYPE_CHECKING:
    from autodev_tui.assembly import Place
    from autodev_tui.engine.engine import Engine
    from autodev_tui.engine.feed import Feed

WATCH_S = 1.0
"""How often a watcher looks whether another's engine wrote something."""
GIVES_WAY_LOOKS = 100
"""So often, a twentieth of WATCH_S apart, whoever drove looks whether somebody else does now."""
TOLD = ("busy", "agents", "stopped", "model", "model_problem", "sandbox", "sandbox_problem", "dirty")
"""Facts that hold for the engine, wherever it is watched."""
logger = logging.getLogger(__name__)


class Watching:
    """The part of a host that knows of other front ends on the same folder."""

    def __init__(self, feed: Feed, options: Mapping[str, Any]) -> None:
        self._feed = feed
        self._options = dict(options)
        self._known = EngineFacts()
        self._opened: Opened | None = None
        self._engine: Engine | None = None
        self._problem = ""
        """Why there is nothing to drive here."""
        self._background: set[asyncio.Task[Any]] = set()
        self._live: Live | None = None
        """Where others read along."""
        self._watched: Watched | None = None
        """Another's engine, while it is read along with."""
        self._takes_over: bool | None = None
        """This front end is about to drive; whether a session is to go on then."""

    # -- what the host does

    @abstractmethod
    async def open(self) -> None:
        """Open the folder, to drive or to watch."""

    @abstractmethod
    async def submit(self, command: commands.Command) -> Refused | None:
        """Carry out a command."""

    @abstractmethod
    async def ask(self, request: Request) -> Answer:
        """Answer a request."""

    @abstractmethod
    async def _assemble(self, opened: Opened) -> None: ...

    @abstractmethod
    def _facts(self) -> EngineFacts: ...

    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...

    async def _close(self) -> None:
        """Let go of the folder."""
        if self._live:
            await self._live.aclose()
        if self._engine:
            await self._engine.aclose()
        if self._opened and self._opened.log:
            self._opened.log.close()
        self._opened = self._engine = self._live = None

    # -- watching

    async def _watch(self) -> None:
        """Another engine drives: read along, else show what it wrote; drive when it has gone."""
        assert self._opened
        place = self._opened.place
        seen = await asyncio.to_thread(stamp, place.state)
        while await asyncio.to_thread(owner, place.state):
            if (watched := await self._reach(place)) and await self._read_along(watched):
                seen = []
                continue
            await asyncio.sleep(WATCH_S)
            now = await asyncio.to_thread(stamp, place.state)
            if now != seen:
                seen = now
                opened = await asyncio.to_thread(open_place, place, self._options, read_only=True)
                self._opened = opened
                await self._assemble(opened)
        await self.open()
        goes_on, self._takes_over = self._takes_over, None
        if goes_on and not self._known.owner and self._known.interrupted:
            refused = await self.submit(commands.ResumeSession(session=self._known.interrupted))
            if refused:
                self._known = self._known.but(problems=[*self._known.problems, refused.reason])
                self._feed.touch()

    async def _read_along(self, watched: Watched) -> bool:
        """Hand on what the engine that drives tells, until it is gone. Own are only the settings here.

        Whether it told anything: it may hang up at once, on who has another secret.
        """
        self._watched, heard = watched, False
        try:
            while (update := await watched.next()) is not None:
                heard = True
                if facts := update.facts:
                    told = {name: getattr(facts, name) for name in TOLD}
                    self._known = self._known.but(**told, interrupted="")
                    update = update.model_copy(update={"facts": self._known})
                await self._feed.relay(update)
        finally:
            self._watched = None
            watched.close()
        return heard

    # -- who drives

    @staticmethod
    async def _reach(place: Place) -> Watched | None:
        secret = await asyncio.to_thread(secret_of, place)
        return await Watched.connect(place.state, secret) if secret else None

    async def _listen(self, engine: Engine, place: Place) -> None:
        secret = await asyncio.to_thread(secret_of, place)
        if not secret:
            return
        self._live = Live(engine, place.state, secret, self._facts, self.ask, self._asked_to_give_way)
        await self._live.open()

    def _asked_to_give_way(self) -> None:
        self._spawn(self._give_way())

    def _ask_to_drive(self) -> None:
        if not self._known.owner:
            raise Refusal("this autodev drives already")
        if self._watched is None:
            raise Refusal(f"{self._known.owner} cannot be asked · autodev stop ends it")
        self._takes_over = self._known.busy
        self._watched.drive()

    async def _give_way(self) -> None:
        """Somebody else is to drive: stop as when leaving, then watch them; nobody came: drive on."""
        place = self._opened.place if self._opened else None
        if place is None or self._engine is None:
            return
        self._engine.ended = lambda outcome: None
        others = self._background - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._problem = "another autodev takes over"
        await self._close()
        for _ in range(GIVES_WAY_LOOKS):
            if await asyncio.to_thread(owner, place.state):
                break
            await asyncio.sleep(WATCH_S / 20)
        await self.open()


def secret_of(place: Place) -> bytes:
    """The client's secret; b"" where there is none, so that nobody reads along. Sync."""
    try:
        return paths.client_secret(place.environment)
    except OSError as error:
        logger.info("nobody can read along: %s", error)
        return b""
