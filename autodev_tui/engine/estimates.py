"""What a plan will take, before it is approved: minutes, and money as a range.

What moves it (S25): the complexity of each task, which says how many times a model is asked; how long its
prompt is; what its model costs; how often such work goes back; and what tasks like these have cost in this
repository. Without any of those the range is wide and says so; each task that was done narrows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task, TaskComplexity
from autodev_tui.engine.rates import Rates, is_free, is_local, rates_of
from autodev_tui.providers.base import ProviderError

if TYPE_CHECKING:
    from autodev_tui.engine.services import Services
    from autodev_tui.settings import Settings
    from store.database import Database

CALLS = {
    TaskComplexity.SIMPLE: (4, 15),
    TaskComplexity.MODERATE: (8, 30),
    TaskComplexity.COMPLEX: (15, 60),
    TaskComplexity.EXPERT: (25, 100),
}
"""How often a model is asked for a task, least and most: a review that sends it back is in the most."""
BASE_TOKENS = 5_000
"""What every prompt begins with: the system prompt, the tools, the repository's rules."""
GROWTH_TOKENS = (600, 2_500)
"""By so much a conversation grows with each call: the reply and what its tools bring."""
OUTPUT_TOKENS = (200, 900)
"""Of one reply, thinking included."""
CHARACTERS = 3.2
"""Of a token, in the prose of a task."""
LOCAL_PER_S = (60.0, 12.0)
"""Tokens that a model of this machine writes in a second, at best and at worst; it reads far faster."""
LOCAL_READ_PER_S = (1_500.0, 150.0)
ANSWERS_S = 3.0
"""How long a server may take to say where a model works."""
ENOUGH = 5
"""So many tasks of one complexity done here, and what they cost is all that counts."""


@dataclass(frozen=True)
class _Needs:
    """Tokens that a task takes in all: sent for the first time, read from the cache, written."""

    sent: float
    read: float
    written: float

    def usd(self, rates: Rates) -> float:
        return self.sent * rates.input + self.read * rates.read + self.written * rates.output


def estimate(services: Services, tasks: Iterable[Task]) -> dict[str, Any]:
    """`minutes` in all, `cost_usd` as a range or None, both for each task by its id, and `why`. Sync.

    `local_minutes` is the range for what models of this machine do, None where they do nothing.
    """
    tasks = list(tasks)
    known = _costs(services.board.database, {task.key() for task in tasks})
    by_task: dict[str, Any] = {}
    unpriced: set[str] = set()
    resting = 0
    local: list[tuple[float, float]] = []
    for task in tasks:
        spec = services.models.spec_of(task)
        costs, minutes = _range(services, task, spec, known.get(task.complexity.value, ()))
        resting += len(known.get(task.complexity.value, ())) if costs and costs[1] else 0
        if costs is None:
            unpriced.add(spec)
        if minutes:
            local.append(minutes)
        by_task[task.id] = {
            "minutes": round(task.estimated_effort * 60),
            "cost_usd": list(costs) if costs else None,
            **({"local_minutes": list(minutes)} if minutes else {}),
        }
    ranges = [one["cost_usd"] for one in by_task.values() if one["cost_usd"]]
    return {
        "minutes": sum(one["minutes"] for one in by_task.values()),
        "cost_usd": None if unpriced else [sum(one[0] for one in ranges), sum(one[1] for one in ranges)],
        "local_minutes": [sum(one[0] for one in local), sum(one[1] for one in local)] if local else None,
        "why": _why(services, tasks, unpriced, resting),
        "tasks": by_task,
    }


async def foreseen(services: Services, tasks: Iterable[Task]) -> dict[str, Any]:
    """`estimate`, once each server of Ollama has told whether the model works there or elsewhere."""
    tasks = list(tasks)
    for spec in {services.models.spec_of(task) for task in tasks}:
        if spec.startswith("ollama/"):
            # One that does not answer is what its name says: it works on nothing before it does.
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(ANSWERS_S):
                    await services.models.sizes(spec)
    return await asyncio.to_thread(estimate, services, tasks)


async def ahead(services: Services, tasks: Iterable[Task]) -> tuple[float, float] | None:
    """What these tasks are likely to cost from now on, in USD; None where nobody can tell."""
    open_ones = [task for task in tasks if task.state is not TaskState.COMPLETED]
    told = await foreseen(services, open_ones)
    if told["cost_usd"] is None or not open_ones:
        return None
    low = high = 0.0
    for task in open_ones:
        least, most = told["tasks"][task.id]["cost_usd"]
        # What has begun has cost a part of it already, and ends at some cost all the same.
        low += max(least - task.usage.cost_usd, least * 0.1)
        high += max(most - task.usage.cost_usd, most * 0.1)
    return low, high


