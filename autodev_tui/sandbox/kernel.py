"""The Linux calls that Python's library lacks, by ctypes. Imported by the spawner: nothing else is loaded.

Every function raises OSError with the kernel's errno. Numbers are those of <linux/*.h>; system calls above
423 have the same number on x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

LINUX = sys.platform.startswith("linux")

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC, MS_PRIVATE = 0x4000, 0x40000

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_OPEN_TREE_CLOEXEC = os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_SYS_LANDLOCK_CREATE, _SYS_LANDLOCK_ADD, _SYS_LANDLOCK_RESTRICT = 444, 445, 446

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(number: int, what: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _check(int(_libc.syscall(ctypes.c_long(number), *passed)), what)


def prctl(option: int, argument: int = 0) -> None:
    """prctl(2) with one number; the other arguments are 0 as some options demand."""
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(argument), zero, zero, zero), f"prctl({option})")


def die_with(parent: int) -> None:
    """Be killed when the parent ends, and at once if it already has. `parent` 0 skips the second."""
    if LINUX:
        prctl(PR_SET_PDEATHSIG, 9)
        if parent and os.getppid() != parent:
            os._exit(137)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2)."""
    encoded = [os.fsencode(text) for text in (source, target, kind)]
    _check(
        _libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), os.fsencode(data)),
        f"mount {kind or source} on {target}",
    )


def clone_tree(path: str) -> int:
    """A detached copy of the mounts at and below `path`, as a descriptor."""
    return _syscall(
        _SYS_OPEN_TREE,
        f"open_tree {path}",
        _AT_FDCWD,
        os.fsencode(path),
        _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE,
    )


def attach_tree(tree: int, path: str) -> None:
    """Mounts a detached copy at `path`."""
    _syscall(
        _SYS_MOVE_MOUNT,
        f"move_mount to {path}",
        tree,
        b"",
        _AT_FDCWD,
        os.fsencode(path),
        _MOVE_MOUNT_F_EMPTY_PATH,
    )


def make_read_only(*, tree: int | None = None, path: str = "") -> None:
    """Makes every mount at and below a detached copy, or a path, read-only."""
    attributes = ctypes.create_string_buffer(struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0), 32)
    where = _AT_FDCWD if tree is None else tree
    flags = _AT_RECURSIVE | (_AT_EMPTY_PATH if tree is not None else 0)
    _syscall(_SYS_MOUNT_SETATTR, "mount_setattr", where, os.fsencode(path), flags, attributes, 32)


def drop_capabilities() -> None:
    """Leaves no capability, in no set, for good; matters when the user is root."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # not root, or past the last one this kernel knows
            break
    try:
        zero = ctypes.c_ulong(0)
        _libc.prctl(PR_CAP_AMBIENT, ctypes.c_ulong(PR_CAP_AMBIENT_CLEAR_ALL), zero, zero, zero)
    finally:
        header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8)
        _check(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")


def load_filter(program: bytes) -> None:
    """Installs a seccomp BPF program for this process and its children; needs no_new_privs."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("H6xQ", len(program) // 8, ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(header, len(header))
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), buffer, zero, zero), "seccomp")


def landlock_abi() -> int:
    """The Landlock version that the kernel offers; 0 when it has none or it is switched off."""
    if not LINUX:
        return 0
    try:
        return _syscall(_SYS_LANDLOCK_CREATE, "landlock", 0, 0, 1)
    except OSError:
        return 0


def landlock_create(attributes: bytes) -> int:
    """A new ruleset as a descriptor."""
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return _syscall(_SYS_LANDLOCK_CREATE, "landlock_create_ruleset", buffer, len(attributes), 0)


def landlock_allow(ruleset: int, fd: int, access: int) -> None:
    """Allows `access` at and below the opened path."""
    rule = ctypes.create_string_buffer(struct.pack("=Qi", access, fd), 12)
    _syscall(_SYS_LANDLOCK_ADD, "landlock_add_rule", ruleset, 1, rule, 0)


def landlock_restrict(ruleset: int) -> None:
    """Puts this process and its children under the ruleset; needs no_new_privs."""
    _syscall(_SYS_LANDLOCK_RESTRICT, "landlock_restrict_self", ruleset, 0)
