"""The event log: one JSON line an event, appended to the session's file and handed to subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from autodev_tui.domain.events import EVENT, TRANSIENT, Event, EventBase, Hello
from autodev_tui.domain.text import visible
from autodev_tui.engine.masking import Mask, masked, unmasked

if TYPE_CHECKING:
    from autodev_tui.engine.feed import Feed

QUEUE_LENGTH = 4096
"""Events a slow subscriber may lag behind; then it loses its oldest ones and reads the rest from the file."""
BATCH = 500
"""Events read from the file at a time, in a thread: replaying a long session does not hold up the engine."""
WORDS = ("text", "why", "cause", "error", "title", "reason", "reasons", "detail")
"""Fields of events that may hold anybody's words, so also a secret."""
_SEQ = re.compile(rb'{"seq":(\d+),')
_TAIL = 64 * 1024
_NO_TEXT = re.compile("[\ud800-\udfff]")
logger = logging.getLogger(__name__)


class EventLog:
    """Numbers, writes and spreads the events of one session. The store is the truth; this is for showing."""

    def __init__(
        self, path: Path | None, session: str, clock: Callable[[], float], mask: Mask = unmasked
    ) -> None:
        """Without a path nothing is written: for who only watches."""
        self._path = path
        self._mask = mask
        self._session = session
        self._clock = clock
        self._queues: set[asyncio.Queue[Event | None]] = set()
        self.feeds: set[Feed] = set()
        """The front ends that are kept up to date with this session."""
        self._seq = 0
        self._file: IO[bytes] | None = None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._seq = last_seq(path)
            self._file = path.open("ab")

    def emit(self, event: EventBase) -> None:
        """Number `event`, write it unless it is transient, and hand it to every subscriber.

        A transient event has the number of the last one written: numbers have no gaps, also over restarts.
        """
        transient = isinstance(event, TRANSIENT)
        if transient and not self._queues:
            # Of what streams there is much, and front ends do not ask for its number.
            for feed in self.feeds:
                feed.tell(event)
            return
        self._seq += not transient
        if not transient:
            texts = {name: getattr(event, name) for name in WORDS if hasattr(event, name)}
            event = event.model_copy(update=masked(texts, self._mask))
        # Numbering a sound event leaves it sound, so that it is not validated once more.
        given = {"seq": self._seq, "at": self._clock(), "session": self._session}
        stamped: Any = event.model_copy(update=given)
        for feed in self.feeds:
            feed.tell(stamped)
        try:
            line = event_line(stamped)
        except ValueError:
            # Names of files that are not UTF-8, or a model's broken escapes.
            stamped = _readable(stamped)
            line = event_line(stamped)
        if self._file and not transient:
            try:
                self._file.write(line + b"\n")
                self._file.flush()
            except OSError as error:
                # Only for showing: a full disk is told by the store, which stops the run in order.
                logger.warning("an event was not written: %s", error)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(stamped)

    async def subscribe(self, from_seq: int = 0) -> AsyncIterator[Event]:
        """Logged events after `from_seq`, then live ones until the log is closed.

        Who lags too far behind misses transient events; the others it reads from the file.
        """
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE_LENGTH)
        self._queues.add(queue)
        try:
            yield Hello(session=self._session)
            last = from_seq
            async for event in self._logged(last, self._seq):
                last = event.seq
                yield event
            while True:
                live = await self._next(queue)
                transient = live is None or isinstance(live, TRANSIENT)
                before = self._seq if live is None else live.seq - (not transient)
                if before > last:
                    async for event in self._logged(last, before):
                        yield event
                    last = before
                if live is None:
                    return
                if transient or live.seq > last:
                    last = max(last, live.seq)
                    yield live
        finally:
            self._queues.discard(queue)

    async def _next(self, queue: asyncio.Queue[Event | None]) -> Event | None:
        if self._file is None and queue.empty():
            return None
        return await queue.get()

    async def _logged(self, after: int, until: int) -> AsyncIterator[Event]:
        """What the file has after number `after`, up to `until`."""
        lines = iter_lines(self._path, after, until) if self._path else iter(())
        while batch := await asyncio.to_thread(_take, lines):
            for event in batch:
                yield event

    def close(self) -> None:
        """End all subscriptions."""
        if self._file:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


def event_line(event: EventBase) -> bytes:
    """The event as one line of JSON, without its end. Raises ValueError: its text is no Unicode."""
    return event.model_dump_json().encode()


def _readable(value: Any) -> Any:
    """`value` with what is no Unicode shown by its number."""
    match value:
        case str():
            return _NO_TEXT.sub(lambda match: visible(match[0]), value)
        case list():
            return [_readable(one) for one in value]
        case dict():
            return {_readable(key): _readable(one) for key, one in value.items()}
        case EventBase():
            return type(value)(**{name: _readable(one) for name, one in value})
    return value


def _take(lines: Iterator[bytes]) -> list[Event]:
    """The next BATCH events; fewer at the end."""
    found: list[Event] = []
    for line in lines:
        with contextlib.suppress(ValueError):  # a line torn by a crash
            found.append(EVENT.validate_json(line))
        if len(found) == BATCH:
            break
    return found


def iter_lines(path: Path, after: int, until: int | None = None) -> Iterator[bytes]:
    """The lines of events with a number after `after`, up to `until`; parsed no further. Sync."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            number = _number(line)
            if number is not None and number > after:
                if until is not None and number > until:
                    return
                yield line


def _number(line: bytes) -> int | None:
    """The number of an event's line, which stands first in it; None for no event."""
    found = _SEQ.match(line)
    return int(found[1]) if found else None


def read_events(path: Path, from_seq: int = 0) -> list[Event]:
    """The logged events after `from_seq`; a line torn by a crash is left out. Sync."""
    lines, events = iter_lines(path, from_seq), list[Event]()
    while batch := _take(lines):
        events += batch
    return events


def last_seq(path: Path) -> int:
    """The highest number in the log, 0 for a new one; a torn last line is closed with a line end.

    Sync; reads the end of the file only.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return 0
    with file:
        size = file.seek(0, os.SEEK_END)
        length = min(size, _TAIL)
        while True:
            file.seek(size - length)
            tail = file.read(length)
            whole = tail if length == size else tail.partition(b"\n")[2]
            numbers = [number for line in whole.splitlines() if (number := _number(line)) is not None]
            if numbers or length == size:
                break
            length = min(size, length * 4)
        if tail and not tail.endswith(b"\n"):
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
    return max(numbers, default=0)
