"""At supervised, the session's whole change is asked once; what is rejected becomes a follow-up task."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.evidence import GateResult
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.effects import once
from autodev_tui.engine.hunks import gate_passed, hunk_decisions, rejected_before, rejections, show_changes
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.policy.hard_gates import find_hard_gates
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.vcs.decisions import build_result
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.messages import commit_message


async def review_session(services: Services, verifier: Verifier, gate: GateResult) -> bool:
    """True when the whole change is approved, or need not be asked for at this level.

    Raises:
        Waiting: the review, and with it the landing, wait for the human.
    """
    session, board, repository = services.session, services.board, services.repository
    facts = Facts(sandbox=services.sandboxed, gate_passed=gate_passed(gate))
    if decide(services.level(None), Action.SESSION_CHANGES, facts).verdict is Verdict.AUTO:
        return True
    number = 1 + sum(one.kind is StepKind.COMMIT and one.state is StepState.DONE for one in board.steps(None))
    last = board.named(StepKind.COMMIT, None, f"session r{number - 1}")
    base = (
        last.result["reviewed"] if last else await asyncio.to_thread(repository.tree_of, session.base_commit)
    )
    changes = await asyncio.to_thread(change_set, repository, base, gate.tree)
    if not changes.files:
        return True
    hits = await asyncio.to_thread(
        find_hard_gates, changes, repository.blob, repository.tracked_count(session.base_commit)
    )
    approval = await services.broker.ask(
        ApprovalKind.CHANGES,
        f"the whole change: {len(changes.hunks)} hunks in {len(changes.files)} files",
        show_changes(changes, gate, hits, rejected_before(board))
        | {"task": None, "head": session.head_commit, "branch": session.session_branch},
        effect=f"session changes:{number}",
        base={"base": base, "proposed": gate.tree},
        risk="high" if hits else "medium",
        hard_gates=[hit.kind for hit in hits],
    )
    decisions = hunk_decisions(changes, approval)
    rejected = [one for one in decisions if one.verdict in ("reject", "comment")]
    ref = f"refs/heads/{session.session_branch}"

    async def do(step: Step) -> dict[str, Any]:
        tree = await asyncio.to_thread(build_result, repository, changes, decisions, "reject")
        if tree == gate.tree:
            return {"commit": session.head_commit, "reviewed": tree, "rejected": {}}
        result = await asyncio.to_thread(change_set, repository, gate.tree, tree)
        message = commit_message(
            "apply the review of the whole change",
            result,
            body="",
            trailers=[
                ("Autodev-Step", step.id),
                ("Autodev-Session", session.id),
                ("Approved-by", approval.decision.actor if approval.decision else ""),
            ],
        )
        commit = await asyncio.to_thread(repository.commit_tree, tree, [session.head_commit], message)
        await asyncio.to_thread(repository.update_ref, ref, commit, session.head_commit)
        return {"commit": commit, "reviewed": tree, "rejected": rejections(changes, decisions)}

    async def look(step: Step) -> dict[str, Any] | None:
        found = await asyncio.to_thread(repository.find_step, session.session_branch, step.id)
        if not found:
            return None
        tree = await asyncio.to_thread(repository.tree_of, found)
        return {"commit": found, "reviewed": tree, "rejected": rejections(changes, decisions)}

    follow_up = _follow_up(services, changes.hunks, rejected) if rejected else None

    def also(result: dict[str, Any]) -> list[Any]:
        head = services.session.but(head_commit=result["commit"])
        return [head, approval.but(read=True), *([follow_up] if follow_up else [])]

    await once(board, StepKind.COMMIT, None, f"session r{number}", do, judge=look, also=also)
    return not rejected


def _follow_up(services: Services, hunks: list[Any], rejected: list[Any]) -> Task:
    """The task that does differently what the review rejected."""
    by_number = {hunk.number: hunk for hunk in hunks}
    words = []
    for one in rejected:
        hunk = by_number[one.hunk]
        words.append(f"{hunk.path}: {one.reason or 'rejected without a reason'}\n{''.join(hunk.diff)}")
    tasks = services.board.tasks
    number = len(tasks) + 1
    return Task(
        id=f"T{number}",
        session=services.session.id,
        title="Address what the review rejected",
        description="The human rejected these parts of the change, which are taken out already:\n\n"
        + "\n\n".join(words),
        dependencies=[],
        files=sorted({by_number[one.hunk].path for one in rejected}),
        recommended=services.level(None),
    )
