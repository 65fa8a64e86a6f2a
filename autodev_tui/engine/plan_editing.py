"""The plan as the human changes it: before anything runs, and later for tasks that have not started."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import commands, events
from autodev_tui.domain.plan import PlannedTask, plan_digest, plan_view
from autodev_tui.domain.states import ApprovalState, IllegalMove, SessionState, TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine.planner import make_task, plan_effect, put_plan
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.task_models import refuse_unusable

if TYPE_CHECKING:
    from autodev_tui.engine.services import Services
    from autodev_tui.engine.site import Site

_EDITABLE = (
    SessionState.PLANNING,
    SessionState.RUNNING,
    SessionState.PAUSED,
    SessionState.FAILED,
    SessionState.INTERRUPTED,
)


_ID = re.compile(r"T[1-9][0-9]{0,5}")


async def edit_plan(site: Site, command: commands.EditPlan) -> None:
    """Replace the tasks that have not started; a plan that waits for its answer is asked about anew.

    Raises:
        Refusal: the plan is not what was shown, a task of it has started, or it cannot be carried out.
    """
    services = site.engine.services
    board = services.board
    if services.session.state not in _EDITABLE:
        raise Refusal(f"the session is {services.session.state}: its plan has been carried out")
    begun, planned = _parts(services, command.seen)
    wanted = _with_ids(command.tasks, board.tasks)
    _refuse_impossible(wanted, begun)
    known = {one.model for one in board.tasks.values()}
    for spec in {one.model for one in wanted if one.model} - known:
        await refuse_unusable(services, spec)
    made = [await asyncio.to_thread(_task, services, one, planned.get(one.id)) for one in wanted]
    # What was looked at may have moved meanwhile; from here on nothing waits until the plan is in place.
    begun, planned = _parts(services, command.seen)
    question = services.broker.find(plan_effect(services))
    asked = question is not None and question.state in (ApprovalState.PENDING, ApprovalState.DEFERRED)
    old = dict(board.tasks)
    board.tasks = {task.id: task for task in (*begun.values(), *made)}
    # Taken out and put back, so that the tasks are kept in the order of the plan.
    ops: list[Any] = [("plan_tasks", task.key(), None) for task in planned.values()]
    ops += [("plan_tasks", task.key(), task.doc()) for task in made]
    superseded = [question.but(state=ApprovalState.SUPERSEDED)] if question and asked else []
    try:
        await board.commit(*superseded, extra=ops)
    except Exception as error:
        # Nothing of it is durable; what has begun may have gone on meanwhile.
        board.tasks = {name: board.tasks[name] if name in begun else one for name, one in old.items()}
        if not isinstance(error, IllegalMove):
            raise
        raise Refusal("the plan was answered in this very moment · look again") from error
    board.log.emit(events.PlanReady(tasks=[plan_view(task) for task in board.tasks.values()]))
    services.signal.give()
    if asked:
        await put_plan(services)


def _parts(services: Services, seen: str) -> tuple[dict[str, Task], dict[str, Task]]:
    """The tasks that have begun, and those that may still be changed. Raises Refusal."""
    tasks = services.board.tasks
    if plan_digest(tasks.values()) != seen:
        raise Refusal("the plan is not what was shown any more · look again")
    begun = {
        name: task
        for name, task in tasks.items()
        if task.state is not TaskState.PLANNED or name in services.at_work
    }
    return begun, {name: task for name, task in tasks.items() if name not in begun}


def _with_ids(tasks: Sequence[PlannedTask], known: Mapping[str, Task]) -> list[PlannedTask]:
    """The same tasks; those that are new have ids of the plan, also where others depend on them.

    An id of the plan that is free stays: a task that was deleted comes back under its name.
    """
    kept = {one.id for one in tasks if one.id in known or _ID.fullmatch(one.id)}
    number = max((int(name[1:]) for name in {*known, *kept} if name[1:].isdigit()), default=0)
    names: dict[str, str] = {}
    for one in tasks:
        if one.id in names:
            raise Refusal(f"two tasks are called {one.id}")
        if one.id not in kept:
            number += 1
        names[one.id] = one.id if one.id in kept else f"T{number}"
    return [
        one.but(id=names[one.id], dependencies=[names.get(need, need) for need in one.dependencies])
        for one in tasks
    ]


def _refuse_impossible(tasks: Sequence[PlannedTask], begun: Mapping[str, Task]) -> None:
    if not tasks and not begun:
        raise Refusal("a plan has at least one task")
    ids = {one.id for one in tasks}
    for one in tasks:
        if one.id in begun:
            raise Refusal(f"{one.id} has started: only what has not started can be changed")
        if not one.title.strip():
            raise Refusal(f"{one.id} has no title")
        if any(not criterion.text.strip() for criterion in one.acceptance_criteria):
            raise Refusal(f"{one.id} has an acceptance criterion without words")
        for need in one.dependencies:
            if need not in ids and need not in begun:
                raise Refusal(f"{one.id} is blocked by {need}, and there is no such task")
            if need in begun and begun[need].state is TaskState.CANCELLED:
                raise Refusal(f"{one.id} is blocked by {need}, which was cancelled")
    try:
        TopologicalSorter({one.id: one.dependencies for one in tasks}).prepare()
    except CycleError as error:
        raise Refusal(f"these tasks wait for each other: {' → '.join(error.args[1])}") from error


def _task(services: Services, wanted: PlannedTask, old: Task | None) -> Task:
    """The task as it is wanted; what the score rests on is judged anew where it has changed. Sync."""
    made = make_task(
        services,
        {
            "id": wanted.id,
            "title": wanted.title.strip(),
            "description": wanted.description,
            "depends_on": wanted.dependencies,
            "acceptance_criteria": [one.doc() for one in wanted.acceptance_criteria],
            "role": wanted.role,
            "files": wanted.files,
            "estimate_minutes": wanted.estimated_effort * 60,
            "risk": wanted.risk,
        },
    )
    if old and _judged(old) == _judged(made) and old.risk == wanted.risk:
        made = old.but(dependencies=wanted.dependencies, role=wanted.role)
    context = {name: value for name, value in made.context.items() if name != "note"}
    noted = context | ({"note": wanted.note} if wanted.note else {})
    return made.but(pin=wanted.pin, model=wanted.model, context=noted)


def _judged(task: Task) -> list[Any]:
    """What the score of a task rests on, but for its risk."""
    criteria = [one.doc() for one in task.acceptance_criteria]
    return [task.title, task.description, criteria, task.estimated_effort, task.files]
