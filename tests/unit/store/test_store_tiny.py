from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tinydb import Query, where
from tinydb.operations import increment
from tinydb.table import Document

from store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path) as opened:
        for n in range(5):
            opened.commit([("steps", f"k{n}", {"session": "s", "n": n})])
        yield opened


def reopened(database: Database) -> Database:
    database.close(compact=False)
    return Database.open(database.directory)


def test_queries_see_what_was_committed_at_once(database: Database) -> None:
    steps = database.db.table("steps")
    assert steps.count(where("n") > 2) == 2
    database.commit([("steps", "k5", {"session": "s", "n": 5})])
    assert steps.count(where("n") > 2) == 3
    assert steps.get(Query()._key == "k5") == {"_key": "k5", "session": "s", "n": 5}
    assert len(steps) == 6
    assert database.db.tables() == {"steps"}
    assert [one["n"] for one in steps] == list(range(6))
    first = next(iter(steps))
    assert steps.get(doc_id=first.doc_id) == first
    assert steps.get(doc_id=99) is None


def test_writes_are_durable_transactions_and_keep_the_keys_and_indexes(database: Database) -> None:
    assert len(database.all("steps", session="s")) == 5
    steps = database.db.table("steps")
    before = database.number
    steps.update({"session": "t"}, where("n") == 3)
    steps.update(increment("n"), where("n") == 4)
    steps.remove(where("n") == 0)
    added = steps.insert({"free": True})
    assert database.number == before + 4
    assert [one["n"] for one in database.all("steps", session="s")] == [1, 2, 5]
    database = reopened(database)
    assert database.get("steps", "k3") == {"session": "t", "n": 3}
    assert database.get("steps", "k4") == {"session": "s", "n": 5}
    assert database.get("steps", "k0") is None
    assert database.db.table("steps").get(doc_id=added) == {"free": True}
    database.close()


def test_a_write_that_changes_nothing_writes_nothing(database: Database) -> None:
    before = database.number
    database.db.table("steps").update({"n": 3}, where("n") == 3)
    assert database.number == before


def test_many_inserts_are_one_transaction_and_a_refused_one_is_none(database: Database) -> None:
    before = database.number
    table = database.db.table("other")
    numbers = table.insert_multiple({"n": n} for n in range(50))
    assert len(set(numbers)) == 50
    assert database.number == before + 1
    with pytest.raises(ValueError, match="not JSON"):
        table.insert_multiple([{"n": 51}, {"n": float("nan")}])
    assert len(table) == 50


def test_a_key_inserted_through_tinydb_is_found_and_cannot_be_doubled(database: Database) -> None:
    steps = database.db.table("steps")
    steps.insert({"n": 9, "_key": "mine"})
    assert database.get("steps", "mine") == {"n": 9}
    with pytest.raises(Exception, match="another document"):
        steps.insert({"n": 10, "_key": "mine"})
    assert database.get("steps", "mine") == {"n": 9}


def test_a_document_put_back_under_its_number_and_renamed(database: Database) -> None:
    steps = database.db.table("steps")
    steps.upsert(Document({"n": 7, "_key": "renamed"}, doc_id=2))
    assert database.get("steps", "k1") is None
    assert database.get("steps", "renamed") == {"session": "s", "n": 7}
    database = reopened(database)
    assert database.get("steps", "k1") is None
    assert database.get("steps", "renamed") == {"session": "s", "n": 7}
    database.close()


def test_dropping_tables(database: Database) -> None:
    database.commit([("tasks", "a", {})])
    database.db.drop_table("steps")
    assert database.all("steps") == []
    assert database.get("tasks", "a") == {}
    database.db.table("more").insert({})
    database.db.table("more").truncate()
    assert database.db.tables() == {"tasks"}
    database.db.drop_tables()
    database = reopened(database)
    assert database.table_names() == []
    database.close()


def test_a_number_is_never_given_again(database: Database) -> None:
    table = database.db.table("other")
    first = table.insert({})
    table.remove(doc_ids=[first])
    database.compact()
    database = reopened(database)
    assert database.db.table("other").insert({}) > first
    database.close()


def test_a_generic_write_stores_the_difference(database: Database) -> None:
    storage = database.db.storage
    data = storage.read() or {}
    data["other"] = {"3000": {"n": 1}}
    data["steps"] = {"1": {"n": 100, "_key": "k0"}}
    storage.write(data)
    assert database.get("steps", "k0") == {"n": 100}
    assert database.get("steps", "k1") is None
    assert database.db.table("other").get(doc_id=3000) == {"n": 1}
