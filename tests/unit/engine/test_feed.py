"""What a front end is kept up to date with, however slow it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.events import Noticed, OutputStreamed, Retrying, TextStreamed
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.task import Task
from autodev_tui.domain.updates import STEPS_SHOWN, EngineFacts
from autodev_tui.engine.feed import STREAM_KEPT, Feed, Stream
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting

EDIT = make_turn(("write_file", {"path": "new.txt", "content": "hello\n"}))


def fed(one: Kit) -> Feed:
    feed = Feed(lambda: EngineFacts(busy=one.engine.busy))
    one.engine.attach(feed)
    return feed


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "only at the end"])
async def test_whoever_looks_knows_what_the_board_knows(tmp_path: Path, slow: bool) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE, text="All done."))) as one:
        feed, mirror = fed(one), Mirror()
        first = await feed.next()
        assert first.reset
        assert first.session is None
        assert first.facts is not None
        await one.start()
        if slow:
            await one.engine.wait()
            await until(lambda: not one.engine.busy)
        while not (mirror.session and mirror.session.code is not None and not mirror.facts.busy):
            mirror.apply(await feed.next())
        board = one.board
        assert mirror.session == board.session
        assert mirror.tasks == board.tasks
        assert list(mirror.approvals) == list(board.approvals)
        steps = [step for own in mirror.steps.values() for step in own.values()]
        assert sorted(steps, key=lambda step: step.seq) == board.all_steps()
        assert mirror.step_counts == {"": len(board.steps(None)), "T1": len(board.steps("T1"))}


async def test_nothing_new_means_no_update(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        feed = fed(one)
        await feed.next()
        feed.touch()
        waits = asyncio.create_task(feed.next())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waits.done()
        feed.begin()
        assert (await waits).reset


async def test_a_reset_has_the_latest_steps_of_each_agent_and_how_many_there_are(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as one:
        await one.run()
        board = one.board
        for _ in range(STEPS_SHOWN + 5):
            await board.commit(board.new_step(StepKind.NOTE, "T1", "x", state=StepState.DONE))
        update = await fed(one).next()
        own = [step for step in update.steps if step.task == "T1"]
        assert own == list(board.steps("T1"))[-STEPS_SHOWN:]
        assert update.step_counts["T1"] == len(board.steps("T1"))


async def test_a_change_set_is_sent_without_its_lines(tmp_path: Path) -> None:
    from autodev_tui.domain.levels import Level

    async with kit(tmp_path, turns(EDIT, make_turn(DONE)), interactive=True) as one:
        feed, mirror = fed(one), Mirror()
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        approval = await waiting(one, "changes")
        while approval.id not in mirror.approvals:
            mirror.apply(await feed.next())
        sent = mirror.approvals[approval.id]
        assert "diff" in approval.ask["hunks"][0]
        assert "diff" not in sent.ask["hunks"][0]
        assert sent.but(ask={}) == approval.but(ask={})


async def test_words_of_a_reply_that_ended_are_not_shown_twice(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as one:
        await one.run()
        feed, board = fed(one), one.board
        await feed.next()
        board.log.emit(TextStreamed(task="T1", text="Hel"))
        board.log.emit(Retrying(task="T1", attempt=1, of=5, wait_s=1.0, why="529"))
        board.log.emit(TextStreamed(task="T1", text="Hello"))
        assert [piece.text for piece in (await feed.next()).streams] == ["Hello"]
        step = board.new_step(StepKind.MODEL, "T1", "m", state=StepState.STARTED)
        await board.commit(step)
        board.log.emit(TextStreamed(task="T1", text="one"))
        await board.commit(step.but(state=StepState.DONE, ended=1.0))
        board.log.emit(OutputStreamed(task="T1", step="s/9", text="out"))
        update = await feed.next()
        assert [piece.text for piece in update.streams] == ["out"]
        assert [one.id for one in update.steps] == [step.id]


async def test_events_are_told_once_and_those_before_are_in_the_log(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as one:
        await one.run()
        feed = fed(one)
        assert (await feed.next()).events == []
        one.board.log.emit(Noticed(text="look"))
        update = await feed.next()
        assert [event.text for event in update.events if isinstance(event, Noticed)] == ["look"]


async def test_drafts_and_rules_come_and_go(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE)), interactive=True) as one:
        feed, mirror = fed(one), Mirror()
        await one.start(level=None)
        plan = await waiting(one, "plan")
        await one.engine.keep([("drafts", plan.id, {"approval": plan.id, "shown_hash": plan.shown_hash})])
        rule = {"id": "r1", "action": "command", "words": "w", "pattern": {}, "created": 1.0}
        await one.engine.keep([("rules", "r1", rule)])
        while plan.id not in mirror.drafts or not mirror.rules:
            mirror.apply(await feed.next())
        await one.engine.keep([("drafts", plan.id, None), ("rules", "r1", None)])
        while plan.id in mirror.drafts or mirror.rules:
            mirror.apply(await feed.next())


async def test_a_task_that_was_taken_out_of_the_plan_is_gone(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as one:
        await one.run()
        feed, board = fed(one), one.board
        await feed.next()
        await board.commit(Task(id="T2", session=board.session.id, title="more"))
        assert [task.id for task in (await feed.next()).tasks] == ["T2"]
        del board.tasks["T2"]
        await board.commit(extra=[("plan_tasks", f"{board.session.id}/T2", None)])
        assert (await feed.next()).gone_tasks == ["T2"]


PIECES = st.lists(
    st.tuples(
        st.sampled_from([("text", ""), ("thinking", ""), ("output", "s1"), ("output", "s2")]),
        st.integers(1, STREAM_KEPT * 2),
    ),
    max_size=12,
)


@given(PIECES)
def test_streams_keep_the_newest_and_count_what_they_left_out(
    added: list[tuple[tuple[str, str], int]],
) -> None:
    stream, whole = Stream(), dict[tuple[str, str], str]()
    for number, (key, size) in enumerate(added):
        text = chr(ord("a") + number) * size
        stream.add(*key, text)  # type: ignore[arg-type]
        whole[key] = whole.get(key, "") + text
    pieces = stream.pieces("T1")
    assert sum(len(piece.text) for piece in pieces) == min(sum(map(len, whole.values())), STREAM_KEPT)
    for piece in pieces:
        everything = whole[piece.kind, piece.step]
        assert everything.endswith(piece.text)
    if added:
        last = added[-1][0]
        [newest] = [piece for piece in pieces if (piece.kind, piece.step) == last]
        assert newest.text.endswith(chr(ord("a") + len(added) - 1))


@pytest.mark.parametrize("kept", [1, STREAM_KEPT])
def test_one_stream_alone_says_exactly_what_is_missing(kept: int) -> None:
    stream = Stream()
    for _ in range(3):
        stream.add("output", "s1", "x" * STREAM_KEPT)
    stream.add("output", "s1", "y" * kept)
    [piece] = stream.pieces(None)
    assert piece.left_out + len(piece.text) == 3 * STREAM_KEPT + kept
    assert piece.text.endswith("y" * kept)
