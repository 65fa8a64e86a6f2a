"""What a call may cost at most, before it is made: tokens of prompt and reply at the dearest price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autodev_tui.domain.model_name import is_remote
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.providers.pricing import MILLION, Prices, price

PLAIN, OTHER = 2.5, 0.8
"""Fewest characters a token has in ASCII text (code is 3 to 3.5) and in other scripts."""
MARGIN = 1.15
"""On what the last reply told of the prompt's tokens: text grows by other text than it began with."""


@dataclass(frozen=True)
class Rates:
    """USD per token. `read` is what a cached one costs, `input` the dearest way to send one."""

    input: float
    output: float
    read: float

    def most(self, prompt: int, output: int) -> float:
        """An upper bound for a call, in USD."""
        return prompt * self.input + output * self.output

    def affords(self, usd: float, prompt: int) -> int:
        """How many tokens of a reply `usd` pays for, beside the prompt."""
        left = usd - prompt * self.input
        return int(left / self.output) if left > 0 and self.output > 0 else 0


FREE = Rates(0.0, 0.0, 0.0)


def is_local(spec: str, *, remote: bool = False) -> bool:
    """Whether a model works on this machine (or on one of the user's): it costs time and no money.

    `remote`: its server says that it works elsewhere, whatever it is called here.
    """
    kind, _, name = spec.partition("/")
    return kind == "ollama" and not remote and not is_remote(name)


def is_free(spec: str, *, remote: bool = False) -> bool:
    """Whether what a model says costs nothing: local ones, rules, and what is only replayed."""
    return is_local(spec, remote=remote) or spec == RULES_MODEL or spec.startswith("replay:")


def rates_of(
    spec: str, name: str, prices: Prices, at: float, prompt: int = 0, *, remote: bool = False
) -> Rates | None:
    """The rates of a model for a prompt of so many tokens; None where nobody knows what it takes."""
    if is_free(spec, remote=remote):
        return FREE
    entry = price(name, datetime.fromtimestamp(at, UTC).date(), prices)
    if entry is None:
        return None
    tier = entry.get("above")
    entries: list[Mapping[str, Any]] = [entry]
    if isinstance(tier, Mapping) and prompt * MARGIN > tier["prompt_tokens"]:
        entries.append(tier)
    sent = [_number(one, kind) for one in entries for kind in ("input", "cache_write_5m")]
    output = [_number(one, "output") for one in entries]
    if _number(entry, "input") is None or None in output:
        return None
    million = float(MILLION)
    read = _number(entry, "cache_read")
    dearest = max(one for one in sent if one is not None)
    return Rates(
        dearest / million,
        max(one for one in output if one is not None) / million,
        (read if read is not None else dearest) / million,
    )


def most_tokens(characters: int, other: int = 0) -> int:
    """An upper bound for the tokens of a text that nobody has counted yet; `other` of it is not ASCII."""
    return int(max(0, characters - other) / PLAIN + other / OTHER) + 1


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return None if value is None else float(value)
