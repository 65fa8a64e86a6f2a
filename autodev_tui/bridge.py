"""The pipe between a front end and the engine: only lines of JSON cross it.

`Bridge` is the headless front end's, in the engine's own loop. `EngineThread` is the workbench's: the engine
runs in a thread with a loop of its own, so that nothing it does holds up a key press. Its use, all from the
app's loop:

    engine = EngineThread(directory, os.environ, options)
    engine.start()                        # returns at once; the folder is opened over there
    async for update in engine.updates(): # the first has `reset`; at most UPDATES_PER_S a second
        mirror.apply(update)              # raises EngineLost: show it, `await engine.restart()`, begin again
    refused = await engine.submit(command)
    answer = await engine.ask(request)
    await engine.aclose()                 # in less than a second; agents go on with the next start
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui import domain, paths

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from autodev_tui.domain.commands import Command, Decide
    from autodev_tui.domain.events import Event
    from autodev_tui.domain.requests import Answer, Refused, Request
    from autodev_tui.domain.updates import Update
    from autodev_tui.engine.engine import Engine
    from autodev_tui.host import Guide, Host

logger = logging.getLogger(__name__)

UPDATES_PER_S = 30
SWITCH_S = 0.001
RESTARTS = 3
"""How often a lost engine is started again."""
CLOSING_S = 0.9
"""How long leaving waits for the engine; what is not finished then is as after a kill: nothing is lost."""
LONG_LINE = 64 * 1024
"""Bytes of a line whose reading would hold up the screen: it is read in a thread."""


class Bridge:
    """A front end's view of the engine: commands go in and events come out as lines of JSON."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def submit(self, command: Command) -> None:
        """Send a command. Raises what `Engine.submit` raises."""
        adapter = domain.commands.COMMAND
        await self._engine.submit(adapter.validate_json(adapter.dump_json(command)))

    async def events(self, from_seq: int = 0) -> AsyncIterator[Event]:
        """The session's events after `from_seq`, the first of them the handshake."""
        async for event in self._engine.subscribe(from_seq):
            yield domain.events.EVENT.validate_json(domain.events.EVENT.dump_json(event))


class EngineLost(Exception):
    """The engine ended by itself, for the reason that the message gives."""

    def __init__(self, reason: str, restarts_left: int) -> None:
        super().__init__(reason)
        self.restarts_left = restarts_left


class EngineThread:
    """The workbench's engine, in a thread of its own."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] = os.environ,
        options: Mapping[str, Any] | None = None,
        guide: Guide | None = None,
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._options = options or {}
        self._guide = guide
        self._secret = b""
        self._restarts = 0
        self._line: _Line | None = None
        self._started = asyncio.Event()
        """Set while there is an engine to talk to, or none will come any more."""

    def start(self) -> None:
        """Begin to open the folder, in the engine's thread."""
        # What the interpreter says for want of a handler would be written over the screen.
        if not logging.root.handlers:
            logging.root.addHandler(logging.NullHandler())
        # Two busy threads take turns: a key press waits for less of the engine's work.
        sys.setswitchinterval(SWITCH_S)
        self._line = _Line(self._directory, self._environment, self._options, self._guide)
        self._line.start()
        self._started.set()

    async def restart(self) -> None:
        """Start a lost engine again. Raises EngineLost: it was lost too often."""
        assert self._line
        reason = await self._line.lost()
        if self._restarts == RESTARTS:
            raise EngineLost(reason, 0)
        self._restarts += 1
        self.start()

    async def submit(self, command: Command) -> Refused | None:
        """Tell the engine; what it does not carry out comes back with the reason. Waits for a lost engine."""
        if isinstance(command, domain.commands.Decide) and not command.decision.mac:
            command = await self._signed(command)
        line = await self._call("submit", domain.lines.to_line(domain.commands.COMMAND, command))
        return line if not isinstance(line, bytes) else await _read(domain.requests.REFUSED, line)

    async def ask(self, request: Request) -> Answer:
        """Ask the engine's side; Refused where there is no answer. Waits for a lost engine."""
        line = await self._call("ask", domain.lines.to_line(domain.requests.REQUEST, request))
        return line if not isinstance(line, bytes) else await _read(domain.requests.ANSWER, line)

    async def updates(self) -> AsyncIterator[Update]:
        """What to keep current: first all there is, then the newest state of what changed.

        Raises:
            EngineLost: it ended by itself.
        """
        await self._started.wait()
        assert self._line
        line = self._line
        # The models of what crosses the pipe are loaded by then, in the engine's thread.
        await line.opened()
        hello = await line.call("hello", domain.lines.to_line(domain.events.EVENT, domain.events.Hello()))
        while hello is not None:
            update = await line.call("update", b"")
            if update is None:
                break
            yield await _read(domain.updates.UPDATE, update)
            await asyncio.sleep(1 / UPDATES_PER_S)
        reason = await line.lost()
        if line.closing:
            return
        if self._restarts < RESTARTS:
            self._started.clear()
        raise EngineLost(reason, RESTARTS - self._restarts)

    async def aclose(self) -> None:
        """Leave: agents stop where they can go on later."""
        if self._line:
            await self._line.close(CLOSING_S)

    def end(self) -> bool:
        """The same without a loop, for when the app has ended; whether the engine's thread is gone."""
        return self._line is None or self._line.end(CLOSING_S)

    async def _call(self, door: str, line: bytes) -> bytes | Refused:
        while True:
            await self._started.wait()
            assert self._line
            if (reason := self._line.loss) is None:
                break
            if self._restarts == RESTARTS or self._line.closing:
                return domain.requests.Refused(reason=f"the engine is lost: {reason}")
            self._started.clear()
        answer = await self._line.call(door, line)
        if answer is None:
            return domain.requests.Refused(
                reason="the engine was lost meanwhile · look whether it still happened"
            )
        return answer

    async def _signed(self, command: Decide) -> Decide:
        # Imported here: the engine's modules are loaded by then, in its own thread.
        from autodev_tui.engine.decisions import sign

        if not self._secret:
            self._secret = await asyncio.to_thread(paths.client_secret, self._environment)
        return command.but(decision=sign(command.decision, self._secret))


