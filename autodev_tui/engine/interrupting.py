"""A session whose process ended without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.states import SessionState

if TYPE_CHECKING:
    from autodev_tui.engine.board import Board


async def mark_interrupted(board: Board) -> None:
    """A session that nobody owns but that reads as open was killed: say so before anything goes on."""
    session = board.session
    if session.state in (
        SessionState.PLANNING,
        SessionState.RUNNING,
        SessionState.REVIEWING,
        SessionState.PAUSED,
    ):
        await board.commit(
            session.but(state=SessionState.INTERRUPTED), why="its process ended without a word"
        )
