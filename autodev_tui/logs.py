"""The engine's log: one JSON object a line, rotated, without secrets, written by a thread of its own.

Each line has `timestamp` (UTC), `level`, `name`, `message`; where there is one, `exception`; and any fields
given as `extra={"fields": {…}}`. A span is two lines: `span_start` and `span_end`, `span_error` or
`span_aborted`.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any

FILE_NAME = "engine.jsonl"
MAX_BYTES, BACKUPS = 5 * 1024 * 1024, 4
"""25 MB of log at most."""
MAX_WAITING = 10_000
"""Lines that may wait for the disk; what comes on top is counted and dropped, for nobody waits for a log."""
ROOTS = ("autodev_tui", "store", "prompts")
OPEN = "span_start"

Redact = Callable[[str], str]
_current: ContextVar[str] = ContextVar("span", default="")


class _JsonLine(logging.Formatter):
    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(
            self._clean({**getattr(record, "fields", {}), **line}), ensure_ascii=True, default=str
        )

    def _clean(self, value: Any) -> Any:
        """Every text redacted on its own, so that no redaction can break the line."""
        match value:
            case str():
                return self._redact(value)
            case dict():
                return {self._redact(str(name)): self._clean(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._clean(inner) for inner in value]
            case bool() | int() | float() | None:
                return value
        return self._redact(str(value))


class _File(RotatingFileHandler):
    """Readable by the user alone; a full disk is no reason to print into somebody's terminal."""

    lost = 0

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost += 1


class _Queue(QueueHandler):
    """Hands records over as they are: the writing thread formats and redacts them."""

    lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.lost += 1


class Log:
    """The running log; `close` writes what waits."""

    def __init__(self, directory: Path, redact: Redact, level: int = logging.INFO) -> None:
        """Start logging into `directory`. Sync. Raises OSError where nothing can be written."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / FILE_NAME
        aborted = _unfinished(path)
        self._file = _File(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
        self._file.setFormatter(_JsonLine(redact))
        waiting: queue.Queue[Any] = queue.Queue(MAX_WAITING)
        self._handler = _Queue(waiting)
        self._listener = QueueListener(waiting, self._file)
        self._listener.start()
        for name in ROOTS:
            logger = logging.getLogger(name)
            logger.addHandler(self._handler)
            logger.setLevel(level)
        for name, span_id in aborted:
            _tell(logging.WARNING, "span_aborted", name, {"span": span_id})

    @property
    def lost(self) -> int:
        """Lines that could not be written."""
        return self._handler.lost + self._file.lost

    def close(self) -> None:
        """Stop logging. Sync: waits for what was logged to be written."""
        for name in ROOTS:
            logging.getLogger(name).removeHandler(self._handler)
        self._listener.stop()
        self._file.close()


@contextmanager
def span(name: str, clock: Callable[[], float] = time.monotonic, **fields: Any) -> Iterator[None]:
    """Log the start of something, its end with `duration_s`, and an exception that ends it."""
    identity, parent, start = uuid.uuid4().hex[:12], _current.get(), clock()
    own = {"span": identity, "parent": parent, **fields}
    _tell(logging.INFO, OPEN, name, own)
    token = _current.set(identity)
    try:
        yield
    except BaseException as error:
        ended = own | {"duration_s": clock() - start, "error": type(error).__name__}
        _tell(logging.ERROR, "span_error", name, ended, error)
        raise
    else:
        _tell(logging.INFO, "span_end", name, own | {"duration_s": clock() - start})
    finally:
        _current.reset(token)


def _tell(
    level: int, event: str, name: str, fields: dict[str, Any], error: BaseException | None = None
) -> None:
    extra = {"fields": {"event": event, **fields}}
    logging.getLogger(__name__).log(level, name, exc_info=error, extra=extra)


def _unfinished(path: Path) -> list[tuple[str, str]]:
    """(name, id) of the spans in the log that never ended, innermost first: their process was killed.

    Half a line at the end, left by a power cut, is taken away.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    spans: dict[str, str] = {}
    for text in data[:whole].splitlines():
        # Most lines belong to no span: looked at before they are parsed.
        if b'"span_' not in text:
            continue
        try:
            line = json.loads(text)
        except ValueError:
            continue  # a log that somebody edited is no reason not to start
        if line.get("event") == OPEN:
            spans[line["span"]] = line["message"]
        else:
            spans.pop(line.get("span"), None)
    return [(name, identity) for identity, name in reversed(spans.items())]
