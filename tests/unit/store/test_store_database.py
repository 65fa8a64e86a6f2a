from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tinydb import TinyDB, where

import store.database
from store.database import Database
from store.journal import (
    Op,
    StoreDamaged,
    StoreLocked,
    StoreReadOnly,
    StoreTooNew,
)
from store.memory import INDEXES


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


def contents(database: Database) -> dict[str, dict[str, dict[str, Any]]]:
    """Every keyed document by table and key."""
    tables = {}
    for name in database.table_names():
        texts = [json.loads(text) for text in database.texts(name).values()]
        tables[name] = {text.pop("_key"): text for text in texts}
    return tables


def test_a_commit_is_there_after_reopening(directory: Path) -> None:
    with Database.open(directory) as database:
        assert database.commit([("steps", "a", {"n": 1}), ("tasks", "b", {"n": 2})]) == 1
        assert database.commit([("steps", "a", None), ("tasks", "b", {"n": 3})]) == 2
    with Database.open(directory) as database:
        assert database.get("steps", "a") is None
        assert database.get("tasks", "b") == {"n": 3}
        assert database.number == 2


def test_it_is_there_without_closing_and_compacting_too(directory: Path) -> None:
    database = Database.open(directory)
    database.commit([("steps", "a", {"n": 1})])
    database.close(compact=False)
    with Database.open(directory) as database:
        assert database.report["replayed"] == 1
        assert database.get("steps", "a") == {"n": 1}


def test_what_is_read_and_what_was_given_are_private(directory: Path) -> None:
    with Database.open(directory) as database:
        given_document = {"list": [1]}
        database.commit([("steps", "a", given_document)])
        given_document["list"].append(2)
        read = database.get("steps", "a")
        assert read is not None
        read["list"].append(3)
        database.all("steps")[0]["list"].append(4)
        for document in database.db.table("steps").search(where("list").exists()):
            document["list"].append(5)
        assert database.get("steps", "a") == {"list": [1]}


@pytest.mark.parametrize(
    "document",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": {1: 2}},
        {"a": [{None: 2}]},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"_key": "mine"},
    ],
)
def test_what_is_not_json_is_refused_before_the_file_is_touched(
    directory: Path, document: dict[str, Any]
) -> None:
    with Database.open(directory) as database:
        size = (directory / "state.json.journal").stat().st_size
        with pytest.raises(ValueError, match="steps/a"):
            database.commit([("steps", "good", {}), ("steps", "a", document)])
        assert (directory / "state.json.journal").stat().st_size == size
        assert database.get("steps", "good") is None
        assert database.commit([("steps", "a", {"a": (1, 2)})]) == 1
        assert database.get("steps", "a") == {"a": [1, 2]}


def test_undecodable_names_and_every_line_end_survive(directory: Path) -> None:
    text = "caf\udce9 \u2028\u0085\n\r\0\U0001f600"
    with Database.open(directory) as database:
        database.commit([("steps", text, {"name": text})])
    with Database.open(directory) as database:
        assert database.get("steps", text) == {"name": text}


def test_all_finds_by_value_in_order_of_insertion_with_and_without_index(directory: Path) -> None:
    assert "session" in INDEXES["steps"]
    with Database.open(directory) as database:
        for n in range(20):
            document = {"session": f"s{n % 2}", "task": None if n % 3 else "T1", "n": n}
            database.commit([("steps", f"{n}", document)])
        for _ in range(2):  # the index is built at the first use, kept up to date after it
            found = [one["n"] for one in database.all("steps", session="s0")]
            assert found == sorted(found) == [n for n in range(20) if n % 2 == 0 and n != 18] + [18]
        database.commit([("steps", "4", {"session": "s1", "n": 4}), ("steps", "6", None)])
        assert [one["n"] for one in database.all("steps", session="s0")] == [0, 2, 8, 10, 12, 14, 16, 18]
        assert [one["n"] for one in database.all("steps", session="s1", task="T1")] == [3, 9, 15]
        assert [one["n"] for one in database.all("steps", task=None, n=5)] == [5]
        assert database.all("steps", n=4) == [{"session": "s1", "n": 4}]
        assert database.all("steps", session=["s1"]) == []
        assert database.all("nothing", session="s1") == []


def test_the_compacted_file_opens_with_plain_tinydb(directory: Path) -> None:
    with Database.open(directory) as database:
        database.commit([("steps", "a", {"n": 1}), ("steps", "b", {"n": 2}), ("tasks", "c", {})])
        database.compact()
    with TinyDB(directory / "state.json") as plain:
        assert plain.table("steps").search(where("n") == 2) == [{"_key": "b", "n": 2}]
        assert len(plain.table("tasks")) == 1


