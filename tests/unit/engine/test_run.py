"""A session from its goal to its end: six phases, and what becomes of it when something goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.engine import flow, session_run
from autodev_tui.engine.engine import EngineBusy
from autodev_tui.engine.session_run import PHASES
from autodev_tui.providers.base import ModelLimits, ProviderError, Request, StopReason, Turn
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, renumbered, seen, turns, waiting

READ_A = ("read_file", {"path": "a.txt"})
EDIT_A = ("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "1"})


def forever(*calls: tuple[str, dict[str, Any]], text: str = "", **more: Any) -> Any:
    """The plan, then the same turn again and again."""
    first = turns()
    count = 0

    def reply(request: Request) -> Turn:
        nonlocal count
        count += 1
        if request.meta["role"] == "planning":
            return first(request)
        return renumbered(make_turn(*calls, text=text, **more), count * 100)

    return reply


def phases(kit: Kit) -> list[int]:
    from autodev_tui.engine.event_log import read_events

    return [event.phase for event in read_events(kit.board.log._path) if event.kind == "phase_started"]


async def test_six_phases_in_order(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(DONE))) as one:
        outcome = await one.run()
        assert outcome.code == flow.DONE
        assert phases(one) == [1, 2, 3, 4, 5, 6]
        events = await seen(one, "ended")
        names = [event.name for event in events if event.kind == "phase_started"]
        assert names == list(PHASES)
        assert one.session.phase == 6
        assert one.session.end_time is not None
        (history,) = one.stored("history")
        assert history["success"] is True
        assert one.board.tasks["T1"].transitions[0].new == "assigned"


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError("what"), OSError("no disk")])
async def test_an_exception_in_phase_four_leaves_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise error

    async with kit(tmp_path, turns(make_turn(READ_A), make_turn(DONE))) as one:
        with monkeypatch.context() as patch:
            patch.setattr(session_run, "make_agent", broken)
            outcome = await one.run()
        assert outcome.code == flow.FAILED
        assert type(error).__name__ in outcome.error
        (record,) = one.stored("sessions")
        assert (record["state"], record["phase"], record["code"]) == ("failed", 4, 1)
        assert type(error).__name__ in record["error"]
        (history,) = one.stored("history")
        assert (history["success"], history["status"]) == (False, "failed")
        again = await one.resume()
        assert again.code == flow.DONE
        assert len(one.stored("history")) == 2


async def test_a_provider_that_refuses_fails_the_task_and_resume_goes_on(tmp_path: Path) -> None:
    bad = ProviderError("auth", "the key is not accepted")
    async with kit(tmp_path, turns(make_turn(READ_A), bad, make_turn(DONE))) as one:
        outcome = await one.run()
        assert (outcome.code, outcome.error) == (flow.FAILED, "the key is not accepted")
        assert one.board.tasks["T1"].state is TaskState.FAILED
        assert (await one.resume()).code == flow.DONE
        assert str(one.board.tasks["T1"].state) == "completed"


async def test_the_time_limit_interrupts_at_a_point_that_can_be_resumed(tmp_path: Path) -> None:
    now = 0.0

    def monotonic() -> float:
        nonlocal now
        now += 1.0
        return now

    settings = Settings(max_time_s=8)
    async with kit(
        tmp_path, forever(READ_A, ("list_files", {})), monotonic=monotonic, settings=settings
    ) as one:
        outcome = await one.run()
        assert outcome.code == flow.LIMIT
        assert "max_time_s" in outcome.error
        assert one.session.state is SessionState.INTERRUPTED
        assert one.session.active_s > 8
        assert all(step.state != "started" for step in one.board.all_steps())
        one.settings = Settings(max_time_s=10_000)
        one.provider._reply = turns(make_turn(DONE))
        assert (await one.resume()).code == flow.DONE


async def test_waiting_for_the_human_is_no_time_at_work(tmp_path: Path) -> None:
    now = 0.0
    settings = Settings(max_time_s=60)
    reply = turns(make_turn(("ask_user", {"question": "which?"})), make_turn(DONE))
    async with kit(tmp_path, reply, monotonic=lambda: now, settings=settings, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        question = await waiting(one, "question")
        now = 10_000.0
        await one.answer(question, "choose", text="this one")
        outcome = await one.engine.wait()
        assert outcome.code == flow.DONE, outcome.error
        assert one.session.active_s < 60


async def test_the_timeout_of_a_run_interrupts_it(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(DONE))) as one:

        async def hang(request: Request) -> None:
            if request.meta["role"] == "development":
                await asyncio.Event().wait()

        one.provider.before = hang
        outcome = await one.run(timeout_s=1.0)
        assert (outcome.code, one.session.state) == (flow.LIMIT, SessionState.INTERRUPTED)
        one.provider.before = None
        assert (await one.resume()).code == flow.DONE


async def test_the_turn_limit(tmp_path: Path) -> None:
    calls = [("search", {"pattern": "x"}), READ_A]
    async with kit(tmp_path, forever(*calls), settings=Settings(max_turns=4)) as one:
        # Another result each time, so that no circle stops it first.
        async def change(request: Request) -> None:
            if request.meta["role"] == "development":
                path = Path(one.board.tasks["T1"].worktree) / "a.txt"
                path.write_text(f"turn {request.meta['turn']}\n")

        one.provider.before = change
        outcome = await one.run()
        assert outcome.code == flow.LIMIT
        assert "4 turns used, max_turns is 4" in outcome.error
        assert len([r for r in one.provider.requests if r.meta["role"] == "development"]) == 4
        assert one.session.state is SessionState.INTERRUPTED


async def test_circles_are_told_then_stopped_and_the_question_outlives_a_restart(tmp_path: Path) -> None:
    async with kit(tmp_path, forever(READ_A)) as one:
        outcome = await one.run()
        assert outcome.code == flow.WAITING_CODE
        (question,) = one.board.pending()
        assert question.kind == "escalation"
        told = [step.name for step in one.board.steps("T1") if step.name.startswith("circle ")]
        assert len(told) == 1
        assert len([r for r in one.provider.requests if r.meta["role"] == "development"]) == 5
        assert (await one.resume()).code == flow.WAITING_CODE, "nobody has answered"
        assert [one.id for one in one.board.pending()] == [question.id]
        assert len([r for r in one.provider.requests if r.meta["role"] == "development"]) == 5
        await one.answer(question, "choose", choice="try once more")
        one.provider._reply = turns(make_turn(DONE))
        assert (await one.resume()).code == flow.DONE


async def test_an_agent_in_circles_is_ended_by_a_no(tmp_path: Path) -> None:
    async with kit(tmp_path, forever(READ_A)) as one:
        await one.run()
        await one.answer(one.board.pending()[0], "reject")
        outcome = await one.resume()
        assert outcome.code == flow.FAILED
        assert "circles" in outcome.error


@pytest.mark.parametrize(
    ("stop", "text", "most", "words"),
    [
        (StopReason.END, "", 2, "of no use 2 times"),
        (StopReason.MAX_TOKENS, "a part", 3, "of no use 3 times"),
        (StopReason.CONTEXT_EXCEEDED, "", 3, "does not fit"),
        (StopReason.REFUSAL, "", 1, "refused"),
    ],
)
async def test_replies_of_no_use_end_the_agent(
    tmp_path: Path, stop: StopReason, text: str, most: int, words: str
) -> None:
    async with kit(tmp_path, forever(text=text, stop=stop)) as one:
        outcome = await one.run()
        assert outcome.code == flow.FAILED
        assert words in outcome.error
        assert len([r for r in one.provider.requests if r.meta["role"] == "development"]) <= most


async def test_a_budget_is_asked_for_and_raised_or_not(tmp_path: Path) -> None:
    from autodev_tui.domain.session import Usage

    dear = Usage(requests=1, input_tokens=1, output_tokens=1, cost_usd=0.6)
    script = [
        make_turn(READ_A, usage=dear),
        make_turn(("list_files", {}), usage=dear),
        make_turn(DONE, usage=dear),
    ]
    async with kit(tmp_path, turns(*script)) as one:
        outcome = await one.run(budget_usd=1.0)
        assert outcome.code == flow.LIMIT
        assert one.session.state is SessionState.INTERRUPTED
        (question,) = one.board.pending()
        assert (question.kind, question.choices) == ("budget", ["raise", "stop"])
        assert one.session.usage.cost_usd == pytest.approx(1.2)
        assert (await one.resume()).code == flow.LIMIT, "asked, not spent"
        await one.answer(one.board.pending()[0], "choose", choice="raise")
        assert (await one.resume()).code == flow.DONE
        assert one.session.budget_usd == pytest.approx(1.0 + question.ask["raise_usd"])


async def test_a_budget_that_is_not_raised_ends_the_task(tmp_path: Path) -> None:
    from autodev_tui.domain.session import Usage

    dear = Usage(requests=1, cost_usd=2.0)
    async with kit(tmp_path, turns(make_turn(READ_A, usage=dear), make_turn(DONE))) as one:
        await one.run(budget_usd=1.0)
        await one.answer(one.board.pending()[0], "choose", choice="stop")
        outcome = await one.resume()
        assert outcome.code == flow.LIMIT
        assert "stopped at the budget" in outcome.error


async def test_one_session_at_a_time_and_unknown_ones_leave_nothing(tmp_path: Path) -> None:
    from autodev_tui.domain import commands

    async with kit(tmp_path, turns(make_turn(DONE))) as one:
        with pytest.raises(LookupError):
            await one.engine.submit(commands.ResumeSession(session="s0nowhere"))
        assert not (tmp_path / "state" / "sessions" / "s0nowhere").exists()
        for command in (commands.PauseSession(), commands.SetSlider(level=Level.FULL)):
            with pytest.raises(EngineBusy):
                await one.engine.submit(command)
        await one.start()
        with pytest.raises(EngineBusy):
            await one.start()
        assert (await one.engine.wait()).code == flow.DONE
        assert len(one.stored("sessions")) == 1, "a refused goal leaves no record"


SMALL = ModelLimits(context=40_000, max_output=8_000, known=True)


async def test_a_session_that_grows_too_long_is_compacted(tmp_path: Path) -> None:
    big = "\n".join(f"line {n} " + "x" * 200 for n in range(200)) + "\n"
    script = [make_turn(("read_file", {"path": "big.txt", "offset": n})) for n in range(1, 9)]
    async with kit(tmp_path, turns(*script, make_turn(DONE)), files={"big.txt": big}, limits=SMALL) as one:
        assert (await one.run()).code == flow.DONE
        notes = [step for step in one.board.steps("T1") if step.name == "compaction"]
        assert notes
        sizes = [len(str(request.messages)) for request in one.provider.requests]
        assert max(sizes) < 40_000 * 4
