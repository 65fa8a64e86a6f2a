"""A step: one durable effect, recorded before it begins and after it ends."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.kinds import StepKind as StepKind
from autodev_tui.domain.states import StepState


class Step(Frozen):
    """One effect. Its id is `<session>/<seq>`; `seq` orders all steps of a session."""

    id: str
    session: str
    seq: int
    task: str | None = None
    kind: StepKind
    name: str = ""
    """Tool or check name, or what the effect is called."""
    state: StepState = StepState.PLANNED
    attempt: int = 0
    turn: int = 0
    call_id: str = ""
    """Id of the model's tool call that asked for this step."""
    args: dict[str, Any] = Field(default_factory=dict)
    input_hash: str = ""
    """sha256 of a tool's name and arguments as canonical JSON."""
    approval: str = ""
    intent: dict[str, Any] = Field(default_factory=dict)
    """What must be known on resume to judge the effect: hashes, old and new commits, exit file."""
    result: dict[str, Any] = Field(default_factory=dict)
    result_blob: str = ""
    created: float
    started: float | None = None
    ended: float | None = None
