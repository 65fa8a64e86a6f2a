"""A plan as the human edits it: tasks with their order, before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.levels import Level
from autodev_tui.domain.task import Criterion, Task


class PlannedTask(Frozen):
    """One task of a plan that may still be changed. An `id` that is not known yet is a new task."""

    id: str
    title: str
    description: str = ""
    dependencies: list[str] = Field(default_factory=list)
    acceptance_criteria: list[Criterion] = Field(default_factory=list)
    role: str = "development"
    files: list[str] = Field(default_factory=list)
    estimated_effort: float = 1.0
    """Hours."""
    risk: float = Field(default=0.5, ge=0, le=1)
    pin: Level | None = None
    model: str | None = None
    """Of its own, as in `ollama/qwen3`; None: the session's."""
    note: str = ""
    """The human's words to whoever carries it out."""


def plan_view(task: Task) -> dict[str, Any]:
    """What a human sees of a planned task, and approves."""
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "depends_on": task.dependencies,
        "acceptance_criteria": [criterion.text for criterion in task.acceptance_criteria],
        "role": task.role,
        "files": task.files,
        "estimate_minutes": round(task.estimated_effort * 60),
        "risk": task.risk,
        "recommended_level": task.recommended.value,
        **({"model": task.model} if task.model else {}),
        **({"note": task.context["note"]} if task.context.get("note") else {}),
    }


def plan_digest(tasks: Iterable[Task]) -> str:
    """sha256 of a plan as shown, in its order: what `EditPlan.seen` and an approved plan are bound to."""
    shown = [plan_view(task) for task in tasks]
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
