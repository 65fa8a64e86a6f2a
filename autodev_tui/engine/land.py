"""The last decision: the session's verified head onto the user's branch, all or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import flow
from autodev_tui.engine.boundaries import reached
from autodev_tui.engine.decisions import canonical
from autodev_tui.engine.effects import once
from autodev_tui.engine.hook_runs import hooks_of, show_hooks, tell_hooks, with_hooks
from autodev_tui.engine.integrate import left_out
from autodev_tui.engine.landing_view import land_effect, other_hows, wishes
from autodev_tui.engine.level_preview import told
from autodev_tui.engine.report import keep_pull_request
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_review import follow_up_task
from autodev_tui.engine.verify import Verifier
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.vcs.checkouts import find_checkout
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.index_lock import drop_unfinished
from autodev_tui.vcs.landing import after_landing, perform, plan_landing, prepare_landing
from autodev_tui.vcs.landing_plan import (
    HookOutput,
    LandingConflict,
    LandingGate,
    LandingPlan,
    LandingRefused,
)
from autodev_tui.vcs.messages import commit_message, step_trailers
from autodev_tui.vcs.repository import Repository


async def land(services: Services, verifier: Verifier) -> flow.Outcome | None:
    """Land, or leave the land question open. None when the human sent it back, and a task was made of that.

    Raises:
        Waiting: `--land` was given but the level, a refusal or a failed hook makes it a question.
        GaveUp: the merge with the moved target is red.
    """
    session, board = services.session, services.board
    if session.head_commit == session.base_commit:
        return flow.Outcome(flow.DONE, "nothing changed, so nothing lands")
    try:
        while services.session.state is not SessionState.LANDED:
            await _heed_refusal(services)
            started = board.named(StepKind.LAND, None, "land")
            if started and started.state in (StepState.STARTED, StepState.DONE):
                plan = LandingPlan(**started.intent["plan"])
                approval = board.approvals.get(started.intent["approval"])
            else:
                plan, quality = await _plan(services, verifier)
                await asyncio.to_thread(
                    keep_pull_request, services.repository, board.database, services.session
                )
                approval = await _decision(services, plan, quality)
                if approval and await _heed_wish(services, approval):
                    continue
                if services.session.state is SessionState.RUNNING:
                    return None
            await _perform(services, plan, approval)
        await _follow_up(services)
    except flow.Waiting as waiting:
        only_landing = all(one.kind is ApprovalKind.LAND for one in waiting.approvals)
        if only_landing and not services.session.land and not _said_yes(services):
            return flow.Outcome(flow.DONE)
        raise
    return flow.Outcome(flow.DONE)


def _refusal(services: Services) -> str:
    return f"landing refused:{services.session.id}"


def _said_yes(services: Services) -> bool:
    approval = services.broker.find(land_effect(services))
    return approval is not None and services.broker.is_decided(approval)


async def _heed_refusal(services: Services) -> None:
    """Act on what the human said about a landing that was refused: it is tried again, or given up."""
    refusal = services.broker.find(_refusal(services))
    if refusal is None or not services.broker.is_decided(refusal):
        return
    await services.broker.used(refusal)
    if refusal.state is ApprovalState.REJECTED:
        if _said_yes(services) and (taken_back := services.broker.find(land_effect(services))):
            await services.broker.used(taken_back)
        raise flow.GaveUp(f"landing was refused: {refusal.ask['why']}")


def _auto(services: Services, hooks: dict[str, str], quality: dict[str, Any]) -> bool:
    """Whether nobody need be asked; never where the user's hooks could not be run in a sandbox."""
    if not services.sandboxed and hooks:
        return False
    gate = quality.get("verdict")
    if gate == "ask" and quality is not services.session.quality:
        # A merge that nobody has seen and no check vouches for.
        return False
    return decide(services.level(None), Action.LAND, _facts(services, gate)).verdict is Verdict.AUTO


