"""From a caller's ops to the JSON of a journal line: checked and encoded before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.errors import StoreError
from store.memory import KEY, Change, Scalar, Tables, indexed
from store.snapshot import META


@dataclass(frozen=True, slots=True)
class Draft:
    """One op, encoded; `number` is given only for ops that come through TinyDB."""

    table: str
    key: str | None
    text: str | None
    values: dict[str, Scalar]
    number: int | None = None


def draft(table: str, key: str, document: Mapping[str, Any] | None, number: int | None = None) -> Draft:
    """Encode one op.

    Raises:
        ValueError: not JSON, a name that is no string, or a member `_key`.
    """
    if not isinstance(key, str):
        raise ValueError(f"{table}: the key {key!r} is no string")
    if document is None:
        check_table(table)
        return Draft(table, key, None, {}, number)
    if KEY in document:
        raise ValueError(f"{table}/{key}: the member {KEY} is the store's own")
    return Draft(table, key, encode(table, {KEY: key, **document}), indexed(table, document), number)


def encode(table: str, document: Mapping[str, Any]) -> str:
    """The compact JSON text of a document. Raises ValueError if it would come back as something else."""
    check_table(table)
    where = f"{table}/{document.get(KEY, '?')}"
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        if json.loads(text) != document:
            _check_keys(document, where)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    return text


def check_table(name: str) -> None:
    """Raises ValueError if no table may have this name."""
    if not isinstance(name, str) or not name or name == META:
        raise ValueError(f"{name!r} cannot name a table")


def _check_keys(value: object, where: str) -> None:
    """JSON would turn 1 and None into "1" and "null"; tuples may become lists."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{where} has the member name {name!r}, which is no string")
            _check_keys(member, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            _check_keys(member, f"{where}[{index}]")


class Transaction:
    """Ops that become durable together; `tell` is called once when it is decided, from the writing thread."""

    def __init__(self, drafts: Sequence[Draft], tell: Callable[[], None] = lambda: None) -> None:
        self.drafts = drafts
        self.changes: list[Change] = []
        self.number = 0
        self.finished = False
        self._tell = tell
        self._error: Exception | None = None

    @property
    def line(self) -> str:
        """The JSON array of its ops, for the journal."""
        ops = (f"[{json.dumps(one.table)},{one.number},{one.text or 'null'}]" for one in self.changes)
        return f"[{','.join(ops)}]"

    def finish(self) -> None:
        """It is durable."""
        self.finished = True
        self._tell()

    def fail(self, error: Exception) -> None:
        """It is refused, unless it was decided before."""
        if not self.finished:
            # An exception of its own: several threads raise it.
            self._error = type(error)(*error.args)
            self._error.__cause__ = error
            self.finish()

    def result(self) -> int:
        """Its number, or the error that refused it, raised."""
        if self._error:
            raise self._error
        return self.number


def resolve(batch: Sequence[Transaction], tables: Tables, next_number: int) -> int:
    """Give each draft of the batch its document's number; the number that is free after it.

    Deleting what is not there is no change. A draft through TinyDB whose key went to another document in the
    meantime refuses its transaction.
    """
    earlier: dict[tuple[str, str], int | None] = {}
    for transaction in batch:
        mine: dict[tuple[str, str], int | None] = {}
        changes: list[Change] = []
        for one in transaction.drafts:
            name = (one.table, one.key or "")
            if name in mine:
                number = mine[name]
            elif name in earlier:
                number = earlier[name]
            else:
                table = tables.get(one.table)
                number = table.numbers.get(one.key) if table and one.key is not None else None
            if one.number is not None:
                if one.key is not None and one.text is not None and number not in (None, one.number):
                    error = StoreError(f"{one.table}/{one.key} is another document; read it again")
                    transaction.fail(error)
                    break
                number = one.number
            elif number is None and one.text is not None:
                number = next_number
            if number is None:
                continue
            next_number = max(next_number, number + 1)
            changes.append(Change(one.table, number, one.key, one.text, one.values))
            if one.key is not None:
                mine[name] = number if one.text is not None else None
        else:
            transaction.changes = changes
            earlier |= mine
    return next_number
