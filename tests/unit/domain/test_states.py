"""The tables of states: every legal move and none other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.states import (
    ApprovalState as A,
)
from autodev_tui.domain.states import (
    IllegalMove,
    legal_moves,
    move,
)
from autodev_tui.domain.states import (
    SessionState as S,
)
from autodev_tui.domain.states import (
    StepState as P,
)
from autodev_tui.domain.states import (
    TaskState as T,
)

OPEN_SESSIONS = (S.PLANNING, S.RUNNING, S.PAUSED, S.REVIEWING)
OPEN_TASKS = (T.PLANNED, T.ASSIGNED, T.IN_PROGRESS, T.BLOCKED, T.IN_REVIEW)
# Written out by hand from the design, so that the table in code is checked against something else.
LEGAL = [
    (S.PLANNING, S.RUNNING),
    (S.RUNNING, S.PAUSED),
    (S.PAUSED, S.RUNNING),
    (S.RUNNING, S.REVIEWING),
    (S.REVIEWING, S.RUNNING),
    (S.REVIEWING, S.LANDED),
    *((old, end) for old in OPEN_SESSIONS for end in (S.FAILED, S.CANCELLED, S.INTERRUPTED)),
    *((old, back) for old in (S.FAILED, S.INTERRUPTED) for back in OPEN_SESSIONS),
    (T.PLANNED, T.ASSIGNED),
    (T.ASSIGNED, T.IN_PROGRESS),
    (T.IN_PROGRESS, T.BLOCKED),
    (T.BLOCKED, T.IN_PROGRESS),
    (T.IN_PROGRESS, T.IN_REVIEW),
    (T.IN_REVIEW, T.COMPLETED),
    (T.IN_REVIEW, T.IN_PROGRESS),
    *((old, end) for old in OPEN_TASKS for end in (T.FAILED, T.CANCELLED)),
    (T.FAILED, T.IN_PROGRESS),
    (T.COMPLETED, T.IN_PROGRESS),
    (P.PLANNED, P.STARTED),
    (P.PLANNED, P.AWAITING),
    (P.PLANNED, P.SUPERSEDED),
    (P.AWAITING, P.APPROVED),
    (P.AWAITING, P.REFUSED),
    (P.APPROVED, P.STARTED),
    (P.APPROVED, P.AWAITING),
    (P.STARTED, P.DONE),
    (P.STARTED, P.FAILED),
    (P.STARTED, P.INTERRUPTED),
    (P.STARTED, P.UNKNOWN),
    (P.UNKNOWN, P.DONE),
    (P.UNKNOWN, P.PLANNED),
    (P.UNKNOWN, P.SKIPPED),
    (A.PENDING, A.APPROVED),
    (A.PENDING, A.EDITED),
    (A.PENDING, A.REJECTED),
    (A.PENDING, A.DEFERRED),
    (A.PENDING, A.SUPERSEDED),
    (A.DEFERRED, A.PENDING),
    (A.APPROVED, A.PENDING),
    (A.EDITED, A.PENDING),
    (A.REJECTED, A.PENDING),
]  # fmt: skip


@pytest.mark.parametrize("states", [S, T, P, A])
def test_every_pair_is_legal_exactly_when_the_design_says_so(states: type) -> None:
    for old in states:
        for new in states:
            # Members of different tables may have one spelling, and then are equal.
            if any(one is old and other is new for one, other in LEGAL):
                assert move(old, new) is new
            else:
                with pytest.raises(IllegalMove):
                    move(old, new)


@given(st.lists(st.sampled_from(list(T)), max_size=30))
def test_a_random_walk_never_leaves_a_cancelled_task(wanted: list[T]) -> None:
    state = T.PLANNED
    ended = False
    for new in wanted:
        if new in legal_moves(state):
            assert not ended
            state = move(state, new)
        ended = state is T.CANCELLED
    assert state in T
