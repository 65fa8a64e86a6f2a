"""After a crash: every step that was started and has no result is judged by its postcondition.

Commits, follows, merges and landings judge themselves when their part of the engine is entered again (see
`effects.once`); here are the steps of agents: model turns, tool calls and checks.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from autodev_tui.domain import events
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.agent import REBUILT
from autodev_tui.engine.budget import settle_lost, withdraw_moot
from autodev_tui.engine.call_steps import result_document
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.purse import unseen
from autodev_tui.engine.services import Services
from autodev_tui.engine.shell_calls import plan_again, settle
from autodev_tui.engine.unknown import ask_unknown
from autodev_tui.tools.effects import Effect, judge

_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


async def recover(services: Services) -> None:
    """Judge what was in flight when the last run ended.

    Raises:
        Waiting: whether a command had its effect is unknown, and only the human can tell.
    """
    await asyncio.to_thread(shutil.rmtree, services.state / "tmp", ignore_errors=True)
    ended = [one.id for one in services.board.tasks.values() if one.state in _ENDED]
    for task in list(services.board.tasks.values()):
        # What an ended task made is committed, or given up.
        if task.id not in ended and task.worktree and not Path(task.worktree).is_dir():
            await _rebuild(services, task)
    unknown: list[Waiting] = []
    for step in services.board.unsettled():
        if step.task in ended:
            continue
        try:
            with services.broker.asking_only():
                if step.state is StepState.STARTED:
                    await _judge(services, step)
                elif step.state is StepState.UNKNOWN:
                    await ask_unknown(services, step)
        except Waiting as waiting:
            unknown.append(waiting)
    await settle_lost(services)
    await withdraw_moot(services)
    # Where a human is there to answer, only the task in question waits for it.
    if unknown and not services.broker.interactive:
        raise Waiting([approval for one in unknown for approval in one.approvals])


async def _rebuild(services: Services, task: Task) -> None:
    """The task's worktree is gone: made again from its newest checkpoint, before its files judge any step."""
    board = services.board
    text = (
        "The worktree was lost while the program was not running. It was made again from its last "
        "checkpoint: what was changed after that is gone. Read the files again before you go on."
    )
    # Said first: a crash in between says it twice, which is better than never.
    note = board.new_step(
        StepKind.NOTE, task.id, f"{REBUILT} {len(board.steps(task.id))}", state=StepState.DONE
    )
    await board.commit(note.but(result={"text": text}))
    name = f"{services.session.id}-{task.id}"
    await asyncio.to_thread(services.worktrees.create, name, task.branch, task.head_commit)
    lost = f"the worktree of {task.id} was gone; it was made again from its last checkpoint"
    board.log.emit(events.Noticed(task=task.id, text=lost, severity="warning"))


async def _judge(services: Services, step: Step) -> None:
    board = services.board
    if step.kind is StepKind.TOOL:
        await _judge_tool(services, step)
    elif step.kind in (StepKind.MODEL, StepKind.CHECK, StepKind.CHECKPOINT, StepKind.SETUP):
        interrupted = step.but(state=StepState.INTERRUPTED, ended=services.clock())
        if step.kind is StepKind.MODEL:
            await _judge_turn(services, interrupted)
        else:
            await board.commit(interrupted, why="the program ended")


async def _judge_turn(services: Services, interrupted: Step) -> None:
    board, usage = services.board, unseen(interrupted)
    result = {"usage": usage.model_dump(mode="json", exclude_defaults=True)}
    records: list[Session | Task] = [services.session.but(usage=services.session.usage.plus(usage))]
    if task := board.tasks.get(interrupted.task or ""):
        records.append(task.but(usage=task.usage.plus(usage)))
    await board.commit(interrupted.but(result=result), *records, why="the program ended")


async def _judge_tool(services: Services, step: Step) -> None:
    if step.name == "run_command":
        await settle(services, step)
    elif "effect" not in step.intent:
        await plan_again(services, step)
    else:
        effect = Effect.from_intent(step.intent["effect"], None)
        worktree = Path(services.board.tasks[step.task or ""].worktree)
        found = await asyncio.to_thread(judge, worktree, effect)
        if found == "not_done":
            await plan_again(services, step)
        elif found == "conflict":
            await ask_unknown(services, step)
        else:
            document, blob = await asyncio.to_thread(result_document, services, effect.result())
            done = step.but(state=StepState.DONE, result=document | {"adopted": True}, result_blob=blob)
            await services.board.commit(done.but(ended=services.clock()))
