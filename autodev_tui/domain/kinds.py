"""What can be asked and done, by name. The screen's first picture needs these words, and no model of data."""

from __future__ import annotations

from enum import StrEnum


class ApprovalKind(StrEnum):
    """What is asked."""

    PLAN = "plan"
    QUESTION = "question"
    EDIT = "edit"
    COMMAND = "command"
    CHANGES = "changes"
    MERGE = "merge"
    LAND = "land"
    BUDGET = "budget"
    ESCALATION = "escalation"


class StepKind(StrEnum):
    """What kind of effect a step is."""

    MODEL = "model"
    TOOL = "tool"
    NOTE = "note"
    """Words put into an agent's conversation: its task, a review, an answer."""
    CHECKPOINT = "checkpoint"
    CHECK = "check"
    SETUP = "setup"
    COMMIT = "commit"
    FOLLOW = "follow"
    """The worktree follows a review's result."""
    MERGE = "merge"
    LAND = "land"
