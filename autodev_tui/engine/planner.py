"""Phases 1 to 3: analyse the goal, choose the level, make a plan and have it approved."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from autodev_tui.agents.roles import PLANNER
from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.plan import PlannedTask, plan_digest, plan_view
from autodev_tui.domain.states import ApprovalState, StepState
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.engine.agent_loop import make_agent, work
from autodev_tui.engine.broker import Superseded
from autodev_tui.engine.estimates import foreseen
from autodev_tui.engine.fast_lane import by_rules, rejected_plans, say_by_rules, say_so
from autodev_tui.engine.flow import GaveUp, NoPlan
from autodev_tui.engine.level_preview import told
from autodev_tui.engine.prompting import opening_tokens, prompt
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.planning.analysis import RepositoryFacts, analyse
from autodev_tui.planning.autonomy import score
from autodev_tui.policy.table import Action, Facts, Verdict, decide

if TYPE_CHECKING:
    from autodev_tui.domain.step import Step
    from autodev_tui.engine.board import Record

LAYOUT_LINES = 40


async def analyse_goal(services: Services) -> None:
    """Phases 1 and 2: scores, risks and the recommended level of the goal."""
    session = services.session
    if session.analysis:
        return
    facts = await asyncio.to_thread(_facts, services)
    analysis = analyse(session.goal, facts)
    autonomy = score(analysis.factors())
    await services.board.commit(
        session.but(
            analysis={**analysis.doc(), "recommended": autonomy.level.value},
            autonomy_decisions=[{"task": None, **autonomy.doc()}],
        )
    )


async def make_plan(services: Services, verifier: Verifier) -> None:
    """Phase 3: the planner's tasks, recorded, and approved where the level asks.

    Raises:
        Waiting: the plan waits for the human.
        GaveUp: the planner handed in none.
    """
    board = services.board
    if services.session.given:
        if not board.tasks:
            await _take_given(services)
        return
    if not board.tasks:
        await _ask_planner(services, verifier)
    while services.mailbox.queued(None) or not await _approved(services):
        await _ask_planner(services, verifier)


async def _take_given(services: Services) -> None:
    """The tasks that the session was started with."""
    given = [PlannedTask(**document) for document in services.session.given]

    def made() -> list[Task]:
        return [
            make_task(
                services,
                {
                    **task.model_dump(mode="json"),
                    "depends_on": task.dependencies,
                    "estimate_minutes": task.estimated_effort * 60,
                },
            )
            for task in given
        ]

    tasks = await asyncio.to_thread(made)
    await services.board.commit(*tasks)
    services.board.log.emit(events.PlanReady(tasks=[task.doc() for task in tasks]))


async def _ask_planner(services: Services, verifier: Verifier) -> None:
    board, session = services.board, services.session
    path = await asyncio.to_thread(services.worktrees.checkout, f"{session.id}-plan", session.base_commit)
    agent = await make_agent(services, PLANNER, None, path)
    # A plan runs nothing: what is not installed is asked about when a check or command needs it.
    environment = await verifier.found(path)
    checks = await verifier.checks(path, environment)
    paths = await asyncio.to_thread(services.repository.tracked_paths, session.base_commit)
    opening = await prompt(
        services,
        "plan_request",
        for_task=None,
        max_tokens=await opening_tokens(services, None),
        goal=session.goal,
        requirements="\n\n".join(session.instructions),
        rules=services.rules,
        branch=session.target_branch,
        file_count=len(paths),
        layout=_layout(paths),
        checks=[check.command for check in checks],
    )
    say_by_rules(services)
    await agent.say("goal", opening)
    notice: list[Record] = []
    try:
        ended: Step = await work(agent, verifier, None)
        if ended.name != PLANNER.ends_by:
            raise NoPlan("the planner ended without a plan")
        planned = _in_order(ended.result["tasks"])
    except NoPlan as error:
        planned = _in_order(await asyncio.to_thread(by_rules, services, paths))
        notice = [say_so(services, str(error))]
    tasks = await asyncio.to_thread(lambda: [make_task(services, document) for document in planned])
    if notice and plan_digest(tasks) in rejected_plans(services):
        raise GaveUp("the model hands in no plan that can be used, and the one made by rules was rejected")
    old = [task for task in board.tasks.values() if task.id not in {new.id for new in tasks}]
    gone = [("plan_tasks", task.key(), None) for task in old]
    for task in old:
        del board.tasks[task.id]
    await board.commit(*tasks, *notice, extra=gone)
    took = await foreseen(services, tasks)
    analysed = board.newest(services.session)
    await board.commit(analysed.but(analysis={**analysed.analysis, "estimate": took}))
    board.log.emit(events.PlanReady(tasks=[task.doc() for task in tasks]))


async def _approved(services: Services) -> bool:
    """Whether the plan holds. If not, the human's words are in the planner's log already."""
    board = services.board
    digest = plan_digest(board.tasks.values())
    decided = {
        one.state
        for one in board.approvals.values()
        if one.kind is ApprovalKind.PLAN
        and one.read
        and one.base["plan"] == digest
        and services.broker.is_decided(one)
    }
    if ApprovalState.APPROVED in decided:
        return True
    if ApprovalState.REJECTED in decided and not _handed_in_since(services):
        return False
    level = services.level(None)
    if decide(level, Action.PLAN, Facts(sandbox=services.sandboxed)).verdict is Verdict.AUTO:
        return True
    try:
        question = await put_plan(services)
        with services.interruptible():
            approval = await services.broker.answer_to(question)
    except Superseded:
        # The human edited the plan meanwhile: it is asked about as it is now.
        return await _approved(services)
    if approval.state is not ApprovalState.REJECTED:
        await services.broker.used(approval)
        return True
    reason = approval.decision.reason if approval.decision else ""
    note = board.new_step(
        StepKind.NOTE,
        None,
        f"plan rejected {approval.id}",
        state=StepState.DONE,
        result={
            "text": f"The human rejected the plan. Their words: {reason or '(none)'}\nHand in another one."
        },
    )
    await services.broker.used(approval, note)
    return False


def _handed_in_since(services: Services) -> bool:
    """Whether the planner handed in a plan after the last one was rejected: maybe the same again."""
    for step in reversed(services.board.steps(None)):
        if step.kind is StepKind.NOTE and step.name.startswith("plan rejected "):
            return False
        if step.kind is StepKind.TOOL and step.name == PLANNER.ends_by and step.state is StepState.DONE:
            return True
    return False


def plan_effect(services: Services) -> str:
    """What the question about the plan is about."""
    return f"plan:{services.session.id}"


async def put_plan(services: Services) -> Approval:
    """The question about the plan as it is now, with what it will take."""
    tasks = list(services.board.tasks.values())
    digest = plan_digest(tasks)
    asked = services.broker.find(plan_effect(services))
    if asked and asked.base["plan"] == digest:
        # What was told of the cost stays: a task that another session ended meanwhile takes no answer back.
        took = asked.ask["estimate"]
    else:
        took = await foreseen(services, tasks)
    return await services.broker.put(
        ApprovalKind.PLAN,
        f"plan: {len(tasks)} task{'s' if len(tasks) != 1 else ''}",
        {
            "goal": services.session.goal,
            "tasks": [plan_view(task) for task in tasks],
            "estimate": took,
            "digest": digest,
        },
        effect=plan_effect(services),
        base={"plan": digest},
        **told(services, Action.PLAN, Facts(sandbox=services.sandboxed), None),
    )


def _in_order(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The plan's tasks in dependency order, otherwise as planned."""
    waiting = [dict(task) for task in tasks]
    placed: list[dict[str, Any]] = []
    while waiting:
        ready = [t for t in waiting if all(any(p["id"] == d for p in placed) for d in t["depends_on"])]
        if not ready:
            raise NoPlan("the plan's dependencies go in a circle")
        placed.append(ready[0])
        waiting.remove(ready[0])
    names = {task["id"]: f"T{number}" for number, task in enumerate(placed, 1)}
    return [
        {**task, "id": names[task["id"]], "depends_on": [names[one] for one in task["depends_on"]]}
        for task in placed
    ]


