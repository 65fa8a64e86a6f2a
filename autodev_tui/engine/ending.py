"""How a task ends that the human ends."""

from __future__ import annotations

from collections.abc import Sequence

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import ApprovalState, StepState, TaskState, legal_moves
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.purse import unseen
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.rule_tasks import lacks_model
from autodev_tui.engine.services import Services

CUT_SHORT = {
    StepState.PLANNED: StepState.SUPERSEDED,
    StepState.AWAITING: StepState.REFUSED,
    StepState.STARTED: StepState.INTERRUPTED,
    StepState.UNKNOWN: StepState.SKIPPED,
}
"""How the steps of a task end that is ended itself: nobody asks about them any more."""


async def cancel_task(services: Services, task: str) -> None:
    """End a task for good, whatever it is doing. Raises LookupError, and Refusal when it has ended."""
    if task not in services.board.tasks:
        raise LookupError(f"no task {task} in this session")
    state = services.board.tasks[task].state
    if TaskState.CANCELLED not in legal_moves(state):
        raise Refusal(f"{task} is {state} already")
    if working := services.at_work.get(task):
        services.cancelled.add(task)
        working.cancel()
        return
    if lacks_model(services, services.board.tasks[task]):
        await _let_go(services, task)
    await end_task(services, task)


async def _let_go(
    services: Services, name: str, ending: Sequence[str] = (), after: Sequence[str] = ()
) -> None:
    """Nobody waits for a task that only lacked a model: what rules can do goes on, what builds on it ends.

    Before it ends itself: a crash in between leaves nobody waiting for what is cancelled. `ending` are the
    tasks that it was to come after and that end too, `after` those that these were to come after.
    """
    board, ending = services.board, [*ending, name]
    after = [one for one in dict.fromkeys([*after, *board.tasks[name].dependencies]) if one not in ending]
    for task in [one for one in board.tasks.values() if name in one.dependencies]:
        if TaskState.CANCELLED not in legal_moves(task.state):
            continue
        if lacks_model(services, task):
            await _let_go(services, task.id, ending, after)
            text = f"{task.id} is cancelled too: it builds on {name}, which was cancelled"
            await end_task(services, task.id, f"it builds on {name}, which was cancelled")
        else:
            others = [one for one in task.dependencies if one != name]
            freed = board.tasks[task.id].but(dependencies=list(dict.fromkeys([*others, *after])))
            await board.commit(freed)
            text = f"{task.id} goes on without {name}, which was cancelled"
        board.log.emit(events.Noticed(task=task.id, text=text))


async def end_task(services: Services, task: str, why: str = "") -> bool:
    """The human ended this task: it, its steps and its questions are over; its worktree and checkpoints stay.

    False when it had come to its own end before.
    """
    board = services.board
    if TaskState.CANCELLED not in legal_moves(board.tasks[task].state):
        return False
    questions = [_without(one, task) for one in board.pending() if task == one.task or task in one.asked_by]
    steps: list[Step] = []
    lost = Usage()
    for step in board.steps(task):
        if step.state not in CUT_SHORT:
            continue
        over = step.but(state=CUT_SHORT[step.state], ended=services.clock())
        if step.kind is StepKind.MODEL and step.state is StepState.STARTED:
            # Nobody is at work on it: a kill cut it off, and it is billed all the same.
            usage = unseen(step)
            lost = lost.plus(usage)
            over = over.but(result={"usage": usage.model_dump(mode="json", exclude_defaults=True)})
        steps.append(over)
    used = board.newest(board.tasks[task]).usage.plus(lost)
    ended = board.task_moved(task, TaskState.CANCELLED, usage=used, **({"error": why} if why else {}))
    records: list[Session | Step | Approval] = [*questions, *steps]
    if lost.requests:
        session = board.newest(services.session)
        records.append(session.but(usage=session.usage.plus(lost)))
    await board.commit(ended, *records, why="cancelled by the human")
    await tell_unheard(services, task)
    services.signal.give()
    return True


def _without(question: Approval, task: str) -> Approval:
    """The question as it stands when `task` does not ask it any more."""
    others = [one for one in question.asked_by if one != task]
    if others:
        return question.but(asked_by=others, task=others[0])
    return question.but(state=ApprovalState.SUPERSEDED)


async def tell_unheard(services: Services, task: str | None) -> None:
    """A task (None: the planner) has ended: messages that it did not hear are not lost without a word."""
    for message in await services.mailbox.close(task):
        text = f"{task or 'the planner'} ended before it heard your message: {message.text}"
        services.board.log.emit(events.Noticed(task=task, text=text, severity="warning"))
