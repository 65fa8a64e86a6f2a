"""Models that go on for less money when a budget is reached, and what happens when one is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.states import TaskState
from autodev_tui.engine.purse import LEAST_OUTPUT
from autodev_tui.engine.rates import FREE, Rates, is_free, is_local, rates_of
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.models import known_models
from autodev_tui.providers.ollama_facts import full_name
from autodev_tui.providers.pricing import MILLION

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.engine.caps import Cap
    from autodev_tui.engine.purse import Grant
    from autodev_tui.engine.services import Services
    from autodev_tui.providers.base import ModelLimits
    from autodev_tui.providers.ollama_look import Installed

OFFERED = 3
LOCAL = 2
"""So many of this machine's own models are offered beside them."""
ANSWERS_S = 3.0
"""How long a model that would be offered may take to say that it is there."""
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


async def cheaper_models(services: Services, cap: Cap, wanted: Grant) -> list[dict[str, Any]]:
    """Those that cost less than the call's model and whose next call the limit leaves, dearest first.

    Up to three of the user's chain and, where the model is one of Anthropic's, of its cheaper siblings; then
    up to two of this machine that call tools, with what they can do.
    """
    present = wanted.rates
    if present is None:
        return []
    here = {full_name(one.name): one for one in await services.models.installed()}
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
        if len(found) < OFFERED and (limits := await _usable(services, spec)):
            found.append(_offer(rates, spec, services) | _abilities(spec, here, limits))
    found.sort(key=lambda one: -one["usd_per_million_output"])
    known = {wanted.model.spec, *(one["model"] for one in found)}
    mine = [one.spec for one in here.values() if not any(_same(one.spec, spec) for spec in known)]
    local: list[dict[str, Any]] = []
    for spec in mine:
        if len(local) < LOCAL and (limits := await _usable(services, spec)):
            local.append(_offer(FREE, spec, services) | _abilities(spec, here, limits))
    return found + local


def _same(one: str, other: str) -> bool:
    """Whether two specifications mean one model."""
    return full_name(one) == full_name(other)


def _abilities(spec: str, here: Mapping[str, Installed], limits: ModelLimits) -> dict[str, Any]:
    """What a model of this machine can do, in words; nothing where it is none or nobody knows."""
    one = here.get(full_name(spec.partition("/")[2])) if is_local(spec) else None
    if one is None:
        return {}
    words = ["calls tools" if one.tools else "writes its calls as text"]
    words += ["thinks"] if one.facts and one.facts.thinking else []
    words.append(f"{limits.context:,} tokens of context")
    words += ["in memory"] if one.loaded else []
    return {"can": ", ".join(words)}


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


async def _usable(services: Services, spec: str) -> ModelLimits | None:
    """Its sizes, if it can go on; None where it is not there, or is free by its name alone."""
    try:
        async with asyncio.timeout(ANSWERS_S):
            _, limits = await services.models.sizes(spec)
    except (ProviderError, TimeoutError):
        return None
    return None if limits.remote and is_free(spec) else limits


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
