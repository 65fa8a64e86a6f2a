"""The snapshot, `state.json`: a TinyDB file, one document a line, format, number and checksum at its end.

The last line is the table `_autodev_meta`; its checksum is the sha256 of every byte before that line, so one
pass writes the file and a reader trusts the lines without parsing the documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from store.errors import StoreDamaged, StoreTooNew
from store.memory import Table, Tables

FORMAT = 1
META = "_autodev_meta"
_META_START = f'"{META}":'
_CHUNK = 512
"""Documents joined at once: about 0.2 MB, so that other threads get their turn within a millisecond."""


@dataclass
class Snapshot:
    """What a snapshot holds: everything up to transaction `number`."""

    tables: Tables
    number: int
    next_number: int
    """The number of the next new document; numbers are never used again."""
    size: int


def lines(texts: Mapping[str, Mapping[int, str]], number: int, next_number: int) -> Iterator[bytes]:
    """The bytes of a snapshot, in pieces."""
    digest = hashlib.sha256()

    def piece(text: str) -> bytes:
        data = text.encode("ascii")
        digest.update(data)
        return data

    yield piece("{\n")
    for name, documents in texts.items():
        yield piece(json.dumps(name) + ":{\n")
        rows, separator = iter(documents.items()), ""
        while chunk := [f'"{one}":{text}' for one, text in islice(rows, _CHUNK)]:
            yield piece(separator + ",\n".join(chunk))
            separator = ",\n"
        yield piece("\n},\n" if separator else "},\n")
    meta = {"format": FORMAT, "number": number, "next": next_number, "sha256": digest.hexdigest()}
    yield f"{_META_START}{json.dumps({'1': meta})}}}\n".encode("ascii")


def read(file: Path) -> Snapshot:
    """Load a snapshot.

    Raises:
        FileNotFoundError: there is none.
        StoreDamaged: it is not what was written, by its checksum.
        StoreTooNew: a newer autodev wrote it.
    """
    raw = file.read_bytes()
    start = raw.rfind(b"\n" + _META_START.encode("ascii")) + 1
    meta = _meta(raw, start, file)
    if meta.get("format") != FORMAT:
        raise StoreTooNew(file, meta.get("format"), FORMAT)
    if hashlib.sha256(memoryview(raw)[:start]).hexdigest() != meta["sha256"]:
        raise _damaged(file, _json_error(raw), "its checksum is wrong")
    tables: Tables = {}
    table = Table("")
    for line in raw[:start].decode("ascii").split("\n"):
        if line.endswith(":{"):
            name = json.loads(line[:-2])
            table = tables[name] = Table(name)
        elif line.startswith('"'):
            end = line.index('"', 1)
            table.load(int(line[1:end]), line[end + 2 :].removesuffix(","))
    return Snapshot(tables, meta["number"], meta["next"], len(raw))


def _meta(raw: bytes, start: int, file: Path) -> dict[str, Any]:
    """The last line, or, of a file laid out in another way, the table of that name."""
    try:
        if start:
            found = json.loads(b"{" + raw[start:])[META]["1"]
        else:
            found = json.loads(raw)[META]["1"]
            if found.get("format") == FORMAT:
                raise _damaged(file, 0, "another program has rewritten it")
        if not isinstance(found, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(file, _json_error(raw), "it does not end as it was written") from error
    return found


def _json_error(raw: bytes) -> int:
    """Where the JSON breaks; 0 if it does not."""
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        return error.pos
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _damaged(file: Path, offset: int, what: str) -> StoreDamaged:
    return StoreDamaged(file, offset, what, "restore the whole directory from a backup")
