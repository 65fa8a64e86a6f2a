"""Limits of money in a session: never overshot, one question for all, and what each answer does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands, requests
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Usage
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.step import StepKind
from autodev_tui.engine import flow
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.refusal import Refusal
from tests.fakes.engine_kit import Kit, until, waiting
from tests.fakes.many_agents import Call, plan_of, write
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.paying import Held, Paid, paying_kit

LOOK: Call = ("list_files", {})


class Free(Paid):
    """One that the price list does not have."""

    async def complete(self, request: Any, on_chunk: Any) -> Any:
        """A reply at an unknown price."""
        turn = await super(Paid, self).complete(request, on_chunk)
        return replace(turn, usage=Usage(requests=1, input_tokens=100, output_tokens=10, cost_known=False))


HAIKU = "anthropic/claude-haiku-5-5"


@asynccontextmanager
async def at_work(place: Path, agents: Paid, **more: Any) -> AsyncIterator[Kit]:
    made = paying_kit(place, agents, **more)
    try:
        yield made
    finally:
        await made.engine.aclose()


def notices(kit: Kit) -> list[str]:
    path = kit.services.session_directory() / "events.jsonl"
    return [event.text for event in read_events(path) if event.kind == "noticed"]


async def test_ten_agents_keep_to_the_cap_and_go_on_once_it_is_raised(tmp_path: Path) -> None:
    names = [f"T{n}" for n in range(1, 11)]
    agents = Paid(plan_of(*[{}] * 10), {name: [LOOK] for name in names})
    agents.hold(*names)
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start(budget_usd=3.0)
        await until(lambda: len(agents.calling) == 6, "as many as are sure to be paid")
        assert sum(grant.usd for grant in one.services.purse._open.values()) <= 3.0
        agents.open()
        question = await waiting(one, "budget")
        await until(lambda: not agents.calling)
        assert 1.5 < one.session.usage.cost_usd <= 3.0, "every reply takes all that it may"
        assert agents.peak == 6 and len(one.board.pending()) == 1
        ask = question.ask
        assert (ask["scope"], ask["budget_usd"], question.choices) == ("session", 3.0, ["raise", "stop"])
        assert ask["ahead_usd"][0] < ask["ahead_usd"][1] and f"to ${3 + ask['raise_usd']:.2f}" in ask["raise"]
        seen = 0
        while (code := one.session.code) is None:
            await until(lambda: one.session.code is not None or one.board.pending())
            for asked in one.board.pending():
                assert asked.kind == "budget"
                seen += 1
                await one.answer(asked, "choose", choice="raise")
        assert code == flow.DONE and seen >= 1
        limit = one.session.budget_usd
        assert limit is not None and agents.most <= one.session.usage.cost_usd <= limit
        assert next(text for text in notices(one) if text.startswith("budget: ")).startswith("budget: $2.")


async def test_headless_a_spent_budget_is_code_4_and_the_question_stays_the_same(tmp_path: Path) -> None:
    agents = Paid(plan_of({}, {}), {"T1": [LOOK] * 3, "T2": [LOOK] * 3})
    async with at_work(tmp_path, agents) as one:
        assert (await one.run(budget_usd=1.5)).code == flow.LIMIT
        (question,) = one.board.pending()
        assert (await one.resume()).code == flow.LIMIT
        assert [asked.id for asked in one.board.pending()] == [question.id]
        await one.answer(question, "choose", choice="raise")
        assert (await one.resume()).code in (flow.DONE, flow.LIMIT)
        assert one.session.budget_usd == pytest.approx(1.5 + question.ask["raise_usd"])


async def test_a_cheaper_model_goes_on_and_the_limit_stays(tmp_path: Path) -> None:
    agents, cheap = Paid(plan_of({}, {}), {"T1": [LOOK]}), Paid(plan_of({}), spec=HAIKU)
    agents.share = 0.9
    options = {"fallbacks": (HAIKU, "anthropic/gone")}
    async with at_work(tmp_path, agents, others=[cheap], options=options, interactive=True) as one:
        await one.start(budget_usd=1.0)
        question = await waiting(one, "budget")
        assert question.choices == ["raise", f"cheaper:{HAIKU}", "stop"]
        (offer,) = question.ask["cheaper"]
        assert offer == {"model": HAIKU, "usd_per_million_input": 0.1, "usd_per_million_output": 0.5}
        await one.answer(question, "choose", choice=f"cheaper:{HAIKU}")
        assert (await one.engine.wait()).code == flow.DONE
        assert cheap.models and one.session.model == HAIKU and one.session.budget_usd == 1.0
        assert one.session.usage.cost_usd <= 1.0
        assert f"{HAIKU} goes on for the whole session: the budget stays" in notices(one)


async def test_at_the_limit_this_machine_offers_what_calls_tools_with_what_it_can_do(tmp_path: Path) -> None:
    """Three are installed that are fit; the second best, the one that works elsewhere and others are not."""
    models: dict[str, Any] = {
        "tiny": {"tools": False},
        "helper": {"remote": True},
        "small": {"size": 400_000_000},
        "qwen3": {"thinking": True},
        "nomic": {"capabilities": ["embedding"]},
        "other": {},
    }
    with FakeOllama({"models": models}) as fake:
        specs = [f"ollama/{name}" for name in ("qwen3", "other", "small")]
        mine = [Paid(plan_of({}), spec=spec) for spec in specs]
        agents = Paid(plan_of({}, {}), {"T1": [LOOK]})
        agents.share = 0.9
        async with at_work(
            tmp_path, agents, others=mine, environment={"OLLAMA_HOST": fake.url}, interactive=True
        ) as one:
            await one.start(budget_usd=1.0)
            question = await waiting(one, "budget")
            assert question.choices == ["raise", "cheaper:ollama/qwen3", "cheaper:ollama/other", "stop"]
            best = question.ask["cheaper"][0]
            assert best["usd_per_million_output"] == 0.0
            assert best["can"] == "calls tools, thinks, 200,000 tokens of context"
            await one.answer(question, "choose", choice="cheaper:ollama/qwen3")
            assert (await one.engine.wait()).code == flow.DONE
            assert mine[0].models and one.session.model == "ollama/qwen3" and one.session.budget_usd == 1.0


async def test_stop_puts_what_is_there_to_review_at_every_level(tmp_path: Path) -> None:
    agents = Paid(plan_of({}, {}), {"T1": [write("half.txt"), LOOK, LOOK, LOOK]})
    async with at_work(tmp_path, agents, at_once=1, interactive=True) as one:
        await one.start(budget_usd=1.2)
        await one.answer(await waiting(one, "budget"), "choose", choice="stop")
        review = await waiting(one, "changes")
        assert "stopped at the budget" in review.ask["why_asked"] and review.task == "T1"
        await one.answer(review)
        outcome = await one.engine.wait()
        assert outcome.code == flow.LIMIT and "stopped at the budget" in outcome.error
        assert one.board.tasks["T1"].state is TaskState.COMPLETED
        assert one.board.tasks["T2"].state is not TaskState.COMPLETED, "it never had any money"
        assert one.session.budget_usd == 1.2
        assert len([a for a in one.board.approvals.values() if a.kind == "budget"]) == 1
    assert agents.most <= 1.2


async def test_a_task_has_a_limit_of_its_own_that_holds_up_no_other(tmp_path: Path) -> None:
    agents = Paid(plan_of({}, {}), {"T1": [LOOK] * 4})
    async with at_work(tmp_path, agents, options={"budgets": {"task_usd": 1.0}}, interactive=True) as one:
        await one.start()
        question = await waiting(one, "budget")
        await until(lambda: one.board.tasks["T2"].state is TaskState.COMPLETED)
        assert (question.ask["scope"], question.ask["whose"]) == ("task", "T1")
        assert "T1 $" in question.title and one.board.tasks["T1"].usage.cost_usd <= 1.0
        await one.answer(question, "choose", choice="raise")
        await until(lambda: one.board.tasks["T1"].budget_usd)
        assert one.board.tasks["T1"].budget_usd == pytest.approx(1.0 + question.ask["raise_usd"])
        assert one.board.tasks["T2"].budget_usd is None


async def test_a_question_about_a_limit_that_was_given_anew_is_not_asked_any_more(tmp_path: Path) -> None:
    agents = Paid(plan_of({}, {}), {"T1": [LOOK] * 3, "T2": [LOOK] * 3})
    async with at_work(tmp_path, agents) as one:
        assert (await one.run(budget_usd=1.5)).code == flow.LIMIT
        (question,) = one.board.pending()
        assert (await one.resume(budget_usd=50.0)).code == flow.DONE
        assert one.board.pending() == [], "nobody waits for its answer"
        assert one.board.approvals[question.id].state == "superseded"


async def test_what_is_raised_counts_from_the_limit_at_the_answer(tmp_path: Path) -> None:
    """Whose limit was changed in the settings while the question waited is not set back by the answer."""
    agents = Paid(plan_of({}, {}), {"T1": [LOOK] * 4})
    async with at_work(tmp_path, agents, options={"budgets": {"task_usd": 1.0}}, interactive=True) as one:
        await one.start()
        question = await waiting(one, "budget")
        now = one.settings.model_copy(
            update={"budgets": one.settings.budgets.model_copy(update={"task_usd": 9})}
        )
        await one.engine.use(settings=now)
        await one.answer(question, "choose", choice="raise")
        await until(lambda: one.board.tasks["T1"].budget_usd)
        assert one.board.tasks["T1"].budget_usd == pytest.approx(9 + question.ask["raise_usd"])


async def test_a_limit_of_the_day_holds_over_sessions_and_is_raised_for_that_day(tmp_path: Path) -> None:
    agents = Paid(plan_of({}), {"T1": [LOOK] * 3})
    options = {"budgets": {"day_usd": 1.0, "month_usd": 90.0}}
    async with at_work(tmp_path, agents, options=options, spending=tmp_path / "user") as one:
        outcome = await one.run()
        assert outcome.code == flow.LIMIT
        (question,) = one.board.pending()
        assert question.ask["scope"] == "day" and "today $" in question.title
        await one.answer(question, "choose", choice="raise")
        assert (await one.resume()).code in (flow.DONE, flow.LIMIT)
        first = one.session.usage.cost_usd
        assert first <= 1.0 + question.ask["raise_usd"]
        one.clock.now += 86_400
        agents._rest["T1"] = []
        await one.run()
        assert one.session.usage.cost_usd > 0, "another day has its own limit"
        spent = one.services.purse.spending.spent(one.clock())
        assert spent["month"] == pytest.approx(first + one.session.usage.cost_usd)
        assert spent["day"] == pytest.approx(one.session.usage.cost_usd)


async def test_what_an_interrupted_call_said_is_booked_as_the_least_it_cost(tmp_path: Path) -> None:
    agents = Held(plan_of({}))
    agents.share = 0.01
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start(budget_usd=5.0)
        await until(lambda: agents.calling)
        before = one.session.usage
        await one.engine.submit(commands.PauseTask(task="T1", now=True))
        await until(lambda: one.board.tasks["T1"].usage.requests)
        usage = one.board.tasks["T1"].usage
        assert usage.at_least and usage.output_tokens == int(len(Held.words) / 3.2) and usage.cost_usd > 0
        assert one.session.usage.cost_usd == pytest.approx(before.cost_usd + usage.cost_usd)
        await until(lambda: one.services.purse._open == {})


async def test_a_model_of_unknown_price_is_refused_only_where_there_is_a_limit(tmp_path: Path) -> None:
    own, mystery = Paid(plan_of({}, {})), Free(plan_of({}), spec="anthropic/mystery")
    own.share = 0.01
    kit = paying_kit(tmp_path, own, others=[mystery], at_once=1, interactive=True)
    try:
        await kit.start(level=Level.COLLABORATIVE, budget_usd=5.0)
        await waiting(kit, "plan")
        wanted = commands.SetTaskModel(task="T2", model=mystery.spec)
        with pytest.raises(Refusal, match="price of mystery is not known, so a budget cannot be kept"):
            await kit.engine.submit(wanted)
        await kit.board.commit(kit.session.but(budget_usd=None))
        await kit.engine.submit(wanted)
        plan = await waiting(kit, "plan")
        assert plan.ask["estimate"]["cost_usd"] is None and "anthropic/mystery" in plan.ask["estimate"]["why"]
        await kit.answer(plan)
        await until(lambda: kit.board.tasks["T2"].usage.requests)
        assert not kit.board.tasks["T2"].usage.cost_known and not kit.session.usage.cost_known
    finally:
        await kit.engine.aclose()


class Elsewhere(Paid):
    """Called like a local one, and works in somebody's cloud."""

    async def limits(self, model: str) -> Any:
        """As its server tells."""
        return replace(await super().limits(model), remote=True)


