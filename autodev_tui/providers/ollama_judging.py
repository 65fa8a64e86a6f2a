"""What one try at a turn means: what it used, how to ask otherwise next time, whether its prompt fitted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from autodev_tui.domain.session import Usage
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.ollama_errors import Failure
from autodev_tui.providers.ollama_facts import CHARACTERS_PER_TOKEN
from autodev_tui.providers.ollama_state import Known
from autodev_tui.providers.ollama_stream import StreamReader
from autodev_tui.providers.pricing import Prices, TokenCounts, cost


class Bill(NamedTuple):
    """What a try is paid by, where the model runs elsewhere: only the user can say what that takes."""

    model: str
    day: date
    prices: Prices


def adapt(failure: Failure, known: Known, attempt: int) -> str:
    """Change how this model is asked, so that what failed cannot fail again; what changed, "" for nothing."""
    if failure.no_tools and not known.as_text:
        known.as_text = True
        return "its calls are written as text from now on"
    if failure.no_thinking and known.thinks:
        known.thinks = False
        return "it is asked without thinking from now on"
    if failure.odd_arguments and attempt > 1 and not known.as_text:
        known.as_text = True
        return "its calls are written as text from now on"
    return ""


def used_by(
    reader: StreamReader, known: Known, attempt: int, expected: float, bill: Bill, *, whole: bool
) -> Usage:
    """What one try used. Counts that the server does not tell are our estimate, and marked as not exact."""
    exact = whole and reader.prompt_tokens is not None and reader.output_tokens is not None
    counted = reader.prompt_tokens
    if counted is None:
        counted = int(expected) if reader.started else 0
    output = reader.output_tokens
    if output is None:
        output = int(reader.characters / CHARACTERS_PER_TOKEN)
    usd, priced = Decimal(0), True
    if known.facts.remote and reader.started:
        usd, priced = cost(bill.model, TokenCounts(input=counted, output=output), bill.day, bill.prices)
    return Usage(
        requests=1,
        retries=1 if attempt > 1 else 0,
        input_tokens=counted,
        output_tokens=output,
        cost_usd=float(usd),
        cost_known=priced,
        at_least=reader.started and not exact,
    )


def too_large(model: str, known: Known, expected: float, output: int, spent: Usage) -> ProviderError:
    """The prompt has more tokens than fit: it is not sent."""
    room = max(0, known.room(output))
    return ProviderError(
        "too_large",
        f"the prompt has about {expected:,.0f} tokens, and {room:,} fit beside the reply into the window"
        f" of {known.usable:,} ({model}): {_larger(known)}",
        usage_floor=spent,
        retries=spent.retries,
    )


def overflowed(model: str, known: Known, expected: float, counted: int, spent: Usage) -> ProviderError:
    """The server must have left out a part of the prompt: its reply is worth nothing."""
    return ProviderError(
        "too_large",
        f"window overflowed: the server read {counted:,} tokens of a prompt of about {expected:,.0f}"
        f" ({model}, window {known.usable:,}), so its reply is not used: {_larger(known)}",
        usage_floor=spent,
        retries=spent.retries,
    )


def _larger(known: Known) -> str:
    if known.facts.trained and known.window >= known.facts.trained:
        return "take a model with a larger window, or a smaller goal"
    return "a larger limits.local_context_tokens takes more, for more memory"
