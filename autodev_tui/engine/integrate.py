"""A completed task joins the session branch: fast-forward where it can, else a merge; conflicts ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.states import ApprovalState, TaskState, legal_moves
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import Board, Record
from autodev_tui.engine.effects import once
from autodev_tui.engine.flow import WAITING_CODE, GaveUp
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.merging import merge
from autodev_tui.vcs.messages import commit_message, step_trailers

JOINED = "joined"
"""The name of a task's merge step."""


async def join(services: Services, verifier: Verifier, task: Task) -> None:
    """Move the session branch to a head that contains `task`, unless the human leaves a conflicting one out.

    Checks run again on a merge's result.

    Raises:
        Waiting: the merge has conflicts.
        GaveUp: its result is red.
        RepositoryError: somebody else moved the session branch; their commits stay where they are.
    """
    board, repository = services.board, services.repository
    session = services.session
    if task.head_commit in ("", task.base_commit):
        return

    ref = f"refs/heads/{session.session_branch}"

    async def do(step: Step) -> dict[str, Any]:
        ours = await asyncio.to_thread(repository.head_of, session.session_branch)
        if ours != services.session.head_commit:
            raise RepositoryError(
                f"{session.session_branch} was moved to {ours[:12]} by somebody else",
                hint=f"keep their commits: git branch NAME {ours[:12]}, and put it back: "
                f"git update-ref {ref} {services.session.head_commit[:12]}, then resume",
                code=WAITING_CODE,
            )
        if await asyncio.to_thread(_contains, services, task.head_commit, ours):
            new = task.head_commit
        elif await asyncio.to_thread(_contains, services, ours, task.head_commit):
            new = ours
        else:
            merged = await asyncio.to_thread(merge, repository, ours, task.head_commit)
            if merged.tree is None:
                return await _leave_out(services, task, ours, merged.conflicts)
            new = await _merge_commit(services, verifier, task, ours, merged.tree, step)
        if new != ours:
            await asyncio.to_thread(repository.update_ref, ref, new, ours)
        return {"head": new}

    async def look(_: Step) -> dict[str, Any] | None:
        head = await asyncio.to_thread(repository.head_of, session.session_branch)
        joined = await asyncio.to_thread(_contains, services, head, task.head_commit)
        return {"head": head} if joined else None

    def also(result: dict[str, Any]) -> list[Any]:
        head = services.session.but(head_commit=result["head"])
        return [head, *_without(board, task.id, result)]

    result = await once(board, StepKind.MERGE, task.id, JOINED, do, judge=look, also=also)
    if "left_out" in result:
        text = f"{task.id} was {result['left_out']}; its work stays on {task.branch}"
        board.log.emit(events.Noticed(task=task.id, text=text, severity="warning"))


def _contains(services: Services, commit: str, ancestor: str) -> bool:
    """Whether `ancestor` is in the history of `commit`. Sync."""
    call = services.repository.git.call("merge-base", "--is-ancestor", ancestor, commit, ok=(0, 1))
    return call.returncode == 0


async def _leave_out(services: Services, task: Task, ours: str, paths: Sequence[str]) -> dict[str, Any]:
    """The human's leave to go on without `task`, as the merge's result.

    Raises:
        Waiting: nobody has answered yet.
        GaveUp: the human says no; the next run asks again.
    """
    approval = await services.broker.ask(
        ApprovalKind.MERGE,
        f"{task.id} conflicts with what joined before it",
        {
            "paths": list(paths),
            "theirs": task.head_commit,
            "branch": task.branch,
            "dependents": _dependents(services.board, task.id),
        },
        effect=f"merge:{task.id}",
        # Not to where the session's branch is: what joins meanwhile, elsewhere, takes no answer back.
        base={"theirs": task.head_commit, "paths": list(paths)},
        task=task.id,
        risk="high",
        choices=["leave out"],
    )
    where = ", ".join(paths)
    if approval.state is ApprovalState.REJECTED:
        await services.broker.used(approval)
        raise GaveUp(f"{task.id} cannot join: it conflicts in {where} · resume asks again")
    return {"head": ours, "left_out": f"left out: it conflicts in {where}", "approval": approval.id}


def left_out(board: Board, task: str) -> str:
    """Why this task did not join the session branch, though it is completed; empty when it did or will."""
    step = board.named(StepKind.MERGE, task, JOINED)
    return str(step.result.get("left_out", "")) if step else ""


def _without(board: Board, task: str, result: dict[str, Any]) -> list[Record]:
    """What leaving out `task` changes: its answer is consumed, and nothing is built on it."""
    if "left_out" not in result:
        return []
    why = f"it builds on {task}, which was left out"
    fallen = [board.task_moved(one, TaskState.CANCELLED, error=why) for one in _dependents(board, task)]
    changed = board.tasks[task].but(error=result["left_out"])
    return [board.approvals[result["approval"]].but(read=True), changed, *fallen]


def _dependents(board: Board, task: str) -> list[str]:
    """The tasks that cannot be done without `task`, directly or through others."""
    found = {task}
    # The plan is in dependency order.
    for one in board.tasks.values():
        if found & set(one.dependencies) and TaskState.CANCELLED in legal_moves(one.state):
            found.add(one.id)
    return sorted(found - {task})


async def _merge_commit(
    services: Services, verifier: Verifier, task: Task, ours: str, tree: str, step: Step
) -> str:
    repository, session = services.repository, services.session
    gate = await verifier.judge(tree, task)
    if gate.verdict == "fail":
        raise GaveUp(f"{task.id} merged with what joined before it is red: {'; '.join(gate.reasons)}")
    before = await asyncio.to_thread(repository.tree_of, ours)
    changes = await asyncio.to_thread(change_set, repository, before, tree)
    trailers = step_trailers(step.id, task.id, session.id)
    message = commit_message(f"chore: merge {task.id} {task.title}", changes, trailers=trailers)
    commit = await asyncio.to_thread(repository.commit_tree, tree, [ours, task.head_commit], message)
    services.board.log.emit(
        events.Committed(
            task=task.id, branch=session.session_branch, commit=commit, title=message.splitlines()[0]
        )
    )
    return commit
