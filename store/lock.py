"""One writer a state directory: a lock that the kernel drops with its holder, and who the holder is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from store.errors import StoreLocked, from_os_error
from store.files import FILE_MODE

LOCK_NAME = "state.json.lock"
_POLL_S = 0.005
_HOLDERS: weakref.WeakSet[Lock] = weakref.WeakSet()


@dataclass(frozen=True)
class Left:
    """What a holder left behind that was killed: it let nobody in, as one that ends does."""

    session: str
    alive: float
    """When it last said that it lived, in seconds since 1970."""


@dataclass(frozen=True)
class Owner:
    """The process that has the state open for writing."""

    pid: int
    host: str
    boot_id: str
    started: str
    """When the process began, as the kernel counts it; with `pid` and `boot_id` it names one process."""
    since: float
    session: str = ""
    """What it works on, once it has said so."""
    what: str = ""
    """What kind of program it is, as it says itself: `workbench`, `run`; "" for a short command."""
    alive: bool = False
    """The process is on this machine and is still the same: it may be sent a signal."""


class Lock:
    """Held until released or until the process ends, however it ends."""

    left: Left | None
    """What the holder before left behind, where it was killed."""

    def __init__(self, directory: Path, clock: Callable[[], float], wait_s: float, what: str = "") -> None:
        """Take the lock, trying for `wait_s` seconds; `what` tells others what holds it.

        Raises:
            StoreLocked: another holds it.
            StoreError: the lock file cannot be opened.
        """
        self.file = directory / LOCK_NAME
        try:
            self.fd = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise from_os_error(error, self.file) from error
        deadline = time.monotonic() + wait_s
        while not _try_lock(self.fd, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                os.close(self.fd)
                holder = owner(directory)
                raise StoreLocked(self.file, asdict(holder) if holder else {})
            time.sleep(_POLL_S)
        _HOLDERS.add(self)
        self.left = _left(self.fd)
        self._mine = {"pid": os.getpid(), "boot_id": boot_id(), "started": start_time(os.getpid())}
        self._mine |= {"host": os.uname().nodename, "since": clock(), "what": what}
        self.note("")

    def note(self, session: str) -> None:
        """Say who holds the lock and for which session: only for people and `autodev stop`."""
        text = json.dumps(self._mine | {"session": session}).encode()
        # On a full disk the lock itself holds all the same.
        with contextlib.suppress(OSError):
            os.pwrite(self.fd, text, 0)
            os.ftruncate(self.fd, len(text))

    def alive(self) -> None:
        """Say that the holder lives: only for people, who want to know when it was killed."""
        with contextlib.suppress(OSError):
            os.utime(self.fd)

    def release(self) -> None:
        """Let others in. The file stays: removing it would let two in."""
        _HOLDERS.discard(self)
        with contextlib.suppress(OSError):
            os.ftruncate(self.fd, 0)
        os.close(self.fd)


def _left(fd: int) -> Left | None:
    """What the holder before left behind; None where it ended in order, or there was none."""
    try:
        found = json.loads(os.pread(fd, 4096, 0))
        return Left(str(found["session"]), os.fstat(fd).st_mtime)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def owner(directory: Path) -> Owner | None:
    """Who has the state open for writing now; None if nobody has."""
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if _try_lock(fd, fcntl.LOCK_SH):
            return None
        text = os.pread(fd, 4096, 0)
    finally:
        os.close(fd)
    try:
        found = Owner(**json.loads(text))
    except (ValueError, TypeError):
        return Owner(pid=0, host="", boot_id="", started="", since=0.0)
    same = found.boot_id == boot_id() and found.started == start_time(found.pid) != ""
    return Owner(**{**asdict(found), "alive": same})


def boot_id() -> str:
    """What names this machine's present run, so that a pid from before a reboot is not taken for ours."""
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "kern.bootsessionuuid")
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def start_time(pid: int) -> str:
    """When the process began; "" if there is none of that pid."""
    if sys.platform == "darwin":
        return _output("ps", "-o", "lstart=", "-p", str(pid))
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    # Field 22 of proc(5); the name in brackets before may hold anything.
    return stat.rpartition(")")[2].split()[19]


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10).stdout.strip()


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _drop_in_child() -> None:
    # A forked child shares the lock and would keep it beyond our end.
    for lock in list(_HOLDERS):
        os.close(lock.fd)
    _HOLDERS.clear()


os.register_at_fork(after_in_child=_drop_in_child)
