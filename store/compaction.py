"""Writing snapshots: the new one whole beside the old, the old kept as the generation before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from store import snapshot
from store.files import replace_file, sync_directory, write_file
from store.journal import encode
from store.recovery import BACKUP, JOURNAL, STATE, sealed_journals


def create(directory: Path) -> None:
    """Write the files of an empty state. Cut short anywhere, it still counts as new or is whole."""
    empty = list(snapshot.lines({}, 0, 1))
    replace_file(directory / JOURNAL, [encode(1, ())])
    replace_file(directory / STATE, empty)
    replace_file(directory / BACKUP, empty)


class Snapshots:
    """The generations on the disk. Used by one thread at a time."""

    def __init__(self, directory: Path, number: int, sound: bool) -> None:
        """`number` is the newest sound snapshot's; `sound` says that it is `state.json`, not the backup."""
        self._directory = directory
        self._number = number
        self._sound = sound

    def covers(self, number: int) -> bool:
        """Whether `state.json` has everything up to this transaction."""
        return self._sound and self._number == number

    def write(self, texts: Mapping[str, Mapping[int, str]], number: int, next_number: int) -> int:
        """Write the snapshot of transaction `number`, drop journals that no generation needs; its size.

        Raises:
            OSError: not possible; both generations and their journals are still there.
        """
        state, backup = self._directory / STATE, self._directory / BACKUP
        fresh, kept = state.with_suffix(".json.tmp"), backup.with_suffix(".bak.tmp")
        size = write_file(fresh, snapshot.lines(texts, number, next_number))
        try:
            if self._sound:
                with contextlib.suppress(FileNotFoundError):
                    kept.unlink()
                os.link(state, kept)
                kept.replace(backup)
            fresh.replace(state)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        sync_directory(self._directory)
        for last, path in sealed_journals(self._directory).items():
            if last <= self._number:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        self._number, self._sound = number, True
        return size