async def test_what_only_looks_local_is_not_taken_for_free(tmp_path: Path) -> None:
    other = Elsewhere(plan_of({}), spec="ollama/helper")
    own = Paid(plan_of({}, {}), {"T1": [LOOK] * 6})
    own.share = 0.9
    options = {"fallbacks": (other.spec,)}
    async with at_work(tmp_path, own, others=[other], options=options, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE, budget_usd=1.0)
        plan = await waiting(one, "plan")
        with pytest.raises(Refusal, match="price of helper is not known"):
            await one.engine.submit(commands.SetTaskModel(task="T1", model=other.spec))
        await one.answer(plan)
        assert (await waiting(one, "budget")).choices == ["raise", "stop"]
    alone = Elsewhere(plan_of({}), spec="ollama/helper")
    async with at_work(tmp_path / "alone", alone) as one:
        outcome = await one.run(budget_usd=1.0)
        assert outcome.code == flow.FAILED and "price of helper is not known" in outcome.error
        assert not alone.models


async def test_a_cheaper_model_for_the_session_takes_no_task_from_one_that_costs_less(tmp_path: Path) -> None:
    local, cheap = Paid(plan_of({}), spec="ollama/qwen3"), Paid(plan_of({}), spec=HAIKU)
    own = Paid(plan_of({}, {}), {"T1": [LOOK] * 6})
    own.share = 0.9
    options = {"fallbacks": (HAIKU,)}
    async with at_work(
        tmp_path, own, others=[local, cheap], options=options, at_once=1, interactive=True
    ) as one:
        await one.start(level=Level.COLLABORATIVE, budget_usd=1.0)
        await waiting(one, "plan")
        await one.engine.submit(commands.SetTaskModel(task="T2", model=local.spec))
        await one.answer(await waiting(one, "plan"))
        question = await waiting(one, "budget")
        await one.answer(question, "choose", choice=f"cheaper:{HAIKU}")
        await until(lambda: one.session.model == HAIKU, "the cheaper one")
        assert one.board.tasks["T2"].model == local.spec, "its work does not leave the machine"


