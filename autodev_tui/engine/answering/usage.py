"""Money, tokens and time by task, agent, model or day, and what the limits leave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.requests import GetUsage, RowsAnswer
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.step import Step
from autodev_tui.domain.task import Task
from autodev_tui.engine.answering.common import session_of, steps_of
from autodev_tui.engine.answering.limits import limit_rows
from autodev_tui.engine.ledger import PLANNER, Spent, day_of, forecast, ledger, task_costs, total
from autodev_tui.engine.queries import tasks_of
from autodev_tui.engine.site import Site
from autodev_tui.providers.pricing import table_date

if TYPE_CHECKING:
    from autodev_tui.settings import Settings
    from store.database import Database

DAYS = 31
"""Days that are shown, the latest first."""
_OPEN = (TaskState.PLANNED, TaskState.ASSIGNED)


async def get_usage(site: Site, request: GetUsage) -> RowsAnswer:
    """By task: of the session in front. By agent, model and day: of all sessions of the repository."""
    session = await session_of(site)
    steps = await steps_of(site, session.id)
    spending = site.spending or site.state / "spending"
    rows, facts = await asyncio.to_thread(
        usage_table, site.database, site.settings, spending, request.by, session, steps, site.clock()
    )
    return RowsAnswer(rows=rows, facts=facts)


def usage_table(
    database: Database,
    settings: Settings,
    spending: Path,
    by: str,
    session: Session,
    steps: Sequence[Step],
    at: float,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows, and the facts about the whole; `at` is now. Sync."""
    entries = ledger(database)
    tasks = tasks_of(database, session.id)
    match by:
        case "task":
            rows = _by_task(session, tasks, steps)
            whole = _row(session.usage, sum(row["time_s"] for row in rows))
        case "agent":
            rows = _by_agent(database, entries)
        case "model":
            rows = _grouped("model", entries)
        case _:
            rows = _grouped("day", entries)[:DAYS]
    if by != "task":
        whole = _row(total(one.usage for one in entries), sum(one.time_s for one in entries))
    today = day_of(at)
    month = [one.usage for one in entries if (one.day.year, one.day.month) == (today.year, today.month)]
    limits = limit_rows(settings, spending, session, tasks, at)
    facts = {
        "by": by,
        "scope": "session" if by == "task" else "repository",
        "session": session.id,
        "total": whole,
        "budget_usd": session.budget_usd,
        "spent_usd": session.usage.cost_usd,
        "held_usd": session.usage.held_usd,
        "spent_known": session.usage.cost_known,
        "at_least": session.usage.at_least,
        "limits": limits,
        "warned": any(one["warned"] for one in limits),
        "local_s": whole["local_s"],
        "per_day": _per_day(entries, at),
        "month_usd": total(month).cost_usd,
        "month_known": total(month).cost_known,
        "requests": session.usage.requests,
        "retries": session.usage.retries,
        "refused_by_budget": _refused(database, session),
        "forecast": _forecast(database, tasks),
        "prices_date": table_date().isoformat(),
        "own_prices": sorted(settings.prices),
        "unknown_prices": sorted({one.model for one in entries if not one.usage.cost_known}),
    }
    return rows, facts


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
        held_usd=max(0.0, round(session.usage.held_usd - used.held_usd, 9)),
        local_s=max(0.0, round(session.usage.local_s - used.local_s, 3)),
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


def _by_agent(database: Database, entries: Sequence[Spent]) -> list[dict[str, Any]]:
    """One row a role, with how many tasks it had and how many of those came to a good end."""
    tasks = [Task(**document) for document in database.all("plan_tasks")]
    rows = _grouped("agent", entries)
    for row in rows:
        mine = [one for one in tasks if one.role == row["agent"]] if row["agent"] != PLANNER else []
        over = [one for one in mine if one.state in (TaskState.COMPLETED, TaskState.FAILED)]
        done = sum(one.state is TaskState.COMPLETED for one in over)
        row |= {"tasks": len(mine), "done": done, "success": round(done / len(over), 4) if over else None}
    return rows


def _grouped(by: str, entries: Sequence[Spent]) -> list[dict[str, Any]]:
    groups: dict[str, list[Spent]] = {}
    for entry in entries:
        name = {"model": entry.model, "agent": entry.agent or "not recorded", "day": entry.day.isoformat()}[
            by
        ]
        groups.setdefault(name, []).append(entry)
    rows = [
        {by: name, "title": name, "sessions": len({one.session for one in group})}
        | _row(total(one.usage for one in group), sum(one.time_s for one in group))
        for name, group in groups.items()
    ]
    key = by if by == "day" else "cost_usd"
    return sorted(rows, key=lambda row: row[key], reverse=True)


def _row(usage: Usage, time_s: float) -> dict[str, Any]:
    """Money in USD, tokens as counts, `cache` the share of the prompt that came from the cache, 0–1."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "cost_usd": usage.cost_usd,
        "held_usd": usage.held_usd,
        "cost_known": usage.cost_known,
        "at_least": usage.at_least,
        "requests": usage.requests,
        "input": prompt,
        "output": usage.output_tokens,
        "cache": round(usage.cache_read_tokens / prompt, 4) if prompt else None,
        "local_s": round(usage.local_s, 3),
        "time_s": round(time_s, 3),
    }


def _per_day(entries: Sequence[Spent], at: float) -> list[dict[str, Any]]:
    """The last 31 days of this repository, oldest first, also those on which nothing was used."""
    today = day_of(at)
    rows = []
    for back in range(DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        used = total(one.usage for one in entries if one.day == day)
        prompt = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
        rows.append(
            {
                "day": day.isoformat(),
                "cost_usd": used.cost_usd,
                "tokens": prompt + used.output_tokens,
                "local_s": round(used.local_s, 3),
            }
        )
    return rows


def _refused(database: Database, session: Session) -> int:
    """How often the budget stopped a call."""
    found = [Approval(**one) for one in database.all("approvals", session=session.id, kind="budget")]
    return sum(one.kind is ApprovalKind.BUDGET and one.state is not ApprovalState.SUPERSEDED for one in found)


def _forecast(database: Database, tasks: Sequence[Task]) -> str | None:
    """What the tasks that have not begun are likely to cost, in words; None where nothing is known."""
    left = sum(task.state in _OPEN for task in tasks)
    costs = task_costs(database)
    found = forecast(costs, left)
    if found is None:
        return None
    what = "1 task" if left == 1 else f"{left} tasks"
    return f"${found[0]:.2f}–{found[1]:.2f} for {what} not begun, as {len(costs)} done ones cost"
