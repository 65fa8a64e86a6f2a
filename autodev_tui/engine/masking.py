"""Secrets leave whatever is kept or told: events, questions, the words of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Mask = Callable[[str], str]
"""A text with its secrets replaced; what has been masked stays as it is."""


def unmasked(text: str) -> str:
    """For where nothing is known to be secret."""
    return text


def masked(value: Any, mask: Mask) -> Any:
    """JSON-like `value` with every text in it masked; keys are ours and stay."""
    match value:
        case str():
            return mask(value)
        case list():
            return [masked(one, mask) for one in value]
        case dict():
            return {key: masked(one, mask) for key, one in value.items()}
    return value
