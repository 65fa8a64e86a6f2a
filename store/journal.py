"""The journal: one line a batch of transactions, `crc32 SP [first,[op,…],[op,…]] LF`, appended and synced.

A line holds the transactions that were waiting together, each a list of ops `[table, document id, document or
null]`; they are numbered `first`, `first + 1`, …. A line is written only after the one before it was synced,
so a damaged line with a sound one behind it is never a torn write. The first line of a journal has no
transaction: it says which number comes next, so that a lost journal cannot pass as an empty one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.errors import (
    FULL,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreTooNew,
    from_os_error,
)
from store.files import FILE_MODE, sync, sync_directory, write_all, write_file

__all__ = [
    "Journal",
    "Line",
    "Op",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreReadOnly",
    "StoreTooNew",
    "scan",
]

Op = tuple[str, str, dict[str, Any] | None]
"""(table, key, document), or None instead of a document to delete it."""

_SOUND_START = re.compile(rb"[0-9a-f]{8} \[\d")


@dataclass(frozen=True)
class Line:
    """One sound line: the number of its first transaction, and each transaction's ops."""

    first: int
    transactions: list[list[tuple[str, int, dict[str, Any] | None]]]


def encode(first: int, transactions: Sequence[str]) -> bytes:
    """The line of a batch; `transactions` are JSON arrays of ops."""
    body = f"[{','.join((str(first), *transactions))}]".encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def scan(raw: bytes, file: Path) -> tuple[list[Line], int]:
    """The sound lines of a journal, and where they end; what follows there is a torn write.

    Raises:
        StoreDamaged: a damaged line with sound ones behind it, which no torn write leaves.
    """
    lines: list[Line] = []
    offset = 0
    while (end := raw.find(b"\n", offset)) >= 0 and _sound(raw, offset, end):
        first, *transactions = json.loads(raw[offset + 9 : end])
        lines.append(Line(first, transactions))
        offset = end + 1
    for start in _SOUND_START.finditer(raw, offset + 1):
        end = raw.find(b"\n", start.start())
        if end >= 0 and _sound(raw, start.start(), end):
            hint = "restore the file from a backup, or cut it at this byte to go on without what follows"
            raise StoreDamaged(file, offset, "its checksum is wrong and later lines are sound", hint)
    return lines, offset


def _sound(raw: bytes, start: int, end: int) -> bool:
    try:
        return raw[start + 8 : start + 9] == b" " and int(raw[start : start + 8], 16) == zlib.crc32(
            raw[start + 9 : end]
        )
    except ValueError:
        return False


class Journal:
    """The live journal, open for appending by the one writer; not safe for several threads at once."""

    def __init__(self, path: Path, size: int) -> None:
        """Open an existing journal whose sound lines end at `size`."""
        self.path = path
        self.size = size
        self.failed = ""
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)

    @staticmethod
    def create(path: Path, next_number: int) -> int:
        """Write a journal with no transaction yet; its size. The caller syncs the directory."""
        return write_file(path, [encode(next_number, ())])

    def append(self, line: bytes) -> None:
        """Add one line, durable on return.

        Raises:
            StoreFull: no space; the file is as before.
            StoreReadOnly: the disk failed, the line may or may not be there; no append is taken any more.
        """
        if self.failed:
            raise StoreReadOnly(self.failed)
        try:
            write_all(self._fd, line, self.size)
        except OSError as error:
            self._take_back(error)
            raise from_os_error(error, self.path) from error
        self._sync()
        self.size += len(line)

    def cut(self, torn: Path) -> int:
        """Move what follows the sound lines, a torn write, to the end of the file `torn`; its length."""
        rest = os.pread(self._fd, os.fstat(self._fd).st_size - self.size, self.size)
        if rest:
            fd = os.open(torn, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
            try:
                write_all(fd, rest, os.fstat(fd).st_size)
                sync(fd)
            finally:
                os.close(fd)
            sync_directory(torn.parent)
            os.ftruncate(self._fd, self.size)
            os.fsync(self._fd)
        return len(rest)

    def rotate(self, last: int, sealed: Path) -> None:
        """Seal what is there as `sealed`, which ends with transaction `last`, and go on in a new file.

        `sealed` must not exist.

        Raises:
            StoreError: not possible; the journal goes on as before.
            StoreReadOnly: the disk failed midway.
        """
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            size = self.create(fresh, last + 1)
            os.link(self.path, sealed)
            fd = os.open(fresh, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fresh.replace(self.path)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            # If the name stays all the same, it does no harm: replay skips what it has seen.
            for path in (sealed, fresh):
                with contextlib.suppress(OSError):
                    path.unlink()
            raise from_os_error(error, self.path) from error
        os.close(self._fd)
        self._fd, self.size = fd, size
        try:
            sync_directory(self.path.parent)
        except OSError as error:
            raise self._fail(error) from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _sync(self) -> None:
        try:
            sync(self._fd)
        except OSError as error:
            # The kernel may have dropped the pages and call the next sync a success: never try again.
            raise self._fail(error) from error

    def _take_back(self, error: OSError) -> None:
        try:
            os.ftruncate(self._fd, self.size)
            os.fsync(self._fd)
        except OSError as second:
            raise self._fail(second) from error
        if error.errno not in FULL:
            raise self._fail(error) from error

    def _fail(self, error: OSError) -> StoreReadOnly:
        self.failed = (
            f"writing {self.path} failed ({error.strerror}), so the last change may or may not be saved; "
            "check the disk, then resume"
        )
        return StoreReadOnly(self.failed)
