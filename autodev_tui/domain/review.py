"""What is being decided about a change set: shown in full, drafted hunk by hunk, sent at once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from autodev_tui.domain.approval import HunkDecision, LineComment
from autodev_tui.domain.base import Frozen
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.evidence import Evidence


class ReviewDraft(Frozen):
    """Decisions that are not sent yet. They survive the end of the program."""

    approval: str
    shown_hash: str
    decisions: list[HunkDecision] = Field(default_factory=list)
    """At most one a hunk; a hunk without one is open."""
    comments: list[LineComment] = Field(default_factory=list)
    texts: dict[str, str] = Field(default_factory=dict)
    """Half-typed words by what they are for: `reject:3`, `edit:3`, `comment:3:12`."""
    ticked: list[str] = Field(default_factory=list)
    """Acceptance criteria that the human saw met."""
    unmet: dict[str, str] = Field(default_factory=dict)
    """Acceptance criteria that are not met, with the reason."""


class FileText(Frozen):
    """Both sides of a changed file, as text with undecodable bytes surrogate-escaped; empty where binary."""

    path: str
    old: str = ""
    new: str = ""


class HunkInfo(Frozen):
    """What is known about a hunk besides its lines."""

    number: int
    badges: list[str] = Field(default_factory=list)
    hard_gates: list[str] = Field(default_factory=list)
    """Why this hunk is decided by itself, never with the rest: `asserts −1`."""
    rejected_before: str | None = None
    """The reason that was given when this very hunk was rejected; "" for a rejection without one."""


class ReviewView(Frozen):
    """Everything that a review shows of one change set."""

    approval: str
    shown_hash: str
    task: str | None = None
    """None: the session's whole change."""
    title: str = ""
    changes: ChangeSet
    hunks: list[HunkInfo] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    """Of the proposed tree."""
    gate: dict[str, Any] = Field(default_factory=dict)
    """The quality gate's verdict: verdict, score, reasons, ran, not_run, new_failures, old_failures."""
    criteria: list[str] = Field(default_factory=list)
    moved: list[str] = Field(default_factory=list)
    """Paths whose file in the worktree is not what is shown any more."""


class ConflictHunk(Frozen):
    """One place where two sides changed the same lines. Sides are lines with their ends."""

    number: int
    path: str
    start: int
    """First line of the place on the left side, from 1."""
    before: list[str] = Field(default_factory=list)
    """A few lines above it, which both sides agree on."""
    base: list[str]
    left: list[str]
    """What has joined before."""
    right: list[str]
    """What the task wants."""
    after: list[str] = Field(default_factory=list)
    proposal: list[str] | None = None
    """A resolution that lost nothing of either side, where one could be made."""
    why: str = ""
    """How the proposal came about, or why there is none."""


class ConflictView(Frozen):
    """A merge that needs the human."""

    approval: str
    shown_hash: str
    task: str
    left_name: str
    right_name: str
    hunks: list[ConflictHunk]
    whole_files: list[str] = Field(default_factory=list)
    """Conflicts that no lines can show (binary, deleted on one side): take one side, `<` or `>`.

    They are numbered on from the last hunk: with 2 hunks the first of them is 3. The answer has one
    HunkDecision for each hunk and whole file: `edit` with the lines that hold (hunks alone), `reject` for the
    left side, what joined before, or `accept` for the right side, what the task wants.
    """
    proposal: dict[str, Any] = Field(default_factory=dict)
    """The checks' verdict on all proposals together, where every place has one: verdict, score, reasons."""
    red: list[str] = Field(default_factory=list)
    """Why the resolution that was given before did not join: its checks were red."""


Side = Literal["left", "right", "both", "proposal"]

__all__ = [
    "ConflictHunk",
    "ConflictView",
    "FileText",
    "HunkInfo",
    "LineComment",
    "ReviewDraft",
    "ReviewView",
    "Side",
]
