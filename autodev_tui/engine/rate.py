"""How many model calls an agent may begin in a minute: one more waits, and the wait is told (S09)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autodev_tui.domain import events
from autodev_tui.domain.step import StepKind

if TYPE_CHECKING:
    from autodev_tui.engine.agent import Agent

WINDOW_S = 60.0


async def keep_rate(agent: Agent) -> None:
    """Wait until one more call of this agent keeps to `requests_per_minute`.

    The calls are counted in the step log, so a resumed agent goes on counting where it stopped.
    """
    services = agent.services
    allowed = services.settings.limits.requests_per_minute
    told = False
    while allowed and (wait := seconds_to_wait(list(_begun(agent)), services.clock(), allowed)):
        if not told:
            told = True
            text = f"{allowed} model calls in {WINDOW_S:.0f} s, as many as requests_per_minute allows"
            text += f" · the next one waits {wait:.0f} s"
            services.board.log.emit(events.Noticed(task=agent.task_id, text=text))
        await services.sleep(wait)


def seconds_to_wait(begun: list[float], now: float, allowed: int) -> float:
    """How long until fewer than `allowed` of the calls `begun` (newest first) are in the window; 0: none.

    Times after `now` do not count: the machine's clock was set back since.
    """
    recent = [at for at in begun if now - WINDOW_S < at <= now]
    return recent[allowed - 1] + WINDOW_S - now if len(recent) >= allowed else 0.0


def _begun(agent: Agent) -> Iterator[float]:
    for step in reversed(agent.steps):
        if step.kind is StepKind.MODEL and step.started is not None:
            yield step.started
