"""The documents in memory: each as its compact JSON text, found by number, by key, and by indexed fields.

Text, because a private copy is then one decoding (2.5 µs for a step of 340 bytes; copy.deepcopy 7.4 µs), a
snapshot is a join, and 50 000 documents take tens of megabytes, not hundreds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INDEXES: Mapping[str, tuple[str, ...]] = {
    "sessions": ("state",),
    "plan_tasks": ("session", "state"),
    "steps": ("session", "task", "state"),
    "approvals": ("session", "state"),
    "tasks": ("status",),
}
"""The fields that `all` finds without reading the whole table. An index is built at its first use."""

KEY = "_key"
"""The document's own name, its first member; TinyDB itself knows numbers only."""

Scalar = str | int | float | bool | None
_KEY_START = '{"_key":'
_decoder = json.JSONDecoder()


def decode(text: str) -> dict[str, Any]:
    """A private copy of a document, without its key."""
    document: dict[str, Any] = json.loads(text)
    document.pop(KEY, None)
    return document


def key_of(text: str) -> str | None:
    """The key in a document's text; None if it was put there through TinyDB without one."""
    if not text.startswith(_KEY_START):
        return None
    key: str = _decoder.raw_decode(text, len(_KEY_START))[0]
    return key


def indexed(table: str, document: Mapping[str, Any]) -> dict[str, Scalar]:
    """The values under which the table's indexes have this document."""
    fields = INDEXES.get(table, ())
    return {name: document[name] for name in fields if isinstance(document.get(name, ...), Scalar)}


@dataclass(frozen=True, slots=True)
class Change:
    """One document set (`text`) or deleted (None)."""

    table: str
    number: int
    key: str | None
    text: str | None
    values: dict[str, Scalar]


class _Index:
    def __init__(self) -> None:
        self.numbers: dict[Scalar, set[int]] = {}
        self.value: dict[int, Scalar] = {}

    def drop(self, number: int) -> None:
        if number in self.value:
            self.numbers[self.value.pop(number)].discard(number)

    def put(self, number: int, values: Mapping[str, Scalar], field: str) -> None:
        self.drop(number)
        if field in values:
            self.value[number] = values[field]
            self.numbers.setdefault(values[field], set()).add(number)


class Table:
    """One table's documents. Reading one is safe at any time; the rest is for the holder of the lock."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: dict[int, str] = {}
        self.numbers: dict[str, int] = {}
        self._indexes: dict[str, _Index] = {}

    def load(self, number: int, text: str) -> None:
        """Put a document read from the disk."""
        self.texts[number] = text
        if (key := key_of(text)) is not None:
            self.numbers[key] = number

    def apply(self, change: Change) -> None:
        """Put or delete one document."""
        number = change.number
        old = self.texts.get(number)
        old_key = key_of(old) if old is not None else None
        if change.text is None:
            self.texts.pop(number, None)
        else:
            self.texts[number] = change.text
        if old_key is not None and old_key != change.key:
            del self.numbers[old_key]
        if change.key is not None:
            if change.text is None:
                self.numbers.pop(change.key, None)
            else:
                self.numbers[change.key] = number
        for field, index in self._indexes.items():
            if change.text is None:
                index.drop(number)
            else:
                index.put(number, change.values, field)

    def candidates(self, equals: Mapping[str, Any]) -> list[str]:
        """The texts among which all documents with these values are, in order of insertion."""
        best: Iterable[int] | None = None
        size = len(self.texts)
        for field in INDEXES.get(self.name, ()):
            if field in equals and isinstance(equals[field], Scalar):
                found = self._index(field).numbers.get(equals[field], set())
                if len(found) <= size:
                    best, size = sorted(found), len(found)
        return list(self.texts.values()) if best is None else [self.texts[number] for number in best]

    def _index(self, field: str) -> _Index:
        if field not in self._indexes:
            for name in INDEXES[self.name]:
                self._indexes[name] = _Index()
            for number, text in self.texts.items():
                values = indexed(self.name, json.loads(text))
                for name, index in self._indexes.items():
                    index.put(number, values, name)
        return self._indexes[field]


Tables = dict[str, Table]


def table_of(tables: Tables, name: str) -> Table:
    """The table of that name, made if there is none."""
    found = tables.get(name)
    if found is None:
        found = tables[name] = Table(name)
    return found
