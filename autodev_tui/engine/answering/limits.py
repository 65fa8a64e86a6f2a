"""The limits of what may be spent, as they stand, with or without a running engine."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.session import Session
from autodev_tui.domain.task import Task
from autodev_tui.engine.caps import Cap, Period
from autodev_tui.engine.ledger import FEWEST, day_of
from autodev_tui.engine.purse import spent
from autodev_tui.engine.spending import Spending

if TYPE_CHECKING:
    from autodev_tui.settings import Settings

WITHOUT: Mapping[Period, float] = {"day": 0.0, "month": 0.0}


def limit_rows(
    settings: Settings, spending: Path, session: Session | None, tasks: Sequence[Task], at: float
) -> list[dict[str, Any]]:
    """One row for the session, the day and the month (`limit_usd` None where none is set), one for the task
    that has come nearest to its limit, if tasks have one. `known` is False where the record cannot be read,
    or not every price is known. Sync.
    """
    rows = []
    nearest = [
        (Cap("task", limit, spent(task), 0.0, task.id), task)
        for task in tasks
        if (limit := task.budget_usd or settings.budgets.task_usd) is not None
    ]
    if nearest:
        cap, task = max(nearest, key=lambda one: one[0].spent_usd / one[0].limit_usd)
        rows.append(_row("task", cap.spent_usd, cap.limit_usd, task.usage.cost_known) | {"task": task.id})
    if session:
        rows.append(_row("session", spent(session), session.budget_usd, session.usage.cost_known))
    budgets: dict[Period, float | None] = {
        "day": settings.budgets.day_usd,
        "month": settings.budgets.month_usd,
    }
    limits = {**WITHOUT, **{period: limit for period, limit in budgets.items() if limit is not None}}
    record = Spending(spending)
    try:
        caps = record.left(at, limits) if spending.is_dir() else []
    except OSError:
        return rows + [_row(period, 0.0, limit, False) for period, limit in budgets.items()]
    by_period = {cap.scope: cap for cap in caps}
    for period, limit in budgets.items():
        found = by_period.get(period)
        # What the human raised for this day or month is part of it.
        whole = found.limit_usd if found and limit is not None else limit
        row = _row(period, found.spent_usd if found else 0.0, whole, True)
        rows.append(
            row | {"forecast_usd": month_forecast(row["spent_usd"], at)} if period == "month" else row
        )
    return rows


def month_forecast(spent_usd: float, at: float) -> float | None:
    """What the whole month comes to if it goes on as it began; None in its first days, which tell nothing."""
    today = day_of(at)
    if today.day < FEWEST:
        return None
    return round(spent_usd / today.day * monthrange(today.year, today.month)[1], 6)


def _row(scope: str, spent_usd: float, limit_usd: float | None, known: bool) -> dict[str, Any]:
    near = limit_usd is not None and Cap("session", limit_usd, spent_usd).near
    return {
        "scope": scope,
        "spent_usd": round(spent_usd, 9),
        "limit_usd": limit_usd,
        "known": known,
        "warned": near,
    }
