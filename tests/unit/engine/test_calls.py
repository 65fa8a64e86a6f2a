"""What the model calls: reads overlap, writers keep order, a refusal ends the rest, files are read first."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.agent_loop import work
from autodev_tui.engine.call_steps import forget
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.workspace import Workspace
from autodev_tui.providers.base import Request, StopReason
from autodev_tui.tools import reading
from autodev_tui.tools.base import ToolResult
from tests.fakes.engine_kit import DONE, Desk, Kit, desk, kit, make_turn, turns, waiting

READ_A = ("read_file", {"path": "a.txt"})


def edit(old: str, new: str, path: str = "a.txt") -> tuple[str, dict[str, Any]]:
    return ("edit_file", {"path": path, "old_text": old, "new_text": new})


async def go(place: Desk) -> Step:
    return await work(place.agent, place.verifier, place.workspace)


def calls_of(kit: Kit, name: str = "") -> list[Step]:
    return [step for step in kit.board.steps("T1") if step.kind is StepKind.TOOL and name in ("", step.name)]


def results(request: Request) -> list[dict[str, Any]]:
    return [block for block in request.messages[-1]["content"] if block["type"] == "tool_result"]


async def test_reads_of_one_reply_overlap_in_time_but_at_most_eight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = turns(make_turn(*[("read_file", {"path": f"f{n}"}) for n in range(20)]), make_turn(DONE))
    lock, together = threading.Lock(), threading.Barrier(4)
    now = most = 0

    def slow(context: Any, name: str, args: Any) -> ToolResult:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(20)  # passes only when four reads run at once
        time.sleep(0.02)
        with lock:
            now -= 1
        return ToolResult(f"text of {args.path}")

    monkeypatch.setattr(reading, "run", slow)
    asyncio.get_running_loop().set_default_executor(threads := acting_threads())
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        await go(place)
        answered = results(one.provider.requests[1])
    threads.shutdown()
    assert 4 <= most <= 8
    assert [block["content"] for block in answered] == [f"text of f{n}" for n in range(20)], "in their order"


def acting_threads() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(32)


async def test_writers_run_one_after_the_other_between_the_reads_around_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = turns(
        make_turn(READ_A),
        make_turn(edit("one", "1"), READ_A, edit("1", "uno"), READ_A, edit("two", "dos"), READ_A),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        await go(place)
        texts = [block["content"] for block in results(one.provider.requests[2])]
        final = (place.workspace.path / "a.txt").read_text()
        edits = calls_of(one, "edit_file")
    assert final == "uno\ndos\nthree\n"
    assert "1\t1" in texts[1] and "two" in texts[1], "a read sees the edit before it and none after it"
    assert "uno" in texts[3] and "two" in texts[3]
    assert "dos" in texts[5]
    for before, after in pairwise(edits):
        assert before.ended is not None and after.started is not None
        assert before.ended < after.started


async def test_twenty_calls_in_one_turn_get_twenty_results_in_order(tmp_path: Path) -> None:
    wanted: list[tuple[str, dict[str, Any]]] = [
        READ_A,
        ("nonsense", {}),
        ("list_files", {}),
        ("read_file", {"path": 7}),
    ] * 5
    async with kit(tmp_path, turns(make_turn(*wanted), make_turn(DONE))) as one:
        place = await desk(one)
        await go(place)
        first, second = one.provider.requests
        asked = [block["id"] for block in second.messages[-2]["content"] if block["type"] == "tool_use"]
        got = results(second)
        assert [block["tool_use_id"] for block in got] == asked
        assert len(got) == 20
        assert [bool(block.get("is_error")) for block in got] == [False, True, False, True] * 5
        assert len(second.messages) == len(first.messages) + 2, "all results are one message"


async def test_a_refused_writer_ends_the_later_ones_but_not_the_reads(tmp_path: Path) -> None:
    todo = ("update_todos", {"todos": [{"content": "x", "status": "pending"}]})
    reply = turns(
        make_turn(READ_A),
        make_turn(edit("one", "1"), READ_A, edit("two", "2"), todo, DONE),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply, interactive=True) as one:
        place = await desk(one, Level.GUIDED)
        working = asyncio.create_task(go(place))
        question = await waiting(one, "edit")
        assert [step.state for step in calls_of(one)][1:] == [
            "awaiting",
            "planned",
            "planned",
            "planned",
            "planned",
        ]
        await one.answer(question, "reject", reason="not like this")
        await working
        states = [step.state for step in calls_of(one)][1:6]
        assert states == ["refused", "done", "superseded", "superseded", "superseded"]
        told = [block["content"] for block in results(one.provider.requests[2])]
        assert "not like this" in told[0]
        assert "earlier call of the same reply was refused" in told[2]
        assert (place.workspace.path / "a.txt").read_text() == "one\ntwo\nthree\n"
        assert one.board.tasks["T1"].todos == []


async def test_headless_the_first_writer_asks_and_the_others_wait(tmp_path: Path) -> None:
    reply = turns(make_turn(READ_A), make_turn(edit("one", "1"), edit("two", "2")), make_turn(DONE))
    async with kit(tmp_path, reply) as one:
        place = await desk(one, Level.GUIDED)
        with pytest.raises(Waiting):
            await go(place)
        assert len(one.board.pending()) == 1
        await one.answer(one.board.pending()[0])
        place.agent = await place.again()
        with pytest.raises(Waiting):
            await go(place)
        assert (place.workspace.path / "a.txt").read_text() == "1\ntwo\nthree\n"
        await one.answer(one.board.pending()[0])
        place.agent = await place.again()
        await go(place)
        assert (place.workspace.path / "a.txt").read_text() == "1\n2\nthree\n"
        assert len(one.provider.requests) == 3, "no turn was asked for twice"


async def test_todos_are_kept_and_bad_ones_refused(tmp_path: Path) -> None:
    good = [{"content": "a", "status": "in_progress"}, {"content": "b", "status": "pending"}]
    bad = [{"content": "a", "status": "in_progress"}, {"content": "b", "status": "in_progress"}]
    reply = turns(
        make_turn(("update_todos", {"todos": good})),
        make_turn(("update_todos", {"todos": bad})),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply) as one:
        await go(await desk(one))
        assert one.board.tasks["T1"].todos == good
        assert [step.state for step in calls_of(one, "update_todos")] == ["done", "failed"]
        assert one.stored("plan_tasks")[0]["todos"] == good


async def test_a_file_that_a_review_changed_must_be_read_again_before_it_is_edited(tmp_path: Path) -> None:
    reply = turns(
        make_turn(READ_A),
        make_turn(edit("one", "1")),
        make_turn(DONE),
        make_turn(edit("two", "2")),
        make_turn(READ_A, edit("two", "2")),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        await go(place)
        place.write("a.txt", "one\ntwo\nthree\n")  # as a rejection leaves it
        follow = one.board.new_step(
            StepKind.FOLLOW, "T1", "r1", state=StepState.DONE, result={"changed": ["a.txt"]}
        )
        await one.board.commit(follow)
        forget(place.agent.context, ["a.txt"])
        await place.agent.say("review 1", "Rejected.")
        assert (await place.again()).context.must_read == {"a.txt"}, "also after a restart"
        await go(place)
        states = [(step.name, step.state) for step in calls_of(one)][3:]
        assert states == [
            ("edit_file", "failed"),
            ("read_file", "done"),
            ("edit_file", "done"),
            ("finish", "done"),
        ]
        assert "read it again" in calls_of(one, "edit_file")[1].result["text"]


async def test_a_checkpoint_is_durable_before_the_next_edits_begin(tmp_path: Path) -> None:
    reply = turns(
        make_turn(READ_A),
        make_turn(edit("one", "1")),
        make_turn(edit("two", "2")),
        make_turn(edit("three", "3")),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        await go(place)
        steps = one.board.steps("T1")
        points = [step for step in steps if step.kind is StepKind.CHECKPOINT]
        edits = calls_of(one, "edit_file")
        git = one.fixture.git
        texts = [git("show", f"{point.result['ref']}:a.txt") for point in points]
        for point, later in zip(points, edits[1:], strict=False):
            assert point.ended is not None and later.started is not None
            assert point.ended < later.started
    assert texts == ["1\ntwo\nthree", "1\n2\nthree", "1\n2\n3"]


async def test_a_checkpoint_is_made_while_the_model_thinks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = turns(
        make_turn(READ_A), make_turn(edit("one", "1")), make_turn(edit("two", "2")), make_turn(DONE)
    )
    thinking, order = asyncio.Event(), list[str]()
    real = Workspace.propose

    async def slow(self: Workspace, task: Any) -> str:
        async with asyncio.timeout(20):
            await thinking.wait()  # comes only if the next turn is asked for meanwhile
        tree = await real(self, task)
        order.append("checkpoint")
        return tree

    async def before(request: Request) -> None:
        if request.meta["turn"] == 3:
            thinking.set()
        order.append(f"turn {request.meta['turn']}")

    monkeypatch.setattr(Workspace, "propose", slow)
    async with kit(tmp_path, reply) as one:
        place = await desk(one)
        one.provider.before = before
        await go(place)
        points = [step for step in one.board.steps("T1") if step.kind is StepKind.CHECKPOINT]
        assert [step.state for step in points] == ["done", "done"], "the last one too is there at the end"
        second = calls_of(one, "edit_file")[1]
        assert points[0].ended is not None and second.started is not None
        assert points[0].ended < second.started
    assert order.count("checkpoint") == 2


async def test_nothing_is_read_or_written_outside_the_worktree(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("outside")
    reply = turns(
        make_turn(
            ("read_file", {"path": "../../secret.txt"}),
            ("write_file", {"path": "../out.txt", "content": "x"}),
            ("write_file", {"path": ".git/hooks/pre-commit", "content": "x"}),
            ("write_file", {"path": "/tmp/out.txt", "content": "x"}),
        ),
        make_turn(DONE),
    )
    async with kit(tmp_path, reply) as one:
        await go(await desk(one))
        assert [step.state for step in calls_of(one)][:4] == ["failed"] * 4
        assert all(step.result["denied"] for step in calls_of(one)[:4])


@pytest.mark.parametrize("stop", [StopReason.MAX_TOKENS, StopReason.PAUSE])
async def test_a_cut_or_paused_reply_goes_on(tmp_path: Path, stop: StopReason) -> None:
    reply = turns(make_turn(text="so far", stop=stop), make_turn(DONE))
    async with kit(tmp_path, reply) as one:
        await go(await desk(one))
        second = one.provider.requests[1]
        assert second.messages[-1]["role"] == ("user" if stop is StopReason.MAX_TOKENS else "assistant")
        if stop is StopReason.MAX_TOKENS:
            assert second.max_tokens == 2 * one.provider.requests[0].max_tokens
            assert not any(message["role"] == "assistant" for message in second.messages)
