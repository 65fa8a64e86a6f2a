from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.database import Database
from store.journal import StoreDamaged, encode, scan


def _made(directory: Path) -> tuple[bytes, list[int], list[list[dict[str, Any]]]]:
    """A directory with a journal of seven transactions: its bytes, where lines end, the state after each."""
    database = Database.open(directory)
    journal = directory / "state.json.journal"
    ends, states = [journal.stat().st_size], [database.all("steps")]
    for n in range(7):
        ops: list[Any] = [("steps", f"{n % 4}", {"n": n, "text": "x" * n}), ("steps", f"{(n + 2) % 4}", None)]
        database.commit(ops)
        ends.append(journal.stat().st_size)
        states.append(database.all("steps"))
    database.close(compact=False)
    return journal.read_bytes(), ends, states


def test_a_journal_cut_at_any_byte_is_exactly_the_committed_prefix(tmp_path: Path) -> None:
    raw, ends, states = _made(tmp_path)
    journal, torn = tmp_path / "state.json.journal", tmp_path / "state.json.journal.torn"
    for cut in range(len(raw) + 1):
        journal.write_bytes(raw[:cut])
        torn.unlink(missing_ok=True)
        whole = max((n for n, end in enumerate(ends) if end <= cut), default=0)
        sound = max((end for end in ends if end <= cut), default=0)
        reader = Database.open(tmp_path, read_only=True)
        assert reader.all("steps") == states[whole]
        database = Database.open(tmp_path)
        assert database.all("steps") == states[whole]
        assert database.report["torn_bytes"] == cut - sound
        assert (torn.read_bytes() if torn.exists() else b"") == raw[sound:cut]
        assert database.commit([("steps", "new", {})]) == whole + 1
        database.close(compact=False)
        again = Database.open(tmp_path, read_only=True)
        assert again.report["torn_bytes"] == 0
        assert again.get("steps", "new") == {}


def test_a_tail_of_zeros_is_a_torn_write(tmp_path: Path) -> None:
    raw, ends, states = _made(tmp_path)
    for start in range(ends[-2], ends[-1]):
        (tmp_path / "state.json.journal").write_bytes(raw[:start] + bytes(ends[-1] - start))
        reader = Database.open(tmp_path, read_only=True)
        assert reader.all("steps") == states[-2]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_refused_or_drops_at_most_the_last_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("flip")
    raw, ends, states = _made(directory)
    at = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[at]))
    journal = directory / "state.json.journal"
    journal.write_bytes(changed := raw[:at] + bytes([byte]) + raw[at + 1 :])
    try:
        database = Database.open(directory)
    except StoreDamaged as error:
        assert at < ends[-2]
        assert error.file == journal
        assert error.offset <= at
        assert error.hint
        assert journal.read_bytes() == changed
    else:
        # A letter of the checksum in the other case says the same; else it was in the last line.
        assert database.all("steps") in (states[-2], states[-1])
        assert database.all("steps") == states[-1] or (at >= ends[-2] and database.report["torn_bytes"])
        database.close(compact=False)


def test_several_transactions_of_one_line_are_kept_or_lost_together(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    line = encode(1, ['[["a",1,{"n":1}]]', '[["a",1,null]]'])
    (found,), end = scan(line, file)
    assert (found.first, found.transactions) == (1, [[["a", 1, {"n": 1}]], [["a", 1, None]]])
    assert end == len(line)
    for cut in range(len(line)):
        assert scan(line[:cut], file) == ([], 0)


def test_a_lost_line_end_is_found_though_the_two_lines_are_the_last(tmp_path: Path) -> None:
    raw, ends, _ = _made(tmp_path)
    broken = raw[: ends[-2] - 1] + b" " + raw[ends[-2] :]
    with pytest.raises(StoreDamaged) as caught:
        scan(broken, tmp_path / "journal")
    assert caught.value.offset == ends[-3]


def test_what_looks_like_a_line_inside_a_document_is_no_line(tmp_path: Path) -> None:
    with Database.open(tmp_path) as database:
        fake = encode(9, ['[["a",1,null]]']).decode()
        database.commit([("a", "x", {"text": fake})])
        database.close(compact=False)
    raw = (tmp_path / "state.json.journal").read_bytes()
    assert json.dumps(fake).encode() in raw
    (tmp_path / "state.json.journal").write_bytes(raw[:-2])
    with Database.open(tmp_path) as database:
        assert database.report["torn_bytes"] > 0
        assert database.all("a") == []
