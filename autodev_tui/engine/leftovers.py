"""What a healing left red stands in the repository's to-do list: one entry a check, until it is green."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.states import TaskState
from autodev_tui.engine.rule_tasks import heals
from store.todo import list_open_tasks, new_task, replace_todos, set_task_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autodev_tui.domain.task import Task
    from autodev_tui.engine.services import Services
    from store.database import Database

LEFT = "left"
"""Where a task's context keeps what its healing left of each check."""

Left = list[dict[str, Any]]


def left_by(task: Task, result: Mapping[str, Any]) -> dict[str, Any]:
    """What the end of a healing says for its task's context."""
    return {LEFT: result.get(LEFT, [])} if heals(task.description) else {}


async def note_left(services: Services, name: str) -> None:
    """Write down what a healing left, again also after a crash: the list is what was found last.

    What was green where the user works, before anything was changed, needs nobody any more.
    """
    task = services.board.tasks[name]
    left: Left = task.context.get(LEFT, [])
    here = task.base_commit == services.session.base_commit
    green = [one["check"] for one in left if here and one.get("already")]
    red = [one for one in left if one.get("what")]
    if red or green:
        await asyncio.to_thread(_write, services.board.database, red, green)


async def tick_off_landed(services: Services) -> None:
    """What is green now is so where the user works: it has landed."""
    done = [one for one in services.board.tasks.values() if one.state is TaskState.COMPLETED]
    green = [one["check"] for task in done for one in task.context.get(LEFT, ()) if not one.get("what")]
    if green:
        await asyncio.to_thread(_write, services.board.database, [], green)


def _entry(check: str) -> str:
    return f"{check} is red, and rules could not heal it ({NEEDS_A_MODEL})"


def _write(database: Database, left: Left, green: Sequence[str]) -> None:
    present = {record["description"]: record for record in list_open_tasks(database)}
    for one in left:
        text, within = _entry(one["check"]), tuple(one.get("within", ()))
        record = present.get(text)
        name = str(record["id"]) if record else new_task(database, text)
        # A healing that looked at some files only knows nothing of what is left in others.
        kept = (
            [item["text"] for item in record["todos"] if _elsewhere(item["text"], within)] if record else []
        )
        replace_todos(database, name, list(dict.fromkeys([*kept, *one["what"]])))
    for record in [present[text] for check in green if (text := _entry(check)) in present]:
        set_task_status(database, record["id"], "completed")


def _elsewhere(text: str, within: Sequence[str]) -> bool:
    return bool(within) and not text.startswith(
        tuple(f"{path}{end}" for path in within for end in (":", "/"))
    )
