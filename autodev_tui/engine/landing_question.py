"""The question about the landing: what it would do now, who need be asked, and what was said to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState, SessionState, TaskState
from autodev_tui.engine import flow
from autodev_tui.engine.hook_runs import hooks_of, show_hooks
from autodev_tui.engine.integrate import left_out
from autodev_tui.engine.landing_view import land_effect, other_hows, wishes
from autodev_tui.engine.level_preview import told
from autodev_tui.engine.rule_tasks import SUBJECT
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_review import follow_up_task
from autodev_tui.engine.verify import Verifier
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.landing import plan_landing
from autodev_tui.vcs.landing_plan import HookOutput, LandingConflict, LandingPlan, LandingRefused
from autodev_tui.vcs.messages import commit_message, step_trailers


def refusal_effect(services: Services) -> str:
    """What the question about a refused landing is about."""
    return f"landing refused:{services.session.id}"


def said_yes(services: Services) -> bool:
    """Whether the human has answered the landing, and nobody has acted on it yet."""
    approval = services.broker.find(land_effect(services))
    return approval is not None and services.broker.is_decided(approval)


async def heed_refusal(services: Services) -> None:
    """Act on what the human said about a landing that was refused: it is tried again, or given up."""
    refusal = services.broker.find(refusal_effect(services))
    if refusal is None or not services.broker.is_decided(refusal):
        return
    await services.broker.used(refusal)
    if refusal.state is ApprovalState.REJECTED:
        if said_yes(services) and (taken_back := services.broker.find(land_effect(services))):
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


async def heed_wish(services: Services, approval: Approval) -> bool:
    """Whether the human wants another message or another way: then it is shown so, and asked again."""
    decision = approval.decision
    if decision is None or decision.verdict not in ("edit", "choose"):
        return False
    await services.broker.used(approval)
    return True


async def plan_now(services: Services, verifier: Verifier) -> tuple[LandingPlan, dict[str, Any]]:
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
            await refused(services, str(refusal))
    await services.broker.withdraw(refusal_effect(services))
    quality = services.session.quality
    if plan.tree != quality.get("tree"):
        gate = await verifier.judge(plan.tree, None)
        if gate.verdict == "fail":
            raise flow.GaveUp(
                f"{session.target_branch} has moved, and the merge with it is red: {'; '.join(gate.reasons)}"
            )
        quality = gate.kept()
    return plan, quality


async def ask_to_land(services: Services, plan: LandingPlan, quality: dict[str, Any]) -> Approval | None:
    """The human's yes; None when nobody need be asked. Raises Waiting."""
    hooks = await asyncio.to_thread(hooks_of, services, plan)
    if _auto(services, hooks, quality) and not said_yes(services):
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


async def refused(services: Services, why: str, outputs: Sequence[HookOutput] = ()) -> None:
    """A refused landing is a question: nothing moved, and the human says when to try again."""
    session = services.session
    hooks = [one.but(duration_s=0.0).doc() for one in outputs]
    await services.broker.ask(
        ApprovalKind.LAND,
        f"landing on {session.target_branch} was refused: {why}",
        {"branch": session.target_branch, "why": why, "head": session.head_commit, "hooks": hooks},
        effect=refusal_effect(services),
        base={"head": session.head_commit, "why": why},
        risk="high",
        choices=["try again"],
    )
    await heed_refusal(services)


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
    goal = session.goal.strip().splitlines()[0]
    subject = str(joined[0].context.get(SUBJECT, "")) if len(joined) == 1 else ""
    if subject and repository.git.text("log", "-1", "--format=%s", session.head_commit).strip() != subject:
        subject = ""
    return commit_message(goal, changes, body=tasks, trailers=trailers, subject=subject)
