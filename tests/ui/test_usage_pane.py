"""The usage pane: by task, agent, model and day, with a bar for each limit."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain import requests
from autodev_tui.domain.requests import RowsAnswer
from tests.ui.stage import Stage, drawn, until
from tests.ui.test_composer import running
from widgets.messages import WentTo
from widgets.plot import bars, spark
from widgets.usage_pane import UsagePane

SIZE = (80, 24)


def spent(title: str, **more: Any) -> dict[str, Any]:
    row = {"task": "", "title": title, "state": "completed", "cost_usd": 0.05, "cost_known": True,
           "requests": 3, "input": 38_000, "output": 1200, "cache": 0.71, "time_s": 41.0}  # fmt: skip
    return row | more


PER_DAY = [
    {"day": f"2026-11-{day:02d}", "cost_usd": day % 7 * 0.31, "tokens": day * 1000, "local_s": 0.0}
    for day in range(1, 27)
]


def usage(request: requests.GetUsage) -> RowsAnswer:
    rows = {
        "task": [
            spent("Tests", task="T3"),
            spent("Docs", task="T4", cost_usd=0.0, local_s=250.0, time_s=250.0),
            spent("planning"),
        ],
        "agent": [spent("testing", agent="testing", sessions=1)],
        "model": [spent("claude", model="claude", sessions=2), spent("own", cost_usd=0.0, cost_known=False)],
        "day": [spent("2026-11-26", day="2026-11-26", sessions=1, cost_known=False)],
    }[request.by]
    facts = {
        "by": request.by, "scope": "session" if request.by == "task" else "repository",
        "total": spent("total"), "budget_usd": 5.0, "spent_usd": 0.42, "spent_known": True, "at_least": False,
        "month_usd": 11.8, "month_known": True, "requests": 3, "retries": 2, "refused_by_budget": 1,
        "forecast": "$0.60–1.40 for 2 tasks not begun", "prices_date": "2026-11-01", "own_prices": [],
        "warned": False, "local_s": 250.0, "per_day": PER_DAY,
        "limits": [
            {"scope": "task", "spent_usd": 0.11, "limit_usd": None, "known": True},
            {"scope": "session", "spent_usd": 0.42, "limit_usd": 5.0, "known": True},
            {"scope": "day", "spent_usd": 1.2, "limit_usd": None, "known": True},
            {"scope": "month", "spent_usd": 41.0, "limit_usd": 50.0, "known": True},
        ],
    }  # fmt: skip
    return RowsAnswer(rows=rows, facts=facts)


def old_usage(request: requests.GetUsage) -> RowsAnswer:
    """Without limits, days and local time, and without a budget."""
    answer = usage(request)
    new = ("limits", "per_day", "local_s", "warned")
    facts = {name: value for name, value in answer.facts.items() if name not in new}
    return answer.but(facts=facts | {"budget_usd": None, "forecast": None})


async def test_usage_by_task_with_a_bar_for_each_limit() -> None:
    pane = UsagePane()
    pane.mirror = running()
    app = Stage(pane, {requests.GetUsage: usage})
    async with app.run_test(size=(80, 20)) as pilot:
        await until(pilot, lambda: pane.answer)
        rows = drawn(app)
        assert rows[1].startswith("   budget   $0.42 of 5.00") and rows[1].endswith("8 %")
        assert rows[2].startswith("   month    $41.00 of 50.00") and rows[2].endswith("82 %")
        assert rows[3:5] == [
            "   ahead    $0.60–1.40 for 2 tasks not begun",
            "   asks     before a call that could pass $5.00; tells you at $4.00",
        ]
        assert rows[7].split() == [
            "▌",
            "T3",
            "Tests",
            "○",
            "planned",
            "$0.05",
            "38k",
            "1.2k",
            "71",
            "%",
            "0:41",
        ]
        assert rows[8].split() == ["T4", "Docs", "○", "planned", "local", "38k", "1.2k", "71", "%", "4:10"]
        text = "\n".join(rows)
        assert "most $1.86 on 2026-11-06" in text and "▁▃▄▅▇█" in text
        assert "today $1.20   retries 2   refused by budget 1   local 4:10" in text
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard(WentTo)[0].task == "T3"
        copied, what = pane.copied()
        assert "$0.42 of 5.00" in copied and "total" in copied and what == "all of it"


async def test_usage_by_agent_model_and_day_and_missing_prices_are_said() -> None:
    pane = UsagePane()
    pane.mirror = running()
    app = Stage(pane, {requests.GetUsage: usage})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("t")
        await until(pilot, lambda: any("testing" in row for row in drawn(app)))
        assert "all sessions of this repository" in drawn(app)[0] and "by agent" in drawn(app)[0]
        await pilot.press("t")
        await until(pilot, lambda: any("claude" in row for row in drawn(app)))
        text = "\n".join(drawn(app))
        assert "unknown" in text and "a price is missing" in text
        await pilot.press("t")
        await until(pilot, lambda: any("≥$0.05" in row for row in drawn(app)))
        plot = [row for row in drawn(app) if "█" in row]
        assert len(plot) == 4, "the tallest bar fills all rows of the plot"
        state = pane.state()
    again = UsagePane()
    again.mirror = running()
    app = Stage(again, {requests.GetUsage: usage})
    async with app.run_test(size=SIZE) as pilot:
        again.restore(state)
        await until(pilot, lambda: again.key == "2026-11-26")


async def test_usage_without_a_limit_has_no_bar() -> None:
    pane = UsagePane()
    pane.mirror = running()
    app = Stage(pane, {requests.GetUsage: old_usage})
    async with app.run_test(size=(80, 20)) as pilot:
        await until(pilot, lambda: pane.answer)
        rows = drawn(app)
        assert rows[1] == "   budget   $0.42, no limit set" and not any("━━━" in row for row in rows[1:])
        assert any("month $11.80   retries 2" in row for row in rows)


def test_bars_show_whatever_is_more_than_nothing() -> None:
    assert spark([]) == "" and spark([0.0, 0.0]) == "  "
    assert spark([0, 0.001, 4, 8]) == " ▁▄█"
    assert bars([8, 1, 16], 2) == ["  █", "█▁█"]
    assert bars([1, 2], 1, gap=1) == ["▄ █ "]
