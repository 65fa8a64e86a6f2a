"""Reading a state directory: the snapshot, or the generation before it, then every journal line after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store import journal, snapshot
from store.errors import StoreDamaged
from store.memory import Change, Tables, key_of, table_of

STATE = "state.json"
BACKUP = "state.json.bak"
JOURNAL = "state.json.journal"
TORN = "state.json.journal.torn"


@dataclass
class Loaded:
    """The state as read; nothing on the disk was changed."""

    tables: Tables = field(default_factory=dict)
    number: int = 0
    """The last transaction."""
    next_number: int = 1
    snapshot_number: int = 0
    snapshot_size: int = 0
    journal_size: int = 0
    """Where the live journal's sound lines end, in bytes."""
    unsaved: int = 0
    """Bytes of journal that the snapshot does not cover."""
    new: bool = False
    fallback: StoreDamaged | None = None
    """What was wrong with `state.json`, if the generation before it was used."""
    replayed: int = 0
    torn_bytes: int = 0


def sealed_journals(directory: Path) -> dict[int, Path]:
    """The sealed journals by the number of their last transaction, oldest first."""
    found = {}
    for path in directory.glob(JOURNAL + ".*"):
        end = path.suffix.removeprefix(".")
        if end.isdecimal():
            found[int(end)] = path
    return dict(sorted(found.items()))


def sealed_path(directory: Path, last: int) -> Path:
    """The name of the sealed journal that ends with transaction `last`."""
    return directory / f"{JOURNAL}.{last:012d}"


def load(directory: Path) -> Loaded:
    """Read the state of `directory`.

    Raises:
        StoreDamaged: something is not as it was written and cannot be made good without losing a transaction.
        StoreTooNew: a newer autodev wrote it.
    """
    loaded, base = _base(directory)
    if base is not None:
        loaded.tables, loaded.number, loaded.next_number = base.tables, base.number, base.next_number
        loaded.snapshot_number, loaded.snapshot_size = base.number, base.size
    for last, path in sealed_journals(directory).items():
        if last > loaded.number:
            raw = _read_sealed(path)
            _replay(loaded, path, raw)
            loaded.unsaved += len(raw)
    live = directory / JOURNAL
    try:
        raw = live.read_bytes()
    except FileNotFoundError:
        if loaded.new:
            return loaded
        hint = f"put it back, or make an empty one to go on with what {STATE} holds"
        raise StoreDamaged(live, 0, "the file is missing", hint) from None
    loaded.journal_size = _replay(loaded, live, raw)
    loaded.unsaved += loaded.journal_size
    loaded.torn_bytes = len(raw) - loaded.journal_size
    if loaded.fallback and not loaded.journal_size:
        # Without its first line nothing says how far the lost snapshot went.
        raise loaded.fallback
    return loaded


def _read_sealed(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # A writer's compaction has removed it since: a reader beside it tries again.
        hint = "open the state again"
        raise StoreDamaged(path, 0, "the file was removed while it was read", hint) from None


def _base(directory: Path) -> tuple[Loaded, snapshot.Snapshot | None]:
    state = directory / STATE
    try:
        return Loaded(), snapshot.read(state)
    except StoreDamaged as error:
        problem = error
    except FileNotFoundError:
        if _is_new(directory):
            return Loaded(new=True), None
        problem = StoreDamaged(state, 0, "the file is missing", "restore the whole directory from a backup")
    try:
        return Loaded(fallback=problem), snapshot.read(directory / BACKUP)
    except (FileNotFoundError, StoreDamaged):
        raise problem from None


def _is_new(directory: Path) -> bool:
    """Nothing was ever committed here: no generation, and a journal without a transaction."""
    if (directory / BACKUP).exists() or sealed_journals(directory):
        return False
    live = directory / JOURNAL
    return not live.exists() or journal.encode(1, ()).startswith(live.read_bytes())


def _replay(loaded: Loaded, path: Path, raw: bytes) -> int:
    """Apply the lines that are new; where the sound lines end."""
    lines, end = journal.scan(raw, path)
    for line in lines:
        if line.first > loaded.number + 1:
            if loaded.fallback:
                raise loaded.fallback
            what = f"transactions {loaded.number + 1} to {line.first - 1} are missing"
            raise StoreDamaged(path, 0, what, "restore the whole directory from a backup")
        for number, ops in enumerate(line.transactions, line.first):
            if number > loaded.number:
                for table, document_number, document in ops:
                    _apply(loaded, table, document_number, document)
                loaded.number = number
                loaded.replayed += 1
    return end


def _apply(loaded: Loaded, table: str, number: int, document: dict[str, Any] | None) -> None:
    loaded.next_number = max(loaded.next_number, number + 1)
    text = None if document is None else json.dumps(document, separators=(",", ":"))
    key = None if text is None else key_of(text)
    table_of(loaded.tables, table).apply(Change(table, number, key, text, {}))
