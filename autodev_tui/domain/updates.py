"""What a front end is kept up to date with: the records that changed, and what streams.

An update carries the newest state of each record, not the way there: a front end that was slow gets fewer of
them, and misses nothing but pieces of streams.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, TypeAdapter

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.base import Frozen
from autodev_tui.domain.events import Event
from autodev_tui.domain.facts import EngineFacts as EngineFacts
from autodev_tui.domain.review import ReviewDraft
from autodev_tui.domain.session import Session
from autodev_tui.domain.step import Step
from autodev_tui.domain.task import Task


class Message(Frozen):
    """Words of the human to an agent."""

    id: str
    session: str
    task: str | None = None
    """None: the planner."""
    text: str
    state: Literal["queued", "delivered", "taken_back"] = "queued"
    created: float


class Rule(Frozen):
    """A remembered approval: what it allows, where, since when."""

    id: str
    session: str = ""
    """Empty: it holds in this repository."""
    action: str
    words: str
    """The rule in full, as it was shown before it was saved."""
    pattern: dict[str, Any]
    created: float
    used: int = 0
    mac: str = ""
    """HMAC-SHA256 with the client secret over all other fields but `used`: no agent can make a rule."""


class StreamPiece(Frozen):
    """Text that came in since the last update, for one agent or one of its running commands."""

    task: str | None = None
    kind: Literal["text", "thinking", "output"]
    step: str = ""
    """Of a command's output."""
    text: str
    left_out: int = 0
    """Characters before `text` that a slow front end missed."""


class Update(Frozen):
    """The newest state of what changed since the last update. Records that are left out are as they were."""

    reset: bool = False
    """Forget everything known of a session first: this is all there is now."""
    facts: EngineFacts | None = None
    session: Session | None = None
    tasks: list[Task] = Field(default_factory=list)
    gone_tasks: list[str] = Field(default_factory=list)
    approvals: list[Approval] = Field(default_factory=list)
    """Of a change set without the lines of its hunks: GetReview has them."""
    steps: list[Step] = Field(default_factory=list)
    """With a reset: the latest of each agent, at most STEPS_SHOWN."""
    step_counts: dict[str, int] = Field(default_factory=dict)
    """Steps of each task ("": the planner) in all."""
    messages: list[Message] = Field(default_factory=list)
    drafts: list[ReviewDraft] = Field(default_factory=list)
    gone_drafts: list[str] = Field(default_factory=list)
    rules: list[Rule] | None = None
    views: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Kept views by name; sent with a reset."""
    paused: list[str] | None = None
    """Tasks that a human holds."""
    meets: dict[str, list[str]] | None = None
    """Task → what it meets: `T4 in src/auth.py`."""
    working: list[str] | None = None
    """Tasks that have an agent's slot now ("": the planner)."""
    moved: list[str] = Field(default_factory=list)
    """Approvals whose files changed on disk since they were shown."""
    streams: list[StreamPiece] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    """Logged events that came meanwhile, for the log and for what passes: retries, notices, commits."""


UPDATE: TypeAdapter[Update] = TypeAdapter(Update)
STEPS_SHOWN = 400
"""Steps of each agent that a front end gets at first: more than any pane shows at once."""
