"""When a model fails for good: who goes on, with what of the conversation, and who says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.states import TaskState
from autodev_tui.engine import flow
from autodev_tui.engine.conversation import plain
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.refusal import Refusal
from autodev_tui.providers.base import ProviderError, StopReason
from autodev_tui.rules.provider import RulesProvider
from tests.fakes.engine_kit import DONE, make_turn, until, waiting
from tests.fakes.many_agents import Call, plan_of
from tests.fakes.paying import Paid, paying_kit

LOOK: Call = ("list_files", {})
OPUS, HAIKU, QWEN = "anthropic/claude-opus-5", "anthropic/claude-haiku-5-5", "ollama/qwen3"


def failure(kind: Any, text: str = "it is gone") -> ProviderError:
    return ProviderError(kind, text)


class Down(Paid):
    """Does not even say how large its window is."""

    async def limits(self, model: str) -> Any:
        """Nobody listens."""
        raise failure("refused", "nobody listens at 127.0.0.1:11434")


def notices(one: Any) -> list[str]:
    path = one.services.session_directory() / "events.jsonl"
    return [event.text for event in read_events(path) if event.kind == "noticed"]


SOAK = [pytest.param(kind, marks=pytest.mark.soak) for kind in ("billing", "not_found", "auth")]


@pytest.mark.parametrize("kind", ["refused", "overloaded", *SOAK])
async def test_the_next_usable_model_of_the_chain_takes_the_turn_and_the_task(
    tmp_path: Path, kind: str
) -> None:
    own = Paid(plan_of({}, {}), {"T1": [LOOK, failure(kind)]})
    other, down = Paid(plan_of({}), spec=HAIKU), Down(plan_of({}), spec=QWEN)
    options = {"fallbacks": (QWEN, "anthropic/gone", HAIKU)}
    kit = paying_kit(tmp_path, own, others=[other, down], options=options, at_once=1)
    try:
        assert (await kit.run()).code == flow.DONE
        t1, t2 = kit.board.tasks["T1"], kit.board.tasks["T2"]
        assert (t1.model, t1.fallback, t2.fallback) == (None, HAIKU, ""), "only what failed goes over"
        assert {one.meta["task"] for one in other.requests} == {"T1"}
        said = "\n".join(notices(kit))
        assert f"{OPUS} failed: it is gone · {HAIKU} goes on with T1" in said
        assert f"{QWEN} cannot stand in for {OPUS}: nobody listens" in said
        assert f"anthropic/gone cannot stand in for {OPUS}" in said
        assert [step.intent["model"] for step in kit.board.steps("T1") if step.kind == "model"][-1] == HAIKU
    finally:
        await kit.engine.aclose()


@pytest.mark.parametrize("kind", ["invalid", "refusal"])
async def test_what_the_request_itself_is_to_blame_for_no_other_model_is_asked(
    tmp_path: Path, kind: str
) -> None:
    bad = failure("invalid", "a bad request")
    own, other = Paid(plan_of({}), {"T1": [bad, bad]}), Paid(plan_of({}), spec=HAIKU)
    if kind == "refusal":
        own._reply_to = lambda request: (  # type: ignore[method-assign]
            make_turn(plan_of({}), first_id=1)
            if request.meta["role"] == "planning"
            else make_turn(text="no", stop=StopReason.REFUSAL)
        )
        own._reply = own._reply_to
    kit = paying_kit(tmp_path, own, others=[other], options={"fallbacks": (HAIKU,)})
    try:
        outcome = await kit.run()
        assert outcome.code == flow.FAILED and (
            "refused" in outcome.error or "a bad request" in outcome.error
        )
        assert other.requests == [] and kit.board.tasks["T1"].fallback == ""
    finally:
        await kit.engine.aclose()


async def test_a_chain_at_its_end_fails_and_a_retry_begins_with_the_chosen_model(tmp_path: Path) -> None:
    own = Paid(plan_of({}), {"T1": [failure("overloaded", "529")]})
    other = Paid(plan_of({}), {"T1": [failure("auth", "no key")]}, spec=HAIKU)
    kit = paying_kit(tmp_path, own, others=[other], options={"fallbacks": (HAIKU,)})
    try:
        outcome = await kit.run()
        assert outcome.code == flow.FAILED and "no key" in outcome.error
        assert (await kit.resume()).code == flow.DONE
        assert kit.board.tasks["T1"].fallback == "" and len(other.requests) == 1
    finally:
        await kit.engine.aclose()


async def test_rules_plan_where_no_model_can_and_stand_in_for_none(tmp_path: Path) -> None:
    down, rules = Down(plan_of({}), spec=QWEN), RulesProvider()
    rules.spec = "rules"  # type: ignore[attr-defined]
    kit = paying_kit(tmp_path, down, others=[rules])  # type: ignore[list-item]
    try:
        outcome = await kit.run("Add a note to the readme")
        assert kit.session.planning_model == "rules" and kit.board.tasks
        assert f"{QWEN} failed: nobody listens at 127.0.0.1:11434 · rules goes on with the plan" in notices(
            kit
        )
        assert outcome.code == flow.FAILED and "nobody listens" in outcome.error
    finally:
        await kit.engine.aclose()


async def test_a_dearer_one_keeps_to_the_budget_as_well(tmp_path: Path) -> None:
    own = Paid(plan_of({}), {"T1": [failure("overloaded")]}, spec=HAIKU)
    dear = Paid(plan_of({}), {"T1": [LOOK] * 3}, spec=OPUS)
    kit = paying_kit(tmp_path, own, others=[dear], options={"fallbacks": (OPUS,)})
    try:
        assert (await kit.run(budget_usd=0.7)).code == flow.LIMIT
        assert dear.requests and kit.session.usage.cost_usd <= 0.7
        assert "which costs more: $5.00 in, $25.00 out per million" in "\n".join(notices(kit))
        assert [one.kind for one in kit.board.pending()] == ["budget"]
    finally:
        await kit.engine.aclose()


THINKING = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
USE = {"type": "tool_use", "id": "call.1:x", "name": "list_files", "input": {}, "extra": 1}
RESULT = {"type": "tool_result", "tool_use_id": "call.1:x", "content": "a.txt"}


def test_of_another_models_turns_only_text_and_calls_are_shown() -> None:
    history: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": [THINKING, {"type": "text", "text": " "}, USE]},
        {"role": "user", "content": [RESULT]},
        {"role": "assistant", "content": [THINKING]},
        {"role": "user", "content": [{"type": "text", "text": "and?"}]},
        {"role": "assistant", "content": [THINKING, {"type": "text", "text": "mine"}]},
    ]
    mine = [True, False, True, False, True, True]
    shown = plain(history, mine)
    assert [one["role"] for one in shown] == ["user", "assistant", "user", "assistant"]
    assert shown[1]["content"] == [{"type": "tool_use", "id": "call_1_x", "name": "list_files", "input": {}}]
    assert shown[2]["content"] == [RESULT | {"tool_use_id": "call_1_x"}, {"type": "text", "text": "and?"}]
    assert shown[3]["content"] == [THINKING, {"type": "text", "text": "mine"}], "its own it gets as it was"
    assert plain(history[:4], mine[:4]) == [*shown[:2], {"role": "user", "content": shown[2]["content"][:1]}]
    assert history[1]["content"][0] is THINKING, "what is kept is kept"


async def test_a_tasks_model_changes_while_it_waits_or_is_held_and_not_while_it_works(tmp_path: Path) -> None:
    own, other = Paid(plan_of({}, {}), {"T1": [LOOK, LOOK]}), Paid(plan_of({}), spec=QWEN)
    own.hold("T1")
    kit = paying_kit(tmp_path, own, others=[other], at_once=1, interactive=True)

    async def choose(task: str, model: str | None) -> None:
        await kit.engine.submit(commands.SetTaskModel(task=task, model=model))

    try:
        await kit.start()
        await until(lambda: own.calling == ["T1"])
        with pytest.raises(Refusal, match="at work · pause it first"):
            await choose("T1", QWEN)
        with pytest.raises(Refusal, match="no anthropic/gone here"):
            await choose("T2", "anthropic/gone")
        with pytest.raises(LookupError):
            await choose("T9", QWEN)
        await choose("T2", QWEN)
        await kit.engine.submit(commands.PauseTask(task="T1"))
        await choose("T1", QWEN)
        own.open()
        await until(lambda: kit.board.tasks["T1"].turns == 1)
        await kit.engine.submit(commands.ContinueTask(task="T1"))
        assert (await kit.engine.wait()).code == flow.DONE
        assert {one.meta["task"] for one in own.requests} == {None, "T1"}
        assert {one.meta["task"] for one in other.requests} == {"T1", "T2"}
        with pytest.raises(Refusal, match="is completed"):
            await choose("T1", None)
    finally:
        await kit.engine.aclose()


async def test_the_sessions_own_model_is_no_model_of_a_task(tmp_path: Path) -> None:
    own = Paid(plan_of({}))
    kit = paying_kit(tmp_path, own, interactive=True)
    try:
        await kit.start(level=None)
        plan = await waiting(kit, "plan")
        await kit.engine.submit(commands.SetTaskModel(task="T1", model=OPUS))
        again = await waiting(kit, "plan")
        assert kit.board.tasks["T1"].model is None and again.ask["digest"] == plan.ask["digest"]
        assert kit.board.tasks["T1"].state is TaskState.PLANNED and DONE
    finally:
        await kit.engine.aclose()
