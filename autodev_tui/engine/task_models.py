"""A task's own model, as the human chooses it before the task begins, while it waits, or while it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain import commands, events
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.engine.fallback import unpriced
from autodev_tui.engine.planner import plan_effect, put_plan
from autodev_tui.engine.refusal import Refusal
from autodev_tui.providers.base import ProviderError

if TYPE_CHECKING:
    from autodev_tui.domain.task import Task
    from autodev_tui.engine.services import Services
    from autodev_tui.engine.site import Site

_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


async def set_task_model(site: Site, command: commands.SetTaskModel) -> None:
    """Another model from the task's next call on; a plan that waits for its answer is asked about anew.

    Raises:
        LookupError: no such task.
        Refusal: it works or has ended, or the model cannot be used; in words.
    """
    services = site.engine.services
    task = services.board.tasks.get(command.task)
    if task is None:
        raise LookupError(f"no task {command.task} in this session")
    _refuse_unfit(services, task)
    if command.model:
        await refuse_unusable(services, command.model, command.task)
    # It may have begun meanwhile; from here on nothing waits until the change is on its way.
    task = services.board.tasks[command.task]
    _refuse_unfit(services, task)
    spec = command.model if command.model != services.models.own.spec else None
    question = services.broker.find(plan_effect(services))
    asked = question is not None and question.state in (ApprovalState.PENDING, ApprovalState.DEFERRED)
    superseded = [question.but(state=ApprovalState.SUPERSEDED)] if question and asked else []
    services.models.failed.pop(task.id, None)
    await services.board.commit(task.but(model=spec, fallback=""), *superseded)
    text = f"{spec or services.models.own.spec} works on {task.id} from its next call on"
    services.board.log.emit(events.Noticed(task=task.id, text=text))
    if asked:
        await put_plan(services)


async def refuse_unusable(services: Services, spec: str, task: str | None = None) -> None:
    """Raises Refusal: there is no such model, it does not answer, or what it takes is unknown to a budget."""
    try:
        model, limits = await services.models.sizes(spec)
    except ProviderError as error:
        raise Refusal(str(error)) from error
    if problem := unpriced(services, task, model, remote=limits.remote):
        raise Refusal(problem)


def _refuse_unfit(services: Services, task: Task) -> None:
    if task.state in _ENDED:
        raise Refusal(f"{task.id} is {task.state}: no model works on it any more")
    waits = task.state is not TaskState.IN_PROGRESS and task.state is not TaskState.ASSIGNED
    if not waits and not task.held and task.id in services.at_work:
        raise Refusal(f"{task.id} is at work · pause it first (x), then change its model")
