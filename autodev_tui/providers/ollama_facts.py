"""What a model of Ollama can do, how large its window is made, and what may be put into it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autodev_tui.domain.model_name import is_remote
from autodev_tui.providers.base import ModelLimits

USUAL_WINDOW = 32_768
"""Tokens of context where nobody said anything: memory grows with it, and agents need about this much."""
GUESSED_TRAINED = 8_192
"""For a model that does not say what it was trained for."""
LEAST_WINDOW = 4_096
MARGIN = 0.1
"""Share of the window that stays free, because token counts before the call are estimates."""
OUTPUT_SHARE = 0.25
MOST_OUTPUT = 16_384
ELSEWHERE = "autodev.elsewhere"
"""Among what `show` tells of a model: that it works elsewhere."""
CHARACTERS_PER_TOKEN = 3.2
"""Of ASCII text; every other character is counted as a token of its own."""


@dataclass(frozen=True)
class LocalModel:
    """What `show` tells of a model. Abilities are None where the server does not tell any (old ones)."""

    trained: int = 0
    """Tokens of context it was trained for, 0 when unknown."""
    own_window: int = 0
    """`num_ctx` of its own Modelfile."""
    tools: bool | None = None
    thinking: bool | None = None
    chats: bool | None = None
    family: str = ""
    remote: bool = False
    """It runs on somebody else's machine, and its price is not known."""

    @property
    def needs_level(self) -> bool:
        """Whether it thinks at a level and cannot be told just yes or no."""
        return self.family.startswith(("gptoss", "gpt-oss"))


def describe(shown: Mapping[str, Any], name: str = "") -> LocalModel:
    """The model in the answer of `show`; whatever is missing or odd in it counts as not told."""
    info = shown.get("model_info") or shown.get("modelinfo") or {}
    info = info if isinstance(info, Mapping) else {}
    details = shown.get("details") or {}
    details = details if isinstance(details, Mapping) else {}
    architecture = str(info.get("general.architecture") or details.get("family") or "")
    told = shown.get("capabilities")
    abilities = {str(one) for one in told} if isinstance(told, list) else None
    return LocalModel(
        trained=_count(info.get(f"{architecture}.context_length")),
        own_window=_own_window(shown.get("parameters")),
        tools="tools" in abilities if abilities is not None else None,
        thinking="thinking" in abilities if abilities is not None else None,
        chats="completion" in abilities if abilities is not None else None,
        family=architecture,
        remote=bool(info.get(ELSEWHERE) or works_elsewhere(shown)) or is_remote(name),
    )


def with_place(shown: Any) -> Any:
    """The answer of `show`, with the place where the model works among its information."""
    if not isinstance(shown, dict) or not works_elsewhere(shown):
        return shown
    info = shown.get("model_info")
    return shown | {"model_info": {**(info if isinstance(info, dict) else {}), ELSEWHERE: True}}


def works_elsewhere(shown: Mapping[str, Any]) -> bool:
    """Whether what a server tells of a model, alone or in its list, says that it works on another machine."""
    return bool(shown.get("remote_host") or shown.get("remote_model"))


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model: without a tag it is `latest`, and case does not count."""
    return full_name(one) == full_name(other)


def full_name(name: str) -> str:
    """A model's name with its tag, as the server lists it."""
    last = name.rpartition("/")[2]
    return (name if ":" in last else f"{name}:latest").lower()


def choose_window(model: LocalModel, wanted: int | None, loaded: int = 0) -> int:
    """Tokens of context to ask for, `num_ctx`.

    `wanted` is the user's setting. Without one it is the Modelfile's, else the usual size, and not less
    than what the model is `loaded` with already: another size would load it anew. Never more than it was
    trained for.
    """
    trained = model.trained or GUESSED_TRAINED
    chosen = wanted or model.own_window or max(USUAL_WINDOW, loaded)
    return max(min(chosen, trained), min(LEAST_WINDOW, trained))


def limits_of(window: int, *, known: bool = True) -> ModelLimits:
    """What a conversation may use of a window: the margin is taken off, a quarter is for the reply."""
    output = max(256, min(int(window * OUTPUT_SHARE), MOST_OUTPUT))
    return ModelLimits(context=int(window * (1 - MARGIN)), max_output=output, known=known)


def prompt_room(window: int, output: int) -> int:
    """Tokens that a prompt may have beside `output` tokens of reply."""
    return int(window * (1 - MARGIN)) - output


def estimate(value: Any) -> float:
    """About how many tokens a text or JSON value has."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return (len(text) - wide) / CHARACTERS_PER_TOKEN + wide


def _own_window(parameters: Any) -> int:
    """`num_ctx` in the parameters, which are lines of name and value."""
    for line in str(parameters or "").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx" and value.strip().isdigit():
            return int(value)
    return 0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
