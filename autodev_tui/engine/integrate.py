"""A completed task joins the session branch: fast-forward where it can, else a merge; conflicts ask."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.effects import once
from autodev_tui.engine.flow import WAITING_CODE, GaveUp
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.merging import merge


async def join(services: Services, verifier: Verifier, task: Task) -> None:
    """Move the session branch to a head that contains `task`. Checks run again on a merge's result.

    Raises:
        Waiting: the merge has conflicts, or its result is red.
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
            new = await _merge_commit(services, verifier, task, ours, step)
        if new != ours:
            await asyncio.to_thread(repository.update_ref, ref, new, ours)
        return {"head": new}

    async def look(_: Step) -> dict[str, Any] | None:
        head = await asyncio.to_thread(repository.head_of, session.session_branch)
        joined = await asyncio.to_thread(_contains, services, head, task.head_commit)
        return {"head": head} if joined else None

    def also(result: dict[str, Any]) -> list[Any]:
        return [services.session.but(head_commit=result["head"])]

    await once(board, StepKind.MERGE, task.id, "joined", do, judge=look, also=also)


def _contains(services: Services, commit: str, ancestor: str) -> bool:
    """Whether `ancestor` is in the history of `commit`. Sync."""
    call = services.repository.git.call("merge-base", "--is-ancestor", ancestor, commit, ok=(0, 1))
    return call.returncode == 0


async def _merge_commit(services: Services, verifier: Verifier, task: Task, ours: str, step: Step) -> str:
    repository, session = services.repository, services.session
    result = await asyncio.to_thread(merge, repository, ours, task.head_commit)
    if result.tree is None:
        approval = await services.broker.ask(
            ApprovalKind.MERGE,
            f"{task.id} conflicts with what joined before it",
            {"paths": result.conflicts, "ours": ours, "theirs": task.head_commit},
            effect=f"merge:{task.id}",
            base={"ours": ours, "theirs": task.head_commit},
            task=task.id,
            risk="high",
            choices=["leave out"],
        )
        await services.broker.used(approval)
        raise GaveUp(f"{task.id} was left out: it conflicts in {', '.join(result.conflicts)}")
    gate = await verifier.judge(result.tree, task)
    if gate.verdict == "fail":
        raise GaveUp(f"{task.id} merged with what joined before it is red: {'; '.join(gate.reasons)}")
    message = (
        f"merge: {task.id} {task.title}\n\nAutodev-Step: {step.id}\n"
        f"Autodev-Task: {task.id}\nAutodev-Session: {session.id}\n"
    )
    commit = await asyncio.to_thread(repository.commit_tree, result.tree, [ours, task.head_commit], message)
    services.board.log.emit(
        events.Committed(
            task=task.id, branch=session.session_branch, commit=commit, title=message.splitlines()[0]
        )
    )
    return commit
