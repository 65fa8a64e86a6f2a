"""The one quiet line of a demo: what to do next, by how its session stands.

It is read in the engine's loop, whenever something changed, and shown only where nothing waits that is not in
front already. At most 78 cells; short where it stands beside what went wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState, SessionState, TaskState

if TYPE_CHECKING:
    from autodev_tui.engine.board import Board

BEGIN = "demo: enter sends this goal · only the model's words are recorded"
PLANNING = "demo: the planner reads first · repository, checks and commits are real"
WORKING = "demo: {} side by side, each in a worktree · 2 shows them"
ONE_WORKS = "demo: one agent works, in a worktree of its own · 2 shows it"
CHECKING = "demo: autodev runs the checks itself, nobody's word counts"
PAUSED = "demo: paused · x in Tasks goes on"
LANDED = "demo: that is it · ctrl+q leaves, and says where the repository is"
NOTHING = "demo: nothing was accepted, so nothing lands · i, enter begins anew"
CANCELLED = "demo: cancelled · i, enter begins anew · ctrl+q leaves"
RETRY = "i, enter: the goal again · ctrl+q leaves"
OTHERS = "the others go on"
IN_FRONT = {
    ApprovalKind.PLAN: "demo: a approves the plan · e edits a task · r asks for another one",
    ApprovalKind.CHANGES: "demo: a accept · r reject · e edit · c comment · enter, enter sends",
    ApprovalKind.MERGE: "demo: two changes meet · < left · > right · e edit · enter sends",
    ApprovalKind.LAND: "demo: G reads to the end, a lands it on main · nothing is pushed",
}
ASKED = "demo: a approves · r rejects, with a reason · q closes"


def hint(board: Board | None) -> str:
    """The line for a session that stands like this; None: there is none yet."""
    if board is None:
        return BEGIN
    waiting = [one for one in board.approvals.values() if one.state is ApprovalState.PENDING]
    match board.session.state:
        case SessionState.LANDED:
            return LANDED
        case SessionState.CANCELLED:
            return CANCELLED
        case SessionState.FAILED | SessionState.INTERRUPTED:
            return RETRY
        case _ if waiting:
            return _in_front(waiting)
        case SessionState.PAUSED:
            return PAUSED
        case SessionState.PLANNING:
            return PLANNING
        case SessionState.REVIEWING if board.session.head_commit in ("", board.session.base_commit):
            return NOTHING
    if any(task.state is TaskState.FAILED for task in board.tasks.values()):
        return OTHERS
    working = [task for task in board.tasks.values() if task.state is TaskState.IN_PROGRESS]
    if not working:
        return CHECKING
    words = {2: "two agents work", 3: "three agents work"}.get(len(working), f"{len(working)} agents work")
    return WORKING.format(words) if len(working) > 1 else ONE_WORKS


def _in_front(waiting: list[Approval]) -> str:
    """What the keys do in the pane that the most urgent question opens."""
    kinds = {one.kind for one in waiting}
    if kinds - set(IN_FRONT):
        return ASKED
    order = (ApprovalKind.PLAN, ApprovalKind.MERGE, ApprovalKind.CHANGES, ApprovalKind.LAND)
    return next(IN_FRONT[kind] for kind in order if kind in kinds)
