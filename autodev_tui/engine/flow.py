"""How a run ends early: exceptions for control flow, each with the exit code it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autodev_tui.domain.approval import Approval

DONE, FAILED, USAGE, WAITING_CODE, LIMIT, DAMAGED, INTERRUPTED_CODE = 0, 1, 2, 3, 4, 5, 130
"""Exit codes of a headless run (DESIGN §7)."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code and, unless all is well, why."""

    code: int
    error: str = ""


class Halt(Exception):
    """The run cannot go on by itself; `code` is its exit code."""

    code = FAILED


class Waiting(Halt):
    """Questions wait for the human."""

    code = WAITING_CODE

    def __init__(self, approvals: Sequence[Approval]) -> None:
        self.approvals = list(approvals)
        super().__init__("; ".join(approval.title for approval in approvals))


class Interrupted(Exception):
    """The human ended what an agent was doing; where it goes on is durable."""


class GaveUp(Halt):
    """The agent, its checks or its provider failed for good."""


class NoPlan(GaveUp):
    """The planner's replies make no plan."""


class NeedsModel(Halt):
    """What is left needs a model, and there is none."""

    code = WAITING_CODE


class LimitReached(Halt):
    """Budget, time or turns are used up."""

    code = LIMIT
