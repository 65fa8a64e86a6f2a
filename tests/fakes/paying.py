"""Models that cost what the price list says: the whole prompt at the dearest price, and all of the reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autodev_tui.domain.session import Usage
from autodev_tui.engine.models import Model
from autodev_tui.engine.rates import is_free, rates_of
from autodev_tui.providers.base import ProviderError, Request, Turn, UsageSeen
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Kit, make_turn
from tests.fakes.many_agents import Agents, Call

NOW = 1_795_000_000.0
PRICES = {"claude-opus-5": {"input": 5.0, "output": 25.0}, "claude-haiku-5-5": {"input": 0.1, "output": 0.5}}


class Paid(Agents):
    """Each call takes everything that it was allowed, or `share` of the reply."""

    def __init__(
        self, plan: Call, scripts: Mapping[str, Sequence[Any]] | None = None, spec: str = ""
    ) -> None:
        super().__init__(plan, scripts)
        self.spec = spec
        self.share = 1.0
        self.known: Callable[[], float] = lambda: 0.0
        """What the session says was spent, looked at with every call."""
        self.most = 0.0
        self.models: list[str] = []

    async def complete(self, request: Request, on_chunk: Any) -> Turn:
        """The next turn, with its price."""
        self.most = max(self.most, self.known())
        self.models.append(self.spec)
        turn = await super().complete(request, on_chunk)
        return replace(turn, usage=paid(self.spec, request, self.share))


def paid(spec: str, request: Request, share: float) -> Usage:
    """What this request costs at the test's prices, at 3 characters a token."""
    text = len(request.system) + len(json.dumps(request.messages)) + len(str(request.tools))
    prompt, output = text // 3, int(share * request.max_tokens)
    rates = rates_of(spec, spec.partition("/")[2], PRICES, NOW)
    assert rates
    cost = 0.0 if is_free(spec) else prompt * rates.input + output * rates.output
    return Usage(requests=1, input_tokens=prompt, output_tokens=output, cost_usd=cost)


def paying_kit(
    place: Path, agents: Paid, *, at_once: int = 10, others: Sequence[Paid] = (), **more: Any
) -> Kit:
    """An engine with that model, and others by their specification."""
    agents.spec = agents.spec or "anthropic/claude-opus-5"
    by_spec = {one.spec: one for one in others}
    settings = more.pop("settings", None) or Settings(
        agents=at_once, prices=PRICES, **more.pop("options", {})
    )

    def maker(spec: str, _: Settings) -> Model:
        if spec not in by_spec:
            raise ProviderError("config", f"no {spec} here")
        return Model(by_spec[spec], spec.partition("/")[2], spec)

    kit = Kit(
        place,
        lambda _: make_turn(DONE),
        own_provider=agents,
        settings=settings,
        spec=agents.spec,
        maker=maker,
        **more,
    )
    for one in (agents, *others):
        one.known = lambda: kit.session.usage.cost_usd if kit.engine.session else 0.0
    return kit


class Held(Paid):
    """Its calls stand in the middle of the stream: the prompt is billed, and `words` were said."""

    words = "thinking of something long"

    async def complete(self, request: Request, on_chunk: Any) -> Turn:
        """Until it is cancelled."""
        if request.meta["role"] == "planning":
            return await super().complete(request, on_chunk)
        from autodev_tui.providers.base import TextDelta

        on_chunk(UsageSeen(paid(self.spec, request, 0.0).but(at_least=True)))
        on_chunk(TextDelta(self.words))
        self.calling.append(request.meta["task"])
        await asyncio.Event().wait()
        raise AssertionError("unreachable")
