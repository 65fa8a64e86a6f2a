"""The lines around the table of usage: limits, what lies ahead, the days, the rest (UI §3.10). Pure."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len

from autodev_tui.domain.text import visible
from widgets.cells import Line, wrap
from widgets.plot import bars, spark
from widgets.wording import money, running_time, tokens

BAR = 42
"""Cells of a limit's bar at 80 columns."""
WARN_AT = 0.8
"""The part of a limit from which it is said (UI §8)."""
NAMES = 9
PLOT_ROWS = 4
"""Rows of the plot where usage is shown by day."""
_CALLED = {"session": "budget", "task": "a task", "day": "today", "month": "month"}
_WORDS = 16
"""Cells of `$0.42 of 5.00`."""


def limits(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """What is spent in each scope, and what may be; `limit_usd` is None where there is no limit."""
    if "limits" in facts:
        return list(facts["limits"])
    spent, known = facts["spent_usd"], facts["spent_known"]
    month = {"scope": "month", "spent_usd": facts["month_usd"], "known": facts["month_known"]}
    session = {"scope": "session", "spent_usd": spent, "known": known, "limit_usd": facts["budget_usd"]}
    return [session, month | {"limit_usd": None}]


def limit_lines(facts: dict[str, Any], width: int) -> list[Line]:
    """A row with a bar for each limit; the session's own spending stands there without one, too."""
    lines: list[Line] = []
    for one in limits(facts):
        if one["limit_usd"]:
            lines.append(_limit(facts, one, width))
        elif one["scope"] == "session":
            lines.append([_name("budget"), (f"{_spent(facts, one)}, no limit set", "text")])
    return lines + _named("ahead", str(facts["forecast"] or ""), width) + _named("asks", _asks(facts), width)


def _asks(facts: dict[str, Any]) -> str:
    """What happens near the session's limit: no call is made that could cost more than what is left."""
    limit = next((one["limit_usd"] for one in limits(facts) if one["scope"] == "session"), None)
    return f"before a call that could pass ${limit:.2f}; tells you at ${limit * WARN_AT:.2f}" if limit else ""


def _limit(facts: dict[str, Any], one: dict[str, Any], width: int) -> Line:
    share = one["spent_usd"] / one["limit_usd"]
    cells = min(BAR, max(width - 36, 8))
    full = min(round(min(share, 1.0) * cells), cells)
    role = "failed" if share >= 1 else "asks" if share >= WARN_AT else "text"
    words = f"{_spent(facts, one)} of {one['limit_usd']:,.2f}"
    name = _CALLED.get(str(one["scope"]), str(one["scope"]))
    return [
        _name(name),
        (words.ljust(_WORDS), role if share >= WARN_AT else "text"),
        ("━" * full, role),
        ("─" * (cells - full), "rule"),
        (f"  {share:.0%}".replace("%", " %"), role),
    ]


def _spent(facts: dict[str, Any], one: dict[str, Any]) -> str:
    spent = money(one["spent_usd"], known=one.get("known", True))
    floor = one["scope"] == "session" and facts["at_least"]
    return f"≥{spent.lstrip('≥')}" if floor else spent


def day_lines(facts: dict[str, Any], width: int, *, tall: bool) -> list[Line]:
    """A plot of the last days: one row, or several where the table is by day."""
    days = facts.get("per_day") or []
    name, unit = _measure(days)
    if not name:
        return []
    values = [float(day.get(name) or 0) for day in days]
    top = max(range(len(values)), key=lambda at: values[at])
    most = f"most {unit(values[top])} on {days[top]['day']}"
    if not tall:
        fitting = values[-max(width - NAMES - cell_len(most) - 8, 7) :]
        return [[_name("days"), (spark(fitting), "running"), (f"  {most}", "muted")]]
    gap = 1 if width - NAMES - 4 >= 2 * len(values) else 0
    fitting = values[-max((width - NAMES - 4) // (1 + gap), 7) :]
    rows: list[Line] = []
    for number, row in enumerate(bars(fitting, PLOT_ROWS, gap)):
        rows.append([_name(unit(values[top]) if not number else ""), (row, "running")])
    size = len(fitting) * (1 + gap)
    first, last = str(days[-len(fitting)]["day"])[5:], str(days[-1]["day"])[5:]
    return [*rows, [_name(""), (f"{first}{last:>{max(size - len(first), len(last) + 1)}}", "muted")]]


def _measure(days: list[dict[str, Any]]) -> tuple[str, Any]:
    """What is plotted: money where any was spent, else tokens."""
    if any(day.get("cost_usd") for day in days):
        return "cost_usd", money
    if any(day.get("tokens") for day in days):
        return "tokens", lambda count: f"{tokens(int(count))} tokens"
    return "", None


def rest_lines(facts: dict[str, Any], rows: list[dict[str, Any]], width: int) -> list[Line]:
    """What has no limit, retries and refusals, time of local models, where the prices come from."""
    without = [one for one in limits(facts) if not one["limit_usd"] and one["scope"] in ("day", "month")]
    parts = [f"{_CALLED[one['scope']]} {_spent(facts, one)}" for one in without]
    parts += [f"retries {facts['retries']}", f"refused by budget {facts['refused_by_budget']}"]
    if local := float(facts.get("local_s") or 0):
        parts.append(f"local {running_time(local)}")
    lines = _named("besides", "   ".join(parts), width)
    prices = f"table of {facts['prices_date']}, yours may differ"
    if facts["own_prices"]:
        prices += f"; your own for {', '.join(facts['own_prices'])}"
    lines += _named("prices", visible(prices, keep=""), width)
    if not all(row.get("cost_known", True) for row in [*rows, facts["total"]]):
        words = '≥ and unknown: a price is missing · set [prices."MODEL"] in your config.toml'
        lines += _named("", words, width, "asks")
    return lines


def _name(name: str) -> tuple[str, str]:
    return f"  {name:<{NAMES}}", "muted"


def _named(name: str, text: str, width: int, role: str = "text") -> list[Line]:
    if not text:
        return []
    rows = wrap(text, max(width - NAMES - 3, 8))
    return [[_name(name if not number else ""), (row, role)] for number, row in enumerate(rows)]
