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
    here = task.base_commit == services.session.base_commit
    if left := task.context.get(LEFT):
        green = [one["check"] for one in left if here and one.get("already")]
        await asyncio.to_thread(_write, services.board.database, left, green, over=False)


async def tick_off_landed(services: Services) -> None:
    """What is healed is so where the user works: it has landed."""
    done = [one for one in services.board.tasks.values() if one.state is TaskState.COMPLETED]
    # Of several healings the last one knows.
    last = {one["check"]: one for task in done for one in task.context.get(LEFT, ())}
    if last:
        green = [check for check, one in last.items() if one.get("green")]
        await asyncio.to_thread(_write, services.board.database, list(last.values()), green, over=True)


def _entry(check: str) -> str:
    return f"{check} is red, and rules could not heal it ({NEEDS_A_MODEL})"


def _write(database: Database, left: Left, green: Sequence[str], *, over: bool) -> None:
    """The entries of what is red, without those that are `green`; an empty one stays until it is `over`."""
    present = {record["description"]: record for record in list_open_tasks(database)}
    for one in left:
        text, within = _entry(one["check"]), tuple(one.get("within", ()))
        record = present.get(text)
        # A healing that looked at some files only knows nothing of what is left in others.
        kept = (
            [item["text"] for item in record["todos"] if _elsewhere(item["text"], within)] if record else []
        )
        items = list(dict.fromkeys([*kept, *one.get("what", ())]))
        if items and not one.get("green"):
            name = str(record["id"]) if record else new_task(database, text)
            replace_todos(database, name, items)
        if record and (one["check"] in green or (over and not items)):
            set_task_status(database, record["id"], "completed")


def _elsewhere(text: str, within: Sequence[str]) -> bool:
    return bool(within) and not text.startswith(
        tuple(f"{path}{end}" for path in within for end in (":", "/"))
    )
