"""What model calls used, call by call: by model, by day, by month, and what is likely to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from statistics import quantiles

from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import TaskState
from store.database import Database

PLANNER = "planning"
"""The agent that makes plans."""
FEWEST = 3
"""Done tasks with a known cost from which a forecast is made."""


@dataclass(frozen=True)
class Spent:
    """One model call, or what a session used beyond its recorded calls."""

    session: str
    model: str
    day: date
    usage: Usage
    time_s: float = 0.0
    agent: str = ""
    """The role of whoever called; empty where no call is known."""


def ledger(database: Database) -> list[Spent]:
    """Everything that was used in this repository. Sync: reads every model call."""
    sessions = {one["id"]: Session(**one) for one in database.all("sessions")}
    known = dict.fromkeys(sessions, Usage())
    roles = {(task["session"], task["id"]): task["role"] for task in database.all("plan_tasks")}
    entries = []
    for step in database.all("steps", kind="model"):
        session = step["session"]
        used = step["result"].get("usage")
        if used is None or session not in sessions:
            continue
        usage = Usage(**used)
        known[session] = known[session].plus(usage)
        began = step["started"] or step["created"]
        took = max(0.0, (step["ended"] or began) - began)
        agent = roles.get((session, step["task"]), "") if step["task"] else PLANNER
        entries.append(Spent(session, step["name"], day_of(began), usage, took, agent))
    for session in sessions.values():
        # Calls that a crash cut off from their record, and those of states older than the records.
        rest = _minus(session.usage, known[session.id])
        if rest.requests or rest.cost_usd > 0:
            model = session.model.partition("/")[2] or session.model
            entries.append(Spent(session.id, model, day_of(session.start_time), rest))
    return entries


def day_of(at: float) -> date:
    """The day of a moment, as the user's calendar has it."""
    return datetime.fromtimestamp(at).astimezone().date()


def total(usages: Iterable[Usage]) -> Usage:
    """All of them together."""
    found = Usage()
    for usage in usages:
        found = found.plus(usage)
    return found


def _minus(whole: Usage, part: Usage) -> Usage:
    counts = {
        name: max(0, getattr(whole, name) - getattr(part, name))
        for name in (
            "requests",
            "retries",
            "input_tokens",
            "cache_write_tokens",
            "cache_read_tokens",
            "output_tokens",
        )
    }
    cost = max(0.0, round(whole.cost_usd - part.cost_usd, 9))
    held = max(0.0, round(whole.held_usd - part.held_usd, 9))
    local = max(0.0, round(whole.local_s - part.local_s, 3))
    told = {"cost_known": whole.cost_known, "at_least": whole.at_least}
    return Usage(**counts, cost_usd=cost, held_usd=held, local_s=local, **told)


def task_costs(database: Database) -> list[float]:
    """What done tasks of this repository cost, in USD, those without a known price left out. Sync."""
    done = database.all("plan_tasks", state=TaskState.COMPLETED.value)
    used = [Usage(**task["usage"]) for task in done]
    return sorted(one.cost_usd for one in used if one.cost_known and one.cost_usd > 0)


def forecast(costs: list[float], tasks: int) -> tuple[float, float] | None:
    """Lower and upper quartile of what `tasks` more tasks cost, in USD; None where too few are known."""
    if len(costs) < FEWEST or not tasks:
        return None
    low, _, high = quantiles(costs, n=4, method="inclusive")
    return low * tasks, high * tasks
