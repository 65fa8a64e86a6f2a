"""Models that go on for less money when a budget is reached, and what happens when one is chosen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.states import TaskState
from autodev_tui.engine.purse import LEAST_OUTPUT
from autodev_tui.engine.rates import Rates, is_free, rates_of
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.models import known_models
from autodev_tui.providers.pricing import MILLION

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.engine.caps import Cap
    from autodev_tui.engine.purse import Grant
    from autodev_tui.engine.services import Services

OFFERED = 3
ANSWERS_S = 3.0
"""How long a model that would be offered may take to say that it is there."""
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


async def cheaper_models(services: Services, cap: Cap, wanted: Grant) -> list[dict[str, Any]]:
    """Up to three that cost less than the call's model and whose next call the limit leaves, dearest first.

    Those of the user's chain, and where the model is one of Anthropic's its cheaper siblings.
    """
    present = wanted.rates
    if present is None:
        return []
    names = [one for one in services.settings.fallbacks if one != RULES_MODEL]
    if wanted.model.spec.startswith("anthropic/"):
        names += [f"anthropic/{name}" for name in known_models()]
    prices, at = services.settings.price_table(), services.clock()
    offers: list[tuple[Rates, str]] = []
    for spec in dict.fromkeys(names):
        rates = rates_of(spec, spec.partition("/")[2], prices, at, wanted.prompt)
        if rates is None or spec == wanted.model.spec:
            continue
        less = rates.input < present.input and rates.output < present.output
        enough = is_free(spec) or rates.affords(cap.left, wanted.prompt) >= LEAST_OUTPUT
        if less and enough:
            offers.append((rates, spec))
    offers.sort(key=lambda offer: offer[0].output, reverse=True)
    found: list[dict[str, Any]] = []
    for rates, spec in _spread(offers):
        if len(found) < OFFERED and await _usable(services, spec):
            found.append(_offer(rates, spec, services))
    return sorted(found, key=lambda one: -one["usd_per_million_output"])


def _spread(offers: list[tuple[Rates, str]]) -> list[tuple[Rates, str]]:
    """One of each price: siblings that cost the same are no choice; free ones are all kept."""
    seen: set[tuple[float, float]] = set()
    kept = []
    for rates, spec in offers:
        price = (rates.input, rates.output)
        if is_free(spec) or price not in seen:
            seen.add(price)
            kept.append((rates, spec))
    return kept


async def _usable(services: Services, spec: str) -> bool:
    try:
        async with asyncio.timeout(ANSWERS_S):
            _, limits = await services.models.sizes(spec)
    except (ProviderError, TimeoutError):
        return False
    # One that is free by its name alone is no offer.
    return not (limits.remote and is_free(spec))


def _dearer(services: Services, own: str, other: str) -> bool:
    """Whether `own` costs more than `other`, or may."""
    prices, at = services.settings.price_table(), services.clock()
    before, after = (rates_of(spec, spec.partition("/")[2], prices, at) for spec in (own, other))
    if before is None or after is None:
        return True
    return before.input > after.input or before.output > after.output


def _offer(rates: Rates, spec: str, services: Services) -> dict[str, Any]:
    from datetime import UTC, datetime

    from autodev_tui.providers.pricing import price

    entry = None
    if not is_free(spec):
        day = datetime.fromtimestamp(services.clock(), UTC).date()
        entry = price(spec.partition("/")[2], day, services.settings.price_table())
    million = float(MILLION)
    return {
        "model": spec,
        "usd_per_million_input": float(entry["input"]) if entry else rates.input * million,
        "usd_per_million_output": float(entry["output"]) if entry else rates.output * million,
    }


async def use_cheaper(services: Services, cap: Cap, spec: str, approval: Approval) -> None:
    """The limit stays; what it is the limit of goes on with the other model, and that is told."""
    if cap.scope == "task":
        task = services.board.tasks[cap.whose]
        await services.broker.used(approval, task.but(model=spec, fallback=""))
        text = f"{spec} goes on with {cap.whose}: the budget stays"
    else:
        try:
            model = await asyncio.to_thread(services.models.get, spec)
        except ProviderError as error:
            # It could be used when it was offered: what may be said now is asked anew.
            await services.broker.used(approval)
            text = f"{spec} cannot be used any more: {error}"
            services.board.log.emit(events.Noticed(text=text, severity="warning"))
            return
        session = services.board.newest(services.session)
        open_ones = [one for one in services.board.tasks.values() if one.state not in _ENDED]
        # What works for less already goes on as it is: a local model's task does not leave the machine.
        changed = [
            one.but(model=None, fallback="")
            for one in open_ones
            if (one.model or one.fallback) and _dearer(services, services.models.spec_of(one), spec)
        ]
        await services.broker.used(approval, session.but(model=spec, planning_model=""), *changed)
        services.models.choose(model)
        text = f"{spec} goes on for the whole session: the budget stays"
    services.board.log.emit(events.Noticed(task=cap.whose if cap.scope == "task" else None, text=text))
