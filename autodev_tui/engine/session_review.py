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
from autodev_tui.engine.hunks import (
    gate_passed,
    hunk_decisions,
    rejected_before,
    rejections,
    show_changes,
    told_hunks,
)
from autodev_tui.engine.level_preview import told as told_facts
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
        **told_facts(services, Action.SESSION_CHANGES, facts, None),
    )
    decisions = hunk_decisions(changes, approval)
    said = approval.decision
    assert said is not None
    ref = f"refs/heads/{session.session_branch}"
    # What is open, or only commented, stays on the branch, and is asked about again.
    tree = await asyncio.to_thread(
        lambda: build_result(repository, changes, decisions, "open", keep_open=True)
    )
    reviewed = await asyncio.to_thread(build_result, repository, changes, decisions, "open")
    outcome = {"reviewed": reviewed, "rejected": rejections(changes, decisions)}

    async def do(step: Step) -> dict[str, Any]:
        if tree == gate.tree:
            return {"commit": session.head_commit, **outcome}
        result = await asyncio.to_thread(change_set, repository, gate.tree, tree)
        message = commit_message(
            "apply the review of the whole change",
            result,
            body="",
            trailers=[
                ("Autodev-Step", step.id),
                ("Autodev-Session", session.id),
                ("Approved-by", said.actor),
            ],
        )
        commit = await asyncio.to_thread(repository.commit_tree, tree, [session.head_commit], message)
        await asyncio.to_thread(repository.update_ref, ref, commit, session.head_commit)
        return {"commit": commit, **outcome}

    async def look(step: Step) -> dict[str, Any] | None:
        found = await asyncio.to_thread(repository.find_step, session.session_branch, step.id)
        return {"commit": found, **outcome} if found else None

    told = told_hunks(changes, decisions, said.comments)
    wanted = [one for one in told if one["verdict"] in ("Rejected", "Commented") or one["comments"]]
    follow_up = _after_review(services, wanted) if wanted else None

    def also(result: dict[str, Any]) -> list[Any]:
        head = services.session.but(head_commit=result["commit"])
        return [head, approval.but(read=True), *([follow_up] if follow_up else [])]

    await once(board, StepKind.COMMIT, None, f"session r{number}", do, judge=look, also=also)
    return not wanted and len(decisions) == len(changes.hunks)


def _after_review(services: Services, told: list[dict[str, Any]]) -> Task:
    """The task that does what the review asks for."""
    parts = []
    for one in told:
        words = [one["reason"]] if one["reason"] else []
        words += [f"about the line {said['line'].rstrip()}: {said['text']}" for said in one["comments"]]
        what = {"Rejected": "rejected, and taken out already"}.get(one["verdict"], "still there")
        parts.append(f"{one['path']} ({what}): {'; '.join(words) or 'without a reason'}\n{one['diff']}")
    return follow_up_task(
        services,
        "Address what the review asks for",
        "The human reviewed the whole change and said of these parts of it:\n\n" + "\n\n".join(parts),
        sorted({one["path"] for one in told}),
    )


def follow_up_task(services: Services, title: str, description: str, files: list[str]) -> Task:
    """One more task of the plan, for what the human wants done differently."""
    number = 1 + max((int(name[1:]) for name in services.board.tasks if name[1:].isdigit()), default=0)
    return Task(
        id=f"T{number}",
        session=services.session.id,
        title=title,
        description=description,
        files=files,
        recommended=services.level(None),
    )
