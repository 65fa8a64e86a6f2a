"""`autodev usage`: what was spent, on what, what the limits leave, and what is likely to come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autodev_tui import paths
from autodev_tui.cli_print import line, money
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place

if TYPE_CHECKING:
    from autodev_tui.settings import Settings
    from store.database import Database

BY = ("task", "agent", "model", "day")
BARS = " ▁▂▃▄▅▆▇█"
METER = 30
"""Cells of the bar of a limit."""
NOTHING = "nothing spent in this repository yet"


def usage(directory: Path, name: str | None, by: str, as_json: bool) -> None:
    """`autodev usage`. Raises LookupError: no such session."""
    from autodev_tui.cli import emit

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        settings = place.settings(database, {})
        spending = paths.state_root(place.environment) / "spending"
        document = usage_document(database, settings, spending, name, time.time())
    finally:
        database.close()
    if as_json:
        emit(document)
        return
    _print(document, by)


def usage_document(
    database: Database, settings: Settings, spending: Path, name: str | None, at: float
) -> dict[str, Any]:
    """Everything in one document; `by task` is of the session, the rest of all sessions of the repository.

    Raises:
        LookupError: no session of that name.
    """
    from autodev_tui.domain.step import Step
    from autodev_tui.engine.answering.limits import limit_rows
    from autodev_tui.engine.answering.usage import usage_table
    from autodev_tui.engine.queries import find_session, latest_session
    from autodev_tui.providers.pricing import table_date

    prices = {"dated": table_date().isoformat(), "own": sorted(settings.prices), "unknown": list[str]()}
    session = find_session(database, name) if name else latest_session(database)
    if session is None:
        limits = limit_rows(settings, spending, None, [], at)
        empty: dict[str, list[Any]] = {one: [] for one in BY}
        return {
            "session": None,
            "totals": {"session": None, "repository": None},
            "limits": limits,
            "by": empty,
            "per_day": [],
            "forecast": None,
            "prices": prices,
        }
    steps = [Step(**document) for document in database.all("steps", session=session.id)]
    tables = {one: usage_table(database, settings, spending, one, session, steps, at) for one in BY}
    facts = tables["task"][1]
    return {
        "session": session.id,
        "totals": {"session": facts["total"], "repository": tables["day"][1]["total"]},
        "limits": facts["limits"],
        "by": {one: rows for one, (rows, _) in tables.items()},
        "per_day": facts["per_day"],
        "forecast": facts["forecast"],
        "prices": prices | {"unknown": facts["unknown_prices"]},
    }


# -- for people


def _print(document: dict[str, Any], by: str) -> None:
    session = document["session"]
    if session is None:
        click.echo(f'{NOTHING} · autodev run "GOAL"')
    else:
        scope = f"session {session}" if by == "task" else "all sessions of this repository"
        line(f"usage of {scope}, by {by}", "bold")
        _table(document, by)
        _plot(document["per_day"])
    for one in document["limits"]:
        _limit(one)
    if document["forecast"]:
        click.echo(f"ahead    {document['forecast']}")
    prices = document["prices"]
    own = f"; your own for {', '.join(prices['own'])}" if prices["own"] else ""
    told = f"table of {prices['dated']}, yours may differ{own}"
    unknown = f" · not known: {', '.join(prices['unknown'])}" if prices["unknown"] else ""
    line(f"prices   {told}{unknown}")


def _table(document: dict[str, Any], by: str) -> None:
    rows = document["by"][by]
    total = document["totals"]["session" if by == "task" else "repository"]
    names = [visible(f"{row.get('task') or ''} {row['title']}".strip(), keep="")[:40] for row in rows]
    width = max([len(name) for name in names] + [len("planning")])
    line(f"{'':<{width}}  {'cost':>14} {'in':>8} {'out':>8} {'cache':>6} {'time':>8} {'local':>8}", "dim")
    for name, row in zip([*names, "total"], [*rows, total], strict=True):
        cache = "" if row["cache"] is None else f"{row['cache']:.0%}"
        local = clock(row["local_s"]) if row["local_s"] else ""
        cells = f"{_cost(row):>14} {tokens(row['input']):>8} {tokens(row['output']):>8} {cache:>6}"
        text = f"{name:<{width}}  {cells} {clock(row['time_s']):>8} {local:>8}"
        line(text, "bold" if row is total else "")


def _cost(row: dict[str, Any]) -> str:
    """At least so much, where a call was cut off or a price is not known."""
    exact = row["cost_known"] and not row["at_least"]
    return ("" if exact else "≥") + money(row["cost_usd"])


def _plot(days: list[dict[str, Any]]) -> None:
    """A bar a day; what costs nothing is drawn by its tokens."""
    what = "cost_usd" if any(day["cost_usd"] for day in days) else "tokens"
    most = max(days, key=lambda day: day[what])
    if not most[what]:
        return
    cells = "".join(BARS[_height(day[what] / most[what])] for day in days)
    top = money(most[what]) if what == "cost_usd" else f"{tokens(most[what])} tokens"
    click.echo(f"per day  ▕{cells}▏ {days[0]['day']} to {days[-1]['day']}, most {top} on {most['day']}")


def _height(share: float) -> int:
    """A day with anything at all has a bar."""
    return 0 if share <= 0 else max(1, round(share * (len(BARS) - 1)))


def _limit(one: dict[str, Any]) -> None:
    whose = f"{one['task']}" if one.get("task") else one["scope"]
    spent = money(one["spent_usd"]) if one["known"] else f"≥{money(one['spent_usd'])}"
    if one["limit_usd"] is None:
        click.echo(f"{whose:<8} {spent}, no limit set{_forecast(one)}")
        return
    share = min(one["spent_usd"] / one["limit_usd"], 1.0)
    full = round(share * METER)
    bar = "━" * full + "─" * (METER - full)
    text = f"{whose:<8} {spent} of {one['limit_usd']:.2f}  {bar}  {share:.0%}{_forecast(one)}"
    line(text, "yellow" if one["warned"] else "")


def _forecast(one: dict[str, Any]) -> str:
    usd = one.get("forecast_usd")
    return f" · about {money(usd)} at its end" if usd else ""


def tokens(count: int) -> str:
    """`15.2k`."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"


def clock(seconds: float) -> str:
    """`4:10`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
