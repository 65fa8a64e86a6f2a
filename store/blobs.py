"""Bulk data by its own hash: messages, outputs, diffs, pre-images; written before the commit naming it."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import time
from pathlib import Path

from store.errors import StoreDamaged, StoreReadOnly, store_errors
from store.files import private_directory, sync_directory, write_file

_DIGEST = re.compile("[0-9a-f]{64}")
_TEMPORARY = ".tmp-"


class Blobs:
    """`blobs/ab/cdef…`, one file a content. Safe for several threads; synchronous, waits for the disk."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self._directory = directory
        self._read_only = read_only
        self._durable: set[str] = set()
        self._counter = itertools.count()

    def path(self, digest: str) -> Path:
        """Where the content with this sha256 is, or would be. Raises ValueError if it is no sha256 in hex."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no sha256")
        return self._directory / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Keep `data`, durable on return; its sha256 in hex.

        Raises:
            StoreFull: no space; nothing was changed.
            StoreReadOnly: the state is open for reading only.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if self._read_only:
            raise StoreReadOnly("the state is open for reading only")
        with store_errors(path):
            if self._have(path, data):
                # Young again, so that it is not collected before the commit that names it.
                os.utime(path)
                if digest not in self._durable:
                    sync_directory(path.parent)
            else:
                self._write(path, data)
        self._durable.add(digest)
        return digest

    def get(self, digest: str) -> bytes:
        """The content with this sha256.

        Raises:
            StoreDamaged: it is missing, or is not what was written.
        """
        path = self.path(digest)
        hint = "restore the file from a backup; only what refers to it is lost"
        with store_errors(path):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                raise StoreDamaged(path, 0, "the file is missing", hint) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreDamaged(path, 0, "its checksum is wrong", hint)
        return data

    def collect(self, referenced: set[str], older_than_s: float = 86400) -> int:
        """Remove what nothing refers to and is older than a day; the bytes freed.

        The age is the file system's, the only clock that the files have.
        """
        if self._read_only:
            raise StoreReadOnly("the state is open for reading only")
        freed = 0
        limit = time.time() - older_than_s
        for path in list(self._directory.glob("??/*")):
            if path.parent.name + path.name in referenced:
                continue
            with store_errors(path), contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                if facts.st_mtime < limit:
                    path.unlink()
                    self._durable.discard(path.parent.name + path.name)
                    freed += facts.st_size
        return freed

    def _have(self, path: Path, data: bytes) -> bool:
        try:
            return path.stat().st_size == len(data) and path.read_bytes() == data
        except FileNotFoundError:
            return False

    def _write(self, path: Path, data: bytes) -> None:
        private_directory(self._directory)
        private_directory(path.parent)
        temporary = path.parent / f"{_TEMPORARY}{os.getpid()}-{next(self._counter)}"
        write_file(temporary, [data])
        temporary.replace(path)
        sync_directory(path.parent)
