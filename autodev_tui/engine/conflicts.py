"""A conflict between a task and what joined before it: asked about in full, or handed back to the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import requests
from autodev_tui.domain.approval import Approval, ApprovalKind, HunkDecision
from autodev_tui.domain.review import ConflictView
from autodev_tui.domain.states import StepState, TaskState, legal_moves
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.agent import INLINE
from autodev_tui.engine.flow import GaveUp, Interrupted
from autodev_tui.engine.prompting import prompt
from autodev_tui.engine.services import Services
from autodev_tui.vcs.conflicts import Conflict, Conflicted, Sides, conflict, conflicted, resolved
from autodev_tui.vcs.follow import follow
from autodev_tui.vcs.messages import step_trailers
from autodev_tui.vcs.repository import Repository

if TYPE_CHECKING:
    from autodev_tui.engine.board import Board
    from autodev_tui.engine.site import Site
    from autodev_tui.engine.verify import Verifier


LEAVE_OUT, AGENT = "leave out", "agent"
"""Ways out of a conflict besides deciding on each of its places."""


@dataclass(frozen=True)
class Found:
    """A merge with conflicts, and its places."""

    merged: Conflicted
    conflict: Conflict


def merge_effect(task: str) -> str:
    """What the question about a task's conflict is about."""
    return f"merge:{task}"


def dependents(board: Board, task: str) -> list[str]:
    """The tasks that cannot be done without `task`, directly or through others."""
    found = {task}
    open_tasks = [one for one in board.tasks.values() if TaskState.CANCELLED in legal_moves(one.state)]
    while more := {one.id for one in open_tasks if found & set(one.dependencies)} - found:
        found |= more
    return sorted(found - {task})


def find_conflict(repository: Repository, ours: str, theirs: str) -> Found:
    """What of `theirs` does not merge into `ours` by itself. Sync."""
    merged = conflicted(repository, ours, theirs)
    return Found(merged, conflict(repository, merged.sides))


async def put_conflict(
    services: Services, verifier: Verifier, task: Task, found: Found, red: Sequence[str] = ()
) -> Approval:
    """The question about a conflict, with the checks' verdict on what is proposed for it.

    `red`: why the answer that was just given does not join.
    """
    sides = {
        path: [list(one) if one else None for one in astuple(side)]
        for path, side in found.merged.sides.items()
    }
    # Not to where the session's branch is: what joins meanwhile, elsewhere, takes no answer back.
    base = {"theirs": task.head_commit, "sides": sides}
    effect = merge_effect(task.id)
    asked = services.broker.find(effect)
    if asked and asked.base == base and not red:
        proposal, red = asked.ask["proposal"], asked.ask["red"]
    else:
        proposal = await _judged(services, verifier, task, found)
    return await services.broker.put(
        ApprovalKind.MERGE,
        f"{task.id} conflicts with what joined before it",
        {
            "paths": list(found.merged.sides),
            "theirs": task.head_commit,
            "branch": task.branch,
            "dependents": dependents(services.board, task.id),
            "places": found.conflict.count,
            "whole_files": list(found.conflict.whole_files),
            "conflicts": [hunk.doc() for hunk in found.conflict.hunks],
            "proposal": proposal,
            "red": list(red),
        },
        effect=effect,
        base=base,
        task=task.id,
        risk="high",
        choices=[LEAVE_OUT, AGENT],
    )


async def _judged(services: Services, verifier: Verifier, task: Task, found: Found) -> dict[str, Any]:
    """What the checks say of all proposals together; nothing where a place has none."""
    decisions = found.conflict.proposals()
    if decisions is None:
        return {}
    tree = await asyncio.to_thread(resolved, services.repository, found.merged, found.conflict, decisions)
    gate = await verifier.judge(tree, task)
    return {
        "tree": tree,
        "verdict": gate.verdict,
        "score": round(gate.score, 3),
        "reasons": gate.reasons,
        "ran": gate.ran,
        "not_run": gate.not_run,
    }


