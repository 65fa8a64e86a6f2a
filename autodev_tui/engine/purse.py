"""Money for model calls: what each may cost at most is set aside before it is made, and booked once it ended.

The most that a call may cost is its prompt at the dearest way to send it and the whole reply it may give. If
a limit does not leave that much, a call waits for those under way; with none under way its reply may be
shorter, as long as that is of use; else it is not made, and the human is asked (`budget`). So no number of
agents can spend more than a limit, but for what a provider's own retries of the call in flight cost on top.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.session import Usage
from autodev_tui.engine.boundaries import reached
from autodev_tui.engine.caps import Cap, Period
from autodev_tui.engine.fallback import unpriced
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.rates import FREE, Rates, is_local, rates_of
from autodev_tui.engine.spending import Spending

if TYPE_CHECKING:
    from autodev_tui.domain.step import Step
    from autodev_tui.domain.task import Task
    from autodev_tui.engine.models import Model
    from autodev_tui.engine.services import Services

logger = logging.getLogger(__name__)

LEAST_OUTPUT = 4_000
"""Tokens of a reply below which a call is not worth its prompt: thinking and one small edit."""
OTHERS_S = 1.0
"""How often is looked whether another engine's calls have ended."""


@dataclass(frozen=True)
class Grant:
    """Leave to make one call. `usd` is set aside for it; `at` is when, in seconds since 1970."""

    id: str
    task: str | None
    model: Model
    rates: Rates | None
    prompt: int
    """Tokens of the prompt, at most."""
    max_tokens: int
    usd: float
    at: float
    characters: int
    lowered: bool = False
    """The reply may be shorter than it would be with more money."""

    def doc(self) -> dict[str, Any]:
        """What the step keeps of it: to settle it after a kill, and to estimate the next prompt by."""
        kept = {"id": self.id, "usd": self.usd, "at": self.at, "prompt": self.prompt}
        return kept | {"characters": self.characters, "output": self.max_tokens}


