"""What a plan will take: the planner's minutes, and money where tasks like these have been done before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task

if TYPE_CHECKING:
    from store.database import Database


def estimate(database: Database, tasks: Iterable[Task]) -> dict[str, Any]:
    """`minutes` in all, `cost_usd` as a range or None, and both for each task by its id. Sync.

    A task costs what completed tasks of its complexity have cost in this repository, least and most.
    """
    tasks = list(tasks)
    own = {task.key() for task in tasks}
    known: dict[str, list[float]] = {}
    for document in database.all("plan_tasks", state=TaskState.COMPLETED.value):
        done = Task(**document)
        if done.key() not in own and done.usage.requests and done.usage.cost_known:
            known.setdefault(done.complexity.value, []).append(done.usage.cost_usd)
    by_task: dict[str, Any] = {}
    for task in tasks:
        costs = known.get(task.complexity.value)
        by_task[task.id] = {
            "minutes": round(task.estimated_effort * 60),
            "cost_usd": [min(costs), max(costs)] if costs else None,
        }
    unknown = sorted({task.complexity.value for task in tasks} - known.keys())
    ranges = [one["cost_usd"] for one in by_task.values()]
    return {
        "minutes": sum(one["minutes"] for one in by_task.values()),
        "cost_usd": None if unknown else [sum(one[0] for one in ranges), sum(one[1] for one in ranges)],
        "why": f"unknown: no {' or '.join(unknown)} task has been done here yet"
        if unknown
        else f"from {sum(map(len, known.values()))} tasks done in this repository",
        "tasks": by_task,
    }
