"""What a plan will take: a wide guess without history that narrows with it, time for what costs no money."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.session import Usage
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task, TaskComplexity
from autodev_tui.engine.estimates import ENOUGH, ahead, estimate, foreseen
from autodev_tui.engine.models import Model, Models
from autodev_tui.providers.registry import make_provider
from autodev_tui.settings import Settings
from tests.fakes.ollama_server import FakeOllama

OPUS, HAIKU = "anthropic/claude-opus-5-5", "anthropic/claude-haiku-5-5"


def place(spec: str, *done: Task, goal: str = "Change a") -> Any:
    """As much of a session's services as an estimate looks at."""
    database = SimpleNamespace(all=lambda table, state: [one.doc() for one in done])
    return SimpleNamespace(
        board=SimpleNamespace(database=database),
        models=Models(Model(None, spec.partition("/")[2], spec)),  # type: ignore[arg-type]
        settings=Settings(),
        session=SimpleNamespace(goal=goal, instructions=[]),
        rules=(),
        clock=lambda: 1_795_000_000.0,
    )


def task(name: str = "T1", session: str = "s", complexity: str = "moderate", **more: Any) -> Task:
    return Task(id=name, session=session, title="t", complexity=complexity, **more)


def done(cost: float, number: int) -> Task:
    usage = Usage(requests=5, cost_usd=cost)
    return task(session=f"s{number}", state=TaskState.COMPLETED, usage=usage)


def test_without_history_harder_longer_and_dearer_is_more() -> None:
    ranges = [estimate(place(OPUS), [task(complexity=one.value)])["cost_usd"] for one in TaskComplexity]
    assert all(0 < low < high < 20 for low, high in ranges)
    assert ranges == sorted(ranges) and [high for _, high in ranges] == sorted(high for _, high in ranges)
    plain = estimate(place(OPUS), [task()])
    assert plain["cost_usd"][1] > 4 * plain["cost_usd"][0], "a first guess is a wide one"
    assert plain["why"].startswith("a first guess")
    assert estimate(place(HAIKU), [task()])["cost_usd"][1] < plain["cost_usd"][0]
    long = estimate(place(OPUS, goal="words " * 20_000), [task()])
    assert long["cost_usd"][0] > plain["cost_usd"][0]


@given(st.lists(st.floats(0.01, 9), min_size=1, max_size=12))
def test_each_task_that_was_done_narrows_it(costs: list[float]) -> None:
    first = estimate(place(OPUS), [task()])["cost_usd"]
    found = estimate(place(OPUS, *(done(cost, n) for n, cost in enumerate(costs))), [task()])
    low, high = found["cost_usd"]
    assert min(first[0], min(costs)) - 1e-6 <= low <= high <= max(first[1], max(costs)) + 1e-6
    if len(costs) >= ENOUGH:
        assert found["cost_usd"] == pytest.approx([min(costs), max(costs)], abs=1e-6)


def test_what_costs_no_money_takes_time_or_nothing() -> None:
    local = estimate(place("ollama/qwen3"), [task(), task("T2")])
    assert local["cost_usd"] == [0, 0] and 0 < local["local_minutes"][0] < local["local_minutes"][1]
    assert local["why"] == "free: models of this machine cost time alone"
    rules = estimate(place("rules"), [task()])
    assert (rules["cost_usd"], rules["local_minutes"]) == ([0, 0], None) and rules["why"].startswith(
        "free: rules"
    )
    mixed = estimate(place(OPUS), [task(), task("T2", model="ollama/qwen3")])
    assert mixed["cost_usd"] == mixed["tasks"]["T1"]["cost_usd"] and mixed["local_minutes"]
    unknown = estimate(place("anthropic/mystery"), [task()])
    assert (
        unknown["cost_usd"] is None
        and unknown["why"] == "unknown: the price of anthropic/mystery is not known"
    )


async def test_what_is_ahead_leaves_out_what_is_done_and_what_was_spent() -> None:
    begun = task("T2", state=TaskState.IN_PROGRESS, usage=Usage(requests=3, cost_usd=0.1))
    whole = estimate(place(OPUS), [task(), begun])["cost_usd"]
    found = await ahead(place(OPUS), [task(), begun, done(3.0, 1)])
    assert found and found[0] < whole[0] + 1e-9 and found[1] == pytest.approx(whole[1] - 0.1)
    spent = task("T2", state=TaskState.IN_PROGRESS, usage=Usage(requests=3, cost_usd=50.0))
    over = await ahead(place(OPUS), [spent])
    assert over and 0 < over[0] < over[1], "what has cost more than was thought still goes on"
    assert await ahead(place(OPUS), [done(1.0, 1)]) is None
    assert await ahead(place("anthropic/mystery"), [task()]) is None


async def test_what_a_server_sends_elsewhere_is_not_called_free() -> None:
    """Over the wire: a model that is called like a local one, and one that the server does not have."""
    with FakeOllama({"models": {"helper": {"remote": True}, "qwen3": {}}}) as fake:
        provider = make_provider("ollama/helper", {"OLLAMA_HOST": fake.url})[0]
        here = place("ollama/helper")
        here.models = Models(
            Model(provider, "helper", "ollama/helper"),
            lambda spec: Model(provider, spec.partition("/")[2], spec),
        )
        try:
            told = await foreseen(here, [task(), task("T2", model="ollama/qwen3")])
            lost = await foreseen(here, [task(model="ollama/gone")])
        finally:
            await provider.aclose()
    assert told["cost_usd"] is None and told["why"] == "unknown: the price of ollama/helper is not known"
    assert told["tasks"]["T1"] == {"minutes": 60, "cost_usd": None}
    assert told["tasks"]["T2"]["cost_usd"] == [0, 0] and told["tasks"]["T2"]["local_minutes"]
    assert lost["cost_usd"] == [0, 0], "what nobody can ask is what its name says"
    here.settings = Settings(prices={"helper": {"input": 1.0, "output": 2.0}})
    priced = estimate(here, [task()])
    assert priced["cost_usd"][1] > priced["cost_usd"][0] > 0 and priced["local_minutes"] is None
