"""What can go wrong with the state, each with what happened, where, and what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class StoreError(Exception):
    """The state could not be read or written."""


class StoreLocked(StoreError):
    """Another process has the state open for writing; `owner` says which: pid, host, since, …"""

    def __init__(self, file: Path, owner: Mapping[str, Any]) -> None:
        self.file = file
        self.owner = dict(owner)
        who = f"process {owner['pid']} on {owner.get('host', '?')}" if "pid" in owner else "another process"
        super().__init__(f"the state is in use by {who} ({file}); wait for it or run `autodev stop`")


class StoreDamaged(StoreError):
    """A file of the state is not what was written; nothing was changed."""

    def __init__(self, file: Path, offset: int, what: str, hint: str) -> None:
        self.file = file
        self.offset = offset
        self.hint = hint
        super().__init__(f"{file} is damaged at byte {offset}: {what}; {hint}")


class StoreFull(StoreError):
    """No space for a write (disk, quota or file-size limit); the state is as it was before."""


class StoreReadOnly(StoreError):
    """This opening of the state takes no write: opened for reading, or an earlier write failed midway."""


class StoreTooNew(StoreError):
    """The state was written by a newer autodev; nothing was changed."""

    def __init__(self, file: Path, found: object, known: int) -> None:
        super().__init__(
            f"{file} has format {found}, this autodev reads up to {known}; "
            "use the newer autodev that wrote it"
        )


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of the system that mean that there is no space."""


def from_os_error(error: OSError, file: Path) -> StoreError:
    """The store's error for a failed system call on `file` that changed nothing."""
    if error.errno in FULL:
        return StoreFull(f"no space to write {file} ({error.strerror}); free some space, then resume")
    return StoreError(f"cannot use {file} ({error.strerror}); nothing was changed")


@contextlib.contextmanager
def store_errors(file: Path) -> Iterator[None]:
    """Turn the system's errors into the store's; `file` is named if the system names none."""
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename
        raise from_os_error(
            error, Path(os.fsdecode(named)) if isinstance(named, str | bytes) else file
        ) from error
