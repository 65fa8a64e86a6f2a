"""The socket beside a running engine: the user's other front ends read along, ask, and may take over.

Lines go over it, a word and then JSON: `more`, and then one `update …` once something changed, `ask N …` and
`answer N …`, `drive`. Commands do not cross: only who drives gives them. Whoever connects proves with the
client's secret that it is the user's own program, which no agent's command is. Without a socket others see
states alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.events import PROTOCOL_VERSION
from autodev_tui.domain.lines import from_line, to_line
from autodev_tui.domain.requests import ANSWER, REQUEST, Answer, Refused, Request
from autodev_tui.domain.updates import UPDATE, EngineFacts, Update
from autodev_tui.engine.feed import Feed

if TYPE_CHECKING:
    from autodev_tui.engine.engine import Engine

SOCKET = "live.sock"
LONGEST_LINE = 256 * 1024 * 1024
"""Bytes; both ends are the same program."""
LONGEST_PATH = 100
"""Bytes of a socket's address; a longer one is reached through its folder, where the system has /proc."""
UPDATES_PER_S = 30
PATIENCE_S = 5.0
"""How long a greeting may take."""
logger = logging.getLogger(__name__)


class Live:
    """The engine's end: one feed for each front end that reads along."""

    def __init__(
        self,
        engine: Engine,
        state: Path,
        secret: bytes,
        facts: Callable[[], EngineFacts],
        ask: Callable[[Request], Awaitable[Answer]],
        give_way: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._state = state
        self._secret = secret
        self._facts = facts
        self._ask = ask
        self._give_way = give_way
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeds: set[Feed] = set()

    async def open(self) -> None:
        """Listen, where that can be done."""
        try:
            with _address(self._state) as address:
                self._server = await asyncio.start_unix_server(self._connected, address, limit=LONGEST_LINE)
            (self._state / SOCKET).chmod(0o600)
        except OSError as error:
            logger.info("nobody can read along: %s", error)

    async def aclose(self) -> None:
        """Hang up."""
        if self._server:
            self._server.close()
            with contextlib.suppress(OSError):
                (self._state / SOCKET).unlink()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def touch(self) -> None:
        """Facts may have changed."""
        for feed in self._feeds:
            feed.touch()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the server's would tell of its cancellation as of an error.
        _kept(self._tasks, self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        feed, wanted = Feed(self._facts), asyncio.Event()
        background: set[asyncio.Task[None]] = set()
        try:
            nonce = secrets.token_hex(16)
            writer.write(f"{PROTOCOL_VERSION} {nonce}\n".encode())
            async with asyncio.timeout(PATIENCE_S):
                proof = await reader.readline()
            if not hmac.compare_digest(proof.strip(), _proof(self._secret, nonce)):
                return
            self._engine.attach(feed)
            self._feeds.add(feed)
            _kept(background, self._send(feed, wanted, writer))
            while line := await reader.readline():
                word, _, rest = line.partition(b" ")
                if word == b"ask":
                    number, _, request = rest.partition(b" ")
                    _kept(background, self._reply(number, from_line(REQUEST, request), writer))
                elif word.strip() == b"more":
                    wanted.set()
                elif word.strip() == b"drive":
                    self._give_way()
        except (OSError, ValueError, TimeoutError) as error:
            logger.info("somebody who read along is gone: %s", error)
        finally:
            writer.close()
            for task in background:
                task.cancel()
            self._feeds.discard(feed)
            self._engine.feeds.discard(feed)

    async def _send(self, feed: Feed, wanted: asyncio.Event, writer: asyncio.StreamWriter) -> None:
        """A slow reader gets fewer updates, not old ones."""
        with contextlib.suppress(OSError):
            while True:
                await wanted.wait()
                wanted.clear()
                update = await feed.next()
                writer.write(b"update " + to_line(UPDATE, update) + b"\n")
                await writer.drain()
                await asyncio.sleep(1 / UPDATES_PER_S)

    async def _reply(self, number: bytes, request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._ask(request)
        except Exception as error:
            logger.exception("a request failed")
            answer = Refused(reason=f"internal error: {type(error).__name__}: {error}")
        writer.write(b"answer %s " % number + to_line(ANSWER, answer) + b"\n")


class Watched:
    """The other end: another's engine, as a front end sees it that does not drive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._update: Update | None = None
        self._wanted = False
        """One more was asked for, and has not come."""
        self._news = asyncio.Event()
        self._answers: dict[bytes, asyncio.Future[Answer]] = {}
        self._count = 0
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()
        _kept(self._tasks, self._read())

    @classmethod
    async def connect(cls, state: Path, secret: bytes) -> Watched | None:
        """Reach the engine that drives here; None where it cannot be reached, or speaks otherwise."""
        try:
            with _address(state) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=LONGEST_LINE)
        except OSError:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                protocol, _, nonce = (await reader.readline()).decode().strip().partition(" ")
            if protocol == str(PROTOCOL_VERSION):
                writer.write(_proof(secret, nonce) + b"\n")
                return cls(reader, writer)
        except (OSError, ValueError, TimeoutError):
            pass
        writer.close()
        return None

    async def next(self) -> Update | None:
        """What changed over there; None once it is gone."""
        while self._update is None and not self._over:
            self._news.clear()
            if not self._wanted:
                self._wanted = True
                self._writer.write(b"more\n")
            await self._news.wait()
        update, self._update = self._update, None
        return update

    async def ask(self, request: Request) -> Answer:
        """The answer from over there."""
        if self._over:
            return Refused(reason="the engine that was watched is gone")
        self._count += 1
        number = b"%d" % self._count
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(b"ask %s " % number + to_line(REQUEST, request) + b"\n")
        try:
            return await self._answers[number]
        finally:
            self._answers.pop(number, None)

    def drive(self) -> None:
        """Whoever drives is to give way."""
        self._writer.write(b"drive\n")

    def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                word, _, rest = line.partition(b" ")
                if word == b"update":
                    self._update, self._wanted = from_line(UPDATE, rest), False
                    self._news.set()
                elif word == b"answer":
                    number, _, answer = rest.partition(b" ")
                    waiting = self._answers.get(number)
                    if waiting and not waiting.done():
                        waiting.set_result(from_line(ANSWER, answer))
        except (OSError, ValueError) as error:
            logger.info("the engine that was watched is gone: %s", error)
        finally:
            self._over = True
            self._news.set()
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_result(Refused(reason="the engine that was watched is gone"))


def _kept(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that lives as long as it works."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def _proof(secret: bytes, nonce: str) -> bytes:
    return hmac.new(secret, f"live {nonce}".encode(), hashlib.sha256).hexdigest().encode()


@contextlib.contextmanager
def _address(state: Path) -> Iterator[str]:
    """The socket's address, short enough for the system. Raises OSError: there is no folder."""
    path = str(state / SOCKET)
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)
