"""Providers without a model: replies from a list, or from a function. Deterministic and offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodev_tui.domain.session import Usage
from autodev_tui.providers.base import (
    CallStarted,
    Chunk,
    ModelLimits,
    ProviderError,
    Request,
    StopReason,
    TextDelta,
    ToolCall,
    Turn,
    UsageSeen,
)

LIMITS = ModelLimits(context=200_000, max_output=64_000, known=True)
USAGE = Usage(requests=1, input_tokens=100, output_tokens=10)


def make_turn(
    *calls: tuple[str, dict[str, Any]],
    text: str = "",
    stop: StopReason | None = None,
    usage: Usage = USAGE,
    first_id: int = 1,
) -> Turn:
    """A turn with some text and calls given as (name, arguments), with ids `call_<first_id>` and on."""
    made = tuple(
        ToolCall(id=f"call_{first_id + place}", name=name, args=args)
        for place, (name, args) in enumerate(calls)
    )
    return Turn.of(text, made, usage, "scripted", stop=stop, request_id=f"req_{first_id}")


class FunctionProvider:
    """Asks `reply` for each turn; what it raises goes to the caller. Keeps the requests it was given."""

    name = "function"

    def __init__(self, reply: Callable[[Request], Turn], limits: ModelLimits = LIMITS) -> None:
        self._reply = reply
        self._limits = limits
        self.requests: list[Request] = []

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """The function's turn, with the chunks that a stream of it would have."""
        self.requests.append(request)
        turn = self._reply(request)
        if turn.text:
            on_chunk(TextDelta(turn.text))
        for call in turn.calls:
            on_chunk(CallStarted(call.name))
        on_chunk(UsageSeen(turn.usage))
        return turn

    async def limits(self, model: str) -> ModelLimits:
        """The same for every model."""
        return self._limits

    async def aclose(self) -> None:
        """Nothing is open."""


class ScriptedProvider(FunctionProvider):
    """Turns from a list for each (role, task) of the request's `meta`, in order; an exception is raised.

    A list under (role, "") serves every task of the role that has none of its own.
    """

    name = "scripted"

    def __init__(
        self, script: Mapping[tuple[str, str], Sequence[Turn | Exception]], limits: ModelLimits = LIMITS
    ) -> None:
        super().__init__(self._next, limits)
        self._rest = {key: list(turns) for key, turns in script.items()}

    def _next(self, request: Request) -> Turn:
        role, task = str(request.meta.get("role", "")), str(request.meta.get("task", ""))
        turns = self._rest.get((role, task))
        if turns is None:
            turns = self._rest.get((role, ""))
        if not turns:
            raise ProviderError("invalid", f"the script has no more turns for role {role!r}, task {task!r}")
        turn = turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn
