"""The record that every run leaves (S01): what was tried, how it went, and what it cost."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task

FIELDS = (
    "session_id",
    "task",
    "start_time",
    "execution_context",
    "autonomy_decisions",
    "execution_steps",
    "quality_assessments",
    "learning_outcomes",
    "final_deliverables",
    "task_analysis",
    "autonomy_level",
    "execution_plan",
    "quality_validation",
    "status",
    "success",
    "error",
    "failure_learning",
    "end_time",
    "total_duration",
)
"""S01's fields of an execution session, and the two that are always recorded at its end."""


def execution_session(
    session: Session, tasks: list[Task], steps: list[Step], approvals: list[Approval], end_time: float
) -> dict[str, Any]:
    """The record of a session as it stands, with exactly FIELDS; times in seconds, `task` is the goal."""
    success = session.code == 0
    return {
        "session_id": session.id,
        "task": session.goal,
        "start_time": session.start_time,
        "execution_context": {
            "model": session.model,
            "target_branch": session.target_branch,
            "base_commit": session.base_commit,
            "slider": session.slider.value,
            "pin": session.pin.value if session.pin else None,
            "phase": session.phase,
            "code": session.code,
            "usage": session.usage.doc(),
            "flags": session.flags,
        },
        "autonomy_decisions": session.autonomy_decisions
        + [_decision(one) for one in approvals if one.decision],
        "execution_steps": [_step(step) for step in steps if step.kind is not StepKind.NOTE],
        "quality_assessments": [
            {"task": task.id, "evidence": task.evidence, "tree": task.evidence_tree} for task in tasks
        ],
        "learning_outcomes": _learned(tasks, approvals),
        "final_deliverables": [task_result(task) for task in tasks if task.state is TaskState.COMPLETED],
        "task_analysis": session.analysis,
        "autonomy_level": session.analysis.get("recommended"),
        "execution_plan": [
            {"id": task.id, "title": task.title, "depends_on": task.dependencies, "state": task.state.value}
            for task in tasks
        ],
        "quality_validation": session.quality,
        "status": "completed" if success else "failed",
        "success": success,
        "error": session.error,
        "failure_learning": {} if success else _failures(session, tasks, steps),
        "end_time": end_time,
        "total_duration": session.active_s,
    }


def task_result(task: Task) -> dict[str, Any]:
    """What became of one task (S10: TaskResult). There is no pull request before something is pushed."""
    return {
        "task_id": task.id,
        "status": task.state.value,
        "pr_url": None,
        "implementation_summary": task.summary,
        "test_results": {"evidence": task.evidence, "tree": task.evidence_tree},
        "cost": {"usd": task.usage.cost_usd, "known": task.usage.cost_known},
    }


def _decision(approval: Approval) -> dict[str, Any]:
    decision = approval.decision
    return {
        "task": approval.task,
        "kind": approval.kind.value,
        "state": approval.state.value,
        "actor": decision.actor if decision else "",
        "reason": decision.reason if decision else "",
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "step_id": step.id,
        "task": step.task,
        "kind": step.kind.value,
        "name": step.name,
        "state": step.state.value,
        "attempt": step.attempt,
        "start": step.started,
        "end": step.ended,
    }


def _learned(tasks: list[Task], approvals: list[Approval]) -> dict[str, Any]:
    """Facts that later estimates and advice rest on: no opinions, only what was counted."""
    decided = [one for one in approvals if one.decision]
    return {
        "decisions": len(decided),
        "rejected": sum(one.state is ApprovalState.REJECTED for one in decided),
        "reasons": [one.decision.reason for one in decided if one.decision and one.decision.reason],
        "rounds": {task.id: task.rounds for task in tasks},
        "turns": {task.id: task.turns for task in tasks},
        "cost_usd": {task.id: task.usage.cost_usd for task in tasks},
    }


def _failures(session: Session, tasks: list[Task], steps: list[Step]) -> dict[str, Any]:
    return {
        "phase": session.phase,
        "interrupted": session.state is SessionState.INTERRUPTED,
        "failed_tasks": {task.id: task.error for task in tasks if task.state is TaskState.FAILED},
        "failed_steps": [
            f"{step.kind} {step.name}: {step.result.get('why', '')}"[:200]
            for step in steps
            if step.state is StepState.FAILED
        ][-20:],
    }
