"""The table of known models (models.toml) and the nearest names for one that is not in it."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autodev_tui.providers.base import ModelLimits
from autodev_tui.providers.pricing import alias

DEFAULT_MODEL = "claude-opus-5-5"
"""The vendor's first choice for most work."""
GUESS = ModelLimits(context=200_000, max_output=8_192, known=False)
"""For a model that nobody describes: what the smallest current ones can do."""


@dataclass(frozen=True)
class ModelFacts:
    """What the adapter must know of a model before it asks it anything."""

    limits: ModelLimits
    thinking: str = ""
    """The `thinking.type` to send, empty for the model's own default."""
    display: bool = False
    """Whether it must be asked to summarise its thinking, which it omits otherwise."""
    effort: bool = False


def known_models() -> tuple[str, ...]:
    """All ids of the table, newest first."""
    return tuple(_table())


def facts(model: str) -> ModelFacts | None:
    """The facts of a model by id, dated or not; None for one that the table does not have."""
    return _table().get(alias(model))


def nearest(name: str, names: tuple[str, ...], count: int = 3) -> list[str]:
    """Up to `count` of `names` that a typing mistake may have meant, the best first."""
    return difflib.get_close_matches(name, names, n=count, cutoff=0.6)


def described(told: dict[str, Any]) -> ModelFacts:
    """The facts in a model description of the service, with a guess for what it leaves out."""
    sizes = told.get("max_input_tokens"), told.get("max_tokens")
    known = all(isinstance(size, int) and size > 0 for size in sizes)
    context, output = (size if isinstance(size, int) and size > 0 else None for size in sizes)
    abilities = told.get("capabilities") or {}
    adaptive = _supported(abilities, "thinking", "types", "adaptive")
    return ModelFacts(
        limits=ModelLimits(context or GUESS.context, output or GUESS.max_output, known),
        thinking="adaptive" if adaptive else "",
        display=adaptive,
        effort=_supported(abilities, "effort"),
    )


def _supported(abilities: dict[str, Any], *path: str) -> bool:
    value: Any = abilities
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, dict) and value.get("supported") is True


@cache
def _table() -> dict[str, ModelFacts]:
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    return {
        model: ModelFacts(
            limits=ModelLimits(entry["context"], entry["max_output"], known=True),
            thinking=entry["thinking"],
            display=entry["display"],
            effort=entry["effort"],
        )
        for model, entry in tomllib.loads(text)["models"].items()
    }