def outlook(
    database: Database,
    settings: Settings,
    spec: str,
    at: float,
    goal: str,
    complexity: TaskComplexity,
    tasks: int,
    *,
    remote: bool = False,
) -> tuple[float, float] | None:
    """What a goal that is not planned yet is likely to cost, in USD; None where no price is known. Sync.

    `complexity` is the goal's: of several `tasks` that it is cut into, each may be one step easier.
    """
    if is_free(spec, remote=remote):
        return 0.0, 0.0
    rates = rates_of(spec, spec.partition("/")[2], settings.price_table(), at, remote=remote)
    if rates is None:
        return None
    known = _costs(database, set())
    steps = list(TaskComplexity)
    easier = steps[max(0, steps.index(complexity) - 1)] if tasks > 1 else complexity
    least, most = (
        _usd(_needs(one, len(goal), settings), rates, known.get(one.value, ()))
        for one in (easier, complexity)
    )
    return least[0] * tasks, most[1] * tasks


def _range(
    services: Services, task: Task, spec: str, history: Sequence[float]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """USD (None: the price is not known), and minutes if it is a model of this machine."""
    words = [task.title, task.description, services.session.goal, *services.session.instructions]
    words += [one.text for one in task.acceptance_criteria] + [text for _, text in services.rules]
    needs = _needs(task.complexity, sum(map(len, words)), services.settings)
    remote = spec in services.models.elsewhere
    if is_free(spec, remote=remote):
        free = (0.0, 0.0)
        if not is_local(spec):
            return free, None
        seconds = (
            one.written / writes + one.sent / reads
            for one, writes, reads in zip(needs, LOCAL_PER_S, LOCAL_READ_PER_S, strict=True)
        )
        least, most = (round(one / 60, 2) for one in seconds)
        return free, (least, most)
    prices, name = services.settings.price_table(), spec.partition("/")[2]
    rates = rates_of(spec, name, prices, services.clock(), remote=remote)
    if rates is None:
        return None, None
    return _usd(needs, rates, history), None


def _usd(needs: tuple[_Needs, _Needs], rates: Rates, history: Sequence[float]) -> tuple[float, float]:
    """Least and most, moved towards what such tasks cost here."""
    low, high = (one.usd(rates) for one in needs)
    if history:
        share = min(1.0, len(history) / ENOUGH)
        low = (1 - share) * low + share * min(history)
        high = (1 - share) * high + share * max(history)
    return round(min(low, high), 6), round(max(low, high), 6)


def _needs(complexity: TaskComplexity, characters: int, settings: Settings) -> tuple[_Needs, _Needs]:
    """Least and most of a task that is told in so many characters."""
    opening = BASE_TOKENS + characters / CHARACTERS
    window = settings.limits.context_tokens
    found = []
    for end in (0, 1):
        calls, growth, output = CALLS[complexity][end], GROWTH_TOKENS[end], OUTPUT_TOKENS[end]
        sent = opening + (calls - 1) * growth
        # Each call reads again from the cache what was sent before it, up to where it is compacted.
        read = sum(min(opening + call * growth, window) for call in range(calls - 1))
        found.append(_Needs(sent, read, calls * output))
    return found[0], found[1]


def _costs(database: Database, own: set[str]) -> dict[str, list[float]]:
    """What completed tasks cost here, by complexity: those that cost something, as far as it is known."""
    known: dict[str, list[float]] = {}
    for document in database.all("plan_tasks", state=TaskState.COMPLETED.value):
        done = Task(**document)
        paid = done.usage.requests and done.usage.cost_known and done.usage.cost_usd > 0
        if done.key() not in own and paid:
            known.setdefault(done.complexity.value, []).append(done.usage.cost_usd)
    return known


def _why(services: Services, tasks: Sequence[Task], unpriced: set[str], resting: int) -> str:
    specs = {services.models.spec_of(task) for task in tasks}
    if unpriced:
        return f"unknown: the price of {', '.join(sorted(unpriced))} is not known"
    if specs <= {RULES_MODEL}:
        return "free: rules do it, no model"
    if all(is_free(spec, remote=spec in services.models.elsewhere) for spec in specs):
        return "free: models of this machine cost time alone"
    if not resting:
        return "a first guess from complexity, prompts and prices: nothing like it has been done here yet"
    return f"from complexity, prompts and prices, and {resting} task{'s' if resting != 1 else ''} done here"
