from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import todo
from store.database import Database

ROOT = Path(__file__).parents[3]


def test_the_life_of_a_task(tmp_path: Path) -> None:
    one = todo.new_task(tmp_path, "paint the shed", clock=lambda: 5.0)
    two = todo.new_task(tmp_path, "mow", clock=lambda: 6.0)
    assert todo.add_todo(tmp_path, one, "buy paint") == 0
    assert todo.add_todo(tmp_path, one, "paint", clock=lambda: 7.0) == 1
    todo.mark_done(tmp_path, one, 0, clock=lambda: 8.0)
    expected = {
        "id": one,
        "description": "paint the shed",
        "todos": [{"text": "buy paint", "done": True}, {"text": "paint", "done": False}],
        "status": "in_progress",
        "created": 5.0,
        "updated": 8.0,
    }
    first, second = todo.list_open_tasks(tmp_path)
    assert first == expected
    assert second["id"] == two
    todo.replace_todos(tmp_path, one, ["brush", "buy paint"], clock=lambda: 8.5)
    assert todo.list_open_tasks(tmp_path)[0]["todos"] == [
        {"text": "brush", "done": False},
        {"text": "buy paint", "done": True},
    ]
    todo.replace_todos(tmp_path, one, ["buy paint", "paint"])
    todo.mark_done(tmp_path, one, 0, done=False, clock=lambda: 9.0)
    assert not todo.list_open_tasks(tmp_path)[0]["todos"][0]["done"]
    todo.set_task_status(tmp_path, one, "completed")
    assert [task["id"] for task in todo.list_open_tasks(tmp_path)] == [two]
    todo.set_task_status(tmp_path, one, "in_progress")
    todo.hard_delete_task(tmp_path, two)
    assert [task["id"] for task in todo.list_open_tasks(tmp_path)] == [one]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    one = todo.new_task(tmp_path, "x")
    with pytest.raises(KeyError):
        todo.add_todo(tmp_path, "nothing", "x")
    with pytest.raises(KeyError):
        todo.hard_delete_task(tmp_path, "nothing")
    with pytest.raises(ValueError, match="choose in_progress"):
        todo.set_task_status(tmp_path, one, "done")
    for item in (0, -1):
        with pytest.raises(IndexError):
            todo.mark_done(tmp_path, one, item)


def test_a_thousand_tasks_in_one_tick_of_the_clock_have_a_thousand_rising_ids(tmp_path: Path) -> None:
    with Database.open(tmp_path) as database:
        ids = [todo.new_task(database, f"{n}", clock=lambda: 1e9) for n in range(1000)]
        assert len(set(ids)) == 1000
        assert ids == sorted(ids)
        assert [task["id"] for task in todo.list_open_tasks(database)] == ids


def test_an_id_is_not_given_again_though_its_task_is_gone_and_the_clock_went_back(tmp_path: Path) -> None:
    one = todo.new_task(tmp_path, "x", clock=lambda: 1000.0)
    todo.hard_delete_task(tmp_path, one)
    assert todo.new_task(tmp_path, "y", clock=lambda: 10.0) > one


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from store import todo
for n in range(10):
    task = todo.new_task(Path(sys.argv[1]), f"{sys.argv[2]}/{n}", clock=lambda: 1e9)
    todo.add_todo(Path(sys.argv[1]), task, "item")
    todo.add_todo(Path(sys.argv[1]), sys.argv[3], sys.argv[2])
"""
    shared = todo.new_task(tmp_path, "shared")
    children = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path, f"{child}", shared], cwd=ROOT)
        for child in range(4)
    ]
    assert [child.wait() for child in children] == [0] * 4
    first, *others = todo.list_open_tasks(tmp_path)
    assert sorted(item["text"] for item in first["todos"]) == sorted(list("0123") * 10)
    assert {task["description"] for task in others} == {f"{c}/{n}" for c in range(4) for n in range(10)}
    assert len({task["id"] for task in others}) == 40
    assert all(len(task["todos"]) == 1 for task in others)


_items = st.lists(st.tuples(st.text(max_size=5), st.booleans()), max_size=3)


@settings(max_examples=25, deadline=None)
@given(tasks=st.lists(st.tuples(st.text(max_size=8), _items, st.sampled_from(todo.STATUSES)), max_size=4))
def test_export_and_import_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, tasks: list[tuple[str, list[tuple[str, bool]], str]]
) -> None:
    with Database.open(tmp_path_factory.mktemp("from")) as database:
        for description, items, status in tasks:
            one = todo.new_task(database, description)
            for index, (text, done) in enumerate(items):
                todo.add_todo(database, one, text)
                todo.mark_done(database, one, index, done=done)
            todo.set_task_status(database, one, status)
        exported = todo.export_json(database)
        records = database.all("tasks")
    with Database.open(tmp_path_factory.mktemp("to")) as other:
        assert todo.import_json(other, exported) == len(tasks)
        assert todo.import_json(other, exported) == 0
        assert todo.export_json(other) == exported
        assert other.all("tasks") == records
        new = todo.new_task(other, "next", clock=lambda: 0.0)
        assert new not in {record["id"] for record in records}


def test_a_broken_or_contradicting_import_changes_nothing(tmp_path: Path) -> None:
    todo.new_task(tmp_path, "x")
    exported = json.loads(todo.export_json(tmp_path))
    (record,) = exported["tasks"]
    broken = [
        "not json",
        "[]",
        json.dumps({"tasks": [record, record]}),
        json.dumps({"tasks": [{**record, "status": "odd"}]}),
        json.dumps({"tasks": [{**record, "id": 3}]}),
        json.dumps({"tasks": [{"id": "new"}]}),
        json.dumps({"tasks": [{**record, "id": "2"}, {**record, "description": "another"}]}),
    ]
    for text in broken:
        with pytest.raises(ValueError, match="task"):
            todo.import_json(tmp_path, text)
    assert json.loads(todo.export_json(tmp_path)) == exported
