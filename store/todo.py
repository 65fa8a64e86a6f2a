"""The TODO store: tasks that people and agents write down, each with its own small list.

A record is `{id, description, todos: [{text, done}], status, created, updated}`; times are seconds since the
epoch. Every function takes an open `Database`, or a state directory that is opened for this one change,
waiting for other writers. Synchronous: waits for the disk.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from store.database import Database
from store.journal import Op

TABLE = "tasks"
STATUSES = ("in_progress", "completed", "failed")
WAIT_S = 10.0
"""How long a change waits for other processes; each holds the state for milliseconds."""

Where = Database | Path


def new_task(where: Where, description: str, *, clock: Callable[[], float] = time.time) -> str:
    """Write a new task down; its id: microseconds since the epoch, raised above every id given before."""
    with _open(where, clock) as database, database.writing:
        now = clock()
        last = database.get("meta", "todo") or {"last_id": 0}
        number = max(int(now * 1e6), int(last["last_id"]) + 1)
        record: dict[str, Any] = {
            "id": f"{number:016d}",
            "description": description,
            "todos": [],
            "status": STATUSES[0],
        }
        record |= {"created": now, "updated": now}
        database.commit([(TABLE, f"{number:016d}", record), ("meta", "todo", {"last_id": number})])
    return f"{number:016d}"


def add_todo(where: Where, task_id: str, text: str, *, clock: Callable[[], float] = time.time) -> int:
    """Add an item to a task's list; its place, from 0. Raises KeyError if there is no such task."""
    with _changing(where, task_id, clock) as record:
        record["todos"].append({"text": text, "done": False})
        return len(record["todos"]) - 1


def replace_todos(
    where: Where, task_id: str, texts: Sequence[str], *, clock: Callable[[], float] = time.time
) -> None:
    """Make `texts` the whole list of a task; what was ticked stays so. Raises KeyError: no such task."""
    with _open(where, clock) as database, database.writing:
        record = database.get(TABLE, task_id)
        if record is None:
            raise KeyError(task_id)
        ticked = {one["text"] for one in record["todos"] if one["done"]}
        todos = [{"text": text, "done": text in ticked} for text in texts]
        if todos != record["todos"]:
            database.commit([(TABLE, task_id, record | {"todos": todos, "updated": clock()})])


def list_open_tasks(where: Where) -> list[dict[str, Any]]:
    """The records of the tasks in progress, oldest first; a directory is read without waiting for writers."""
    if isinstance(where, Path):
        where = Database.open(where, read_only=True)
    return where.all(TABLE, status=STATUSES[0])


def set_task_status(
    where: Where, task_id: str, status: str, *, clock: Callable[[], float] = time.time
) -> None:
    """Set a task's status. Raises KeyError if there is no such task, ValueError if no such status."""
    if status not in STATUSES:
        raise ValueError(f"{status!r} is no status; choose {', '.join(STATUSES)}")
    with _changing(where, task_id, clock) as record:
        record["status"] = status


def hard_delete_task(where: Where, task_id: str, *, clock: Callable[[], float] = time.time) -> None:
    """Remove a task for good; its id is not given again. Raises KeyError if there is no such task."""
    with _open(where, clock) as database, database.writing:
        if database.get(TABLE, task_id) is None:
            raise KeyError(task_id)
        database.commit([(TABLE, task_id, None)])


def mark_done(
    where: Where,
    task_id: str,
    todo: int,
    *,
    done: bool = True,
    clock: Callable[[], float] = time.time,
) -> None:
    """Tick an item of a task's list, or untick it. Raises KeyError, IndexError if there is no such item."""
    with _changing(where, task_id, clock) as record:
        if not 0 <= todo < len(record["todos"]):
            raise IndexError(f"task {task_id} has no item {todo}")
        record["todos"][todo]["done"] = done


def export_json(where: Where) -> str:
    """All records as one JSON document, in order; `import_json` takes it back without loss."""
    if isinstance(where, Path):
        where = Database.open(where, read_only=True)
    return json.dumps({"tasks": where.all(TABLE)}, indent=2, ensure_ascii=False) + "\n"


def import_json(where: Where, text: str, *, clock: Callable[[], float] = time.time) -> int:
    """Take in exported records, all or none; how many were new. The same record again changes nothing.

    Raises:
        ValueError: not such a document, or an id that is here with another content.
    """
    records = _records(text)
    with _open(where, clock) as database, database.writing:
        ops: list[Op] = []
        last = int((database.get("meta", "todo") or {"last_id": 0})["last_id"])
        for record in records:
            here = database.get(TABLE, record["id"])
            if here is None:
                ops.append((TABLE, record["id"], record))
                last = max(last, int(record["id"]) if record["id"].isdecimal() else 0)
            elif here != record:
                raise ValueError(f"task {record['id']} is here with another content; delete one of the two")
        if ops:
            database.commit([*ops, ("meta", "todo", {"last_id": last})])
    return len(ops)


def _records(text: str) -> list[dict[str, Any]]:
    try:
        records: list[dict[str, Any]] = json.loads(text)["tasks"]
        sound = len({record["id"] for record in records}) == len(records) and all(
            isinstance(record["id"], str)
            and isinstance(record["description"], str)
            and record["status"] in STATUSES
            and isinstance(record["created"], int | float)
            and isinstance(record["updated"], int | float)
            and all(isinstance(one["text"], str) and isinstance(one["done"], bool) for one in record["todos"])
            for record in records
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not an export of tasks: {error!r}") from error
    if not sound:
        raise ValueError("not an export of tasks: a member is missing, wrong or double")
    return records


@contextlib.contextmanager
def _open(where: Where, clock: Callable[[], float]) -> Iterator[Database]:
    if isinstance(where, Database):
        yield where
        return
    database = Database.open(where, clock=clock, wait_s=WAIT_S)
    try:
        yield database
    finally:
        database.close(compact=False)


@contextlib.contextmanager
def _changing(where: Where, task_id: str, clock: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """One record to change; written when the block ends without an error."""
    with _open(where, clock) as database, database.writing:
        record = database.get(TABLE, task_id)
        if record is None:
            raise KeyError(task_id)
        yield record
        database.commit([(TABLE, task_id, record | {"updated": clock()})])