def _facts(services: Services, gate: Any) -> Facts:
    return Facts(
        sandbox=services.sandboxed,
        gate_passed=True if gate == "pass" else None if gate == "ask" else False,
        land_flag=services.session.land,
    )


async def _heed_wish(services: Services, approval: Approval) -> bool:
    """Whether the human wants another message or another way: then it is shown so, and asked again."""
    decision = approval.decision
    if decision is None or decision.verdict not in ("edit", "choose"):
        return False
    await services.broker.used(approval)
    return True


async def _plan(services: Services, verifier: Verifier) -> tuple[LandingPlan, dict[str, Any]]:
    """What landing would do now, and what the gate says of the tree that it makes."""
    session = services.session
    while True:
        try:
            wish = wishes(services)
            plan = await asyncio.to_thread(
                plan_landing,
                services.repository,
                session.head_commit,
                session.target_branch,
                wish.message or await asyncio.to_thread(_message, services),
                step_trailers(f"{session.id}/land", session=session.id),
                merge_commit=wish.merge,
            )
            break
        except (LandingRefused, LandingConflict) as refusal:
            await _refused(services, str(refusal))
    await services.broker.withdraw(_refusal(services))
    quality = services.session.quality
    if plan.tree != quality.get("tree"):
        gate = await verifier.judge(plan.tree, None)
        if gate.verdict == "fail":
            raise flow.GaveUp(
                f"{session.target_branch} has moved, and the merge with it is red: {'; '.join(gate.reasons)}"
            )
        quality = {
            "tree": plan.tree,
            "verdict": gate.verdict,
            "score": gate.score,
            "reasons": gate.reasons,
            "ran": gate.ran,
            "not_run": gate.not_run,
        }
    return plan, quality


async def _decision(services: Services, plan: LandingPlan, quality: dict[str, Any]) -> Approval | None:
    """The human's yes; None when nobody need be asked. Raises Waiting."""
    hooks = await asyncio.to_thread(hooks_of, services, plan)
    if _auto(services, hooks, quality) and not _said_yes(services):
        return None
    session = services.session
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
            "quality": quality,
            "message": plan.message,
            "hows": await asyncio.to_thread(other_hows, services.repository, plan),
            "hooks": show_hooks(hooks),
        },
        effect=land_effect(services),
        base={"old": plan.old, "head": session.head_commit, "tree": plan.tree, "hooks": hooks},
        risk="high",
        **told(services, Action.LAND, _facts(services, quality.get("verdict")), None),
    )
    if approval.state is ApprovalState.REJECTED:
        reason = approval.decision.reason if approval.decision else ""
        if reason.strip() and services.broker.interactive:
            again = follow_up_task(
                services,
                "Address why the landing was sent back",
                f"The human looked at the whole change before it landed, and sent it back: {reason}",
                [],
            )
            running = services.session.but(state=SessionState.RUNNING)
            await services.broker.used(approval, again, running)
            return approval
        await services.broker.used(approval)
        raise flow.GaveUp(f"landing was rejected{': ' + reason if reason else ''}")
    return approval


async def _perform(services: Services, plan: LandingPlan, approval: Approval | None) -> None:
    session, board, repository = services.session, services.board, services.repository
    allowed = dict(approval.base["hooks"]) if approval else None

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
            plan = await _prepare(services, plan, allowed)
        # Not needed any more, and a crash after the landing leaves nobody to remove them.
        for what in ("plan", "check"):
            await asyncio.to_thread(services.worktrees.remove, f"{session.id}-{what}")
        await once(
            board,
            StepKind.LAND,
            None,
            "land",
            do,
            intent={
                "plan": plan.model_dump(mode="json"),
                "approval": approval.id if approval else "",
            },
            judge=again,
            also=also,
        )
    except (LandingRefused, LandingGate) as refusal:
        outputs = refusal.outputs if isinstance(refusal, LandingGate) else []
        tell_hooks(services, outputs)
        # A yes to exactly this landing holds until it is done.
        await _refused(services, str(refusal), outputs)
        return


