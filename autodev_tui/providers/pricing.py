"""What a request costs, from a dated table (prices.toml) that the user may override."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

MILLION = Decimal(1_000_000)
DATED_ID = re.compile(r"-20\d{6}$")
"""Release date at the end of a full model id; its alias is the id without it."""


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of one request. `input` is only the part neither read from nor written to the cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """All tokens that were sent."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


Prices = Mapping[str, Mapping[str, Any]]
"""The user's own prices, by model id or alias: USD per million under input, output, cache_read, …"""


def alias(model: str) -> str:
    """The id of a model without its release date."""
    return DATED_ID.sub("", model)


def cost(
    model: str, counts: TokenCounts, when: date, overrides: Prices | None = None
) -> tuple[Decimal, bool]:
    """USD of one request, and whether every price in it is known; unknown ones are left out of the sum."""
    entry = price(model, when, overrides or {})
    if entry is None:
        return Decimal(0), False
    tier = entry.get("above")
    if isinstance(tier, Mapping) and counts.prompt > tier["prompt_tokens"]:
        entry = tier
    total, known = Decimal(0), True
    for name in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"):
        tokens = getattr(counts, name)
        if not tokens:
            continue
        each = entry.get(name)
        if each is None:
            known = False
        else:
            total += Decimal(str(each)) * tokens / MILLION
    return total, known


def price(model: str, when: date, overrides: Prices) -> Mapping[str, Any] | None:
    """The prices of a model on a day, in USD per million tokens; None where nobody knows them."""
    for name in (model, alias(model)):
        if name in overrides:
            return overrides[name]
    entries = _table().get(alias(model))
    if not entries:
        return None
    begun = [entry for entry in entries if entry["since"] <= when]
    # A clock before the model's release is wrong, the first price still the best answer.
    return begun[-1] if begun else entries[0]


def table_date() -> date:
    """The day that the shipped table is of."""
    dated: date = _read()["dated"]
    return dated


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    return {model: entries for model, entries in _read().items() if isinstance(entries, list)}


@cache
def _read() -> dict[str, Any]:
    text = Path(__file__).with_name("prices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)
