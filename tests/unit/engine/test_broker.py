"""The broker: one question an effect, answers bound to what was shown, each consumed once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.board import Board
from autodev_tui.engine.broker import Broker, Superseded
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.flow import Waiting
from store.database import Database
from tests.fakes.engine_kit import SECRET, board_on, decision, until


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    database = Database.open(tmp_path / "state")
    yield board_on(database, tmp_path)
    database.close()


def make(board: Board, *, interactive: bool = False) -> Broker:
    numbers = count(1)
    return Broker(board, SECRET, lambda prefix: f"{prefix}{next(numbers)}", interactive=interactive)


async def ask(broker: Broker, command: str = "make", effect: str = "run", **more: Any) -> Approval:
    return await broker.ask(
        ApprovalKind.COMMAND, f"run {command}", {"command": command, "class": "other"}, effect=effect, **more
    )


async def asked(broker: Broker, board: Board, command: str = "make", effect: str = "run") -> Approval:
    with pytest.raises(Waiting):
        await ask(broker, command, effect)
    return list(board.approvals.values())[-1]


async def test_headless_a_question_waits_and_an_answer_lets_it_pass(board: Board) -> None:
    broker = make(board)
    question = await asked(broker, board)
    assert question.state is ApprovalState.PENDING
    assert await asked(broker, board) == question, "the same effect is the same question"
    await broker.decide(decision(question))
    assert (await ask(broker)).id == question.id


@pytest.mark.parametrize(
    ("verdict", "state"), [("approve", "approved"), ("reject", "rejected"), ("edit", "edited")]
)
async def test_each_verdict_leads_to_its_state(board: Board, verdict: str, state: str) -> None:
    broker = make(board)
    question = await asked(broker, board)
    await broker.decide(decision(question, verdict, reason="because", text="make all"))
    found = await ask(broker)
    assert found.state == state
    assert found.decision is not None
    assert found.decision.reason == "because"


async def test_a_decision_is_consumed_once(board: Board) -> None:
    broker = make(board)
    question = await asked(broker, board)
    await broker.decide(decision(question))
    await broker.used(await ask(broker))
    assert (await asked(broker, board)).id != question.id


async def test_what_is_asked_now_supersedes_what_was_asked_before(board: Board) -> None:
    broker = make(board)
    old = await asked(broker, board, "make")
    new = await asked(broker, board, "make clean")
    assert board.approvals[old.id].state is ApprovalState.SUPERSEDED
    assert new.id != old.id
    with pytest.raises(DecisionRefused, match="superseded"):
        await broker.decide(decision(old))
    assert [one.id for one in board.pending()] == [new.id]


async def test_a_deferred_question_waits_can_be_answered_and_superseded(board: Board) -> None:
    broker = make(board)
    question = await asked(broker, board)
    await broker.decide(decision(question, "defer"))
    assert board.approvals[question.id].state is ApprovalState.DEFERRED
    assert (await asked(broker, board)).id == question.id
    await broker.decide(decision(question))
    assert (await ask(broker)).state is ApprovalState.APPROVED
    second = await asked(broker, board, effect="other")
    await broker.decide(decision(second, "defer"))
    await asked(broker, board, "make install", effect="other")
    assert board.approvals[second.id].state is ApprovalState.SUPERSEDED


async def test_answers_that_do_not_hold_are_refused(board: Board) -> None:
    broker = make(board)
    question = await asked(broker, board)
    good = decision(question)
    for bad, why in (
        (good.but(mac="0" * 64), "not signed"),
        (good.but(mac=""), "not signed"),
        (good.but(actor="mallory"), "not signed"),
        (good.but(verdict="reject"), "not signed"),
        (good.but(shown_hash="0" * 64), "look again"),
        (good.but(approval="a99"), "no question"),
        (decision(question, "choose", choice="nonsense"), "offers"),
    ):
        with pytest.raises(DecisionRefused, match=why):
            await broker.decide(bad)
    assert board.approvals[question.id].state is ApprovalState.PENDING
    await broker.decide(good)
    with pytest.raises(DecisionRefused, match="already"):
        await broker.decide(decision(question, "reject"))


@pytest.mark.parametrize("forged", ["mac", "none", "shown"])
async def test_an_answer_forged_in_the_store_counts_for_nothing_and_is_asked_again(
    board: Board, forged: str
) -> None:
    broker = make(board)
    question = await asked(broker, board)
    answer = {
        "mac": decision(question).but(mac="f" * 64),
        "none": None,
        "shown": decision(question.but(shown_hash="0" * 64)),
    }[forged]
    await board.commit(question.but(state=ApprovalState.APPROVED, decision=answer))
    with pytest.raises(Waiting):
        await ask(broker)
    present = board.approvals[question.id]
    assert (present.state, present.decision) == (ApprovalState.PENDING, None)
    await broker.decide(decision(question))
    assert (await ask(broker)).state is ApprovalState.APPROVED


async def test_interactive_agents_wait_for_the_answer_to_one_question(board: Board) -> None:
    broker = make(board, interactive=True)
    first, second = asyncio.create_task(ask(broker)), asyncio.create_task(ask(broker))
    other = asyncio.create_task(ask(broker, effect="else"))
    await until(lambda: len(board.pending()) >= 2)
    mine, its = board.pending()
    assert (mine.effect, its.effect) == ("run", "else"), "the same effect asked twice is one question"
    await broker.decide(decision(mine))
    assert (await first).id == (await second).id == mine.id
    assert not other.done()
    await broker.decide(decision(its, "reject"))
    assert (await other).state is ApprovalState.REJECTED


async def test_what_waits_with_a_question_is_written_in_the_same_line(board: Board) -> None:
    broker = make(board)
    journal = board.database.directory / "state.json.journal"
    before = journal.read_bytes().count(b"\n")
    with pytest.raises(Waiting):
        await ask(broker, with_records=lambda approval: [board.session.but(error=approval.id)])
    assert journal.read_bytes().count(b"\n") == before + 1
    assert board.session.error == "a1"


async def test_a_withdrawn_question_no_longer_waits(board: Board) -> None:
    broker = make(board)
    await asked(broker, board)
    await broker.withdraw("run")
    assert board.pending() == []
    await broker.withdraw("run")


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        (ApprovalKind.PLAN, {"text": "another plan"}, "nothing to edit"),
        (ApprovalKind.BUDGET, {"text": "more"}, "nothing to edit"),
        (ApprovalKind.CHANGES, {"text": "words"}, "no hunk was edited"),
        (ApprovalKind.LAND, {}, "nothing was written"),
        (ApprovalKind.COMMAND, {"text": "install more"}, "runs as it is, or not"),
        (ApprovalKind.EDIT, {"text": "new"}, "not a deletion"),
        (ApprovalKind.MERGE, {"text": "new"}, "every one of its 0 places"),
    ],
)
async def test_an_edit_that_edits_nothing_is_refused(
    board: Board, kind: ApprovalKind, answer: dict[str, Any], why: str
) -> None:
    broker = make(board)
    with pytest.raises(Waiting):
        await broker.ask(kind, "what", {"what": 1}, effect="e")
    (question,) = board.pending()
    with pytest.raises(DecisionRefused, match=why):
        await broker.decide(decision(question, "edit", **answer))
    assert board.pending() == [question]


async def test_a_waiting_agent_hears_that_its_question_fell_away(board: Board) -> None:
    broker = make(board, interactive=True)
    waiting = asyncio.create_task(ask(broker))
    await until(board.pending)
    await broker.withdraw("run")
    with pytest.raises(Superseded):
        await waiting
