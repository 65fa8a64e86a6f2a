"""What a worker of the rules is given, and what it answers with.

A worker is a plain function `work(job, done) -> Move`, called once a turn in a thread of its own. It may read
the worktree directly, and changes it only by tool calls, so that each passes the same gate, steps and review
as a model's. It keeps nothing between turns: what it knows is the job, the calls so far, and the worktree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodev_tui.vcs.repository import Repository


@dataclass(frozen=True)
class Job:
    """What is to be done. For the planner `title` is the goal and `description` what was added to it."""

    title: str
    description: str
    worktree: Path
    turn: int
    """The number of this turn, from 1."""
    decision: str = ""
    """The last human decision that the agent was told: accept, reject, edit, comment, or several with `+`."""
    notes: tuple[str, ...] = ()
    """What was said to the agent after its first message, oldest first: reviews, checks, human words."""
    repository: Repository | None = None
    """For its history, read only; None where a test needs none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the files do not say: `checks` with name, command and kind, `python`, `own_ruff`."""


@dataclass(frozen=True)
class Done:
    """A tool call that was made, with its result as a model would see it."""

    name: str
    args: Mapping[str, Any]
    result: str
    failed: bool
    """It was refused, denied, impossible, or was not carried out."""


Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Move:
    """The answer of one turn: words for the human, and tool calls as (name, arguments).

    The work is ended by a call of `finish` (the planner's: `submit_plan`). A Move must have words or calls.
    """

    text: str = ""
    calls: list[Call] = field(default_factory=list)


Worker = Callable[[Job, Sequence[Done]], Move]


class CannotGoOn(Exception):
    """The rules cannot do this. The message says what, and what the human can do."""
