"""Who a process is and what it descends from. Imported by the spawner: nothing of weight here.

A process id alone says nothing, ids are used again; (id, start time) does, within one boot.
"""

from __future__ import annotations

import os
import sys

_LINUX = sys.platform.startswith("linux")


def start_time(pid: int) -> str | None:
    """When a process started, in the kernel's own words (on Linux ticks since boot); None if it is gone."""
    fields = _fields(pid)
    return fields[1] if fields else None


def boot_id() -> str:
    """Names this boot of this machine; start times of another boot mean nothing."""
    if _LINUX:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    return _output("sysctl", "-n", "kern.boottime")


def ancestors(pid: int | None = None) -> list[tuple[int, str]]:
    """(id, start time) of a process (this one by default) and all that it descends from, nearest first.

    Ends where the kernel shows no parent: inside a sandbox that is its own first process.
    """
    found: list[tuple[int, str]] = []
    at = os.getpid() if pid is None else pid
    while at > 0 and at not in (known for known, _ in found):
        fields = _fields(at)
        if fields is None:
            break
        found.append((at, fields[1]))
        at = fields[0]
    return found


def terminal_of(pid: int) -> str:
    """The terminal that a process runs in, as `pts/3`; empty without one."""
    if not _LINUX:
        name = _output("ps", "-o", "tty=", "-p", str(pid))
        return "" if name.startswith("?") else name
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    device = int(data[data.rindex(b")") + 2 :].split()[4])
    # Unix98 terminals have the major numbers 136 to 143 of their own.
    major, minor = os.major(device), os.minor(device)
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else ""


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`; zombies too, they are still to be reaped."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _fields(pid: int) -> tuple[int, str] | None:
    """(parent, start time)."""
    if not _LINUX:
        text = _output("ps", "-o", "ppid=,lstart=", "-p", str(pid))
        parent, _, started = text.partition(" ")
        return (int(parent), started.strip()) if parent else None
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold blanks and brackets; what follows its last bracket may not.
    words = data[data.rindex(b")") + 2 :].split()
    return int(words[1]), words[19].decode()


def _parents() -> list[tuple[int, int]]:
    if not _LINUX:
        pairs = [line.split() for line in _output("ps", "-axo", "pid=,ppid=").splitlines()]
        return [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2]
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _fields(int(name))):
            found.append((int(name), fields[0]))
    return found


def _output(*argv: str) -> str:
    import subprocess

    done = subprocess.run(
        argv, capture_output=True, check=False, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    )
    return done.stdout.decode(errors="replace").strip()
