"""What a review can be compared with, and which of its hunks change nothing but blanks. Pure."""

from __future__ import annotations

import re

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.changeset import Hunk
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import ApprovalState, StepState
from autodev_tui.domain.step import StepKind

_ANSWERED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)
_BLANKS = re.compile(r"(?<=\S)\s+")


def comparisons(mirror: Mirror, approval: str) -> list[tuple[str, str, str]]:
    """Earlier trees of the same work, each with its title and the tree that is reviewed.

    First what was reviewed last, then the checkpoints, the newest first; none that is the same tree.
    """
    asked = mirror.approvals[approval]
    now = str(asked.base.get("proposed", ""))
    before = [
        one
        for one in mirror.approvals.values()
        if one.kind is ApprovalKind.CHANGES
        and one.task == asked.task
        and one.state in _ANSWERED
        and one.created < asked.created
    ]
    found: dict[str, str] = {}
    if before:
        last = max(before, key=lambda one: one.created)
        found[str(last.base.get("proposed", ""))] = "since your last review"
    for step in reversed(mirror.steps_of(asked.task)):
        if step.kind is StepKind.CHECKPOINT and step.state is StepState.DONE and step.result.get("tree"):
            number = str(step.result.get("ref", "")).rpartition("/")[2]
            found.setdefault(str(step.result["tree"]), f"since checkpoint {number}")
    return [(title, tree, now) for tree, title in found.items() if tree and tree != now]


def only_blanks(hunk: Hunk) -> bool:
    """Whether nothing but blanks inside lines, at their ends, and empty lines changed; indentation counts."""
    if hunk.whole_file:
        return False
    old, new = (_words(side) for side in (hunk.old_lines, hunk.new_lines))
    return old == new


def _words(lines: list[str]) -> list[str]:
    return [_BLANKS.sub(" ", line.rstrip()) for line in lines if line.strip()]
