"""The board: nothing illegal is written, one line a commit, memory and disk never part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import ApprovalState, IllegalMove, SessionState, StepState, TaskState
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import Board
from autodev_tui.engine.event_log import read_events
from store.database import Database
from store.journal import StoreError
from tests.fakes.engine_kit import board_on, until


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    database = Database.open(tmp_path / "state")
    yield board_on(database, tmp_path)
    database.close()


def journal(board: Board) -> bytes:
    return (board.database.directory / "state.json.journal").read_bytes()


def lines(board: Board) -> int:
    return journal(board).count(b"\n")


def task(**fields: object) -> Task:
    return Task(id="T1", session="s1", title="t", **fields)


async def test_an_illegal_move_is_refused_before_anything_is_written(board: Board) -> None:
    await board.commit(task())
    step = board.new_step(StepKind.TOOL, "T1", "read_file")
    await board.commit(step)
    before, told = journal(board), len(read_events(board.log._path))
    for record in (
        board.tasks["T1"].but(state=TaskState.COMPLETED),
        board.step(step.id).but(state=StepState.DONE),
        board.session.but(state=SessionState.LANDED),
    ):
        with pytest.raises(IllegalMove):
            await board.commit(board.tasks["T1"].but(summary="rides along"), record)
    assert journal(board) == before
    assert len(read_events(board.log._path)) == told
    assert board.tasks["T1"].summary == ""
    assert board.tasks["T1"].state is TaskState.PLANNED


async def test_a_step_passes_only_through_legal_states(board: Board) -> None:
    step = board.new_step(StepKind.TOOL, "T1", "edit_file")
    await board.commit(step)
    with pytest.raises(IllegalMove):
        await board.commit(step.but(state=StepState.DONE), via=[StepState.APPROVED, StepState.STARTED])
    await board.commit(step.but(state=StepState.DONE), via=[StepState.STARTED])
    assert board.step(step.id).state is StepState.DONE


async def test_transitions_are_logged_with_time_actor_and_reason(board: Board) -> None:
    await board.commit(task())
    board.actor = "ada"
    await board.commit(board.task_moved("T1", TaskState.ASSIGNED), why="it is its turn")
    await board.commit(board.task_moved("T1", TaskState.IN_PROGRESS))
    first, second = board.tasks["T1"].transitions
    assert (first.old, first.new, first.actor, first.why) == ("planned", "assigned", "ada", "it is its turn")
    assert (second.old, second.new) == ("assigned", "in_progress")
    assert second.at > first.at > 0
    moved = [event for event in read_events(board.log._path) if event.kind == "task_moved"]
    assert [(event.old, event.new, event.actor) for event in moved][1:] == [
        ("planned", "assigned", "ada"),
        ("assigned", "in_progress", "ada"),
    ]


async def test_one_commit_is_one_journal_line(board: Board) -> None:
    await board.commit(task())
    before = lines(board)
    steps = [board.new_step(StepKind.TOOL, "T1", "read_file") for _ in range(20)]
    await board.commit(*steps, board.tasks["T1"].but(turns=1), board.session.but(phase=4))
    assert lines(board) == before + 1


async def test_steps_are_read_in_order_and_by_name(board: Board) -> None:
    for number in range(5):
        await board.commit(board.new_step(StepKind.TOOL, "T1" if number % 2 else None, f"n{number}"))
    assert [step.name for step in board.steps("T1")] == ["n1", "n3"]
    assert [step.seq for step in board.all_steps()] == [1, 2, 3, 4, 5]
    again = board.new_step(StepKind.TOOL, "T1", "n1", attempt=1)
    await board.commit(again)
    assert board.named(StepKind.TOOL, "T1", "n1") == again
    assert board.named(StepKind.TOOL, None, "n1") is None


async def test_loading_gives_the_same_board(board: Board) -> None:
    await board.commit(task(), board.new_step(StepKind.TOOL, "T1", "read_file"))
    await board.commit(board.task_moved("T1", TaskState.ASSIGNED), board.session.but(phase=4))
    other = Board.load(board.database, "s1", board.log, board.clock)
    assert (other.session, other.tasks, other.all_steps()) == (board.session, board.tasks, board.all_steps())
    assert other.new_step(StepKind.NOTE, None).seq == 2


@pytest.mark.parametrize("cancels", [1, 2, 5])
async def test_a_cancelled_commit_leaves_memory_and_disk_equal(board: Board, cancels: int) -> None:
    await board.commit(task())
    board.database.writing.acquire()  # the disk is slow
    try:
        commit = asyncio.create_task(board.commit(board.task_moved("T1", TaskState.ASSIGNED)))
        await asyncio.sleep(0)
        for _ in range(cancels):
            commit.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    finally:
        board.database.writing.release()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await until(lambda: board.database.get("plan_tasks", "s1/T1")["state"] == "assigned")  # type: ignore[index]
    await until(lambda: board.tasks["T1"].state is TaskState.ASSIGNED, "memory as the disk is")


async def test_a_failed_commit_changes_nothing_in_memory(board: Board) -> None:
    await board.commit(task())
    board.database.close(compact=False)
    with pytest.raises(StoreError):
        await board.commit(board.task_moved("T1", TaskState.ASSIGNED))
    assert board.tasks["T1"].state is TaskState.PLANNED
    with pytest.raises(StoreError):
        await board.commit(board.task_moved("T1", TaskState.ASSIGNED))


async def test_changes_made_at_once_do_not_undo_each_other(board: Board) -> None:
    """The slider moves, and a pause comes, while the agent's usage is on its way to the disk."""
    await board.commit(board.session.but(state=SessionState.RUNNING))
    await board.commit(task())
    await asyncio.gather(
        board.commit(board.session.but(slider=Level.GUIDED)),
        board.commit(board.session.but(usage=Usage(requests=1)), board.tasks["T1"].but(turns=1)),
        board.commit(board.session.but(state=SessionState.PAUSED), board.tasks["T1"].but(summary="s")),
        board.commit(board.session.but(phase=5)),
    )
    session = board.session
    assert (session.slider, session.usage.requests, session.state, session.phase) == (
        Level.GUIDED,
        1,
        SessionState.PAUSED,
        5,
    )
    assert (board.tasks["T1"].turns, board.tasks["T1"].summary) == (1, "s")
    assert board.database.get("sessions", "s1") == session.doc()
    assert board.database.get("plan_tasks", "s1/T1") == board.tasks["T1"].doc()


