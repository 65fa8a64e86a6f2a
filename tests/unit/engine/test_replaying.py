"""A recorded model: other decisions, another order, other timing, and a kill lead to the same words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState
from autodev_tui.engine import flow
from autodev_tui.providers.base import Chunk, Provider, Request, Turn
from autodev_tui.providers.recorded import read_recording
from autodev_tui.providers.recording import RecordingProvider, Tape
from autodev_tui.providers.replay import ReplayProvider
from autodev_tui.providers.scripted import FunctionProvider
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Kit, make_turn, waiting
from tests.fakes.many_agents import Call, plan_of, write

READ: Call = ("read_file", {"path": "a.txt"})


def edit(old: str, new: str) -> Call:
    return ("edit_file", {"path": "a.txt", "old_text": old, "new_text": new})


WORDS: dict[tuple[str, str], list[list[Call]]] = {
    ("T1", ""): [[READ], [edit("one\n", "uno\n")], [DONE]],
    ("T1", "reject"): [[READ, edit("one\n", "un\n")], [DONE]],
    ("T1", "comment"): [[READ, edit("uno\n", "eins\n")], [DONE]],
    ("T2", ""): [[("list_files", {})], [write("t2.txt")], [DONE]],
    ("T3", ""): [[write("t3.txt", "three\n")], [DONE]],
}
"""What the model would say: for a task and the last decision, its turns."""


def model() -> FunctionProvider:
    def reply(request: Request) -> Turn:
        meta = request.meta
        if meta["role"] == "planning":
            calls = [plan_of({"files": ["a.txt"]}, {"files": ["t2.txt"]}, {"files": ["t3.txt"]})]
        else:
            calls = WORDS[meta["task"], meta["decision"]][meta["since"] - 1]
        return make_turn(*calls, text=f"turn {meta['turn']}", first_id=100 * count())

    seen = 0

    def count() -> int:
        nonlocal seen
        seen += 1
        return seen

    return FunctionProvider(reply)


def engine(place: Path, provider: Provider, at_once: int = 3) -> Kit:
    place.mkdir(exist_ok=True)
    return Kit(place, lambda _: make_turn(DONE), own_provider=provider, settings=Settings(agents=at_once))


async def decide(one: Kit, *of_t1: str) -> flow.Outcome:
    """Run to the end: T1's reviews are answered by these, everything else is taken."""
    rest = list(of_t1)
    outcome = await one.run(level=Level.COLLABORATIVE)
    while outcome.code == flow.WAITING_CODE:
        for question in one.board.pending():
            if question.kind == "changes" and question.task == "T1" and rest:
                verdict = rest.pop(0)
                if verdict == "reject":
                    await one.answer(question, "reject", reason="in French")
                else:
                    hunks = [HunkDecision(hunk=1, verdict="comment", reason="in German")]
                    await one.answer(question, hunks=hunks)
            elif question.kind != "land":
                await one.answer(question)
        if [one.kind for one in one.board.pending()] == ["land"]:
            break
        outcome = await one.resume()
    return outcome


def tree(one: Kit) -> str:
    """What the session's branch holds, as one id."""
    return one.services.repository.tree_of(one.session.head_commit)


