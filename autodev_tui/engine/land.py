"""The last decision: the session's verified head onto the user's branch, all or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState, SessionState, StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import flow
from autodev_tui.engine.boundaries import reached
from autodev_tui.engine.effects import once
from autodev_tui.engine.hook_runs import has_hooks, hook_runner, tell_hooks
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.vcs.checkouts import find_checkout
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.index_lock import drop_unfinished
from autodev_tui.vcs.landing import after_landing, perform, plan_landing, prepare_landing
from autodev_tui.vcs.landing_plan import LandingConflict, LandingGate, LandingPlan, LandingRefused
from autodev_tui.vcs.messages import commit_message, step_trailers
from autodev_tui.vcs.repository import Repository


async def land(services: Services, verifier: Verifier) -> flow.Outcome:
    """Land, or leave the land question open.

    Raises:
        Waiting: `--land` was given but the level, a refusal or a failed hook makes it a question.
        GaveUp: the merge with the moved target is red.
    """
    session, board = services.session, services.board
    if session.head_commit == session.base_commit:
        return flow.Outcome(flow.DONE, "nothing changed, so nothing lands")
    while services.session.state is not SessionState.LANDED:
        started = board.named(StepKind.LAND, None, "land")
        approval: Approval | None = None
        if started and started.state in (StepState.STARTED, StepState.DONE):
            plan = LandingPlan(**started.intent["plan"])
        else:
            plan = await _plan(services, verifier)
            approval = await _decision(services, plan)
            if approval is None and not _auto(services, plan):
                return flow.Outcome(flow.DONE)
        await _perform(services, plan, approval)
    return flow.Outcome(flow.DONE)


def _auto(services: Services, plan: LandingPlan) -> bool:
    """Whether nobody need be asked; never where the user's hooks could not be run in a sandbox."""
    if not services.sandboxed and has_hooks(services, plan):
        return False
    gate = services.session.quality.get("verdict")
    facts = Facts(
        sandbox=services.sandboxed,
        gate_passed=True if gate == "pass" else None if gate == "ask" else False,
        land_flag=services.session.land,
    )
    return decide(services.level(None), Action.LAND, facts).verdict is Verdict.AUTO


async def _plan(services: Services, verifier: Verifier) -> LandingPlan:
    session = services.session
    while True:
        try:
            message = await asyncio.to_thread(_message, services)
            plan = await asyncio.to_thread(
                plan_landing, services.repository, session.head_commit, session.target_branch, message
            )
            break
        except (LandingRefused, LandingConflict) as refusal:
            await _refused(services, str(refusal))
    if plan.tree != services.session.quality.get("tree"):
        gate = await verifier.judge(plan.tree, None)
        if gate.verdict == "fail":
            raise flow.GaveUp(
                f"{session.target_branch} has moved, and the merge with it is red: {'; '.join(gate.reasons)}"
            )
    return plan


async def _decision(services: Services, plan: LandingPlan) -> Approval | None:
    """The human's yes; None when nobody need be asked, or when the question stays open."""
    if _auto(services, plan):
        return None
    session = services.session
    try:
        approval = await services.broker.ask(
            ApprovalKind.LAND,
            f"land {session.head_commit[:7]} on {session.target_branch}",
            {
                "branch": session.target_branch,
                "old": plan.old,
                "head": session.head_commit,
                "tree": plan.tree,
                "mode": plan.mode,
                "paths": [path.path for path in plan.paths],
                "quality": session.quality,
                "message": plan.message,
            },
            effect=f"land:{session.id}",
            base={"old": plan.old, "head": session.head_commit, "tree": plan.tree},
            risk="high",
        )
    except flow.Waiting:
        if session.land:
            raise
        return None
    if approval.state is ApprovalState.REJECTED:
        reason = approval.decision.reason if approval.decision else ""
        await services.broker.used(approval)
        raise flow.GaveUp(f"landing was rejected{': ' + reason if reason else ''}")
    return approval


async def _perform(services: Services, plan: LandingPlan, approval: Approval | None) -> None:
    session, board, repository = services.session, services.board, services.repository

    runner = hook_runner(services, approved=approval is not None)

    async def do(_: Step) -> dict[str, Any]:
        await asyncio.to_thread(perform, repository, plan, reached)
        return {"old": plan.old, "new": plan.new}

    async def again(step: Step) -> dict[str, Any] | None:
        # Also after a kill in the middle: what has moved counts as ours, the rest follows.
        try:
            return await do(step)
        except LandingRefused as refusal:
            if not refusal.moved:
                # Nothing of it is left half done: the next try plans upon the world as it is now.
                if plan.checkout:
                    await asyncio.to_thread(_let_go, repository, plan.target)
                why = {"why": str(refusal)}
                await board.commit(step.but(state=StepState.FAILED, result=why, ended=services.clock()))
            raise

    def also(result: dict[str, Any]) -> list[Any]:
        landed = services.session.but(
            state=SessionState.LANDED, landed_commit=plan.new, end_time=services.clock(), error=""
        )
        return [landed, *([approval.but(read=True)] if approval else [])]

    try:
        if not plan.ready:
            place = services.state / "worktrees" / f"{session.id}-hooks"
            plan, outputs = await asyncio.to_thread(prepare_landing, repository, plan, place, runner)
            tell_hooks(services, outputs)
        await once(
            board,
            StepKind.LAND,
            None,
            "land",
            do,
            intent={"plan": plan.model_dump(mode="json")},
            judge=again,
            also=also,
        )
    except (LandingRefused, LandingGate) as refusal:
        if isinstance(refusal, LandingGate):
            tell_hooks(services, refusal.outputs)
        if approval:
            await services.broker.used(approval)
        await _refused(services, str(refusal))
        return
    await services.broker.withdraw(f"land:{session.id}")
    said = await asyncio.to_thread(after_landing, repository, plan, runner)
    tell_hooks(services, [said] if said else [])
    board.log.emit(events.Landed(branch=session.target_branch, old=plan.old, new=plan.new))


def _let_go(repository: Repository, target: str) -> None:
    checkout = find_checkout(repository, target)
    if checkout:
        drop_unfinished(checkout.git_dir)


async def _refused(services: Services, why: str) -> None:
    """A refused landing is a question: nothing moved, and the human says when to try again."""
    session = services.session
    for _ in range(2):
        approval = await services.broker.ask(
            ApprovalKind.LAND,
            f"landing on {session.target_branch} was refused: {why}",
            {"branch": session.target_branch, "why": why, "head": session.head_commit},
            effect=f"land:{session.id}",
            base={"head": session.head_commit, "why": why},
            risk="high",
            choices=["try again"],
        )
        # It was tried again before this was reached, and refused for the same reason: asked anew.
        await services.broker.used(approval)
        if approval.state is ApprovalState.REJECTED:
            raise flow.GaveUp(f"landing was refused: {why}")


def _message(services: Services) -> str:
    """The message of a merge commit, should the landing make one. Sync: compares two trees."""
    session, repository = services.session, services.repository
    tree = repository.tree_of(session.head_commit)
    changes = change_set(repository, repository.tree_of(session.base_commit), tree)
    tasks = "\n".join(f"- {task.id} {task.title}" for task in services.board.tasks.values())
    trailers = step_trailers(f"{session.id}/land", session=session.id)
    return commit_message(session.goal.strip().splitlines()[0], changes, body=tasks, trailers=trailers)
