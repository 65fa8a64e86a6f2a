"""Prices: dated, tiered, overridable, and never zero because they are unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.providers import models
from autodev_tui.providers.pricing import TokenCounts, cost

TODAY = date(2026, 11, 21)
MILLION = TokenCounts(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)
counts = st.builds(TokenCounts, *[st.integers(0, 10**7)] * 5)


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("claude-opus-5-5", "37.20"),
        ("claude-fable-5-2", "74.20"),
        ("claude-sonnet-5-5", "18.60"),
        ("claude-haiku-4-5", "9.35"),
        ("claude-haiku-4-5-20251001", "9.35"),
        ("claude-fable-5", "93.50"),
    ],
)
def test_a_million_of_each(model: str, usd: str) -> None:
    assert cost(model, MILLION, TODAY) == (Decimal(usd), True)


def test_prices_are_dated() -> None:
    read = TokenCounts(cache_read=1_000_000)
    assert cost("claude-sonnet-5-5", read, date(2026, 10, 6))[0] == Decimal("0.20")
    assert cost("claude-sonnet-5-5", read, date(2026, 10, 7))[0] == Decimal("0.10")
    assert cost("claude-sonnet-5-5", read, date(1970, 1, 1))[0] == Decimal("0.20")


def test_the_tier_counts_the_whole_prompt_and_holds_for_every_token() -> None:
    at = TokenCounts(input=50_000, output=1_000_000, cache_read=50_000)
    above = TokenCounts(input=50_001, output=1_000_000, cache_read=50_000)
    assert cost("claude-haiku-5-5", at, TODAY)[0] == Decimal("0.5055")
    assert cost("claude-haiku-5-5", above, TODAY)[0] == Decimal("2.5") + Decimal("0.0025") + Decimal(
        "0.0250005"
    )


def test_unknown_prices_are_known_to_be_unknown() -> None:
    assert cost("house-model", TokenCounts(input=1), TODAY) == (Decimal(0), False)
    assert cost("claude-sonnet-4-5", TokenCounts(input=1_000_000), TODAY)[1] is False
    total, known = cost("claude-mythos-5-2", TokenCounts(input=1_000_000, cache_read=1), TODAY)
    assert (total, known) == (Decimal(8), False)
    assert cost("claude-mythos-5-2", TokenCounts(input=1_000_000), TODAY) == (Decimal(8), True)


def test_the_user_overrides_by_id_or_alias() -> None:
    own = {"house-model": {"input": 1.5, "output": "2"}, "claude-haiku-4-5": {"input": 3}}
    assert cost("house-model", TokenCounts(1_000_000, 1_000_000), TODAY, own) == (Decimal("3.5"), True)
    assert cost("claude-haiku-4-5-20251001", TokenCounts(1_000_000), TODAY, own) == (Decimal(3), True)


@pytest.mark.parametrize("model", models.known_models())
def test_every_known_model_has_a_price(model: str) -> None:
    total, known = cost(model, TokenCounts(1_000, 1_000), TODAY)
    assert known
    assert total > 0


@given(one=counts, other=counts)
def test_cost_grows_with_tokens(one: TokenCounts, other: TokenCounts) -> None:
    both = TokenCounts(
        *(
            getattr(one, name) + getattr(other, name)
            for name in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
        )
    )
    assert cost("claude-haiku-5-5", both, TODAY)[0] >= cost("claude-haiku-5-5", one, TODAY)[0]
    exact = cost("claude-opus-5-5", one, TODAY)[0] + cost("claude-opus-5-5", other, TODAY)[0]
    assert cost("claude-opus-5-5", both, TODAY)[0] == exact