async def test_a_cheaper_model_that_is_gone_by_the_answer_is_asked_about_anew(tmp_path: Path) -> None:
    agents, cheap = Paid(plan_of({}, {}), {"T1": [LOOK]}), Paid(plan_of({}), spec=HAIKU)
    agents.share = 0.9
    options = {"fallbacks": (HAIKU,)}
    async with at_work(tmp_path, agents, others=[cheap], options=options, interactive=True) as one:
        await one.start(budget_usd=1.0)
        question = await waiting(one, "budget")
        one.services.models._made.clear()
        one.services.models._maker = None
        await one.answer(question, "choose", choice=f"cheaper:{HAIKU}")
        await until(lambda: [one.id for one in one.board.pending()] not in ([], [question.id]), "a new one")
        again = await waiting(one, "budget")
        assert again.choices == ["raise", "stop"] and one.session.model == agents.spec
        assert any(f"{HAIKU} cannot be used any more" in text for text in notices(one))


async def test_a_call_that_a_kill_cut_off_is_paid_for_though_its_task_is_cancelled(tmp_path: Path) -> None:
    own = Paid(plan_of({}, {}))
    own.share = 0.1
    async with at_work(tmp_path, own, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE, budget_usd=5.0)
        await waiting(one, "plan")
        kept = {"id": f"{one.session.id}/T1/1", "usd": 0.7, "at": 1.0, "prompt": 1, "characters": 1}
        call = one.board.new_step(
            StepKind.MODEL, "T1", "m", state=StepState.STARTED, turn=1, intent={"reserved": kept}, started=1.0
        )
        await one.board.commit(call)
        before = one.session.usage
        await one.engine.submit(commands.CancelTask(task="T1"))
        assert one.board.step(call.id).state is StepState.INTERRUPTED
        assert one.board.step(call.id).result["usage"]["held_usd"] == 0.7, "the record of the day books it"
        assert one.board.tasks["T1"].usage.held_usd == 0.7
        assert one.session.usage.held_usd == 0.7 and one.session.usage.cost_usd == before.cost_usd