class Purse:
    """What the calls of one session's agents may cost; the day's and the month's limits with all engines."""

    def __init__(self, services: Services, spending: Spending) -> None:
        self._services = services
        self.spending = spending
        self._open: dict[str, Grant] = {}
        self._changed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    # -- limits

    def own_caps(self, task: str | None) -> list[Cap]:
        """The limits of a task and of the session, as they are in this moment."""
        services = self._services
        found = []
        if task:
            record = services.board.newest(services.board.tasks[task])
            limit = record.budget_usd or services.settings.budgets.task_usd
            if limit is not None:
                taken = sum(grant.usd for grant in self._open.values() if grant.task == task)
                found.append(Cap("task", limit, spent(record), taken, task))
        session = services.board.newest(services.session)
        if session.budget_usd is not None:
            taken = sum(grant.usd for grant in self._open.values())
            found.append(Cap("session", session.budget_usd, spent(session), taken))
        return found

    def periods(self) -> dict[Period, float]:
        """The limits of a day and of a month that are set."""
        budgets = self._services.settings.budgets
        limits: dict[Period, float | None] = {"day": budgets.day_usd, "month": budgets.month_usd}
        return {period: limit for period, limit in limits.items() if limit is not None}

    async def caps(self, task: str | None) -> list[Cap]:
        """All limits that hold for a call for `task`."""
        limits = self.periods()
        if not limits:
            return self.own_caps(task)
        shared: list[Cap] = await self.recorded(self.spending.left, self._services.clock(), limits)
        return self.own_caps(task) + shared

    # -- one call

    async def grant(self, wanted: Grant, least: int) -> Grant | list[Cap]:
        """Leave for the call, with a shorter reply of `least` tokens or more if that must be; else the limits
        that are in its way.

        Raises:
            GaveUp: nobody knows what it costs, or the record of the day cannot be kept, and there is a limit.
        """
        limits = self.periods()
        rates = wanted.rates
        if rates is None:
            if problem := unpriced(self._services, wanted.task, wanted.model, remote=True):
                raise GaveUp(problem)
            return wanted
        async with self._one_at_a_time:
            short = await self._try(wanted, limits)
            if short and not any(cap.open_usd for cap in short):
                output = rates.affords(min(cap.left for cap in short), wanted.prompt)
                if least <= output < wanted.max_tokens:
                    usd = rates.most(wanted.prompt, output)
                    wanted = replace(wanted, max_tokens=output, usd=usd, lowered=True)
                    short = await self._try(wanted, limits)
        return short or wanted

    async def _try(self, wanted: Grant, limits: dict[Period, float]) -> list[Cap]:
        if not wanted.usd:
            return []
        short = [cap for cap in self.own_caps(wanted.task) if not cap.leaves(wanted.usd)]
        if not short:
            # Before anything is waited for: another one's limits are those that this call leaves.
            self._open[wanted.id] = wanted
            try:
                if limits:
                    short = await self._put_down(wanted, limits)
            except BaseException:
                del self._open[wanted.id]
                raise
            if short:
                del self._open[wanted.id]
            reached("call reserved")
        return short

    async def _put_down(self, wanted: Grant, limits: dict[Period, float]) -> list[Cap]:
        """In the user's record too; of a call that is given up meanwhile nothing stays there."""
        asking = self.recorded(self.spending.reserve, wanted.id, wanted.at, wanted.usd, limits)
        reserving: asyncio.Future[list[Cap]] = asyncio.ensure_future(asking)
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            await asyncio.wait({reserving})
            if not reserving.exception() and not reserving.result():
                await self.recorded(self.spending.book, wanted.id, wanted.at, 0.0)
            raise

    async def changed(self, short: list[Cap]) -> None:
        """Returns once calls that were under way have ended: the limits may leave more then."""
        event = self._changed
        own = any(cap.open_usd for cap in self.own_caps(None)) or self._open
        with self._services.interruptible():
            if own:
                await event.wait()
            else:
                await self._services.sleep(OTHERS_S)

    async def settle(self, grant: Grant, usage: Usage) -> None:
        """The call has ended, and what it used is in the session: book it, and say so near a limit."""
        self.give_back(grant)
        usd = usage.cost_usd + usage.held_usd
        if usd or grant.usd:
            reached("call to book")
            await self.recorded(self.spending.book, grant.id, grant.at, usd)
            reached("call booked")
        if usd:
            await self._warn(grant)

    def give_back(self, grant: Grant) -> None:
        """What was set aside is free again; once more changes nothing."""
        if self._open.pop(grant.id, None):
            self._changed.set()
            self._changed = asyncio.Event()

    async def _warn(self, grant: Grant) -> None:
        """Each limit once: it asks nothing."""
        services = self._services
        for cap in await self.caps(grant.task):
            session = services.board.newest(services.session)
            if not cap.near or cap.key in session.warned:
                continue
            await services.board.commit(session.but(warned=[*session.warned, cap.key]))
            if cap.scope in ("day", "month"):
                first = await self.recorded(self.spending.warn_once, cap.key, services.clock())
                if not first:
                    continue
            text = f"budget: {cap.name}${cap.spent_usd:.2f} of {cap.limit_usd:.2f}"
            whose = cap.whose if cap.scope == "task" else None
            services.board.log.emit(events.Noticed(task=whose, text=text, severity="warning"))

    async def recorded(self, do: Any, *args: Any) -> Any:
        """What the user's record of spending says. Raises GaveUp: it cannot be kept, and a limit needs it."""
        try:
            return await asyncio.to_thread(do, *args)
        except OSError as error:
            if self.periods():
                raise GaveUp(
                    f"what you spend cannot be recorded ({error}), so no limit of a day or month can be kept"
                ) from error
            logger.warning("what is spent cannot be recorded: %s", error)
            return None


def spent(record: Any) -> float:
    """What a session or task cost, and may have cost in calls that a kill cut off."""
    return float(record.usage.cost_usd + record.usage.held_usd)


def unseen(step: Step) -> Usage:
    """Of a call that a kill cut off: it was asked, and is billed, but nobody saw for how much.

    For the limits, it is what was set aside for it.
    """
    return Usage(requests=1, at_least=True, held_usd=step.intent.get("reserved", {}).get("usd", 0.0))


def wanted_grant(
    services: Services,
    task: Task | None,
    model: Model,
    turn: int,
    prompt: int,
    output: int,
    characters: int,
    *,
    remote: bool = False,
) -> Grant:
    """The call as it would be with money enough."""
    at = services.clock()
    prices = services.settings.price_table()
    rates = rates_of(model.spec, model.name, prices, at, prompt, remote=remote)
    return Grant(
        id=f"{services.session.id}/{task.id if task else 'plan'}/{turn}",
        task=task.id if task else None,
        model=model,
        rates=rates,
        prompt=prompt,
        max_tokens=output,
        usd=rates.most(prompt, output) if rates else 0.0,
        at=at,
        characters=characters,
    )


def booked(grant: Grant, usage: Usage, streamed: int, elapsed_s: float) -> Usage:
    """What is booked for a call: what was told, or more where the characters that came say so.

    A call that was cut off tells nothing of its reply, and some providers tell nothing at the end either.
    """
    if grant.rates == FREE and is_local(grant.model.spec):
        usage = usage.but(local_s=round(elapsed_s, 3))
    seen = int(streamed / 3.2)
    if not usage.at_least or grant.rates is None or seen <= usage.output_tokens:
        return usage
    more = (seen - usage.output_tokens) * grant.rates.output
    return usage.but(output_tokens=seen, cost_usd=usage.cost_usd + more)
