"""Steps of which nobody can tell whether they had their effect: only the human can (G7)."""

from __future__ import annotations

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step
from autodev_tui.engine.services import Services

RUN_AGAIN, MARK_DONE, SKIP = "run again", "mark done", "skip"


async def ask_unknown(services: Services, step: Step) -> Step:
    """The step as the human's answer leaves it: planned, done or skipped.

    Raises:
        Waiting: headless, and nobody has answered yet.
    """
    board = services.board
    if step.state is not StepState.UNKNOWN:
        step = step.but(state=StepState.UNKNOWN)
        await board.commit(step)
    what = step.args.get("command") or step.args.get("path") or step.name
    approval = await services.broker.ask(
        ApprovalKind.ESCALATION,
        f"{step.task} was stopped in the middle of: {what}",
        {
            "step": step.id,
            "tool": step.name,
            "args": step.args,
            "why": "the program ended while this ran, and whether it had its effect cannot be told",
        },
        effect=f"unknown:{step.id}",
        base={"step": step.id, "attempt": step.attempt},
        task=step.task,
        step=step.id,
        risk="high",
        choices=[RUN_AGAIN, MARK_DONE, SKIP],
    )
    choice = approval.decision.choice if approval.decision else ""
    if choice == RUN_AGAIN:
        step = step.but(state=StepState.PLANNED, attempt=step.attempt + 1)
    elif choice == MARK_DONE:
        text = "The program was interrupted while this ran. The human looked and says that it was done."
        step = step.but(state=StepState.DONE, result={"text": text}, ended=services.clock())
    else:
        step = step.but(state=StepState.SKIPPED, ended=services.clock())
    await services.broker.used(approval, step)
    return step
