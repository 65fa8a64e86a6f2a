"""The event log: one JSON line an event, appended to the session's file and handed to subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any

from autodev_tui.domain.events import EVENT, TRANSIENT, Event, EventBase, Hello

QUEUE_LENGTH = 4096
"""Events a slow subscriber may lag behind; then it loses its oldest ones and reads the rest from the file."""


class EventLog:
    """Numbers, writes and spreads the events of one session. The store is the truth; this is for showing."""

    def __init__(self, path: Path, session: str, clock: Callable[[], float]) -> None:
        self._path = path
        self._session = session
        self._clock = clock
        self._queues: set[asyncio.Queue[Event | None]] = set()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._seq = last_seq(path)
        self._file: IO[bytes] | None = path.open("ab")

    def emit(self, event: EventBase) -> None:
        """Number `event`, write it unless it is transient, and hand it to every subscriber."""
        self._seq += 1
        stamped: Any = event.but(seq=self._seq, at=self._clock(), session=self._session)
        if self._file and not isinstance(event, TRANSIENT):
            self._file.write(stamped.model_dump_json().encode() + b"\n")
            self._file.flush()
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(stamped)

    async def subscribe(self, from_seq: int = 0) -> AsyncIterator[Event]:
        """Logged events after `from_seq`, then live ones until the log is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE_LENGTH)
        self._queues.add(queue)
        try:
            yield Hello(session=self._session)
            seen = from_seq
            for event in read_events(self._path, from_seq):
                seen = max(seen, event.seq)
                yield event
            while self._file is not None or not queue.empty():
                live = await queue.get()
                if live is None:
                    return
                if live.seq > seen:
                    yield live
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End all subscriptions."""
        if self._file:
            self._file.close()
            self._file = None
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


def read_events(path: Path, from_seq: int = 0) -> list[Event]:
    """The logged events after `from_seq`; a line torn by a crash is left out."""
    events: list[Event] = []
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return events
    for line in lines:
        try:
            event = EVENT.validate_json(line)
        except ValueError:
            continue
        if event.seq > from_seq:
            events.append(event)
    return events


def last_seq(path: Path) -> int:
    """The highest number in the log, 0 for a new one; a torn last line is closed with a line end."""
    events = read_events(path)
    if path.exists() and (data := path.read_bytes()) and not data.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
    return max((event.seq for event in events), default=0)
