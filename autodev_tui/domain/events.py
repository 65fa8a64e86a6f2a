"""What the engine tells: a closed union of events, one JSON line each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from autodev_tui.domain.base import DEFERRED, Frozen

PROTOCOL_VERSION = 1


class EventBase(Frozen):
    """`seq` orders the logged events of a session; transient ones repeat the last. `at` is for display."""

    seq: int = 0
    at: float = 0.0
    session: str = ""
    task: str | None = None


class Hello(EventBase):
    """First line of a subscription."""

    kind: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION


class SessionMoved(EventBase):
    """The session changed its state."""

    kind: Literal["session_moved"] = "session_moved"
    old: str
    new: str
    why: str = ""


class PhaseStarted(EventBase):
    """One of the six phases began."""

    kind: Literal["phase_started"] = "phase_started"
    phase: int
    name: str


class PlanReady(EventBase):
    """The planner handed in a plan."""

    kind: Literal["plan_ready"] = "plan_ready"
    tasks: list[dict[str, Any]]


class TaskMoved(EventBase):
    """A task changed its state."""

    kind: Literal["task_moved"] = "task_moved"
    old: str
    new: str
    actor: str = "engine"
    why: str = ""


class StepMoved(EventBase):
    """A step changed its state."""

    kind: Literal["step_moved"] = "step_moved"
    step: str
    step_kind: str
    name: str
    new: str
    detail: dict[str, Any] = Field(default_factory=dict)


class TextStreamed(EventBase):
    """A piece of the model's text or thinking; shown, never logged."""

    kind: Literal["text_streamed"] = "text_streamed"
    text: str
    thinking: bool = False


class OutputStreamed(EventBase):
    """A piece of a command's output; shown, never logged."""

    kind: Literal["output_streamed"] = "output_streamed"
    step: str
    text: str


class Retrying(EventBase):
    """A model call failed and is tried again after `wait_s` seconds."""

    kind: Literal["retrying"] = "retrying"
    attempt: int
    of: int
    wait_s: float
    why: str


class Asked(EventBase):
    """A question waits for the human."""

    kind: Literal["asked"] = "asked"
    approval: str
    ask_kind: str
    title: str
    risk: str


class Decided(EventBase):
    """A question was answered, or fell away."""

    kind: Literal["decided"] = "decided"
    approval: str
    state: str
    actor: str = ""
    reason: str = ""


class Checked(EventBase):
    """A check ran on a tree."""

    kind: Literal["checked"] = "checked"
    check: str
    tree: str
    result: str
    duration_s: float = 0.0
    why: str = ""
    cause: str = ""
    """The place and words of its primary failure, if it is red."""


class GateJudged(EventBase):
    """The quality gate judged a tree."""

    kind: Literal["gate_judged"] = "gate_judged"
    tree: str
    verdict: str
    score: float
    reasons: list[str] = Field(default_factory=list)


class Committed(EventBase):
    """A commit of ours was made."""

    kind: Literal["committed"] = "committed"
    branch: str
    commit: str
    title: str


class Landed(EventBase):
    """The user's branch moved."""

    kind: Literal["landed"] = "landed"
    branch: str
    old: str
    new: str


class Noticed(EventBase):
    """Something worth telling that fits nothing else."""

    kind: Literal["noticed"] = "noticed"
    text: str
    severity: Literal["info", "warning", "error"] = "info"


class Ended(EventBase):
    """A run came to its end with an exit code."""

    kind: Literal["ended"] = "ended"
    code: int
    error: str = ""


Event = Annotated[
    Hello
    | SessionMoved
    | PhaseStarted
    | PlanReady
    | TaskMoved
    | StepMoved
    | TextStreamed
    | OutputStreamed
    | Retrying
    | Asked
    | Decided
    | Checked
    | GateJudged
    | Committed
    | Landed
    | Noticed
    | Ended,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event, config=DEFERRED)
TRANSIENT = (TextStreamed, OutputStreamed)
"""Events that are shown live and never written: the store has what they led to."""