async def test_what_works_on_a_task_is_part_of_the_plan_and_local_models_are_free(tmp_path: Path) -> None:
    free = Paid(plan_of({}, {}), spec="ollama/qwen3")
    own = Paid(plan_of({"title": "First"}, {}), {"T1": [LOOK]}, spec="anthropic/claude-opus-5")
    own.share = 0.01
    async with at_work(tmp_path, own, others=[free], interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        plan = await waiting(one, "plan")
        await one.engine.submit(commands.SetTaskModel(task="T2", model="ollama/qwen3"))
        again = await waiting(one, "plan")
        assert again.id != plan.id and again.ask["tasks"][1]["model"] == "ollama/qwen3"
        assert again.ask["digest"] != plan.ask["digest"], "what works on a task is part of the plan"
        told = again.ask["estimate"]["tasks"]
        assert told["T2"]["cost_usd"] == [0.0, 0.0] and told["T2"]["local_minutes"][1] > 0
        assert told["T1"]["cost_usd"][0] > 0
        await one.answer(again)
        assert (await one.engine.wait()).code in (flow.DONE, 3)
        assert one.board.tasks["T2"].usage.cost_usd == 0 and one.board.tasks["T2"].usage.local_s >= 0
        assert free.models and set(free.models) == {"ollama/qwen3"}


async def test_what_was_used_is_told_by_agent_and_day_with_all_limits(tmp_path: Path) -> None:
    local = Paid(plan_of({}), {"T1": [LOOK]}, spec="ollama/qwen3")
    own = Paid(plan_of({}, {}))
    options = {"budgets": {"task_usd": 2.0, "month_usd": 0.21}}
    async with at_work(tmp_path, own, others=[local], options=options, at_once=1, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE, budget_usd=5.0)
        await waiting(one, "plan")
        await one.engine.submit(commands.SetTaskModel(task="T1", model="ollama/qwen3"))
        await one.answer(await waiting(one, "plan"))
        question = await waiting(one, "budget")
        assert question.ask["scope"] == "month"
        answer = await one.engine.ask(requests.GetUsage(by="agent"))
        assert isinstance(answer, requests.RowsAnswer)
        rows, facts = {row["agent"]: row for row in answer.rows}, answer.facts
        assert rows.keys() == {"planning", "development"} and rows["development"]["tasks"] == 2
        limits = {row["scope"]: row for row in facts["limits"]}
        assert [limits[scope]["limit_usd"] for scope in ("task", "session", "day", "month")] == [
            2,
            5,
            None,
            0.21,
        ]
        assert limits["month"]["warned"] and facts["warned"] and not limits["session"]["warned"]
        spent = one.session.usage.cost_usd
        assert limits["day"]["spent_usd"] == limits["month"]["spent_usd"] == pytest.approx(spent)
        assert facts["local_s"] == one.board.tasks["T1"].usage.local_s > 0
        days = facts["per_day"]
        assert len(days) == 31 and [day["day"] for day in days] == sorted(day["day"] for day in days)
        assert days[-1]["cost_usd"] == pytest.approx(spent) and days[0]["tokens"] == 0
        assert sum(day["local_s"] for day in days) == pytest.approx(facts["local_s"])
        await one.answer(question, "choose", choice="stop")
        await until(lambda: not one.engine.busy)
        assert one.board.tasks["T1"].state is TaskState.COMPLETED, "what is free needs no money"