async def recorded(place: Path, path: Path, *of_t1: str) -> tuple[str, int]:
    """Record a run with these decisions; what it made, and how many replies the model gave."""
    inner = model()
    tape = Tape.open(path, goal="Change a", model="m", mask=str)
    one = engine(place, RecordingProvider(inner, tape))
    try:
        await decide(one, *of_t1)
        return tree(one), len(inner.requests)
    finally:
        await one.engine.aclose()
        tape.close()


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A recording of a run in which T1 was rejected once, and what that made."""
    place = tmp_path_factory.mktemp("recorded")
    path = place / "r.jsonl"
    made, asked = asyncio.run(recorded(place / "one", path, "reject"))
    assert asked == 1 + 3 + 2 + 3 + 2
    return path, made


def replay(path: Path, **more: Any) -> ReplayProvider:
    return ReplayProvider(read_recording(path), path.name, pace=0, **more)


async def test_the_same_decisions_lead_to_the_same_tree_and_others_to_their_own_branch(
    tape: tuple[Path, str], tmp_path: Path
) -> None:
    path, rejected = tape
    for name, of_t1, first_line in (("one", ["reject"], "un\n"), ("two", [], "uno\n")):
        one = engine(tmp_path / name, replay(path), at_once=1)
        try:
            await decide(one, *of_t1)
            assert (tree(one) == rejected) == bool(of_t1)
            head, git = one.session.head_commit, one.services.repository.git
            assert git.text("show", f"{head}:a.txt").startswith(first_line)
            usage = one.session.usage
            assert usage.requests and usage.cost_usd == 0.0 and usage.cost_known
        finally:
            await one.engine.aclose()


async def test_a_decision_that_is_not_recorded_ends_in_a_state_that_goes_on_once_it_is(
    tape: tuple[Path, str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(tape[0].read_bytes())
    one = engine(tmp_path / "place", replay(path))
    try:
        outcome = await decide(one, "comment")
        assert outcome.code == flow.FAILED
        assert "the recording ends here: nothing is recorded for development T1, turn 1" in outcome.error
        assert "after comment of hunk 1" in outcome.error and "after reject of hunk 1" in outcome.error
        assert one.session.state is SessionState.FAILED
        again = await one.resume()
        assert (again.code, again.error) == (outcome.code, outcome.error)
        # The same branch, recorded with a model: only what was missing is asked.
        _, asked = await recorded(tmp_path / "other", path, "comment")
        assert asked == 2
        one.own_provider = replay(path)
        outcome = await one.resume()
        while outcome.code == flow.WAITING_CODE and [q for q in one.board.pending() if q.kind != "land"]:
            for question in one.board.pending():
                await one.answer(question)
            outcome = await one.resume()
        assert one.board.tasks["T1"].state == "completed"
        head = one.session.head_commit
        assert one.services.repository.git.text("show", f"{head}:a.txt").startswith("eins\n")
    finally:
        await one.engine.aclose()


async def test_a_refused_call_is_another_branch(tape: tuple[Path, str], tmp_path: Path) -> None:
    one = engine(tmp_path / "place", replay(tape[0]), at_once=1)
    try:
        await one.run(level=Level.GUIDED)
        await one.answer(await waiting(one, "plan"))
        await one.resume()
        await one.answer(await waiting(one, "edit"), "reject", reason="not this file")
        outcome = await one.resume()
        assert outcome.code in (flow.FAILED, flow.WAITING_CODE)
        assert "after reject" in one.board.tasks["T1"].error
    finally:
        await one.engine.aclose()


@dataclass
class Shuffled:
    """A sleep that lets others go first, as often as was drawn: another timing each time."""

    drawn: list[int] = field(default_factory=list)
    at: int = 0

    async def __call__(self, _: float) -> None:
        self.at += 1
        for _ in range(self.drawn[self.at % len(self.drawn)] if self.drawn else 0):
            await asyncio.sleep(0.001)


async def replayed(
    place: Path, path: Path, sleep: Callable[[float], Any], at_once: int, *, crossed: bool = False
) -> list[Any]:
    """A replay up to the reviews: what is proposed for each task, and the order in which it was asked.

    With `crossed` the first task gets its first reply only once the last one has asked for its own.
    """
    order: list[str] = []
    last_asked = asyncio.Event()
    provider = replay(path, sleep=sleep)
    complete = provider.complete

    async def watched(request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        task = str(request.meta["task"])
        order.append(task)
        if task == "T3":
            last_asked.set()
        if crossed and task == "T1":
            await asyncio.wait_for(last_asked.wait(), 30)
        return await complete(request, on_chunk)

    provider.complete = watched  # type: ignore[method-assign]
    one = engine(place, provider, at_once)
    try:
        outcome = await one.run(level=Level.FULL)
        assert outcome.code == flow.WAITING_CODE, outcome
        reviews = {one.task: one.base["proposed"] for one in one.board.pending()}
        assert reviews.keys() == {"T1", "T2", "T3"}
        return [reviews, order]
    finally:
        await one.engine.aclose()


TIMINGS = st.tuples(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 3))


def any_timing(tape: tuple[Path, str], factory: pytest.TempPathFactory, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(TIMINGS)
    def holds(timing: tuple[list[int], int]) -> None:
        drawn, at_once = timing
        made, _ = asyncio.run(replayed(factory.mktemp("timing"), tape[0], Shuffled(drawn), at_once))
        assert made == proposed

    proposed, one_by_one = asyncio.run(replayed(factory.mktemp("timing"), tape[0], Shuffled(), 1))
    made, crossed = asyncio.run(replayed(factory.mktemp("timing"), tape[0], Shuffled(), 3, crossed=True))
    assert one_by_one == sorted(one_by_one, key=["None", "T1", "T2", "T3"].index)
    assert crossed.index("T3") < len(crossed) - 1 - crossed[::-1].index("T1"), "T1 was asked again after T3"
    assert made == proposed
    holds()


def test_any_timing_of_several_agents_leads_to_the_same_tree(
    tape: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    any_timing(tape, tmp_path_factory, 1)


@pytest.mark.soak
def test_fifty_timings_of_several_agents_lead_to_the_same_tree(
    tape: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    any_timing(tape, tmp_path_factory, 50)
