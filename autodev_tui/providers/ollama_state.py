"""What is known of one model of Ollama in this session: its window, its habits, how tokens are guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autodev_tui.providers.base import Chunk, ModelLimits, Noted, Request
from autodev_tui.providers.ollama_facts import LocalModel, estimate, limits_of, prompt_room

COLLAPSED = 0.6
"""Share of the expected prompt below which the server cannot have read all of it."""
SURELY = 1.5
"""How much longer than expected a prompt may be and still surely fit."""
USUAL_OVERHEAD = 4_000
"""Tokens of system prompt and tools, until a request tells."""
LEAST_RATE, MOST_RATE = 0.6, 2.0
LEVELS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


@dataclass
class Known:
    """One model. `window` is the `num_ctx` that is sent, the same in every request of the session."""

    facts: LocalModel
    window: int
    allocated: int | None = None
    """Tokens of context that it was really loaded with; None while nobody told."""
    verified: bool = False
    as_text: bool = False
    """Its calls are written as text, because it takes no tools."""
    thinks: bool = True
    rate: float = 1.0
    """Counted tokens for each estimated one."""
    overhead: float = 0.0
    last: dict[tuple[Any, ...], tuple[int, str, int]] = field(default_factory=dict)
    """By who asks: how many messages it sent, how they began, and the tokens counted."""

    @property
    def usable(self) -> int:
        """The window that counts: what was asked for, or less if less was given."""
        return min(self.window, self.allocated or self.window)

    def limits(self) -> ModelLimits:
        """What a conversation may fill, beside system prompt and tools."""
        sizes = limits_of(self.usable, known=bool(self.facts.trained))
        overhead = self.overhead or min(USUAL_OVERHEAD, self.usable // 4)
        context = max(1, sizes.context - int(overhead))
        return ModelLimits(context, sizes.max_output, sizes.known, remote=self.facts.remote)

    def expected(self, messages: Any, tools: Any) -> float:
        """About how many tokens a prompt will have."""
        # Of the words of the system only: a conversation has its own share of the window.
        system = sum(estimate(one["content"]) for one in messages if one["role"] == "system")
        self.overhead = max(self.overhead, (system + estimate(tools)) * self.rate)
        return (estimate(messages) + estimate(tools)) * self.rate

    def room(self, output: int) -> int:
        """Tokens that a prompt may have beside `output` of reply."""
        return prompt_room(self.usable, output)

    def think(self, effort: str | None) -> bool | str | None:
        """What to send as `think`; None for a model that has no such thing, or that nobody described."""
        if not self.thinks:
            return None
        if self.facts.needs_level:
            return LEVELS.get(effort or "", "medium")
        return True if self.facts.thinking else None

    def verify(self, model: Mapping[str, Any] | None, name: str) -> list[Chunk]:
        """Take what `ps` tells of the loaded model (None: nothing); what the human should know of it."""
        told: list[Chunk] = []
        if model is None:
            return told
        given = model.get("context_length")
        if isinstance(given, int) and given > 0:
            if given < self.window and given != self.allocated:
                told.append(
                    Noted(
                        f"{name} was loaded with a window of {given:,} tokens, {self.window:,} were asked for"
                    )
                )
            self.allocated = given
        size, fast = model.get("size"), model.get("size_vram")
        if isinstance(size, int) and isinstance(fast, int) and fast < size and not self.verified:
            told.append(
                Noted(
                    f"{name} does not fit into the graphics memory ({fast / size:.0%} of it does): it is slow"
                )
            )
        self.verified = True
        return told

    def overflowed(self, request: Request, expected: float, counted: int, output: int) -> bool:
        """Whether the server must have left out a part of the prompt; remembers the count.

        A count far too low, or lower than before though the conversation grew, says so, unless the prompt
        surely fits into what was verified: then the server counts without what it had cached.
        """
        key = (request.meta.get("role"), request.meta.get("task"))
        size, begin = len(request.messages), str(request.messages[0])[:2_000] if request.messages else ""
        before = self.last.get(key)
        fell = before is not None and before[1] == begin and size > before[0] and counted < before[2]
        low = counted < COLLAPSED * expected
        if not (fell or low):
            self.last[key] = size, begin, counted
            self.rate = min(MOST_RATE, max(LEAST_RATE, self.rate * counted / expected if expected else 1.0))
            return False
        # In the vendor's cloud nothing is listed as loaded: what was asked for is there.
        there = self.allocated or (self.window if self.facts.remote else 0)
        return SURELY * expected + output > there
