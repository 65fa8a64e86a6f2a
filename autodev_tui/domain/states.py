"""The tables of states: every legal move of a session, task, step and approval, and none other."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class SessionState(StrEnum):
    """Where a session stands."""

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    REVIEWING = "reviewing"
    LANDED = "landed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class TaskState(StrEnum):
    """Where a task stands (S03)."""

    PLANNED = "planned"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    IN_REVIEW = "in_review"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where one effect stands in the step protocol."""

    PLANNED = "planned"
    AWAITING = "awaiting"
    APPROVED = "approved"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class ApprovalState(StrEnum):
    """Where a question to the human stands."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    SUPERSEDED = "superseded"


_S, _T, _P, _A = SessionState, TaskState, StepState, ApprovalState

_SESSION_WORK: dict[SessionState, set[SessionState]] = {
    _S.PLANNING: {_S.RUNNING},
    _S.RUNNING: {_S.PAUSED, _S.REVIEWING},
    _S.PAUSED: {_S.RUNNING},
    _S.REVIEWING: {_S.RUNNING, _S.LANDED},
}
_SESSION_ENDS = {_S.FAILED, _S.CANCELLED, _S.INTERRUPTED}

SESSION_MOVES: dict[SessionState, frozenset[SessionState]] = {
    **{state: frozenset(to | _SESSION_ENDS) for state, to in _SESSION_WORK.items()},
    _S.LANDED: frozenset(),
    _S.CANCELLED: frozenset(),
    # Back to the state they left, and no other: the session knows which one.
    _S.FAILED: frozenset(_SESSION_WORK),
    _S.INTERRUPTED: frozenset(_SESSION_WORK),
}

_TASK_WORK: dict[TaskState, set[TaskState]] = {
    _T.PLANNED: {_T.ASSIGNED},
    _T.ASSIGNED: {_T.IN_PROGRESS},
    _T.IN_PROGRESS: {_T.BLOCKED, _T.IN_REVIEW},
    _T.BLOCKED: {_T.IN_PROGRESS},
    _T.IN_REVIEW: {_T.COMPLETED, _T.IN_PROGRESS},
}

TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    **{state: frozenset(to | {_T.FAILED, _T.CANCELLED}) for state, to in _TASK_WORK.items()},
    # Sent back by the human, as long as it has not joined: it conflicts with what has.
    _T.COMPLETED: frozenset({_T.IN_PROGRESS}),
    _T.CANCELLED: frozenset(),
    _T.FAILED: frozenset({_T.IN_PROGRESS}),
}

STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    _P.PLANNED: frozenset({_P.STARTED, _P.AWAITING, _P.SUPERSEDED}),
    _P.AWAITING: frozenset({_P.APPROVED, _P.REFUSED}),
    _P.APPROVED: frozenset({_P.STARTED, _P.AWAITING}),
    _P.STARTED: frozenset({_P.DONE, _P.FAILED, _P.INTERRUPTED, _P.UNKNOWN}),
    _P.UNKNOWN: frozenset({_P.DONE, _P.PLANNED, _P.SKIPPED}),
    _P.REFUSED: frozenset(),
    _P.SUPERSEDED: frozenset(),
    _P.DONE: frozenset(),
    _P.FAILED: frozenset(),
    _P.INTERRUPTED: frozenset(),
    _P.SKIPPED: frozenset(),
}

_DECIDED = {_A.APPROVED, _A.EDITED, _A.REJECTED}

APPROVAL_MOVES: dict[ApprovalState, frozenset[ApprovalState]] = {
    _A.PENDING: frozenset(_DECIDED | {_A.DEFERRED, _A.SUPERSEDED}),
    _A.DEFERRED: frozenset({_A.PENDING}),
    # Recalled by the human, as long as nobody has read the decision.
    _A.APPROVED: frozenset({_A.PENDING}),
    _A.EDITED: frozenset({_A.PENDING}),
    _A.REJECTED: frozenset({_A.PENDING}),
    _A.SUPERSEDED: frozenset(),
}

State = TypeVar("State", SessionState, TaskState, StepState, ApprovalState)


class IllegalMove(Exception):
    """A state change that the tables do not allow: a bug in the caller, never a user's fault."""


def legal_moves(state: State) -> frozenset[State]:
    """The states that may follow `state`."""
    tables: tuple[dict[State, frozenset[State]], ...] = (
        SESSION_MOVES,
        TASK_MOVES,
        STEP_MOVES,
        APPROVAL_MOVES,
    )  # type: ignore[assignment]
    for table in tables:
        if isinstance(state, type(next(iter(table)))):
            return table[state]
    raise TypeError(f"no table of states for {state!r}")


def move(old: State, new: State) -> State:
    """`new`, if it may follow `old`.

    Raises:
        IllegalMove: if the table does not have this move.
    """
    if new not in legal_moves(old):
        raise IllegalMove(f"{type(old).__name__}: {old} cannot become {new}")
    return new
