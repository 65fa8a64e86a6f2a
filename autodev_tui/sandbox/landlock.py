"""Landlock rules for one command: what the view shows, and nothing else.

Covered: reading, executing, writing, creating, removing and truncating anything not in the view; from version
6 of the interface signals to, and abstract sockets of, processes outside; tracing them always. Not covered by
Landlock: modes, owners, times and extended attributes of files that the user owns, connecting to sockets in
the file system (the filter or the mounts close that), and read-only islands inside a writable tree (`guard`).
"""

from __future__ import annotations

import os
import stat
import struct

from autodev_tui.sandbox import kernel
from autodev_tui.sandbox.view import Entry, below

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
DEVICES = (1 << 6) | (1 << 11)  # make character and block devices: never
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
SCOPES = 0b11  # abstract sockets and signals

_DEVICE_NODES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")


def handled(abi: int) -> int:
    """Every file system right that version `abi` knows."""
    if abi >= 5:
        return (1 << 16) - 1
    return (1 << {1: 13, 2: 14}.get(abi, 15)) - 1


def restrict(view: list[Entry], *, mounted: bool) -> None:
    """Confines this process for good. `mounted`: the view's mounts are in place, nothing must be carved out.
    Raises:
        OSError: if the kernel refuses any of it; the caller must not go on then.
    """
    abi = kernel.landlock_abi()
    rights = handled(abi)
    attributes = struct.pack("QQQ", rights, 0, SCOPES if abi >= 6 else 0)
    ruleset = kernel.landlock_create(attributes[: 8 if abi < 4 else 16 if abi < 6 else 24])
    everything = rights & ~DEVICES
    hidden = [] if mounted else [entry.path for entry in view if entry.kind == "hide"]
    try:
        for entry in view:
            if entry.kind == "ro":
                _allow(ruleset, entry.path, READ, hidden)
            elif entry.kind == "rw":
                _allow(ruleset, entry.path, everything, hidden)
            elif entry.kind == "private":
                _allow(ruleset, entry.path if mounted else entry.source, everything, [])
        for name in _DEVICE_NODES:
            _allow(ruleset, f"/dev/{name}", (READ | WRITE_FILE | TRUNCATE | IOCTL_DEV) & rights, [])
        if mounted:
            _allow(ruleset, "/dev/shm", everything, [])
        _allow(ruleset, "/proc", READ, [])
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int, hidden: list[str]) -> None:
    """Allows `access` below `path` but not below what is hidden: then its entries are allowed one by one."""
    if path in hidden:
        return
    if any(below(other, path) for other in hidden):
        try:
            names = os.listdir(path)
        except OSError:
            return
        for name in names:
            child = os.path.join(path, name)
            if not os.path.islink(child):
                _allow(ruleset, child, access, hidden)
        return
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            access &= OF_FILES
        kernel.landlock_allow(ruleset, fd, access)
    finally:
        os.close(fd)
