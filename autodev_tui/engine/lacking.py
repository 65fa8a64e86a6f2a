"""Tasks that no rule can do, in a session whose model is none: they stay as planned until one is there."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.states import TaskState
from autodev_tui.engine.ending import end_task
from autodev_tui.engine.flow import NeedsModel
from autodev_tui.engine.rule_tasks import lacks_model
from store.todo import add_todo, list_open_tasks, new_task, set_task_status

if TYPE_CHECKING:
    from autodev_tui.domain.task import Task
    from autodev_tui.engine.services import Services
    from store.database import Database

TODO = "todo"
"""Where a task's context keeps the id of what was written down for it."""
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)
_STEP = re.compile(r"^- (.+)$", re.MULTILINE)


def lacking(services: Services) -> list[Task]:
    """The tasks that lack a model, in the order of the plan."""
    return [task for task in services.board.tasks.values() if lacks_model(services, task)]


def held_up(services: Services) -> list[Task]:
    """Those that lack a model, and all that wait for one of them."""
    names = {task.id for task in lacking(services)}
    # The plan is in the order of its dependencies: what waits comes after what it waits for.
    for task in services.board.tasks.values():
        if task.state not in _ENDED and names.intersection(task.dependencies):
            names.add(task.id)
    return [task for task in services.board.tasks.values() if task.id in names]


async def note_lacking(services: Services) -> None:
    """Write each task that lacks a model down as a TODO, once, also over a crash."""
    board = services.board
    for task in lacking(services):
        if not task.context.get(TODO):
            name = await asyncio.to_thread(_noted, board.database, task)
            present = board.tasks[task.id]
            await board.commit(present.but(context={**present.context, TODO: name}))


async def tick_off(services: Services, name: str) -> None:
    """A task that was written down is done."""
    if todo := services.board.tasks[name].context.get(TODO):
        try:
            await asyncio.to_thread(set_task_status, services.board.database, todo, "completed")
        except KeyError:
            pass  # the human deleted it


async def leave_out(services: Services) -> None:
    """End what lacks a model and what waits for it; what is written down of it stays to be done."""
    for task in held_up(services):
        await end_task(services, task.id)


def stop_for_model(services: Services) -> None:
    """Raises NeedsModel: tasks lack one."""
    tasks = lacking(services)
    if not tasks:
        return
    names = ", ".join(task.id for task in tasks)
    others = [task.id for task in held_up(services) if task not in tasks]
    waits = f" ({', '.join(others)} {'wait' if len(others) > 1 else 'waits'} for that)" if others else ""
    done = any(task.state is TaskState.COMPLETED for task in services.board.tasks.values())
    begin = "rules did what they can" if done else "there is nothing here that rules can do"
    without = f" · or land without: autodev land {services.session.id} --leave-out" if done else ""
    resume = f"autodev resume {services.session.id} --model anthropic/NAME or ollama/NAME"
    raise NeedsModel(
        f"{begin} · {names} {'need' if len(tasks) > 1 else 'needs'} a model{waits}"
        f" · go on with one: {resume}{without}"
    )


def _noted(database: Database, task: Task) -> str:
    """The TODO of this task, made unless a run before a crash made it. Sync: waits for the disk."""
    text = f"{task.title} ({NEEDS_A_MODEL} · {task.session} {task.id})"
    for record in list_open_tasks(database):
        if record["description"] == text:
            return str(record["id"])
    name = new_task(database, text)
    steps = task.description.partition("Steps:\n")[2]
    for step in _STEP.findall(steps):
        add_todo(database, name, step)
    return name
