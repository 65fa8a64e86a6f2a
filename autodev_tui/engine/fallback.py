"""What goes on when a model fails for good: the next usable one of the user's chain; that it does is told.

A reply that the model refuses to give is no failure of its provider: no other model is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autodev_tui.domain import events
from autodev_tui.domain.rule import RULES_MODEL, needs_model
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.rates import rates_of
from autodev_tui.providers.base import ModelLimits, ProviderError
from autodev_tui.providers.pricing import MILLION

if TYPE_CHECKING:
    from autodev_tui.engine.models import Model
    from autodev_tui.engine.services import Services

FOR_GOOD = frozenset(
    {
        "auth",
        "permission",
        "not_found",
        "billing",
        "rate_limited",
        "overloaded",
        "server",
        "connection",
        "refused",
        "cut",
        "idle",
        "config",
    }
)
"""Kinds of errors that say nothing of the request: another model may do. The provider has retried already."""


async def model_for(services: Services, task: str | None) -> tuple[Model, ModelLimits]:
    """What works on `task` (None: plans) and its sizes, after falling back where it cannot be reached.

    Raises:
        GaveUp: neither it nor any of the chain can.
    """
    while True:
        try:
            return await services.models.sizes(_present(services, task))
        except ProviderError as error:
            if not await fall_back(services, task, error):
                raise GaveUp(str(error)) from error


async def fall_back(services: Services, task: str | None, error: ProviderError) -> bool:
    """Whether another model goes on with `task` (None: the plan) from now on; that is durable and told."""
    if error.kind not in FOR_GOOD:
        return False
    old = _present(services, task)
    tried = services.models.failed.setdefault(task, {})
    tried[old] = str(error)
    for spec in _chain(services, task, old):
        if spec in tried:
            continue
        try:
            model, limits = await services.models.sizes(spec)
            remote = limits.remote
            if problem := unpriced(services, task, model, remote=remote):
                raise ProviderError("config", problem)
        except ProviderError as unusable:
            tried[spec] = str(unusable)
            _tell(services, task, f"{spec} cannot stand in for {old}: {unusable}")
            continue
        if task:
            await services.board.commit(services.board.tasks[task].but(fallback=spec))
        else:
            services.models.planning = spec
            await services.board.commit(services.session.but(planning_model=spec))
        who = task or "the plan"
        dearer = _dearer(services, old, spec, remote=remote)
        _tell(services, task, f"{old} failed: {error} · {spec} goes on with {who}{dearer}")
        return True
    return False


def unpriced(services: Services, task: str | None, model: Model, *, remote: bool) -> str:
    """Why this model cannot work on `task` where a limit holds, its price being unknown; "" where it can."""
    limited = services.purse.own_caps(task) or services.purse.periods()
    prices, at = services.settings.price_table(), services.clock()
    if not limited or rates_of(model.spec, model.name, prices, at, remote=remote) is not None:
        return ""
    return (
        f"the price of {model.name} is not known, so a budget cannot be kept"
        f' · set [prices."{model.name}"] in your config.toml, or take another model'
    )


def _dearer(services: Services, old: str, new: str, *, remote: bool) -> str:
    """What it says when the other one costs more; limits hold for it as for any."""
    prices, at = services.settings.price_table(), services.clock()
    before = rates_of(old, old.partition("/")[2], prices, at)
    after = rates_of(new, new.partition("/")[2], prices, at, remote=remote)
    if after is None:
        return ", whose price is not known"
    if before is None or (after.input <= before.input and after.output <= before.output):
        return ""
    million = float(MILLION)
    told = [f"${one.input * million:.2f} in, ${one.output * million:.2f} out" for one in (after, before)]
    return f", which costs more: {told[0]} per million tokens at most, not {told[1]}"


def _present(services: Services, task: str | None) -> str:
    record = services.board.tasks[task] if task else None
    return services.models.spec_of(record)


def _chain(services: Services, task: str | None, old: str) -> Iterator[str]:
    chain = services.settings.fallbacks
    # Rules plan where no model can; what needs a model they would only note.
    rules_do = task is None or not needs_model(services.board.tasks[task].description)
    yield from (spec for spec in chain if rules_do or spec != RULES_MODEL)
    # Who set up neither a chain nor a local model would rather try again later.
    if task is None and RULES_MODEL not in chain and (chain or old.startswith("ollama/")):
        yield RULES_MODEL


def _tell(services: Services, task: str | None, text: str) -> None:
    services.board.log.emit(events.Noticed(task=task, text=text, severity="warning"))
