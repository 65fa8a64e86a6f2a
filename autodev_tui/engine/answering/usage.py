"""Money, tokens and time by task, model or day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.requests import GetUsage, RowsAnswer
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.step import Step
from autodev_tui.domain.task import Task
from autodev_tui.engine.answering.common import session_of, steps_of
from autodev_tui.engine.ledger import Spent, day_of, forecast, ledger, task_costs, total
from autodev_tui.engine.queries import tasks_of
from autodev_tui.engine.site import Site
from autodev_tui.providers.pricing import table_date

DAYS = 31
"""Days that are shown, the latest first."""
_OPEN = (TaskState.PLANNED, TaskState.ASSIGNED)


async def get_usage(site: Site, request: GetUsage) -> RowsAnswer:
    """By task: of the session in front. By model and by day: of all sessions of the repository."""
    session = await session_of(site)
    steps = await steps_of(site, session.id)
    return await asyncio.to_thread(_usage, site, request.by, session, steps)


def _usage(site: Site, by: str, session: Session, steps: Sequence[Step]) -> RowsAnswer:
    entries = ledger(site.database)
    tasks = tasks_of(site.database, session.id)
    match by:
        case "task":
            rows = _by_task(session, tasks, steps)
            whole = _row(session.usage, sum(row["time_s"] for row in rows))
        case "model":
            rows = _grouped("model", entries)
        case _:
            rows = _grouped("day", entries)[:DAYS]
    if by != "task":
        whole = _row(total(one.usage for one in entries), sum(one.time_s for one in entries))
    today = day_of(site.clock())
    month = [one.usage for one in entries if (one.day.year, one.day.month) == (today.year, today.month)]
    facts = {
        "by": by,
        "scope": "session" if by == "task" else "repository",
        "session": session.id,
        "total": whole,
        "budget_usd": session.budget_usd,
        "spent_usd": session.usage.cost_usd,
        "spent_known": session.usage.cost_known,
        "at_least": session.usage.at_least,
        "month_usd": total(month).cost_usd,
        "month_known": total(month).cost_known,
        "requests": session.usage.requests,
        "retries": session.usage.retries,
        "refused_by_budget": _refused(site, session),
        "forecast": _forecast(site, tasks),
        "prices_date": table_date().isoformat(),
        "own_prices": sorted(site.settings.prices),
    }
    return RowsAnswer(rows=rows, facts=facts)


def _by_task(session: Session, tasks: Sequence[Task], steps: Sequence[Step]) -> list[dict[str, Any]]:
    rows = [
        {"task": task.id, "title": task.title, "state": task.state.value}
        | _row(task.usage, _time(step for step in steps if step.task == task.id))
        for task in tasks
    ]
    used = total(task.usage for task in tasks)
    planning = Usage(
        requests=session.usage.requests - used.requests,
        retries=session.usage.retries - used.retries,
        input_tokens=session.usage.input_tokens - used.input_tokens,
        cache_write_tokens=session.usage.cache_write_tokens - used.cache_write_tokens,
        cache_read_tokens=session.usage.cache_read_tokens - used.cache_read_tokens,
        output_tokens=session.usage.output_tokens - used.output_tokens,
        cost_usd=max(0.0, round(session.usage.cost_usd - used.cost_usd, 9)),
        cost_known=session.usage.cost_known,
    )
    if planning.requests > 0:
        state = TaskState.COMPLETED if tasks else TaskState.IN_PROGRESS
        time = _time(step for step in steps if step.task is None and step.kind == "model")
        rows.append({"task": "", "title": "planning", "state": state.value} | _row(planning, time))
    return rows


def _time(steps: Iterable[Step]) -> float:
    """Seconds for which the steps were at work."""
    return sum(max(0.0, step.ended - step.started) for step in steps if step.started and step.ended)


def _grouped(by: str, entries: Sequence[Spent]) -> list[dict[str, Any]]:
    groups: dict[str, list[Spent]] = {}
    for entry in entries:
        groups.setdefault(entry.model if by == "model" else entry.day.isoformat(), []).append(entry)
    rows = [
        {by: name, "title": name, "sessions": len({one.session for one in group})}
        | _row(total(one.usage for one in group), sum(one.time_s for one in group))
        for name, group in groups.items()
    ]
    key = "cost_usd" if by == "model" else by
    return sorted(rows, key=lambda row: row[key], reverse=True)


def _row(usage: Usage, time_s: float) -> dict[str, Any]:
    """Money in USD, tokens as counts, `cache` the share of the prompt that came from the cache, 0–1."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "cost_usd": usage.cost_usd,
        "cost_known": usage.cost_known,
        "requests": usage.requests,
        "input": prompt,
        "output": usage.output_tokens,
        "cache": round(usage.cache_read_tokens / prompt, 4) if prompt else None,
        "time_s": round(time_s, 3),
    }


def _refused(site: Site, session: Session) -> int:
    """How often the budget stopped a call."""
    found = [Approval(**one) for one in site.database.all("approvals", session=session.id, kind="budget")]
    return sum(one.kind is ApprovalKind.BUDGET and one.state is not ApprovalState.SUPERSEDED for one in found)


def _forecast(site: Site, tasks: Sequence[Task]) -> str | None:
    """What the tasks that have not begun are likely to cost, in words; None where nothing is known."""
    left = sum(task.state in _OPEN for task in tasks)
    costs = task_costs(site.database)
    found = forecast(costs, left)
    if found is None:
        return None
    what = "1 task" if left == 1 else f"{left} tasks"
    return f"${found[0]:.2f}–{found[1]:.2f} for {what} not begun, as {len(costs)} done ones cost"
