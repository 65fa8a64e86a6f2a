"""Files of a worktree reached without ever following a link that an agent may have put in the way."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY = ".autodev-tmp-"
"""How the names of our half-written files begin."""


class InTheWay(OSError):
    """Something that is no directory stands where one is needed, or the other way round."""


@contextlib.contextmanager
def parent_of(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """A descriptor of the directory that holds `path` below `root`, and the last part of its name.

    Raises:
        InTheWay: a link or file is on the way, or the path leads outside.
        FileNotFoundError: a directory is missing and `make` is False.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise InTheWay(0, "not a plain relative path", path)
    at = os.open(root, _DIRECTORY)
    try:
        for part in parts[:-1]:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o777, dir_fd=at)
            try:
                inner = os.open(part, _DIRECTORY, dir_fd=at)
            except NotADirectoryError as error:
                raise InTheWay(0, "a file is in the way", path) from error
            except OSError as error:
                if _is_link(part, at):
                    raise InTheWay(0, "a link is in the way", path) from error
                raise
            os.close(at)
            at = inner
        yield at, parts[-1]
    finally:
        os.close(at)


def state(root: Path, path: str) -> os.stat_result | None:
    """`lstat` of a path, None if nothing is there."""
    try:
        with parent_of(root, path) as (at, name):
            return os.stat(name, dir_fd=at, follow_symlinks=False)
    except (FileNotFoundError, InTheWay):
        return None


def open_file(root: Path, path: str) -> IO[bytes]:
    """A regular file for reading. Raises OSError if it is anything else."""
    with parent_of(root, path) as (at, name):
        # Non-blocking: opening a pipe that took the file's place must not wait for a writer.
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise InTheWay(0, "not a regular file", path)
    return os.fdopen(fd, "rb")


def read_link(root: Path, path: str) -> bytes:
    """Where a symbolic link points."""
    with parent_of(root, path) as (at, name):
        return os.fsencode(os.readlink(name, dir_fd=at))


def replace_link(root: Path, path: str, target: bytes) -> None:
    """Put a symbolic link there in one step. Raises InTheWay, see `replace_file`."""
    _replace(root, path, lambda draft, at: os.symlink(os.fsdecode(target), draft, dir_fd=at))


def replace_file(root: Path, path: str, executable: bool, write: Callable[[IO[bytes]], object]) -> None:
    """Put a file there in one step: the old one or the new, never less. `write` gets the open file.

    Raises:
        InTheWay: a link or file stands where a directory is needed, or a directory where the file goes.
    """

    def make(draft: str, at: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        fd = os.open(draft, flags, 0o777 if executable else 0o666, dir_fd=at)
        with os.fdopen(fd, "wb") as out:
            write(out)
            out.flush()
            os.fsync(out.fileno())

    _replace(root, path, make)


def _replace(root: Path, path: str, make: Callable[[str, int], None]) -> None:
    with parent_of(root, path, make=True) as (at, name):
        _remove_empty_directory(name, at)
        draft = TEMPORARY + secrets.token_hex(8)
        try:
            make(draft, at)
            try:
                os.rename(draft, name, src_dir_fd=at, dst_dir_fd=at)
            except IsADirectoryError as error:
                raise InTheWay(0, "a directory with other files is in the way", path) from error
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=at)
            raise
        os.fsync(at)


def sweep(root: Path, path: str) -> None:
    """Delete what a killed `replace` left beside `path`."""
    with contextlib.suppress(OSError), parent_of(root, path) as (at, _):
        for name in os.listdir(at):  # noqa: PTH208 (a descriptor, not a path)
            if name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=at)


def remove(root: Path, path: str) -> None:
    """Delete a file or link, and the directories that become empty by it. Nothing there is fine."""
    try:
        with parent_of(root, path) as (at, name):
            os.unlink(name, dir_fd=at)
            os.fsync(at)
    except FileNotFoundError:
        return
    above = path
    while "/" in above:
        above = above.rpartition("/")[0]
        try:
            with parent_of(root, above) as (at, name):
                os.rmdir(name, dir_fd=at)
        except OSError:
            return


def _remove_empty_directory(name: str, at: int) -> None:
    """Empty directories, however deep, carry nothing that git knows of."""
    try:
        inner = os.open(name, _DIRECTORY, dir_fd=at)
    except OSError:
        return
    try:
        for entry in os.listdir(inner):  # noqa: PTH208
            _remove_empty_directory(entry, inner)
    finally:
        os.close(inner)
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=at)


def _is_link(name: str, at: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
    except OSError:
        return False
