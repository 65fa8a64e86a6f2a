"""The last decision: the session's verified head onto the user's branch, all or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import SessionState, StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import flow
from autodev_tui.engine.boundaries import reached
from autodev_tui.engine.decisions import canonical
from autodev_tui.engine.effects import once
from autodev_tui.engine.hook_runs import hooks_of, tell_hooks, with_hooks
from autodev_tui.engine.landing_question import (
    ask_to_land,
    heed_refusal,
    heed_wish,
    plan_now,
    refusal_effect,
    refused,
    said_yes,
)
from autodev_tui.engine.landing_view import land_effect
from autodev_tui.engine.leftovers import tick_off_landed
from autodev_tui.engine.report import keep_pull_request
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.vcs.checkouts import find_checkout
from autodev_tui.vcs.index_lock import drop_unfinished
from autodev_tui.vcs.landing import after_landing, perform, prepare_landing
from autodev_tui.vcs.landing_plan import LandingGate, LandingPlan, LandingRefused
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
            await heed_refusal(services)
            started = board.named(StepKind.LAND, None, "land")
            if started and started.state in (StepState.STARTED, StepState.DONE):
                plan = LandingPlan(**started.intent["plan"])
                approval = board.approvals.get(started.intent["approval"])
            else:
                plan, quality = await plan_now(services, verifier)
                await asyncio.to_thread(
                    keep_pull_request, services.repository, board.database, services.session
                )
                approval = await ask_to_land(services, plan, quality)
                if approval and await heed_wish(services, approval):
                    continue
                if services.session.state is SessionState.RUNNING:
                    return None
            await _perform(services, plan, approval)
        await _follow_up(services)
    except flow.Waiting as waiting:
        only_landing = all(one.kind is ApprovalKind.LAND for one in waiting.approvals)
        if only_landing and not services.session.land and not said_yes(services):
            return flow.Outcome(flow.DONE)
        raise
    return flow.Outcome(flow.DONE)


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
        await refused(services, str(refusal), outputs)
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
    await services.broker.withdraw(refusal_effect(services))

    async def do(_: Step) -> dict[str, Any]:
        said = await with_hooks(services, allowed, lambda run: after_landing(repository, plan, run))
        tell_hooks(services, [said] if said else [])
        return {"code": said.code if said else None}

    async def begun(_: Step) -> dict[str, Any]:
        return {"why": "the last run ended while the hooks after the landing ran"}

    await once(board, StepKind.LAND, None, "after landing", do, judge=begun)
    await tick_off_landed(services)
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
