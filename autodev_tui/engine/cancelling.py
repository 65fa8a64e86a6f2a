"""The end of a session by the human's word: its agents stop, nothing that they made is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodev_tui.domain.states import ApprovalState, SessionState, TaskState, legal_moves
from autodev_tui.engine.ending import end_task
from autodev_tui.engine.refusal import Refusal

if TYPE_CHECKING:
    from autodev_tui.domain.commands import CancelSession
    from autodev_tui.engine.site import Site


async def cancel_session(site: Site, command: CancelSession) -> None:
    """End the open session and all its tasks. Raises Refusal: it has ended before."""
    services = site.engine.services
    if services.session.state in (SessionState.LANDED, SessionState.CANCELLED):
        raise Refusal(f"this session is {services.session.state} already")
    await site.engine.halt()
    board = services.board
    for task in list(board.tasks.values()):
        if TaskState.CANCELLED in legal_moves(task.state):
            await end_task(services, task.id)
    session: Any = services.session
    if session.state in (SessionState.INTERRUPTED, SessionState.FAILED):
        back = session.left_state or SessionState.PLANNING
        await board.commit(session.but(state=back), why="cancelled by the human")
    questions = [one.but(state=ApprovalState.SUPERSEDED) for one in board.pending()]
    ended = services.session.but(state=SessionState.CANCELLED, end_time=services.clock(), error="")
    await board.commit(ended, *questions, why="cancelled by the human")
