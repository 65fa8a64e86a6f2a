"""What is set aside for calls: ten agents never spend more than a limit, whatever calls cost and take."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.domain.session import Usage
from autodev_tui.domain.task import Task
from autodev_tui.engine.models import Model
from autodev_tui.engine.purse import Grant, Purse
from autodev_tui.engine.rates import Rates, most_tokens, rates_of
from autodev_tui.engine.spending import Spending
from autodev_tui.settings import Settings

MODEL = Model(None, "m", "scripted/m")  # type: ignore[arg-type]
AGENTS = 10


@dataclass
class Counter:
    """A session and its tasks, of which only what is spent counts."""

    budget_usd: float | None
    usage: Usage = field(default_factory=Usage)
    warned: list[str] = field(default_factory=list)

    def but(self, **changes: Any) -> Counter:
        return Counter(**{**vars(self), **changes})


class Office:
    """As much of a session's services as a purse needs."""

    def __init__(self, budget: float | None, place: Path, **budgets: float) -> None:
        self.settings = Settings(budgets=budgets)
        self.session = Counter(budget)
        self.tasks = {f"T{n}": Task(id=f"T{n}", session="s", title="t") for n in range(AGENTS)}
        self.board = SimpleNamespace(newest=self._newest, tasks=self.tasks, commit=self._commit, log=self)
        self.said: list[str] = []
        self.now = 1_795_000_000.0
        self.purse = Purse(self, Spending(place))  # type: ignore[arg-type]

    def _newest(self, record: Any) -> Any:
        return self.session if isinstance(record, Counter) else self.tasks[record.id]

    async def _commit(self, record: Any) -> None:
        self.session = record

    def emit(self, event: Any) -> None:
        self.said.append(event.text)

    def clock(self) -> float:
        return self.now

    def interruptible(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def book(self, task: str, usd: float) -> Usage:
        used = Usage(requests=1, cost_usd=usd)
        self.session = self.session.but(usage=self.session.usage.plus(used))
        self.tasks[task] = self.tasks[task].but(usage=self.tasks[task].usage.plus(used))
        return used


def wish(task: str, turn: int, rates: Rates, prompt: int, output: int, at: float) -> Grant:
    usd = rates.most(prompt, output)
    return Grant(f"s/{task}/{turn}", task, MODEL, rates, prompt, output, usd, at, 0)


CALL = st.tuples(
    st.integers(0, 5),  # how long it takes, in turns of the loop
    st.integers(1, 40_000),  # tokens of its prompt
    # How much of its reply it uses; a provider that tries again by itself may take more than all of it.
    st.one_of(st.floats(0, 1), st.floats(0, 1), st.floats(1, 1.6)),
)
PRICE = st.sampled_from([0.1, 0.5, 2.0, 5.0, 10.0, 50.0])


@settings(max_examples=60, deadline=None)
@given(
    rates=st.builds(lambda a, b: Rates(a / 1e6, b / 1e6, a / 1e7), PRICE, PRICE),
    calls=st.lists(CALL, min_size=AGENTS, max_size=40),
    limit=st.floats(0.01, 3.0),
    task_limit=st.none() | st.floats(0.01, 1.0),
    least=st.sampled_from([500, 4_000]),
)
def test_ten_agents_never_spend_more_than_a_limit(
    rates: Rates,
    calls: list[tuple[int, int, float]],
    limit: float,
    task_limit: float | None,
    least: int,
    tmp_path_factory: Any,
) -> None:
    budgets = {"task_usd": task_limit} if task_limit else {}
    office = Office(limit, tmp_path_factory.mktemp("purse"), **budgets)
    over = [0.0]
    """By how much calls cost more than was set aside for them."""

    async def work(task: str, mine: list[tuple[int, int, float]]) -> None:
        for turn, (takes, prompt, share) in enumerate(mine):
            while True:
                got = await office.purse.grant(wish(task, turn, rates, prompt, 16_000, office.now), least)
                if isinstance(got, Grant):
                    break
                if not any(cap.open_usd for cap in got):
                    return  # here the human is asked
                await office.purse.changed(got)
            open_usd = sum(grant.usd for grant in office.purse._open.values())
            assert office.session.usage.cost_usd + open_usd <= limit + 1e-9, "nobody begins without money"
            for _ in range(takes):
                await asyncio.sleep(0)
            used = office.book(task, rates.most(prompt, int(share * got.max_tokens)))
            over[0] += max(0.0, used.cost_usd - got.usd)
            assert office.session.usage.cost_usd <= limit + over[0] + 1e-9
            if task_limit:
                assert office.tasks[task].usage.cost_usd <= task_limit + over[0] + 1e-9
            await office.purse.settle(got, used)

    async def all_of_them() -> None:
        mine = [calls[n::AGENTS] for n in range(AGENTS)]
        await asyncio.gather(*(work(f"T{n}", one) for n, one in enumerate(mine)))

    asyncio.run(all_of_them())
    assert office.purse._open == {}


async def test_a_call_waits_for_others_rather_than_for_the_human(tmp_path: Path) -> None:
    office, rates = Office(1.0, tmp_path), Rates(0, 50e-6, 0)
    first = await office.purse.grant(wish("T1", 1, rates, 0, 16_000, office.now), 4_000)
    assert isinstance(first, Grant) and first.usd == 0.8 and not first.lowered
    short = await office.purse.grant(wish("T2", 1, rates, 0, 16_000, office.now), 4_000)
    assert isinstance(short, list) and short[0].open_usd == 0.8
    waiting = asyncio.ensure_future(office.purse.changed(short))
    await asyncio.sleep(0)
    assert not waiting.done()
    await office.purse.settle(first, office.book("T1", 0.1))
    await asyncio.wait_for(waiting, 5)
    assert isinstance(await office.purse.grant(wish("T2", 1, rates, 0, 16_000, office.now), 4_000), Grant)


async def test_what_is_put_down_for_a_call_that_is_cancelled_before_it_is_made_is_free_again(
    tmp_path: Path,
) -> None:
    office = Office(None, tmp_path, day_usd=1.0)
    rates = rates_of("anthropic/claude-opus-5", "claude-opus-5", {}, office.now)
    assert rates
    spending = office.purse.spending
    reserve = spending.reserve
    begun, goes_on, written = threading.Event(), threading.Event(), threading.Event()

    def slowly(*args: Any) -> Any:
        begun.set()
        assert goes_on.wait(20)
        short = reserve(*args)
        written.set()
        return short

    spending.reserve = slowly  # type: ignore[method-assign, assignment]
    asking = asyncio.create_task(office.purse.grant(wish("T1", 1, rates, 1_000, 1_000, office.now), 1_000))
    assert await asyncio.to_thread(begun.wait, 20)
    asking.cancel()
    goes_on.set()
    await asyncio.wait({asking})
    assert asking.cancelled()
    assert await asyncio.to_thread(written.wait, 20)
    (day,) = spending.left(office.now, {"day": 1.0})
    assert (day.spent_usd, day.open_usd) == (0.0, 0.0)
    assert not office.purse._open


async def test_a_reply_is_made_shorter_down_to_what_is_of_use(tmp_path: Path) -> None:
    office, rates = Office(0.5, tmp_path), Rates(0, 50e-6, 0)
    got = await office.purse.grant(wish("T1", 1, rates, 0, 16_000, office.now), 4_000)
    assert isinstance(got, Grant) and (got.max_tokens, got.lowered) == (10_000, True)
    await office.purse.settle(got, office.book("T1", 0.31))
    short = await office.purse.grant(wish("T1", 2, rates, 0, 16_000, office.now), 4_000)
    assert isinstance(short, list) and round(short[0].left, 6) == 0.19


async def test_each_limit_is_told_once_when_it_is_nearly_reached(tmp_path: Path) -> None:
    office, rates = Office(5.0, tmp_path, day_usd=6.0), Rates(0, 50e-6, 0)
    for turn, usd in enumerate((3.9, 0.1, 0.5, 0.3)):
        got = await office.purse.grant(wish("T1", turn, rates, 0, 1000, office.now), 1)
        assert isinstance(got, Grant)
        await office.purse.settle(got, office.book("T1", usd))
    assert office.said == ["budget: $4.00 of 5.00", "budget: today $4.80 of 6.00"]


def test_the_dearest_way_to_send_a_prompt_counts_and_unknown_prices_are_unknown() -> None:
    at = 1_795_000_000.0
    opus = rates_of("anthropic/claude-opus-5-5", "claude-opus-5-5", {}, at)
    assert opus and (round(opus.input * 1e6, 6), round(opus.output * 1e6, 6)) == (5.0, 20.0)
    haiku = rates_of("anthropic/claude-haiku-5-5", "claude-haiku-5-5", {}, at, 95_000)
    assert haiku and round(haiku.output * 1e6, 6) == 2.5, "near the tier its prices count"
    assert rates_of("anthropic/mystery", "mystery", {}, at) is None
    assert rates_of("ollama/qwen3", "qwen3", {}, at) == rates_of("rules", "rules", {}, at) == Rates(0, 0, 0)
    assert rates_of("ollama/gpt-oss:120b-cloud", "gpt-oss:120b-cloud", {}, at) is None


@given(st.text())
def test_no_text_has_more_tokens_than_bytes_and_the_bound_grows_with_it(text: str) -> None:
    other = sum(character > "\x7f" for character in text)
    assert (
        most_tokens(len(text), other)
        <= most_tokens(len(text) + 1, other)
        <= most_tokens(len(text) + 1, other + 1)
    )
