"""`requests_per_minute`: one call more than allowed waits for room in the window, and it is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import events
from autodev_tui.domain.events import Event
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.rate import WINDOW_S, seconds_to_wait
from autodev_tui.engine.turns import next_turn
from autodev_tui.providers.base import Request, Turn
from autodev_tui.settings import Settings, load_settings
from tests.fakes.engine_kit import Desk, Kit, desk, kit, make_turn


def limited(allowed: int) -> Settings:
    return Settings.model_validate({"limits": {"requests_per_minute": allowed}, "max_turns": 500})


def talk(request: Request) -> Turn:
    return make_turn(text=f"turn {request.meta['turn']}")


async def waits(kit: Kit) -> list[float]:
    """Replaces sleeping by moving the clock; the list fills with how long each wait was."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        kit.clock.now += seconds

    kit.services.sleep = sleep
    return slept


def notices(kit: Kit) -> list[Event]:
    return [
        event
        for event in read_events(kit.services.session_directory() / "events.jsonl")
        if isinstance(event, events.Noticed)
    ]


async def turns_of(place: Desk, count: int) -> None:
    for _ in range(count):
        await next_turn(place.agent)


async def test_the_hundred_and_first_request_in_a_window_waits(tmp_path: Path) -> None:
    async with kit(tmp_path, talk, settings=limited(100)) as one:
        place = await desk(one)
        slept = await waits(one)
        begin = one.clock.now
        await turns_of(place, 100)
        assert slept == []
        assert one.clock.now - begin < WINDOW_S, "all hundred must lie in one window"
        await turns_of(place, 1)
        assert len(one.provider.requests) == 101
        assert sum(slept) == pytest.approx(WINDOW_S - (one.clock.now - sum(slept) - begin), abs=1)
        calls = [step for step in place.agent.steps if step.kind == "model"]
        first, last = calls[0].started, calls[-1].started
        assert first is not None
        assert last is not None
        assert last - first >= WINDOW_S
        told = notices(one)
        assert len(told) == 1
        assert "100 model calls in 60 s" in told[0].text  # type: ignore[union-attr]


async def test_off_by_default(tmp_path: Path) -> None:
    async with kit(tmp_path, talk, settings=Settings(max_turns=500)) as one:
        place = await desk(one)
        slept = await waits(one)
        await turns_of(place, 105)
        assert slept == []
        assert notices(one) == []


async def test_the_window_slides_and_outlives_a_restart(tmp_path: Path) -> None:
    async with kit(tmp_path, talk, settings=limited(2)) as one:
        place = await desk(one)
        slept = await waits(one)
        await turns_of(place, 1)
        one.clock.now += 40
        await turns_of(place, 1)
        await turns_of(Desk(one, await place.again(), place.verifier, place.workspace), 1)
        assert slept == [pytest.approx(20, abs=1)], "the first call leaves the window after 20 s more"


async def test_each_agent_has_a_window_of_its_own(tmp_path: Path) -> None:
    async with kit(tmp_path, talk, settings=limited(1)) as one:
        place = await desk(one)
        slept = await waits(one)
        await turns_of(place, 1)
        other = place.agent
        planner = await _planner(one)
        await next_turn(planner)
        assert slept == []
        await next_turn(other)
        assert len(slept) == 1


async def _planner(kit: Kit) -> Any:
    from autodev_tui.agents.roles import PLANNER
    from autodev_tui.engine.agent_loop import make_agent

    agent = await make_agent(kit.services, PLANNER, None, kit.fixture.root)
    await agent.say("goal", "Plan it.")
    return agent


@pytest.mark.parametrize(
    ("begun", "now", "allowed", "wait"),
    [
        ([], 100.0, 1, 0),
        ([99.0], 100.0, 1, 59),
        ([40.0], 100.0, 1, 0),
        ([40.5], 100.0, 1, 0.5),
        ([99.0, 90.0, 80.0], 100.0, 3, 40),
        ([99.0, 90.0, 80.0], 100.0, 2, 50),
        ([99.0, 90.0, 80.0], 100.0, 4, 0),
        ([4000.0, 3999.0], 100.0, 1, 0),
        ([4000.0, 99.0], 100.0, 1, 59),
    ],
)
def test_how_long(begun: list[float], now: float, allowed: int, wait: float) -> None:
    assert seconds_to_wait(begun, now, allowed) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("mine", "theirs", "holds"), [(0, 100, 100), (100, 50, 50), (100, 200, 100), (100, 0, 100), (0, 0, 0)]
)
def test_a_trusted_repository_may_only_lower_it(home: Path, mine: int, theirs: int, holds: int) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(f"[limits]\nrequests_per_minute = {mine}\n")
    repository = f"[limits]\nrequests_per_minute = {theirs}\n".encode()
    found = load_settings({"AUTODEV_CONFIG_DIR": str(home / "config")}, repository=repository)
    assert found.limits.requests_per_minute == holds
    assert bool(found.notices) == (holds != theirs)
