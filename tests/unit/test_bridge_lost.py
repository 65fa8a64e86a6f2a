"""An engine that ends by itself: it is told, started again, and nobody is kept waiting for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from autodev_tui import host
from autodev_tui.bridge import EngineLost, EngineThread
from autodev_tui.domain import commands
from autodev_tui.domain.updates import Update
from autodev_tui.engine.feed import Feed
from autodev_tui.sandbox.probe import ProbeResult
from store.errors import StoreError
from tests.fakes.engine_kit import PATIENCE_S
from tests.fakes.repos import FixtureRepository
from tests.unit import test_bridge
from tests.unit.test_bridge import PROBED, environment

place, scripted = test_bridge.place, test_bridge.scripted


async def test_a_lost_engine_is_started_again_three_times(
    place: FixtureRepository, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = EngineThread(place.root, environment(place))
    engine.start()
    try:
        for left in (3, 2, 1, 0):
            updates = engine.updates()
            assert (await anext(updates)).reset
            monkeypatch.setattr(Feed, "next", broken)
            with pytest.raises(EngineLost, match="the disk burns") as lost:
                while True:
                    await anext(updates)
            monkeypatch.undo()
            monkeypatch.setattr(host, "probe", lambda: PROBED)
            assert lost.value.restarts_left == left
            if left:
                sent = asyncio.create_task(engine.submit(commands.SaveView(name="x", view={})))
                await engine.restart()
                assert await sent is None
        refused = await engine.submit(commands.SaveView(name="x", view={}))
        assert refused
        assert "the disk burns" in refused.reason
        with pytest.raises(EngineLost):
            await engine.restart()
    finally:
        await engine.aclose()


async def test_who_asks_while_a_failed_engine_still_ends_is_not_kept_waiting(
    place: FixtureRepository, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails, ending, asked, ended = (threading.Event() for _ in range(4))
    shut_down = asyncio.BaseEventLoop.shutdown_default_executor

    def no_sandbox() -> ProbeResult:
        fails.wait(PATIENCE_S)
        raise StoreError("the disk burns")

    async def slowly(loop: asyncio.BaseEventLoop) -> None:
        # All tasks are cancelled by now, and the loop runs on until no thread of it works any more.
        ending.set()
        while not ended.is_set():
            await asyncio.sleep(0)
        await shut_down(loop)

    async def nothing_new(_: Feed) -> Update:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(host, "probe", no_sandbox)
    engine = EngineThread(place.root, environment(place))
    engine.start()
    try:
        updates = engine.updates()
        assert (await anext(updates)).reset
        monkeypatch.setattr(Feed, "next", nothing_new)
        monkeypatch.setattr(asyncio.BaseEventLoop, "shutdown_default_executor", slowly)
        fails.set()
        assert await asyncio.to_thread(ending.wait, PATIENCE_S)
        late = asyncio.ensure_future(anext(updates))
        assert await asyncio.to_thread(asked.wait, PATIENCE_S)
        ended.set()
        with pytest.raises(EngineLost, match="the disk burns"):
            await asyncio.wait_for(late, PATIENCE_S)
    finally:
        ended.set()
        monkeypatch.undo()
        await engine.aclose()


async def broken(_: Feed) -> Update:
    raise StoreError("the disk burns")
