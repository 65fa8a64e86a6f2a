"""A completed task joins the session branch: fast-forward where it can, else a merge; conflicts ask."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import Board, Record
from autodev_tui.engine.conflicts import (
    AGENT,
    LEAVE_OUT,
    dependents,
    find_conflict,
    finish_sending_back,
    merge_effect,
    put_conflict,
    send_back,
)
from autodev_tui.engine.effects import once
from autodev_tui.engine.flow import WAITING_CODE, GaveUp
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.vcs.conflicts import resolved
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.merging import merge
from autodev_tui.vcs.messages import commit_message, step_trailers

JOINED = "joined"
"""The name of a task's merge step."""


async def join(services: Services, verifier: Verifier, task: Task) -> None:
    """Move the session branch to a head that contains `task`, unless the human leaves a conflicting one out.

    Checks run again on a merge's result. May be called again from anywhere: what is done is not done twice.

    Raises:
        Waiting: the merge has conflicts.
        Interrupted: the task went back to its agent, with the conflict.
        GaveUp: its result is red.
        RepositoryError: somebody else moved the session branch; their commits stay where they are.
    """
    if task.head_commit in ("", task.base_commit):
        return
    board, repository = services.board, services.repository
    session = services.session
    ref = f"refs/heads/{session.session_branch}"
    await finish_sending_back(services, task)
    merge = await _merge(services, verifier, task)

    async def do(step: Step) -> dict[str, Any]:
        if merge.left_out:
            return {"head": merge.ours, "left_out": merge.left_out}
        new = await _merge_commit(services, task, merge, step) if merge.tree else merge.new
        if new != merge.ours:
            await asyncio.to_thread(repository.update_ref, ref, new, merge.ours)
        return {"head": new}

    async def look(_: Step) -> dict[str, Any] | None:
        head = await asyncio.to_thread(repository.head_of, session.session_branch)
        joined = await asyncio.to_thread(_contains, services, head, task.head_commit)
        return {"head": head} if joined else None

    def also(result: dict[str, Any]) -> list[Any]:
        head = services.session.but(head_commit=result["head"])
        answer = services.broker.find(merge_effect(task.id))
        used = [answer.but(read=True)] if answer and services.broker.is_decided(answer) else []
        return [head, *used, *_without(board, task.id, result)]

    result = await once(board, StepKind.MERGE, task.id, JOINED, do, judge=look, also=also)
    await services.broker.withdraw(merge_effect(task.id))
    if "left_out" in result:
        text = f"{task.id} was {result['left_out']}; its work stays on {task.branch}"
        board.log.emit(events.Noticed(task=task.id, text=text, severity="warning"))


@dataclass(frozen=True)
class _Merge:
    """How a task joins the session's head `ours`: as the commit `new`, by a merge's `tree`, or not at all."""

    ours: str
    new: str = ""
    tree: str = ""
    left_out: str = ""


async def _merge(services: Services, verifier: Verifier, task: Task) -> _Merge:
    """How the task joins now. Raises as `join` does."""
    session, repository = services.session, services.repository
    ours = await asyncio.to_thread(repository.head_of, session.session_branch)
    if await asyncio.to_thread(_contains, services, ours, task.head_commit):
        return _Merge(ours, new=ours)
    if ours != session.head_commit:
        ref = f"refs/heads/{session.session_branch}"
        raise RepositoryError(
            f"{session.session_branch} was moved to {ours[:12]} by somebody else",
            hint=f"keep their commits: git branch NAME {ours[:12]}, and put it back: "
            f"git update-ref {ref} {session.head_commit[:12]}, then resume",
            code=WAITING_CODE,
        )
    if await asyncio.to_thread(_contains, services, task.head_commit, ours):
        return _Merge(ours, new=task.head_commit)
    merged = await asyncio.to_thread(merge, repository, ours, task.head_commit)
    if merged.tree is not None:
        gate = await verifier.judge(merged.tree, task)
        if gate.verdict == "fail":
            raise GaveUp(f"{task.id} merged with what joined before it is red: {'; '.join(gate.reasons)}")
        return _Merge(ours, tree=merged.tree)
    return await _with_conflicts(services, verifier, task, ours)


async def _with_conflicts(services: Services, verifier: Verifier, task: Task, ours: str) -> _Merge:
    broker = services.broker
    red: list[str] = []
    while True:
        found = await asyncio.to_thread(find_conflict, services.repository, ours, task.head_commit)
        approval = await broker.answer_to(await put_conflict(services, verifier, task, found, red))
        where = ", ".join(found.merged.sides)
        decision = approval.decision
        assert decision is not None
        if approval.state is ApprovalState.REJECTED:
            await broker.used(approval)
            raise GaveUp(f"{task.id} cannot join: it conflicts in {where} · resume asks again")
        if decision.choice == AGENT:
            await send_back(services, task, ours, found, approval)
        if decision.choice == LEAVE_OUT:
            return _Merge(ours, left_out=f"left out: it conflicts in {where}")
        tree = await asyncio.to_thread(
            resolved, services.repository, found.merged, found.conflict, decision.hunks
        )
        gate = await verifier.judge(tree, task)
        if gate.verdict != "fail":
            return _Merge(ours, tree=tree)
        # Red never joins: the same places are asked about again, with the reason.
        red = gate.reasons
        await broker.used(approval)


def _contains(services: Services, commit: str, ancestor: str) -> bool:
    """Whether `ancestor` is in the history of `commit`. Sync."""
    call = services.repository.git.call("merge-base", "--is-ancestor", ancestor, commit, ok=(0, 1))
    return call.returncode == 0


def left_out(board: Board, task: str) -> str:
    """Why this task did not join the session branch, though it is completed; empty when it did or will."""
    step = board.named(StepKind.MERGE, task, JOINED)
    return str(step.result.get("left_out", "")) if step else ""


def _without(board: Board, task: str, result: dict[str, Any]) -> list[Record]:
    """What leaving out `task` changes: nothing is built on it."""
    if "left_out" not in result:
        return []
    why = f"it builds on {task}, which was left out"
    fallen = [board.task_moved(one, TaskState.CANCELLED, error=why) for one in dependents(board, task)]
    changed = board.tasks[task].but(error=result["left_out"])
    return [changed, *fallen]


async def _merge_commit(services: Services, task: Task, merge: _Merge, step: Step) -> str:
    repository, session = services.repository, services.session
    before = await asyncio.to_thread(repository.tree_of, merge.ours)
    changes = await asyncio.to_thread(change_set, repository, before, merge.tree)
    trailers = step_trailers(step.id, task.id, session.id)
    message = commit_message(f"chore: merge {task.id} {task.title}", changes, trailers=trailers)
    parents = [merge.ours, task.head_commit]
    commit = await asyncio.to_thread(repository.commit_tree, merge.tree, parents, message)
    services.board.log.emit(
        events.Committed(
            task=task.id, branch=session.session_branch, commit=commit, title=message.splitlines()[0]
        )
    )
    return commit
