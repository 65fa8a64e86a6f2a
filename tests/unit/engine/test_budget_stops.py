"""A run that is stopped just before it would call a model: nothing of the call stays in the day's budget."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autodev_tui.domain import commands
from autodev_tui.engine.services import Services
from tests.fakes.engine_kit import until
from tests.fakes.many_agents import plan_of
from tests.fakes.paying import Paid
from tests.unit.engine.test_budgets import at_work


async def test_a_run_that_is_stopped_between_leave_and_call_leaves_nothing_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def never_kept(*_: object) -> str:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Services, "keep_text", never_kept)
    more = {"options": {"budgets": {"day_usd": 5.0}}, "spending": tmp_path / "user", "interactive": True}
    async with at_work(tmp_path, Paid(plan_of({})), **more) as one:
        await one.start()
        await asyncio.wait_for(begun.wait(), 20)
        spending = one.services.purse.spending
        assert spending.left(one.clock(), {"day": 5.0})[0].open_usd > 0
        await one.engine.submit(commands.StopSession())
        await until(lambda: not one.engine.busy)
        (day,) = spending.left(one.clock(), {"day": 5.0})
        assert (day.spent_usd, day.open_usd) == (0.0, 0.0)
