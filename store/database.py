"""The state of one repository: documents in memory, every change one durable journal line.

Reading never waits for the disk and may be done in the event loop, except `all` on a large table. `open`,
`commit`, `compact` and `close` are synchronous and wait for the disk: call them in a thread; `acommit` is for
the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from store import compaction
from store.blobs import Blobs
from store.errors import StoreDamaged, StoreError, StoreReadOnly, store_errors
from store.files import private_directory
from store.journal import Journal, Op, encode
from store.lock import Left, Lock
from store.memory import decode, table_of
from store.recovery import JOURNAL, STATE, TORN, Loaded, load, sealed_path
from store.transaction import Draft, Transaction, draft, resolve

if TYPE_CHECKING:
    from tinydb import TinyDB

COMPACT_MIN = 4 << 20
"""Bytes of journal from which a compaction pays: it is then read back in about 0.1 s."""
_READ_TRIES = 10
_READ_WAIT_S = 0.02
"""A reader meets at most a few renames of a compaction; each is over in milliseconds."""


class Database:
    """Open with `Database.open`; usable from several threads."""

    def __init__(self, directory: Path, loaded: Loaded, lock: Lock | None) -> None:
        self.directory = directory
        self.blobs = Blobs(directory / "blobs", read_only=lock is None)
        self._tables = loaded.tables
        self._number = loaded.number
        self._next_number = loaded.next_number
        self._lock = lock
        self._journal: Journal | None = None
        self._snapshots = compaction.Snapshots(directory, loaded.snapshot_number, loaded.fallback is None)
        self._compacting = threading.Lock()
        self._closed = False
        self._unsaved = loaded.unsaved
        self._compact_at = max(COMPACT_MIN, loaded.snapshot_size)
        self._waiting: queue.SimpleQueue[Transaction] = queue.SimpleQueue()
        self.writing = threading.RLock()
        """Held while a batch goes to the disk."""
        self._memory = threading.Lock()
        """Held while memory changes; never while waiting for the disk."""
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._compactor: threading.Thread | None = None
        self.report: dict[str, Any] = {
            "new": loaded.new,
            "replayed": loaded.replayed,
            "torn_bytes": loaded.torn_bytes,
            "fallback": str(loaded.fallback or ""),
            "compaction_error": "",
        }
        """What opening found: replayed transactions, bytes of a torn write, what is wrong with state.json."""

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        wait_s: float = 0.1,
        what: str = "",
    ) -> Self:
        """Open the state in `directory`, made if missing. Waits up to `wait_s` for another writer to close.

        `what` tells others what kind of program has it open.

        A read-only opening takes no lock, writes nothing and shows the state as of now, also beside a writer.

        Raises:
            StoreLocked: another process has it open for writing.
            StoreDamaged, StoreTooNew: it cannot be read; nothing was changed.
            StoreFull: no space for the files of a new state, or to keep a torn write.
        """
        if read_only:
            return cls(directory, _read(directory), None)
        with store_errors(directory):
            private_directory(directory)
        lock = Lock(directory, clock, wait_s, what)
        database: Self | None = None
        try:
            with store_errors(directory):
                loaded = load(directory)
                database = cls(directory, loaded, lock)
                database._begin(loaded)
        except BaseException:
            if database and database._journal:
                database._journal.close()
            lock.release()
            raise
        return database

    def _begin(self, loaded: Loaded) -> None:
        """Make the files fit for writing again."""
        if loaded.new:
            compaction.create(self.directory)
            loaded.journal_size = (self.directory / JOURNAL).stat().st_size
        self._journal = Journal(self.directory / JOURNAL, loaded.journal_size)
        self._journal.cut(self.directory / TORN)
        if not loaded.journal_size:
            self._journal.append(encode(self._number + 1, ()))
        if loaded.fallback:
            with contextlib.suppress(FileNotFoundError):
                (self.directory / STATE).replace(self.directory / f"{STATE}.damaged")
            self.compact()

    # -- reading

    @property
    def read_only(self) -> bool:
        """Opened to look: nothing can be written."""
        return self._lock is None

    @property
    def number(self) -> int:
        """The number of the last transaction."""
        return self._number

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        """A private copy of one document, or None."""
        found = self._tables.get(table)
        number = found.numbers.get(key) if found else None
        text = found.texts.get(number) if found and number is not None else None
        return None if text is None else decode(text)

    def all(self, table: str, **equals: Any) -> list[dict[str, Any]]:
        """Private copies of the documents that have these values, in order of insertion."""
        with self._memory:
            found = self._tables.get(table)
            texts = found.candidates(equals) if found else []
        documents = [decode(text) for text in texts]
        missing = object()
        return [one for one in documents if all(one.get(k, missing) == v for k, v in equals.items())]

    def text(self, table: str, number: int) -> str | None:
        """The JSON text of one document by its TinyDB number."""
        found = self._tables.get(table)
        return found.texts.get(number) if found else None

    def texts(self, table: str) -> dict[int, str]:
        """The JSON texts of a table's documents by their TinyDB number, as of now."""
        with self._memory:
            found = self._tables.get(table)
            return found.texts.copy() if found else {}

    def table_names(self) -> list[str]:
        """The tables that have documents."""
        with self._memory:
            return [name for name, table in self._tables.items() if table.texts]

    @cached_property
    def db(self) -> TinyDB:
        """The state as a TinyDB: plain queries read it, plain writes become durable transactions."""
        from store.tiny import open_tiny

        return open_tiny(self)

    # -- writing

    def commit(self, ops: Sequence[Op]) -> int:
        """Put and delete documents in one durable, atomic transaction; its number. Waits for the disk.

        Raises:
            ValueError: a document is not JSON; nothing was written.
            StoreFull: no space; nothing was changed.
            StoreReadOnly: opened for reading, or an earlier write failed midway: open the state anew.
        """
        return self.commit_drafts([draft(*op) for op in ops])

    def commit_drafts(self, drafts: Sequence[Draft]) -> int:
        """`commit` for documents already encoded."""
        transaction = Transaction(drafts)
        self._waiting.put(transaction)
        with self.writing:
            # Whoever comes first writes for all who wait: one sync for the lot.
            if not transaction.finished:
                self._write_waiting()
        return transaction.result()

    def take_number(self) -> int:
        """A TinyDB number for a new document, never given again."""
        with self.writing:
            self._next_number += 1
            return self._next_number - 1

    def note_session(self, session: str) -> None:
        """Tell others, who cannot write meanwhile, which session is at work. Sync: one small write."""
        if self._lock:
            self._lock.note(session)

    def say_alive(self) -> None:
        """Tell whoever finds the state after a kill until when it was in use. Sync: one system call."""
        if self._lock:
            self._lock.alive()

    @property
    def left(self) -> Left | None:
        """What the writer before left behind, where it was killed."""
        return self._lock.left if self._lock else None

    async def acommit(self, ops: Sequence[Op]) -> int:
        """`commit` without blocking the event loop; a cancelled wait does not take the transaction back."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(done.set)

        transaction = Transaction([draft(*op) for op in ops], tell)
        with self._memory:
            if self._closed:
                raise StoreReadOnly("the state is closed; open it again")
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
                self._writer.start()
            self._waiting.put(transaction)
            self._wake.put(True)
        await done.wait()
        return transaction.result()

    def _write_loop(self) -> None:
        while self._wake.get():
            with self.writing:
                self._write_waiting()

    def _write_waiting(self) -> None:
        """Write everything that waits as one line. The caller holds `writing`."""
        batch: list[Transaction] = []
        with contextlib.suppress(queue.Empty):
            while True:
                batch.append(self._waiting.get_nowait())
        if not batch:
            return
        try:
            self._write(batch)
        except Exception as error:
            for transaction in batch:
                transaction.fail(error)

    def _write(self, batch: list[Transaction]) -> None:
        if self._journal is None:
            raise StoreReadOnly("the state is closed" if self._lock else "the state is open for reading only")
        resolved = resolve(batch, self._tables, self._next_number)
        good = [transaction for transaction in batch if not transaction.finished]
        if not good:
            return
        line = encode(self._number + 1, [one.line for one in good])
        self._journal.append(line)
        with self._memory:
            for transaction in good:
                self._number += 1
                for change in transaction.changes:
                    table_of(self._tables, change.table).apply(change)
                transaction.number = self._number
            self._next_number = resolved
        for transaction in good:
            transaction.finish()
        self._unsaved += len(line)
        if self._unsaved > self._compact_at and self._compactor is None:
            self._compactor = threading.Thread(
                target=self._compact_aside, name="store-compactor", daemon=True
            )
            self._compactor.start()

    # -- compacting and closing

    def compact(self) -> None:
        """Write a new snapshot now, keeping the one before; commits go on meanwhile. Waits for the disk.

        Raises:
            StoreFull, StoreError: not possible; nothing is lost, the journal goes on.
            StoreReadOnly: opened for reading, or the disk has failed.
        """
        with self._compacting:
            with self.writing:
                if self._journal is None or self._journal.failed:
                    raise StoreReadOnly(
                        self._journal.failed if self._journal else "the state is not open for writing"
                    )
                number, next_number, covered = self._number, self._next_number, self._unsaved
                if self._snapshots.covers(number):
                    return
                with self._memory:
                    texts = {name: table.texts.copy() for name, table in self._tables.items() if table.texts}
                sealed = sealed_path(self.directory, number)
                if not sealed.exists():
                    self._journal.rotate(number, sealed)
            with store_errors(self.directory / STATE):
                size = self._snapshots.write(texts, number, next_number)
            with self.writing:
                self._unsaved -= covered
                self._compact_at = max(COMPACT_MIN, size)

    def _compact_aside(self) -> None:
        try:
            self.compact()
        except StoreError as error:
            # The transactions are safe in the journal: note it, and try again after as much again.
            self.report["compaction_error"] = str(error)
            with self.writing:
                self._compact_at += max(COMPACT_MIN, self._compact_at)
        finally:
            with self.writing:
                self._compactor = None

    def close(self, *, compact: bool = True) -> None:
        """Finish what waits, compact if anything is new (so that TinyDB alone reads all), let others in."""
        with self._memory:
            if self._closed:
                return
            self._closed = True
        if self._writer:
            self._wake.put(False)
            self._writer.join()
        if compactor := self._compactor:
            compactor.join()
        if self._lock is None or self._journal is None:
            return
        if compact:
            try:
                self.compact()
            except StoreError as error:
                self.report["compaction_error"] = str(error)
        with self.writing:
            self._journal.close()
            self._journal = None
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(directory: Path) -> Loaded:
    """Load beside a writer, whose compaction may take a file away between two of our reads."""
    with store_errors(directory):
        for _ in range(_READ_TRIES):
            try:
                return load(directory)
            except StoreDamaged:
                time.sleep(_READ_WAIT_S)
        return load(directory)
