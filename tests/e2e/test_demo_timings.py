"""The demo with the human's decisions at random moments, in random order, of every kind: it always lands."""

from __future__ import annotations

import asyncio
import os

import pytest

from autodev_tui.demo.place import opened
from autodev_tui.domain.states import SessionState
from tests.fakes.demo_human import Human

pytestmark = pytest.mark.e2e

SHUFFLED = 50


def _lands(seed: int) -> None:
    with opened(os.environ) as place:
        human = Human(place, seed)
        session = asyncio.run(human.run())
        assert session.state is SessionState.LANDED, (session.error, human.told)
        assert place.git("rev-parse", "main") == session.landed_commit
        assert place.git("status", "--porcelain") == ""


def test_one_shuffle_of_timing_order_and_decisions_reaches_the_end() -> None:
    _lands(SHUFFLED)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SHUFFLED))
def test_any_timing_order_and_decisions_reach_the_end(seed: int) -> None:
    _lands(seed)
