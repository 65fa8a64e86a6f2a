"""A task of the plan: what one agent does in one worktree."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Usage
from autodev_tui.domain.states import TaskState


class TaskComplexity(StrEnum):
    """How hard a task is (S03)."""

    SIMPLE = "simple"
    MODERATE = "moderate"
    COMPLEX = "complex"
    EXPERT = "expert"


class Criterion(Frozen):
    """One acceptance criterion; `check` names the check or test that decides it, if any does."""

    text: str
    check: str | None = None
    ticked: bool = False
    """The human saw it met."""


class Transition(Frozen):
    """One logged change of a task's state."""

    at: float
    actor: str
    old: TaskState
    new: TaskState
    why: str = ""


class Task(Frozen):
    """One task (S03: DevelopmentTask)."""

    id: str
    """`T1`, `T2`, … within its session."""
    session: str
    title: str
    description: str = ""
    requirements: list[str] = Field(default_factory=list)
    constraints: list[str] = Field(default_factory=list)
    acceptance_criteria: list[Criterion] = Field(default_factory=list)
    complexity: TaskComplexity = TaskComplexity.MODERATE
    estimated_effort: float = 1.0
    """Hours; the default is S04's."""
    dependencies: list[str] = Field(default_factory=list)
    context: dict[str, Any] = Field(default_factory=dict)
    role: str = "development"
    files: list[str] = Field(default_factory=list)
    risk: float = Field(default=0.5, ge=0, le=1)
    state: TaskState = TaskState.PLANNED
    recommended: Level = Level.COLLABORATIVE
    pin: Level | None = None
    model: str | None = None
    """The model that a human chose for it, as in `ollama/qwen3`; None: the session's."""
    budget_usd: float | None = None
    """What it may cost, once the human raised the limit that the settings have for a task."""
    fallback: str = ""
    """What works on it since its model failed for good; empty while that works."""
    autonomy: dict[str, Any] = Field(default_factory=dict)
    """The score: level, score, factors, contributions, reasoning."""
    branch: str = ""
    worktree: str = ""
    base_commit: str = ""
    head_commit: str = ""
    turns: int = 0
    rounds: int = 0
    """How often its change set was reviewed."""
    usage: Usage = Usage()
    summary: str = ""
    error: str = ""
    evidence: str = "claimed"
    """claimed, verified, stale, unverifiable or failing."""
    evidence_tree: str = ""
    held: Literal["", "paused", "interrupted"] = ""
    """How a human holds it: before its next step, or stopped in the middle of one."""
    transitions: list[Transition] = Field(default_factory=list)
    todos: list[dict[str, Any]] = Field(default_factory=list)

    def key(self) -> str:
        """Its key in the store, unique over all sessions."""
        return f"{self.session}/{self.id}"
