"""What the command line prints: documents made of the stored records, with or without a running engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.rule import RULES_MODEL, needs_model, rule_of
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine.experience import task_result

if TYPE_CHECKING:
    from store.database import Database


def latest_session(database: Database) -> Session | None:
    """The session that was started last."""
    sessions = [Session(**document) for document in database.all("sessions")]
    return max(sessions, key=lambda session: session.start_time, default=None)


def find_session(database: Database, name: str | None) -> Session:
    """The session called `name` (a unique prefix will do), or the latest one.

    Raises:
        LookupError: there is none, or the prefix fits several; the message says which.
    """
    sessions = [Session(**document) for document in database.all("sessions")]
    if name is None:
        if not sessions:
            raise LookupError('no session in this repository yet · start one with: autodev run "GOAL"')
        return max(sessions, key=lambda session: session.start_time)
    found = [session for session in sessions if session.id == name] or [
        session for session in sessions if session.id.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(session.id for session in (found or sessions)[-5:]) or "none"
    what = "fits several sessions" if found else "is no session of this repository"
    raise LookupError(f"{name} {what} · known: {known}")


def find_approval(database: Database, name: str) -> Approval:
    """The question called `name`; a unique prefix will do. Raises LookupError."""
    everything = [Approval(**document) for document in database.all("approvals")]
    found = [one for one in everything if one.id == name] or [
        one for one in everything if one.id.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    waiting = ", ".join(one.id for one in everything if one.state is ApprovalState.PENDING) or "none"
    raise LookupError(f"{name} is no question of this repository · waiting: {waiting}")


def pending_approvals(database: Database, session: str | None = None) -> list[Approval]:
    """The questions that wait, oldest first."""
    waiting = (ApprovalState.PENDING, ApprovalState.DEFERRED)
    where = {"session": session} if session else {}
    found = [Approval(**document) for document in database.all("approvals", **where)]
    return sorted((one for one in found if one.state in waiting), key=lambda one: one.created)


def tasks_of(database: Database, session: str) -> list[Task]:
    """The session's tasks in the order of the plan."""
    tasks = [Task(**document) for document in database.all("plan_tasks", session=session)]
    return sorted(tasks, key=lambda task: int(task.id[1:]) if task.id[1:].isdigit() else 0)


def lacking_model(database: Database, session: Session) -> list[Task]:
    """The session's open tasks that need a model where there is none."""
    ended = (TaskState.COMPLETED, TaskState.CANCELLED)
    return [
        task
        for task in tasks_of(database, session.id)
        if task.state not in ended
        and (task.model or session.model) == RULES_MODEL
        and needs_model(task.description)
    ]


def approval_view(approval: Approval) -> dict[str, Any]:
    """One question as `autodev approvals --json` prints it."""
    return {
        "id": approval.id,
        "session": approval.session,
        "kind": approval.kind.value,
        "task": approval.task,
        "risk": approval.risk,
        "hash": approval.shown_hash,
        "title": approval.title,
        "ask": approval.ask,
        "choices": approval.choices,
        "state": approval.state.value,
    }


def task_view(task: Task) -> dict[str, Any]:
    """One task as `status` prints it."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "state": task.state.value,
        "depends_on": task.dependencies,
        "acceptance_criteria": [criterion.model_dump() for criterion in task.acceptance_criteria],
        "role": task.role,
        "model": task.model,
        "rule": rule_of(task.description),
        "files": task.files,
        "estimate_minutes": round(task.estimated_effort * 60),
        "risk": task.risk,
        "recommended_level": task.recommended.value,
        "autonomy": task.autonomy,
        "branch": task.branch,
        "commit": task.head_commit if task.head_commit != task.base_commit else "",
        "evidence": task.evidence,
        "tree": task.evidence_tree,
        "turns": task.turns,
        "rounds": task.rounds,
        "usage": task.usage.doc(),
        "summary": task.summary,
        "todos": task.todos,
        "error": task.error,
        "result": task_result(task),
    }


def _estimate(database: Database, session: Session) -> dict[str, Any] | None:
    """What the plan was said to take: as it is asked about, else as it was handed in."""
    asked = [one for one in pending_approvals(database, session.id) if one.kind is ApprovalKind.PLAN]
    return asked[-1].ask.get("estimate") if asked else session.analysis.get("estimate")


def session_view(database: Database, session: Session | None) -> dict[str, Any]:
    """The document of run, resume, show and status."""
    if session is None:
        return {
            "session": None,
            "state": None,
            "code": None,
            "branch": None,
            "head": None,
            "landed": None,
            "tasks": [],
            "approvals": [],
            "usage": None,
            "error": None,
        }
    lacking = {task.id for task in lacking_model(database, session)}
    return {
        "session": session.id,
        "goal": session.goal,
        "state": session.state.value,
        "phase": session.phase,
        "code": session.code,
        "branch": session.session_branch,
        "target": session.target_branch,
        "head": session.head_commit,
        "landed": session.landed_commit or None,
        "slider": session.slider.value,
        "pin": session.pin.value if session.pin else None,
        "tasks": [
            task_view(task) | {"lacks_model": task.id in lacking} for task in tasks_of(database, session.id)
        ],
        "approvals": [approval_view(one) for one in pending_approvals(database, session.id)],
        "usage": session.usage.doc(),
        "budget_usd": session.budget_usd,
        "estimate": _estimate(database, session),
        "quality": session.quality,
        "assumptions": session.assumptions,
        "error": session.error or None,
    }