def make_task(services: Services, document: dict[str, Any]) -> Task:
    """The task that a plan describes, with its analysis and its score. Sync: lists the repository's paths."""
    facts = _facts(services)
    criteria = [Criterion(**one) for one in document.get("acceptance_criteria", [])]
    effort = float(document.get("estimate_minutes") or 60) / 60
    analysis = analyse(
        f"{document['title']}\n{document.get('description', '')}",
        facts,
        criteria=len(criteria),
        effort_hours=effort,
        files=document.get("files", []),
        risk=document.get("risk"),
    )
    autonomy = score(analysis.factors())
    return Task(
        id=document["id"],
        session=services.session.id,
        title=document["title"],
        description=document.get("description", ""),
        acceptance_criteria=criteria,
        complexity=analysis.task_complexity,
        estimated_effort=effort,
        dependencies=document.get("depends_on", []),
        role=document.get("role", "development"),
        files=document.get("files", []),
        risk=analysis.risk,
        recommended=autonomy.level,
        autonomy=autonomy.doc(),
    )


def _facts(services: Services) -> RepositoryFacts:
    paths = services.repository.tracked_paths(services.session.base_commit)
    return RepositoryFacts(paths=tuple(paths))


def _layout(paths: Iterable[str]) -> list[str]:
    """The repository's folders with how many files are in each, the fullest first."""
    folders = Counter(str(PurePosixPath(path).parent) for path in paths)
    return [f"{folder}: {count} files" for folder, count in folders.most_common(LAYOUT_LINES)]
