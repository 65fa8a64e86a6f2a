"""What this user's sessions cost, by day: in every repository, of every engine that runs.

One file a month in the state root, `spending/2026-11.jsonl`, only ever appended to, under a lock of the file
itself. A call has one id; of several lines with one id the last counts, so nothing is booked twice. A call
that is under way stands with the most it may cost; where its process dies, that stays until its session is
resumed and books what is known. Whose day it is, the local calendar says: a call belongs to the day on which
it began. All of it is sync, and waits for the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from autodev_tui.engine.caps import Cap, Period
from autodev_tui.engine.ledger import day_of
from autodev_tui.sandbox.processes import boot_id, start_time

LONGEST_CALL_S = 3600.0
"""A call that began before that is not under way any more, whatever its line says."""


@dataclass(frozen=True)
class Entry:
    """One call: what it cost, or while it is `open` the most that it may cost."""

    day: str
    usd: float
    open: bool = False
    pid: int = 0
    at: float = 0.0
    process: str = ""
    """When the process of `pid` began, and the boot: pids are used again."""


@dataclass
class _Month:
    offset: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    raised: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By the question that was answered: the period it holds for (a day or a month) and USD."""
    warned: set[str] = field(default_factory=set)


class Spending:
    """The user's record. What could not be read in it is left out: other lines still count."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._months: dict[str, _Month] = {}

    def reserve(self, call: str, at: float, usd: float, limits: Mapping[Period, float]) -> list[Cap]:
        """Put a call down with the most it may cost, if every limit leaves that much; else what is left of
        those that do not. Durable when it returns. Raises OSError."""
        with self._locked(at) as (month, file):
            left = [self._left(month, period, limit, at) for period, limit in limits.items()]
            short = [one for one in left if not one.leaves(usd)]
            if not short:
                self._append(file, self._line(call, at, usd, open=True))
                os.fdatasync(file)
        return short

    def book(self, call: str, at: float, usd: float) -> None:
        """What a call that began at `at` came to; once more changes nothing. Raises OSError."""
        with self._locked(at) as (month, file):
            known = month.entries.get(call)
            day = day_of(at).isoformat()
            if (known is None and usd > 0) or (known and known != Entry(day, usd)):
                self._append(file, self._line(call, at, usd))

    def left(self, at: float, limits: Mapping[Period, float]) -> list[Cap]:
        """What the limits leave at this moment. Raises OSError."""
        with self._locked(at) as (month, _):
            return [self._left(month, period, limit, at) for period, limit in limits.items()]

    def spent(self, at: float) -> dict[Period, float]:
        """What is booked on the day and in the month of `at`, or held by calls that nobody saw end."""
        with self._locked(at) as (month, _):
            none: Mapping[Period, float] = {"day": 0.0, "month": 0.0}
            return {period: self._left(month, period, 0.0, at).spent_usd for period in none}

    def raise_limit(self, question: str, at: float, whose: str, usd: float) -> None:
        """A day or month, in the month of `at`, may cost that much more; the same answer counts once."""
        with self._locked(at) as (_, file):
            line = {"raised": question, "for": whose, "usd": usd}
            self._append(file, line)
            os.fdatasync(file)

    def warn_once(self, what: str, at: float) -> bool:
        """Whether this was said for the first time in this month."""
        with self._locked(at) as (month, file):
            if what in month.warned:
                return False
            self._append(file, {"warned": what})
            return True

    def open_of(self, session: str, at: float) -> list[str]:
        """Calls of a session that stand as under way, in the month of `at` and the one before it."""
        found = []
        for name in self._recorded(at):
            with self._locked(at, name) as (month, _):
                mine = (name for name in month.entries if name.startswith(f"{session}/"))
                found += [name for name in mine if month.entries[name].open]
        return list(dict.fromkeys(found))

    def entry(self, call: str, at: float) -> Entry | None:
        """What is known of a call, which began in the month of `at` or the one before."""
        for name in self._recorded(at):
            with self._locked(at, name) as (month, _):
                if call in month.entries:
                    return month.entries[call]
        return None

    # -- the file

    def _recorded(self, at: float) -> list[str]:
        """The month of `at` and the one before, as far as there is a record of them."""
        before = day_of(at).replace(day=1) - timedelta(days=1)
        names = (_name("month", at), before.isoformat()[:7])
        return [one for one in names if (self._directory / f"{one}.jsonl").exists()]

    @contextmanager
    def _locked(self, at: float, name: str = "") -> Iterator[tuple[_Month, int]]:
        name = name or _name("month", at)
        path = self._directory / f"{name}.jsonl"
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            month = self._months.setdefault(name, _Month())
            self._read(month, file)
            yield month, file
        finally:
            os.close(file)

    def _read(self, month: _Month, file: int) -> None:
        """What was appended since."""
        size = os.fstat(file).st_size
        if size < month.offset:
            month.__init__()  # type: ignore[misc]  # somebody took lines away: read anew
        data = b""
        while month.offset + len(data) < size:
            more = os.pread(file, size - month.offset - len(data), month.offset + len(data))
            if not more:
                break
            data += more
        month.offset += len(data)
        for line in data.split(b"\n"):
            if line.strip():
                _take(month, line)

    def _append(self, file: int, line: Mapping[str, Any]) -> None:
        size = os.fstat(file).st_size
        # The last line may have been cut by a power loss: it stays alone.
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        data = (b"\n" if torn else b"") + json.dumps(line, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(file, data) :]

    def _line(self, call: str, at: float, usd: float, *, open: bool = False) -> dict[str, Any]:
        line: dict[str, Any] = {"id": call, "at": round(at, 3), "day": day_of(at).isoformat(), "usd": usd}
        if open:
            line |= {"open": True, "pid": os.getpid(), "process": _process(os.getpid())}
        return line

    def _left(self, month: _Month, period: Period, limit: float, at: float) -> Cap:
        today, name = day_of(at).isoformat(), _name(period, at)
        spent = held = 0.0
        for entry in month.entries.values():
            if period == "day" and entry.day != today:
                continue
            if entry.open and at - entry.at < LONGEST_CALL_S and _lives(entry.pid, entry.process):
                held += entry.usd
            else:
                spent += entry.usd
        more = sum(usd for whom, usd in month.raised.values() if whom == name)
        return Cap(period, limit + more, spent, held, name)


def _take(month: _Month, line: bytes) -> None:
    try:
        told = json.loads(line)
        if "id" in told:
            entry = Entry(
                str(told["day"]),
                float(told["usd"]),
                bool(told.get("open")),
                int(told.get("pid", 0)),
                float(told["at"]),
                str(told.get("process", "")),
            )
            # A booked one is told apart by nothing but its day and its cost.
            month.entries[str(told["id"])] = entry if entry.open else Entry(entry.day, entry.usd)
        elif "raised" in told:
            month.raised[str(told["raised"])] = (str(told["for"]), float(told["usd"]))
        elif "warned" in told:
            month.warned.add(str(told["warned"]))
    except (ValueError, KeyError, TypeError):
        return


def _name(period: Period, at: float) -> str:
    day = day_of(at).isoformat()
    return day if period == "day" else day[:7]


def _lives(pid: int, process: str) -> bool:
    """Whether it is that very process; lines of older versions tell a pid alone."""
    if process and (now := _process(pid)):
        return now == process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid > 0


def _process(pid: int) -> str:
    """What tells a process from every other that has had its pid; "" where it is gone or that is not told."""
    started = start_time(pid)
    return f"{started} {boot_id()}" if started else ""
