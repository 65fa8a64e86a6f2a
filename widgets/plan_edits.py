"""Editing a plan: insert, delete, split, merge, move, what needs what. Pure; never makes a circle.

Every edit gives the new plan, or raises PlanRefused with a sentence for the human. Tasks that are not part of
the plan any more because they have begun may be needed, but are never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from autodev_tui import domain

if TYPE_CHECKING:
    from autodev_tui.domain.plan import PlannedTask
    from autodev_tui.domain.task import Task

Plan: TypeAlias = "list[PlannedTask]"


class PlanRefused(ValueError):
    """An edit that the plan does not allow, in words."""


def planned(task: Task) -> PlannedTask:
    """A task that has not begun, as it is edited."""
    return domain.plan.PlannedTask(
        id=task.id,
        title=task.title,
        description=task.description,
        dependencies=list(task.dependencies),
        acceptance_criteria=list(task.acceptance_criteria),
        role=task.role,
        files=list(task.files),
        estimated_effort=task.estimated_effort,
        risk=task.risk,
        pin=task.pin,
        model=task.model,
        note=str(task.context.get("note", "")),
    )


def new_id(plan: Plan, begun: Iterable[str]) -> str:
    """An id that no task has."""
    numbers = [int(one[1:]) for one in [*ids(plan), *begun] if one[1:].isdigit()]
    return f"T{max(numbers, default=0) + 1}"


def ids(plan: Plan) -> list[str]:
    """The plan's ids in its order."""
    return [task.id for task in plan]


def find(plan: Plan, task: str) -> int:
    """Where a task stands. Raises PlanRefused for one that has begun or is not there."""
    for index, one in enumerate(plan):
        if one.id == task:
            return index
    raise PlanRefused(f"{task} has begun: only tasks that have not started can be changed")


def insert(plan: Plan, after: str | None, task: PlannedTask) -> Plan:
    """`task` below `after`, or on top."""
    place = find(plan, after) + 1 if after else 0
    return [*plan[:place], task, *plan[place:]]


def delete(plan: Plan, task: str) -> Plan:
    """Without `task`; what needed it needs what it needed."""
    index = find(plan, task)
    if len(plan) == 1:
        raise PlanRefused(f"{task} is the only task left: r asks for another plan")
    gone = plan[index]
    rest = [*plan[:index], *plan[index + 1 :]]
    return [_instead(one, {gone.id}, gone.dependencies) for one in rest]


def split(plan: Plan, task: str, second: PlannedTask) -> Plan:
    """`task`, then `second`, which needs it; what needed the one needs the other too."""
    index = find(plan, task)
    second = second.but(dependencies=[task])
    rest = [_instead(one, {task}, [task, second.id]) for one in plan]
    return [*rest[: index + 1], second, *rest[index + 1 :]]


def merge(plan: Plan, task: str) -> Plan:
    """`task` and the one below as one, which keeps the first one's id."""
    index = find(plan, task)
    if index + 1 == len(plan):
        raise PlanRefused(f"{task} is the last task: there is no next one to merge it with")
    first, second = plan[index], plan[index + 1]
    wanted = [one for one in [*first.dependencies, *second.dependencies] if one not in (task, second.id)]
    described = "\n\n".join(text for text in (first.description, second.description) if text)
    criteria = {one.text: one for one in [*first.acceptance_criteria, *second.acceptance_criteria]}
    both = first.but(
        title=f"{first.title}; {second.title}",
        description=described,
        dependencies=_unique(wanted),
        acceptance_criteria=list(criteria.values()),
        files=_unique([*first.files, *second.files]),
        estimated_effort=first.estimated_effort + second.estimated_effort,
        risk=max(first.risk, second.risk),
        pin=min((p for p in (first.pin, second.pin) if p), key=lambda pin: pin.rank, default=None),
        note="\n".join(text for text in (first.note, second.note) if text),
    )
    rest = [_instead(one, {second.id}, [task]) for one in [*plan[:index], *plan[index + 2 :]]]
    merged = [*rest[:index], both, *rest[index:]]
    return _without_circle(merged, f"{task} and {second.id} cannot be one: another task stands between them")


def shift(plan: Plan, task: str, step: int) -> Plan:
    """`task` a row up or down."""
    index = find(plan, task)
    target = index + step
    if not 0 <= target < len(plan):
        raise PlanRefused(f"{task} is the {'first' if step < 0 else 'last'} task already")
    above, below = (plan[target], plan[index]) if step < 0 else (plan[index], plan[target])
    if above.id in below.dependencies:
        raise PlanRefused(f"{below.id} needs {above.id}: b changes what it needs")
    moved = list(plan)
    moved[index], moved[target] = moved[target], moved[index]
    return moved


def needs(plan: Plan, task: str, wanted: Sequence[str], begun: Iterable[str] = ()) -> Plan:
    """`task` begins when these are done."""
    index = find(plan, task)
    known = {*ids(plan), *begun}
    for one in wanted:
        if one == task:
            raise PlanRefused(f"{task} cannot need itself")
        if one not in known:
            raise PlanRefused(f"there is no task {one}")
    changed = [*plan[:index], plan[index].but(dependencies=_unique(wanted)), *plan[index + 1 :]]
    return _without_circle(changed, f"{task} would wait for itself: {', '.join(wanted)} cannot come first")


def indent(plan: Plan, task: str) -> Plan:
    """`task` also needs the one above it."""
    index = find(plan, task)
    if index == 0:
        raise PlanRefused(f"{task} is the first task: there is none above that it could need")
    own = plan[index].dependencies
    if plan[index - 1].id in own:
        raise PlanRefused(f"{task} needs {plan[index - 1].id} already")
    return needs(plan, task, [*own, plan[index - 1].id], own)


def outdent(plan: Plan, task: str) -> Plan:
    """`task` does not need the last of what it needs any more."""
    index = find(plan, task)
    own = plan[index].dependencies
    if not own:
        raise PlanRefused(f"{task} needs no other task")
    return [*plan[:index], plan[index].but(dependencies=own[:-1]), *plan[index + 1 :]]


def change(plan: Plan, changed: PlannedTask, begun: Iterable[str] = ()) -> Plan:
    """The plan with one task as it was edited."""
    index = find(plan, changed.id)
    return needs([*plan[:index], changed, *plan[index + 1 :]], changed.id, changed.dependencies, begun)


def circle(plan: Plan) -> list[str]:
    """Tasks of the plan that wait for each other in a circle, or for such; empty when there are none."""
    waiting = {task.id: set(task.dependencies) & set(ids(plan)) for task in plan}
    while ready := [task for task, wanted in waiting.items() if not wanted & set(waiting)]:
        for task in ready:
            del waiting[task]
    return list(waiting)


def in_order(plan: Plan) -> Plan:
    """The plan with every task below what it needs, otherwise as it is."""
    placed: Plan = []
    waiting = list(plan)
    while waiting:
        left = set(ids(waiting))
        ready = next((one for one in waiting if not left & set(one.dependencies)), waiting[0])
        placed.append(ready)
        waiting.remove(ready)
    return placed


def _without_circle(plan: Plan, words: str) -> Plan:
    if circle(plan):
        raise PlanRefused(words)
    return in_order(plan)


def _instead(task: PlannedTask, gone: set[str], wanted: Sequence[str]) -> PlannedTask:
    if not gone & set(task.dependencies):
        return task
    own: list[str] = []
    for one in task.dependencies:
        own += wanted if one in gone else [one]
    return task.but(dependencies=_unique(one for one in own if one != task.id))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
