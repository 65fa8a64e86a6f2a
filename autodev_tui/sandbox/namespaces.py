"""Namespaces and mounts of our own, for the Landlock rung where the kernel permits them.

They add what Landlock cannot do: a process tree that dies with its first process, a /proc of its own, a
network without the host's, read-only paths inside writable ones, and modes and times that cannot be changed
outside.
"""

from __future__ import annotations

import _socket  # the plain module: `socket` loads selectors and enum
import fcntl
import os
import struct
from collections.abc import Collection, Sequence

from autodev_tui.sandbox import kernel
from autodev_tui.sandbox.view import Entry

_SPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
_KERNELS = ("/dev", "/proc", "/sys")
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def enter(*, network: bool) -> None:
    """New namespaces; the next fork is the first process of the new process namespace.

    Raises:
        OSError: if the kernel or a container's policy refuses.
    """
    flags = _SPACES | (0 if network else kernel.CLONE_NEWNET)
    if os.geteuid() == 0:
        try:
            return kernel.unshare(flags)
        except PermissionError:  # root in a container without the right to: as anyone else
            pass
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(flags | kernel.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    return None


def show(view: Sequence[Entry], protected: Sequence[str], *, network: bool) -> None:
    """Mounts the view over the host's file system, which becomes read-only; from the first process only.

    Raises:
        OSError: if a mount is refused; nothing may be run then.
    """
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    # Copies first: later mounts cover the originals, and a copy stays writable when "/" no longer is.
    trees = {
        entry.path: kernel.clone_tree(entry.source) for entry in view if entry.kind in ("ro", "rw", "private")
    }
    nothing = kernel.clone_tree("/dev/null")
    kernel.make_read_only(path="/")
    _cover_others(trees)
    for entry in view:
        if entry.kind == "link":
            if not os.path.lexists(entry.path):
                os.makedirs(os.path.dirname(entry.path), exist_ok=True)
                os.symlink(entry.source, entry.path)
        elif entry.kind == "hide":
            if os.path.isdir(entry.path):
                _empty(entry.path, "755", "1m")
            elif os.path.exists(entry.path):
                kernel.attach_tree(nothing, entry.path)
                nothing = kernel.clone_tree("/dev/null")
        else:
            _attach(entry, trees[entry.path])
    for path in protected:
        tree = kernel.clone_tree(path)
        kernel.make_read_only(tree=tree)
        kernel.attach_tree(tree, path)
        os.close(tree)
    for tree in [*trees.values(), nothing]:
        os.close(tree)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    if not network:
        _loopback_up()


def _cover_others(shown: Collection[str]) -> None:
    """Empties what the view does not show, for the sockets in it too, to which Landlock lets all connect."""
    for name in os.listdir("/"):
        path = f"/{name}"
        if path not in shown and path not in _KERNELS and os.path.isdir(path) and not os.path.islink(path):
            _empty(path, "755", "1m")
    if os.path.isdir("/dev/shm"):
        _empty("/dev/shm", "1777", "64m")


def _attach(entry: Entry, tree: int) -> None:
    if entry.kind == "ro":
        kernel.make_read_only(tree=tree)
    if not os.path.lexists(entry.path):
        if os.path.isdir(f"/proc/self/fd/{tree}"):
            os.makedirs(entry.path)
        else:
            os.makedirs(os.path.dirname(entry.path), exist_ok=True)
            os.close(os.open(entry.path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    kernel.attach_tree(tree, entry.path)


def _empty(path: str, mode: str, size: str) -> None:
    kernel.mount("tmpfs", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode={mode},size={size}")


def _loopback_up() -> None:
    """Lets a test start its own server on loopback: the interface of a new network starts down."""
    probe = _socket.socket(2, 2)  # AF_INET, SOCK_DGRAM
    try:
        fcntl.ioctl(probe.fileno(), _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    finally:
        probe.close()


def available() -> bool:
    """Whether namespaces with a /proc of their own can be had here, found out by making them."""
    if not kernel.LINUX:
        return False
    outer = os.fork()
    if outer == 0:
        code = 1
        try:
            enter(network=False)
            inner = os.fork()
            if inner == 0:
                try:
                    show([], [], network=False)
                    code = 0
                finally:
                    os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
        finally:
            os._exit(code & 255)
    return os.waitpid(outer, 0)[1] == 0
