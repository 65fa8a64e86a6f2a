"""After a crash: every step that was started and has no result is judged by its postcondition.

Commits, follows, merges and landings judge themselves when their part of the engine is entered again (see
`effects.once`); here are the steps of agents: model turns, tool calls and checks.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.states import SessionState, StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.acting import read_only
from autodev_tui.engine.call_steps import result_document
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.services import Services
from autodev_tui.engine.shell_calls import again, command_result, record_path
from autodev_tui.tools.effects import Effect, judge

if TYPE_CHECKING:
    from autodev_tui.engine.board import Board

RUN_AGAIN, MARK_DONE, SKIP = "run again", "mark done", "skip"


async def mark_interrupted(board: Board) -> None:
    """A session that nobody owns but that reads as open was killed: say so before anything goes on."""
    session = board.session
    if session.state in (
        SessionState.PLANNING,
        SessionState.RUNNING,
        SessionState.REVIEWING,
        SessionState.PAUSED,
    ):
        await board.commit(
            session.but(state=SessionState.INTERRUPTED), why="its process ended without a word"
        )


async def recover(services: Services) -> None:
    """Judge what was in flight when the last run ended.

    Raises:
        Waiting: whether a command had its effect is unknown, and only the human can tell.
    """
    unknown: list[Waiting] = []
    for step in services.board.all_steps():
        try:
            if step.state is StepState.STARTED:
                await _judge(services, step)
            elif step.state is StepState.UNKNOWN:
                await _ask(services, step)
        except Waiting as waiting:
            unknown.append(waiting)
    if unknown:
        raise Waiting([approval for one in unknown for approval in one.approvals])


async def _judge(services: Services, step: Step) -> None:
    board = services.board
    if step.kind in (StepKind.MODEL, StepKind.CHECK, StepKind.CHECKPOINT):
        await board.commit(
            step.but(state=StepState.INTERRUPTED, ended=services.clock()), why="the program ended"
        )
    elif step.kind is StepKind.TOOL:
        await _judge_tool(services, step)


async def _judge_tool(services: Services, step: Step) -> None:
    board = services.board
    if "effect" in step.intent:
        worktree = Path(board.tasks[step.task or ""].worktree)
        effect = Effect.from_intent(step.intent["effect"], None)
        found = await asyncio.to_thread(judge, worktree, effect)
        if found == "done":
            document, blob = await asyncio.to_thread(result_document, services, effect.result())
            await board.commit(
                step.but(
                    state=StepState.DONE,
                    result=document | {"adopted": True},
                    result_blob=blob,
                    ended=services.clock(),
                )
            )
        elif found == "not_done":
            await _again(services, step)
        else:
            await _unknown(services, step)
    elif step.name == "run_command":
        found_result = await command_result(services, step, record_path(services, step))
        if found_result is not None:
            await board.commit(
                step.but(
                    state=StepState.DONE, result={**found_result, "adopted": True}, ended=services.clock()
                )
            )
        elif step.intent.get("repeatable"):
            await _again(services, step)
        else:
            await _unknown(services, step)
    elif read_only(step.name) or step.intent.get("repeatable", True):
        await _again(services, step)


async def _again(services: Services, step: Step) -> None:
    """The step did not happen: the same call is planned once more."""
    interrupted = step.but(state=StepState.INTERRUPTED, ended=services.clock())
    await services.board.commit(interrupted, again(services.board, step))


async def _unknown(services: Services, step: Step) -> None:
    await services.board.commit(step.but(state=StepState.UNKNOWN))
    await _ask(services, services.board.step(step.id))


async def _ask(services: Services, step: Step) -> None:
    """Only the human can say whether it happened (G7)."""
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
    decision = approval.decision
    choice = decision.choice if decision else ""
    if choice == RUN_AGAIN:
        await services.broker.used(approval, step.but(state=StepState.PLANNED, attempt=step.attempt + 1))
    elif choice == MARK_DONE:
        text = "The program was interrupted while this ran. The human looked and says that it was done."
        done = step.but(state=StepState.DONE, result={"text": text}, ended=services.clock())
        await services.broker.used(approval, done)
    else:
        await services.broker.used(approval, step.but(state=StepState.SKIPPED, ended=services.clock()))