async def get_conflict(site: Site, request: requests.GetConflict) -> requests.ConflictAnswer:
    """A conflict with all three sides of each place. Raises LookupError."""
    services = site.engine.services
    approval = services.board.approvals.get(request.approval)
    if approval is None or approval.kind is not ApprovalKind.MERGE or "sides" not in approval.base:
        raise LookupError(f"{request.approval} is no conflict of this session")
    sides = {
        path: Sides(*((str(one[0]), str(one[1])) if one else None for one in side))
        for path, side in approval.base["sides"].items()
    }
    found = await asyncio.to_thread(conflict, site.repository, sides)
    return requests.ConflictAnswer(
        conflict=ConflictView(
            approval=approval.id,
            shown_hash=approval.shown_hash,
            task=approval.task or "",
            left_name=services.session.session_branch,
            right_name=approval.ask["branch"],
            hunks=found.hunks,
            whole_files=list(found.whole_files),
            proposal=approval.ask["proposal"],
            red=approval.ask["red"],
        )
    )


# -- back to the agent


async def send_back(services: Services, task: Task, ours: str, found: Found, approval: Approval) -> None:
    """Let the agent make its work join: it goes on upon a merge in which the conflicting places are as they
    have joined before, and hears word for word what it wanted there.

    Its next change set is then about nothing but these places, and what it makes of them is reviewed.
    """
    text = await prompt(
        services,
        "conflict_note",
        for_task=task.id,
        hunks=found.conflict.hunks,
        whole_files=list(found.conflict.whole_files),
        reason=approval.decision.reason if approval.decision else "",
    )
    text, _ = services.masker.mask(text)
    blob = await services.keep_text(text) if len(text) > INLINE else ""
    number = 1 + sum(one.name.startswith(_SENT_BACK) for one in services.board.steps(task.id))
    left = [HunkDecision(hunk=one + 1, verdict="reject") for one in range(found.conflict.count)]
    tree = await asyncio.to_thread(resolved, services.repository, found.merged, found.conflict, left)
    intent = {
        "ours": ours,
        "theirs": task.head_commit,
        "tree": tree,
        "note": blob or text,
        "blob": bool(blob),
    }
    step = services.board.new_step(
        StepKind.FOLLOW,
        task.id,
        f"{_SENT_BACK}{number}",
        state=StepState.STARTED,
        intent=intent,
        started=services.clock(),
    )
    await services.board.commit(step, approval.but(read=True))
    await finish_sending_back(services, task)


async def finish_sending_back(services: Services, task: Task) -> None:
    """Go on where a task was being sent back to its agent, if it was; its effects are the same again.

    Raises:
        GaveUp: what changed in the worktree meanwhile cannot be merged with what has joined.
        Interrupted: the task is with its agent now.
    """
    board, repository = services.board, services.repository
    steps = [one for one in board.steps(task.id) if one.name.startswith(_SENT_BACK)]
    if not steps or steps[-1].state is not StepState.STARTED:
        return
    step = steps[-1]
    intent = step.intent

    def merge_and_follow() -> tuple[str, list[str]]:
        commit = repository.find_step(task.branch, step.id)
        if not commit:
            trailers = "\n".join(
                f"{name}: {value}" for name, value in step_trailers(step.id, task.id, task.session)
            )
            message = f"chore: merge what joined before {task.id}\n\n{trailers}\n"
            parents = [intent["theirs"], intent["ours"]]
            commit = repository.commit_tree(intent["tree"], parents, message)
            repository.update_ref(f"refs/heads/{task.branch}", commit, intent["theirs"])
        if not task.worktree or not Path(task.worktree).is_dir():
            return commit, []
        outcome = follow(
            repository, Path(task.worktree), repository.tree_of(intent["theirs"]), intent["tree"]
        )
        if outcome.conflicts:
            raise GaveUp(f"{task.id}: {', '.join(outcome.conflicts)} changed since it was completed")
        return commit, outcome.changed

    commit, changed = await asyncio.to_thread(merge_and_follow)
    result = {"commit": commit, "changed": changed}
    note = board.new_step(StepKind.NOTE, task.id, step.name, state=StepState.DONE)
    note = (
        note.but(result_blob=intent["note"]) if intent["blob"] else note.but(result={"text": intent["note"]})
    )
    back = board.task_moved(task.id, TaskState.IN_PROGRESS, head_commit=commit, evidence="claimed")
    done = step.but(state=StepState.DONE, result=result, ended=services.clock())
    await board.commit(done, note, back, why="it conflicts with what joined before it")
    raise Interrupted


_SENT_BACK = "conflict "
"""How the steps are called that bring a task back to its agent, and the notes that tell it."""