async def _follow_up(services: Services) -> None:
    """What follows a landing, also when a kill came right after it; the user's hook runs at most once."""
    board, repository = services.board, services.repository
    landed = board.named(StepKind.LAND, None, "land")
    assert landed is not None
    plan = LandingPlan(**landed.intent["plan"])
    approval = board.approvals.get(landed.intent["approval"])
    allowed = dict(approval.base["hooks"]) if approval else None
    await services.broker.withdraw(land_effect(services))
    await services.broker.withdraw(_refusal(services))

    async def do(_: Step) -> dict[str, Any]:
        said = await with_hooks(services, allowed, lambda run: after_landing(repository, plan, run))
        tell_hooks(services, [said] if said else [])
        return {"code": said.code if said else None}

    async def begun(_: Step) -> dict[str, Any]:
        return {"why": "the last run ended while the hooks after the landing ran"}

    await once(board, StepKind.LAND, None, "after landing", do, judge=begun)
    board.log.emit(events.Landed(branch=services.session.target_branch, old=plan.old, new=plan.new))


async def _prepare(services: Services, plan: LandingPlan, allowed: dict[str, str] | None) -> LandingPlan:
    """The plan after the user's hooks, which run once for a landing: a kill does not repeat them unsaid.

    Raises:
        LandingGate: a hook or the signing says no.
        RepositoryError: a hook has come, gone or changed since autodev began.
    """
    board, repository = services.board, services.repository
    place = services.state / "worktrees" / f"{services.session.id}-hooks"
    hooks = await asyncio.to_thread(hooks_of, services, plan)
    if hooks:
        await asyncio.to_thread(repository.guard.check_hooks)
    about = [plan.old, plan.head, plan.tree, plan.mode, plan.message, plan.checkout, hooks, allowed]

    async def do(_: Step) -> dict[str, Any]:
        ready, outputs = await with_hooks(
            services, allowed, lambda run: prepare_landing(repository, plan, place, run)
        )
        tell_hooks(services, outputs)
        return {"plan": ready.model_dump(mode="json")}

    async def again(_: Step) -> None:
        if hooks:
            text = "the landing's hooks had begun when the last run ended, so they run once more"
            board.log.emit(events.Noticed(text=text, severity="warning"))

    name = f"hooks {hashlib.sha256(canonical(about)).hexdigest()[:16]}"
    done = await once(board, StepKind.LAND, None, name, do, judge=again)
    return LandingPlan(**done["plan"])


def _let_go(repository: Repository, target: str) -> None:
    checkout = find_checkout(repository, target)
    if checkout:
        drop_unfinished(checkout.git_dir)


async def _refused(services: Services, why: str, outputs: Sequence[HookOutput] = ()) -> None:
    """A refused landing is a question: nothing moved, and the human says when to try again."""
    session = services.session
    hooks = [one.but(duration_s=0.0).doc() for one in outputs]
    await services.broker.ask(
        ApprovalKind.LAND,
        f"landing on {session.target_branch} was refused: {why}",
        {"branch": session.target_branch, "why": why, "head": session.head_commit, "hooks": hooks},
        effect=_refusal(services),
        base={"head": session.head_commit, "why": why},
        risk="high",
        choices=["try again"],
    )
    await _heed_refusal(services)


def _message(services: Services) -> str:
    """The message of a merge commit, should the landing make one. Sync: compares two trees."""
    session, repository = services.session, services.repository
    tree = repository.tree_of(session.head_commit)
    changes = change_set(repository, repository.tree_of(session.base_commit), tree)
    joined = [
        task
        for task in services.board.tasks.values()
        if task.state is TaskState.COMPLETED and not left_out(services.board, task.id)
    ]
    tasks = "\n".join(f"- {task.id} {task.title}" for task in joined)
    trailers = step_trailers(f"{session.id}/land", session=session.id)
    return commit_message(session.goal.strip().splitlines()[0], changes, body=tasks, trailers=trailers)
