"""What a healing leaves red stands in the to-do list: once, until it is green where the user works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autodev_tui.cli_heal import start
from autodev_tui.domain.levels import Level
from autodev_tui.engine.leftovers import note_left, tick_off_landed
from autodev_tui.rules.provider import RulesProvider
from store.todo import mark_done
from tests.fakes.engine_kit import Kit, kit, turns

SCRIPT = """PATH=/usr/bin:/bin
test -f green && exit 0
echo 'Traceback (most recent call last):'
echo "  File \\"app.py\\", line $(grep -n total app.py | cut -d: -f1), in run"
echo 'ValueError: too many'
exit 1
"""
FILES = {"package.json": "{}\n", "app.py": "total = 1\n", "check.sh": SCRIPT}
CHECK = "/bin/sh check.sh"
ENTRY = f"{CHECK} is red, and rules could not heal it (needs a model)"


def healing(place: Path) -> Any:
    return kit(place, turns(), own_provider=RulesProvider(), spec="rules", files=FILES)


async def heal(one: Kit) -> None:
    await one.engine.submit(start(CHECK, Level.FULL))
    await one.engine.wait()


def told(one: Kit) -> list[tuple[str, list[str]]]:
    return [
        (todo["description"], [item["text"] for item in todo["todos"]])
        for todo in one.stored("tasks")
        if todo["status"] == "in_progress"
    ]


def commit(one: Kit, path: str, text: str) -> None:
    one.fixture.write(path, text)
    one.fixture.commit()


async def test_it_is_written_down_once_and_ticked_off_when_it_is_green(tmp_path: Path) -> None:
    async with healing(tmp_path) as one:
        await heal(one)
        assert told(one) == [(ENTRY, ["app.py:1: runtime_error: ValueError: too many"])]
        (todo,) = one.stored("tasks")
        mark_done(one.database, todo["id"], 0)
        # Again, also when a crash came between the two writes: the same entry, and the same tick.
        await note_left(one.services, "T1")
        await heal(one)
        assert [entry["todos"][0]["done"] for entry in one.stored("tasks")] == [True]
        commit(one, "app.py", "\n\ntotal = 1\n")
        await heal(one)
        assert told(one) == [(ENTRY, ["app.py:3: runtime_error: ValueError: too many"])]
        commit(one, "green", "")
        await heal(one)
        assert told(one) == []
        assert [entry["status"] for entry in one.stored("tasks")] == ["completed"]


async def test_what_is_healed_is_ticked_off_when_it_lands(tmp_path: Path) -> None:
    async with healing(tmp_path) as one:
        await heal(one)
        undefined = SCRIPT.replace("'ValueError: too many'", "\"NameError: name 'os' is not defined\"")
        one.fixture.write("app.py", "total = os.sep\n")
        commit(one, "check.sh", undefined.replace("test -f green", "grep -q '^import os' app.py"))
        await heal(one)
        assert one.session.head_commit != one.session.base_commit
        assert [name for name, _ in told(one)] == [ENTRY], "not before it has landed"
        await one.resume(land=True)
        assert one.session.landed_commit
        assert told(one) == []


async def test_a_healing_of_some_files_knows_nothing_of_others(tmp_path: Path) -> None:
    async with healing(tmp_path) as one:
        await heal(one)

        async def left(within: list[str], *what: str) -> list[str]:
            task = one.board.tasks["T1"]
            found = [{"check": CHECK, "within": within, "what": [*what]}]
            await one.board.commit(task.but(context={**task.context, "left": found}))
            await note_left(one.services, "T1")
            ((_, items),) = told(one)
            return items

        assert await left([], "a.py:1: x", "b/c.py:2: z") == ["a.py:1: x", "b/c.py:2: z"]
        assert await left(["b"], "b/c.py:7: z") == ["a.py:1: x", "b/c.py:7: z"]
        assert await left(["a.py"]) == ["b/c.py:7: z"]
        # Healed, but not landed: it is still so where the user works.
        assert await left(["b"]) == ["b/c.py:7: z"]
        await tick_off_landed(one.services)
        assert told(one) == []
