"""What the engine is told: a closed union of commands, one JSON line each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from autodev_tui.domain.approval import Decision
from autodev_tui.domain.base import Frozen
from autodev_tui.domain.levels import Level


class StartSession(Frozen):
    """A new goal. `level` sets the slider and pins the goal; `timeout_s` bounds this run, in seconds."""

    kind: Literal["start_session"] = "start_session"
    goal: str
    level: Level | None = None
    budget_usd: float | None = None
    timeout_s: float | None = None
    land: bool = False
    plan_only: bool = False
    instructions: list[str] = Field(default_factory=list)
    """More about the goal, word for word, such as a requirements file."""


class ResumeSession(Frozen):
    """Go on with a session where it stopped. What is None stays as it was; `level` sets slider and pin."""

    kind: Literal["resume_session"] = "resume_session"
    session: str
    level: Level | None = None
    budget_usd: float | None = None
    timeout_s: float | None = None
    land: bool | None = None
    plan_only: bool | None = None


class StopSession(Frozen):
    """Stop now: running calls and commands are ended, nothing is lost."""

    kind: Literal["stop_session"] = "stop_session"


class PauseSession(Frozen):
    """Hold every agent before its next step."""

    kind: Literal["pause_session"] = "pause_session"


class ContinueSession(Frozen):
    """Let paused agents go on."""

    kind: Literal["continue_session"] = "continue_session"


class SetSlider(Frozen):
    """Move the slider; it holds from the next action on."""

    kind: Literal["set_slider"] = "set_slider"
    level: Level


class CancelTask(Frozen):
    """End one task for good; its worktree and checkpoints stay."""

    kind: Literal["cancel_task"] = "cancel_task"
    task: str


class Decide(Frozen):
    """Answer a question."""

    kind: Literal["decide"] = "decide"
    decision: Decision


Command = Annotated[
    StartSession
    | ResumeSession
    | StopSession
    | PauseSession
    | ContinueSession
    | SetSlider
    | CancelTask
    | Decide,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