def test_files_are_private(directory: Path) -> None:
    old = os.umask(0)
    try:
        with Database.open(directory) as database:
            database.commit([("steps", "a", {})])
            database.blobs.put(b"x")
            database.compact()
    finally:
        os.umask(old)
    for path in [directory, *directory.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_second_writer_is_refused_and_told_who_has_it(directory: Path) -> None:
    with Database.open(directory, clock=lambda: 7.0):
        with pytest.raises(StoreLocked) as caught:
            Database.open(directory, wait_s=0)
        assert caught.value.owner["pid"] == os.getpid()
        assert caught.value.owner["since"] == 7.0
        assert str(os.getpid()) in str(caught.value)
    Database.open(directory, wait_s=0).close()


def test_a_reader_sees_the_state_beside_a_writer_and_writes_nothing(directory: Path) -> None:
    assert Database.open(directory, read_only=True).all("steps") == []
    assert not directory.exists()
    with Database.open(directory) as writer:
        writer.commit([("steps", "a", {"n": 1})])
        before = {path.name: path.read_bytes() for path in directory.iterdir()}
        with Database.open(directory, read_only=True) as reader:
            assert reader.get("steps", "a") == {"n": 1}
            with pytest.raises(StoreReadOnly):
                reader.commit([("steps", "a", {"n": 2})])
            with pytest.raises(StoreReadOnly):
                asyncio.run(reader.acommit([("steps", "a", {"n": 2})]))
            with pytest.raises(StoreReadOnly):
                reader.compact()
            with pytest.raises(StoreReadOnly):
                reader.blobs.put(b"x")
        assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_readers_beside_a_busy_compacting_writer_see_whole_transactions(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.database, "COMPACT_MIN", 2000)
    writer = Database.open(directory)
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            writer.commit([("a", f"{n % 30}", {"n": n}), ("b", f"{n % 30}", {"n": n})])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        last = 0
        for _ in range(60):
            reader = Database.open(directory, read_only=True)
            assert reader.number >= last
            last = reader.number
            assert reader.all("a") == reader.all("b")
            if last:
                assert reader.get("a", f"{last % 30}") == {"n": last}
    finally:
        stop.set()
        thread.join()
        writer.close()
    assert writer.report["compaction_error"] == ""


def test_a_newer_format_is_refused_and_left_alone(directory: Path) -> None:
    Database.open(directory).close()
    state = directory / "state.json"
    newer = state.read_bytes().replace(b'"format": 1', b'"format": 2')
    state.write_bytes(newer)
    for read_only in (False, True):
        with pytest.raises(StoreTooNew, match="format 2"):
            Database.open(directory, read_only=read_only)
    state.write_text(json.dumps({"_autodev_meta": {"1": {"format": 3}}, "x": {}}, indent=1))
    with pytest.raises(StoreTooNew, match="format 3"):
        Database.open(directory)


def _with_two_generations(directory: Path) -> dict[str, Any]:
    database = Database.open(directory)
    for n in range(10):
        database.commit([("steps", f"{n}", {"n": n})])
        if n in (3, 6):
            database.compact()
    expected = contents(database)
    database.close(compact=False)
    return expected


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "missing", "rewritten"])
def test_a_damaged_snapshot_falls_back_a_generation_without_losing_a_transaction(
    directory: Path, damage: str
) -> None:
    expected = _with_two_generations(directory)
    state = directory / "state.json"
    good = state.read_bytes()
    if damage == "flip":
        state.write_bytes(good.replace(b'"n":2', b'"n":7'))
    elif damage == "cut":
        state.write_bytes(good[: len(good) // 2])
    elif damage == "empty":
        state.write_bytes(b"")
    elif damage == "missing":
        state.unlink()
    else:
        state.write_text(json.dumps(json.loads(good)))
    reader = Database.open(directory, read_only=True)
    assert contents(reader) == expected
    assert "state.json" in reader.report["fallback"]
    with Database.open(directory) as database:
        assert contents(database) == expected
        assert "state.json" in database.report["fallback"]
        assert (directory / "state.json.damaged").exists() == (damage != "missing")
    with Database.open(directory) as database:
        assert database.report["fallback"] == ""
        assert contents(database) == expected


def test_a_generation_that_lacks_transactions_is_not_fallen_back_to(directory: Path) -> None:
    _with_two_generations(directory)
    state = directory / "state.json"
    state.write_bytes(state.read_bytes()[:-20])
    (sealed,) = directory.glob("state.json.journal.0*7")
    sealed.unlink()
    before = {path: path.read_bytes() for path in directory.iterdir()}
    for read_only in (False, True):
        with pytest.raises(StoreDamaged) as caught:
            Database.open(directory, read_only=read_only)
        assert caught.value.file == state
        assert caught.value.hint
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


def test_a_lost_journal_does_not_pass_as_an_empty_one(directory: Path) -> None:
    with Database.open(directory) as database:
        database.commit([("steps", "a", {})])
    journal = directory / "state.json.journal"
    journal.unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        Database.open(directory)
    journal.touch()  # what the hint says
    with Database.open(directory) as database:
        assert database.commit([("steps", "b", {})]) == 2
    with Database.open(directory) as database:
        assert len(database.all("steps")) == 2


def test_a_snapshot_with_a_journal_from_later_is_refused(directory: Path) -> None:
    _with_two_generations(directory)
    (directory / "state.json").write_bytes((directory / "state.json.bak").read_bytes())
    (sealed,) = directory.glob("state.json.journal.0*7")
    sealed.unlink()
    with pytest.raises(StoreDamaged, match="transactions 5 to 7 are missing"):
        Database.open(directory)


async def test_waiting_commits_share_one_sync_and_keep_their_order(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import store.journal

    database = await asyncio.to_thread(Database.open, directory)
    syncs = 0
    real = store.journal.sync

    def counting(fd: int) -> None:
        nonlocal syncs
        syncs += 1
        real(fd)

    monkeypatch.setattr(store.journal, "sync", counting)
    waits = [database.acommit([("steps", f"{n % 7}", {"n": n})]) for n in range(100)]
    numbers = await asyncio.gather(*waits)
    assert numbers == list(range(1, 101))
    assert syncs < 50
    assert {one["n"] for one in database.all("steps")} == set(range(93, 100))
    await asyncio.to_thread(database.close)
    with Database.open(directory, read_only=True) as reader:
        assert {one["n"] for one in reader.all("steps")} == set(range(93, 100))


async def test_a_cancelled_wait_does_not_take_the_commit_back(directory: Path) -> None:
    database = await asyncio.to_thread(Database.open, directory)
    waiting = asyncio.ensure_future(database.acommit([("steps", "a", {})]))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await database.acommit([]) == 2
    assert database.get("steps", "a") == {}
    await asyncio.to_thread(database.close)
    with pytest.raises(StoreReadOnly):
        await database.acommit([])


def test_twenty_threads_lose_nothing_and_number_without_gap(directory: Path) -> None:
    numbers: list[int] = []
    with Database.open(directory) as database:

        def work(thread: int) -> None:
            for n in range(20):
                numbers.append(database.commit([("steps", f"{thread}/{n}", {"n": n})]))

        threads = [threading.Thread(target=work, args=(one,)) for one in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(1, 401))
    with Database.open(directory) as database:
        assert len(database.all("steps")) == 400


def test_compaction_in_the_background_bounds_the_files(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.database, "COMPACT_MIN", 20_000)
    with Database.open(directory) as database:
        for n in range(1000):
            database.commit([("steps", f"{n % 10}", {"n": n, "text": "x" * 300})])
        assert database.report["compaction_error"] == ""
        total = sum(path.stat().st_size for path in directory.iterdir())
        assert total < 200_000  # 1000 × 0.35 kB were written
    with Database.open(directory) as database:
        assert sorted(one["n"] for one in database.all("steps")) == list(range(990, 1000))


_names = st.sampled_from(["a", "b", "c"])
_documents = st.dictionaries(
    st.text(max_size=4).filter(lambda name: name != "_key"),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=4,
    ),
    max_size=3,
)
_ops = st.lists(st.tuples(_names, _names, st.none() | _documents), max_size=4)
_moves = st.lists(_ops | st.sampled_from(["compact", "reopen", "leave"]), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=_moves)
def test_it_behaves_as_a_dictionary_of_tables(
    tmp_path_factory: pytest.TempPathFactory, moves: list[list[Op] | str]
) -> None:
    directory = tmp_path_factory.mktemp("model")
    model: dict[str, dict[str, Any]] = {}
    database = Database.open(directory)
    number = 0
    for move in moves:
        if move == "compact":
            database.compact()
        elif isinstance(move, str):
            database.close(compact=move == "reopen")
            database = Database.open(directory)
        else:
            number += 1
            assert database.commit(move) == number
            for table, key, document in move:
                if document is None:
                    model.get(table, {}).pop(key, None)
                else:
                    model.setdefault(table, {})[key] = document
        assert contents(database) == {name: table for name, table in model.items() if table}
    database.close()
    assert contents(Database.open(directory, read_only=True)) == {
        name: table for name, table in model.items() if table
    }
