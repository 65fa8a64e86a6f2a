"""A session: one goal from its first word to a landed commit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.evidence import Check
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState


class Usage(Frozen):
    """What the model calls of a session or task used. Tokens are counts, cost is USD."""

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    cost_known: bool = True
    held_usd: float = 0.0
    """At most this much more: calls that a kill cut off, whose bill nobody saw. It counts for every limit."""
    local_s: float = 0.0
    """Seconds for which models of this machine were at work; they cost nothing."""
    at_least: bool = False
    """True when a stream was cut, so that its last seen usage is only a floor."""

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            requests=self.requests + other.requests,
            retries=self.retries + other.retries,
            input_tokens=self.input_tokens + other.input_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            cost_known=self.cost_known and other.cost_known,
            held_usd=self.held_usd + other.held_usd,
            local_s=self.local_s + other.local_s,
            at_least=self.at_least or other.at_least,
        )


class Session(Frozen):
    """One goal and everything that became of it (S01 lists the fields kept for its record)."""

    id: str
    goal: str
    title: str = ""
    """What the human calls it; empty: the first line of its goal."""
    archived: bool = False
    """Put out of the list of sessions by the human."""
    state: SessionState = SessionState.PLANNING
    left_state: SessionState | None = None
    """The open state that a failed or interrupted session goes back to."""
    phase: int = Field(default=1, ge=1, le=6)
    """The S01 phase it is in, or stopped in."""
    model: str
    planning_model: str = ""
    """What plans since the model failed for good; empty while that works."""
    slider: Level
    pin: Level | None = None
    land: bool = False
    plan_only: bool = False
    held: Literal["", "paused", "interrupted"] = ""
    """How a human holds the planner."""
    budget_usd: float | None = None
    warned: list[str] = Field(default_factory=list)
    """Limits of which it was said already that they are nearly reached."""
    timeout_s: float | None = None
    target_branch: str
    base_commit: str
    session_branch: str
    head_commit: str = ""
    landed_commit: str = ""
    start_time: float
    end_time: float | None = None
    active_s: float = 0.0
    """Seconds spent running, over all its processes; waiting for a human is not counted."""
    usage: Usage = Usage()
    analysis: dict[str, Any] = Field(default_factory=dict)
    autonomy_decisions: list[dict[str, Any]] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)
    quality: dict[str, Any] = Field(default_factory=dict)
    instructions: list[str] = Field(default_factory=list)
    given: list[dict[str, Any]] = Field(default_factory=list)
    """The planned tasks that it was started with; empty: it is planned."""
    checks: list[Check] = Field(default_factory=list)
    """Checks that the human named, beside those of the repository."""
    flags: dict[str, bool] = Field(default_factory=dict)
    """Feature flags as they were when it began: the arms that its outcome counts for."""
    error: str = ""
    code: int | None = None
    """Exit code of the last headless end, see DESIGN's table."""

    @property
    def over(self) -> bool:
        """Whether nothing of it can be resumed; a landing that a kill cut off from its record still can."""
        if self.state is SessionState.LANDED:
            return self.code is not None
        return self.state is SessionState.CANCELLED
