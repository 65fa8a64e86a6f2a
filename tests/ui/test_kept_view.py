"""How the screen looks is kept whenever it changed, and not looked at while nothing happens."""

from __future__ import annotations

from textual import events

from autodev_tui.app import Autodev
from autodev_tui.domain import commands
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import until


async def test_keys_pastes_and_updates_are_kept_and_rest_costs_nothing() -> None:
    bridge = FakeBridge(shown.update())
    app = Autodev(bridge, now=lambda: shown.NOW)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bridge.of(commands.SaveView))
        looks: list[int] = []
        view = app.bench.view
        app.bench.view = lambda: looks.append(1) or view()  # type: ignore[func-returns-value, method-assign]

        def kept() -> str:
            return str(bridge.of(commands.SaveView)[-1].view["composer"]["text"])

        await pilot.press("escape", "i", *"ab")
        await until(pilot, lambda: kept() == "ab")
        app.post_message(events.Paste("pasted"))
        await until(pilot, lambda: kept() == "abpasted")
        bridge.push(Update(working=[]))
        await until(pilot, lambda: not app._touched)
        seen = len(looks)
        app._keep_view()
        assert len(looks) == seen
