"""The state as a TinyDB: its queries and writes on our documents, every write one durable transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from store.memory import KEY, indexed, key_of
from store.transaction import Draft, encode

if TYPE_CHECKING:
    from store.database import Database


def open_tiny(database: Database) -> TinyDB:
    """TinyDB on an open database; closing it leaves the database open."""
    return _Tiny(database, storage=_Storage)


class _View(Mapping[str, dict[str, Any]]):
    """A table as TinyDB reads it; every document is a private copy, made when it is looked at."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    @cached_property
    def _texts(self) -> dict[int, str]:
        return self._database.texts(self._name)

    def __getitem__(self, number: str) -> dict[str, Any]:
        text = self._database.text(self._name, int(number))
        if text is None:
            raise KeyError(number)
        return cast(dict[str, Any], json.loads(text))

    def items(self) -> Any:
        return ((str(number), json.loads(text)) for number, text in self._texts.items())

    def __iter__(self) -> Iterator[str]:
        return map(str, self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class _Overlay(MutableMapping[int, dict[str, Any]]):
    """A table as TinyDB changes it: remembers what was touched, so that only that is written."""

    def __init__(self, name: str, texts: Mapping[int, str]) -> None:
        self._name = name
        self._texts = texts
        self._seen: dict[int, dict[str, Any]] = {}
        self._gone: set[int] = set()

    def __getitem__(self, number: int) -> dict[str, Any]:
        if number not in self:
            raise KeyError(number)
        if number not in self._seen:
            self._seen[number] = json.loads(self._texts[number])
        return self._seen[number]

    def __setitem__(self, number: int, document: dict[str, Any]) -> None:
        self._seen[number] = document
        self._gone.discard(number)

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        self._seen.pop(number, None)
        self._gone.add(number)

    def __contains__(self, number: object) -> bool:
        return number not in self._gone and (number in self._seen or number in self._texts)

    def __iter__(self) -> Iterator[int]:
        yield from (number for number in self._texts if number not in self._gone)
        yield from (number for number in list(self._seen) if number not in self._texts)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        self._seen.clear()
        self._gone.update(self._texts)

    def drafts(self) -> list[Draft]:
        """What has changed, as ops."""
        found = [
            Draft(self._name, key_of(self._texts[number]), None, {}, number)
            for number in sorted(self._gone & self._texts.keys())
        ]
        for number, document in self._seen.items():
            key = document.get(KEY)
            if key is not None and not isinstance(key, str):
                raise ValueError(f"{self._name}: the key {key!r} is no string")
            # The key comes first, where readers look for it.
            document = document if key is None else {KEY: key, **document}
            text = encode(self._name, document)
            if text != self._texts.get(number):
                found.append(Draft(self._name, key, text, indexed(self._name, document), number))
        return found


class _Storage(Storage):
    def __init__(self, database: Database) -> None:
        self.database = database

    def read(self) -> dict[str, Any] | None:
        return {name: _View(self.database, name) for name in self.database.table_names()}

    def write(self, data: Mapping[str, Any]) -> None:
        """Called by TinyDB to drop tables: what is not in `data` goes, what is there as read stays."""
        with self.database.writing:
            drafts: list[Draft] = []
            for name in dict.fromkeys([*self.database.table_names(), *data]):
                if isinstance(data.get(name), _View):
                    continue
                overlay = _Overlay(name, self.database.texts(name))
                overlay.clear()
                for number, document in data.get(name, {}).items():
                    overlay[int(number)] = dict(document)
                drafts += overlay.drafts()
            self.database.commit_drafts(drafts)


class _Table(Table):
    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        # No query cache: others write too, and a cached answer would be shared, not private.
        super().__init__(storage, name, cache_size=0, persist_empty=persist_empty)
        self._database = cast(_Storage, storage).database

    def _get_next_id(self) -> int:
        return self._database.take_number()

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        with self._database.writing:
            overlay = _Overlay(self.name, self._database.texts(self.name))
            updater(cast(Any, overlay))
            if drafts := overlay.drafts():
                self._database.commit_drafts(drafts)


class _Tiny(TinyDB):
    table_class = _Table
