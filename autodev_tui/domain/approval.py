"""Questions to the human, as data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.kinds import ApprovalKind as ApprovalKind
from autodev_tui.domain.states import ApprovalState


class HunkDecision(Frozen):
    """What the human decided on one hunk of a change set. Hunks are numbered from 1."""

    hunk: int
    verdict: Literal["accept", "reject", "edit", "comment"]
    reason: str = ""
    new_lines: list[str] | None = None
    """For `edit`: the lines that replace the hunk's new side, each with its line end."""
    lines: list[int] | None = None
    """For a partial `accept`: which of the hunk's changed lines (from 1) are taken."""


class LineComment(Frozen):
    """The human's words about one line of a hunk; `line` counts the lines of the hunk's diff from 0."""

    hunk: int
    line: int
    text: str


class Decision(Frozen):
    """One answer of the human, bound to exactly what was shown."""

    approval: str
    verdict: Literal["approve", "edit", "reject", "defer", "choose"]
    shown_hash: str
    actor: str
    at: float
    reason: str = ""
    choice: str = ""
    text: str = ""
    hunks: list[HunkDecision] = Field(default_factory=list)
    rest: Literal["open", "accept", "reject"] = "reject"
    """What becomes of hunks that `hunks` does not name, if it names any."""
    comments: list[LineComment] = Field(default_factory=list)
    """Words about lines, also of hunks that are accepted; the agent gets them with the line quoted."""
    ticked: list[str] = Field(default_factory=list)
    """Acceptance criteria that the human saw met."""
    unmet: dict[str, str] = Field(default_factory=dict)
    """Acceptance criteria that are not met, with the reason for the agent."""
    remember: Literal["", "session", "repository"] = ""
    mac: str = ""
    """HMAC-SHA256 with the client secret over all other fields; no agent can make one."""


class Approval(Frozen):
    """A pending or decided question."""

    id: str
    session: str
    task: str | None = None
    step: str = ""
    kind: ApprovalKind
    risk: Literal["low", "medium", "high", "critical"] = "medium"
    title: str
    ask: dict[str, Any]
    """What is asked, in full: the command, diff, plan or question as shown."""
    shown_hash: str
    """sha256 of exactly what was shown plus the base it applies to."""
    base: dict[str, Any] = Field(default_factory=dict)
    """What must be unchanged when the decision takes effect: trees, commits, file hashes, policy."""
    effect: str = ""
    """Key of the effect: the same effect asked twice is one question."""
    asked_by: list[str] = Field(default_factory=list)
    """Tasks that want this very effect, the first that asked first: one answer serves all."""
    action: str = ""
    """Its row in the table of autonomy; empty for what every level asks."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """What the table of autonomy was told besides, and `advice`, the level that holds without the slider."""
    hard_gates: list[str] = Field(default_factory=list)
    choices: list[str] = Field(default_factory=list)
    state: ApprovalState = ApprovalState.PENDING
    decision: Decision | None = None
    read: bool = False
    """True once the engine acted on the decision; it cannot be recalled then."""
    created: float
    seq: int = 0
