"""A plan as the human edits it: tasks with their order, before anything runs."""

from __future__ import annotations

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.levels import Level
from autodev_tui.domain.task import Criterion


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
    note: str = ""
    """The human's words to whoever carries it out."""
