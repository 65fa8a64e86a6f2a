"""Files that survive power loss: written whole, synced, renamed into place, their directory synced."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
"""macOS only: its fsync leaves data in the drive's cache."""


def sync(fd: int) -> None:
    """Force the file's data, and what is needed to read it back, to the disk."""
    if _FULL_SYNC is not None:
        try:
            fcntl.fcntl(fd, _FULL_SYNC)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            # A file system without it (network mounts) has only fsync.
        os.fsync(fd)
    else:
        os.fdatasync(fd)


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`; OSError midway leaves a part of it there."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def write_file(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a private file anew and sync it; its size in bytes. On an error the file is removed again."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        size = 0
        for chunk in chunks:
            write_all(fd, chunk, size)
            size += len(chunk)
        sync(fd)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(fd)
    return size


def replace_file(path: Path, chunks: Iterable[bytes]) -> int:
    """Put a new content in place of `path` in one step, durable on return; its size in bytes."""
    temporary = path.with_name(path.name + ".tmp")
    size = write_file(temporary, chunks)
    temporary.replace(path)
    sync_directory(path.parent)
    return size


def private_directory(directory: Path) -> None:
    """Make `directory` if missing, with its parents, and keep others out of it."""
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=DIRECTORY_MODE)
        sync_directory(directory.parent)
    if directory.stat().st_mode & 0o077:
        directory.chmod(DIRECTORY_MODE)