class _Line:
    """One engine's thread, and the line to it. Each call carries a line there and a line back."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        options: Mapping[str, Any],
        guide: Guide | None,
    ) -> None:
        self._open = (directory, environment, options, guide)
        self._ready: Future[tuple[asyncio.AbstractEventLoop, _Doors]] = Future()
        self._lost: Future[str] = Future()
        self._lost_here: asyncio.Future[str] | None = None
        """The same in the app's loop, once for all calls."""
        self.closing = False
        self._close: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # -- in the app's loop

    async def call(self, door: str, line: bytes) -> bytes | None:
        """The line that comes back; None when the engine is lost."""
        try:
            loop, doors = await asyncio.shield(asyncio.wrap_future(self._ready))
            if self._lost.done():
                return None
            return await self._answer(asyncio.run_coroutine_threadsafe(doors.serve(door, line), loop))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            return None
        except Exception:
            logger.exception("the engine did not answer")
            return None

    async def opened(self) -> None:
        """Returns once there is somebody to call, or nobody will come."""
        await asyncio.wait([asyncio.wrap_future(self._ready)])

    async def _answer(self, called: Future[bytes]) -> bytes | None:
        answer = asyncio.wrap_future(called)
        self._lost_here = self._lost_here or asyncio.wrap_future(self._lost)
        either: list[asyncio.Future[Any]] = [answer, self._lost_here]
        try:
            # A loop that is about to close may take a call and never come to its end.
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        return answer.result() if answer.done() else None

    async def lost(self) -> str:
        """Why the engine ended, once it has."""
        return await asyncio.shield(asyncio.wrap_future(self._lost))

    @property
    def loss(self) -> str | None:
        """Why the engine ended; None while it has not."""
        return self._lost.result() if self._lost.done() else None

    async def close(self, patience_s: float) -> None:
        """End the engine, waiting so many seconds for it."""
        self._bid_end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.lost()

    def end(self, patience_s: float) -> bool:
        """The same for a caller without a loop; whether it ended in time."""
        self._bid_end()
        with contextlib.suppress(FutureTimeout):
            self._lost.result(patience_s)
        return self._lost.done()

    def _bid_end(self) -> None:
        self.closing = True
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._close()

    # -- in the engine's thread

    def _run(self) -> None:
        reason = ""
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
        self._ready.cancel()
        self._lost.set_result(reason)

    async def _serve(self) -> None:
        from autodev_tui.host import Host

        loop, closing = asyncio.get_running_loop(), asyncio.Event()
        self._close = lambda: loop.call_soon_threadsafe(closing.set)
        host = Host(*self._open)
        ends = [asyncio.create_task(host.failed()), asyncio.create_task(closing.wait())]
        try:
            await host.open()
            if self.closing:
                return
            self._ready.set_result((loop, _Doors(host)))
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for end in ends:
                end.cancel()
            await host.aclose()


class _Doors:
    """The engine's end of the line."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def serve(self, door: str, line: bytes) -> bytes:
        """The line that goes back."""
        from_line, to_line = domain.lines.from_line, domain.lines.to_line
        match door:
            case "submit":
                command = from_line(domain.commands.COMMAND, line)
                return to_line(domain.requests.REFUSED, await self._host.submit(command))
            case "ask":
                request = from_line(domain.requests.REQUEST, line)
                return to_line(domain.requests.ANSWER, await self._host.ask(request))
            case "update":
                return to_line(domain.updates.UPDATE, await self._host.update())
        hello = from_line(domain.events.EVENT, line)
        if not isinstance(hello, domain.events.Hello) or hello.protocol != domain.events.PROTOCOL_VERSION:
            raise ValueError(f"this engine speaks protocol {domain.events.PROTOCOL_VERSION}")
        self._host.begin()
        return to_line(domain.events.EVENT, domain.events.Hello())


async def _read(adapter: TypeAdapter[Any], line: bytes) -> Any:
    if len(line) < LONG_LINE:
        return domain.lines.from_line(adapter, line)
    return await asyncio.to_thread(domain.lines.from_line, adapter, line)