async def test_of_two_moves_made_at_once_the_illegal_one_is_refused(board: Board) -> None:
    await board.commit(board.session.but(state=SessionState.RUNNING))
    results = await asyncio.gather(
        board.commit(board.session.but(state=SessionState.PAUSED)),
        board.commit(board.session.but(state=SessionState.REVIEWING)),
        return_exceptions=True,
    )
    assert results[0] is None
    assert isinstance(results[1], IllegalMove)
    assert board.session.state is SessionState.PAUSED


async def test_a_session_goes_back_only_to_the_state_it_left(board: Board) -> None:
    await board.commit(board.session.but(state=SessionState.RUNNING))
    await board.commit(board.session.but(state=SessionState.INTERRUPTED))
    assert board.session.left_state is SessionState.RUNNING
    with pytest.raises(IllegalMove):
        await board.commit(board.session.but(state=SessionState.PLANNING))
    with pytest.raises(IllegalMove):
        await board.commit(board.session.but(state=SessionState.LANDED))
    await board.commit(board.session.but(state=SessionState.RUNNING))


async def test_a_deferred_question_can_be_answered(board: Board) -> None:
    question = Approval(
        id="a1", session="s1", kind=ApprovalKind.PLAN, title="t", ask={}, shown_hash="h", created=1.0
    )
    await board.commit(question)
    await board.commit(question.but(state=ApprovalState.DEFERRED))
    await board.commit(question.but(state=ApprovalState.APPROVED))
    assert board.approvals["a1"].state is ApprovalState.APPROVED
    with pytest.raises(IllegalMove):
        await board.commit(question.but(state=ApprovalState.SUPERSEDED))


def test_the_sessions_type_is_checked() -> None:
    with pytest.raises(ValueError, match="extra"):
        Session.model_validate({"id": "s", "nonsense": 1})
