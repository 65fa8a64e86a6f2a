"""Where an agent stands between the human's decisions, read off the step log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import flow
from autodev_tui.engine.told import Standing, review_decision
from autodev_tui.providers.base import Request, Turn
from tests.fakes.engine_kit import DONE, kit, make_turn, renumbered, waiting

READ = ("read_file", {"path": "a.txt"})


def edit(old: str, new: str) -> tuple[str, dict[str, Any]]:
    return ("edit_file", {"path": "a.txt", "old_text": old, "new_text": new})


def log(*steps: tuple[StepKind, str, StepState, dict[str, Any]]) -> list[Step]:
    return [
        Step(id=f"s/{seq}", session="s", seq=seq, kind=kind, name=name, state=state, intent=intent, created=0)
        for seq, (kind, name, state, intent) in enumerate(steps, 1)
    ]


def reply(state: StepState = StepState.DONE) -> tuple[StepKind, str, StepState, dict[str, Any]]:
    return StepKind.MODEL, "m", state, {}


def note(name: str, **intent: Any) -> tuple[StepKind, str, StepState, dict[str, Any]]:
    return StepKind.NOTE, name, StepState.DONE, intent


def test_a_new_agent_has_heard_of_no_decision() -> None:
    found = Standing().position(log(note("task")))
    assert found == {"decision": "", "hunks": [], "since": 1, "earlier": [], "plan": []}


def test_only_replies_that_came_count() -> None:
    steps = log(note("task"), reply(StepState.FAILED), reply(), reply(StepState.INTERRUPTED), reply())
    assert Standing().position(steps)["since"] == 3


def test_decisions_between_two_replies_are_one_and_the_earlier_ones_are_told_apart() -> None:
    refused = (StepKind.TOOL, "edit_file", StepState.REFUSED, {})
    steps = log(
        note("task"),
        reply(),
        refused,
        note("edited T1:1:call_2"),
        reply(),
        note("message s/m1"),
        reply(),
        note("review 1", decision="comment", hunks=[2, 3]),
        reply(),
        note("checks abc 1"),
        note("conflict 1"),
        reply(),
    )
    found = Standing().position(steps, log(note("goal"), reply(), note("plan rejected s/a1")))
    assert found == {
        "decision": "comment",
        "hunks": [],
        "since": 2,
        "earlier": ["edit+reject", "comment 2,3"],
        "plan": ["reject"],
    }


STATES = st.sampled_from([StepState.STARTED, StepState.DONE, StepState.FAILED, StepState.REFUSED])
STEPS = st.one_of(
    st.tuples(st.just(StepKind.MODEL), st.just("m"), STATES, st.just({})),
    st.tuples(st.just(StepKind.TOOL), st.just("edit_file"), STATES, st.just({})),
    st.sampled_from([note("edited x"), note("review 1", decision="reject", hunks=[2], each=["reject ab"])]),
)


@given(st.lists(STEPS, max_size=30))
def test_read_on_from_turn_to_turn_it_is_the_same_as_read_anew(
    steps: list[tuple[StepKind, str, StepState, dict[str, Any]]],
) -> None:
    whole, kept = log(*steps), Standing()
    for length in range(len(whole) + 1):
        # The last step may still be under way when it is looked at, and end before the next look.
        now = whole[:length]
        if now and now[-1].state is StepState.DONE and now[-1].kind is StepKind.MODEL:
            kept.position([*now[:-1], now[-1].but(state=StepState.STARTED)])
        assert kept.position(now) == Standing().position(now)


def test_what_was_accepted_beside_it_does_not_make_a_decision_mixed() -> None:
    one, two, three = (
        HunkDecision(hunk=1, verdict="accept"),
        HunkDecision(hunk=2, verdict="reject"),
        HunkDecision(hunk=3, verdict="edit", new_lines=["x\n"]),
    )
    assert review_decision([one], None) == {"decision": "accept", "hunks": []}
    assert review_decision([one, two], None) == {"decision": "reject", "hunks": [2]}
    assert review_decision([one, two, three], None) == {"decision": "edit+reject", "hunks": [2, 3]}


async def test_the_request_says_where_its_agent_stands_also_after_a_restart(tmp_path: Path) -> None:
    script = [
        make_turn(READ, edit("two\n", "zwei\n")),
        make_turn(DONE),
        make_turn(READ, edit("two\n", "deux\n")),
        make_turn(DONE),
    ]
    asked: list[dict[str, Any]] = []
    plans = 0

    def answer(request: Request) -> Turn:
        nonlocal plans
        asked.append(dict(request.meta))
        if request.meta["role"] == "planning":
            plans += 1
            plan = {"tasks": [{"id": "x", "title": f"Change a, plan {plans}", "description": "do it"}]}
            return make_turn(("submit_plan", plan), first_id=900_000 + 100 * plans)
        return renumbered(script.pop(0), 100 * len(asked))

    async with kit(tmp_path, answer) as one:
        outcome = await one.run(level=Level.COLLABORATIVE)
        assert outcome.code == flow.WAITING_CODE
        await one.answer(await waiting(one, "plan"), verdict="reject", reason="smaller")
        for kind in ("plan", "changes", "changes"):
            assert (await one.resume()).code == flow.WAITING_CODE
            question = await waiting(one, kind)
            if kind == "changes" and len(asked) < 5:
                await one.answer(question, verdict="reject", reason="in French")
            elif kind == "plan":
                await one.answer(question)
    told = [(one["role"], one["decision"], one["hunks"], one["since"], one["plan"]) for one in asked]
    assert told == [
        ("planning", "", [], 1, []),
        ("planning", "reject", [], 1, []),
        ("development", "", [], 1, ["reject"]),
        ("development", "", [], 2, ["reject"]),
        ("development", "reject", [1], 1, ["reject"]),
        ("development", "reject", [1], 2, ["reject"]),
    ]
    assert all(Path(one["worktree"]).is_absolute() for one in asked)
