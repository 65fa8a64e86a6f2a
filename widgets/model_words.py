"""How models are named, and what the screen says of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodev_tui.domain.model_name import is_remote
from autodev_tui.domain.text import visible

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.task import Task

AS_TEXT = "as text"
"""How a model without tools of its own calls them."""
RULES = "rules"
"""The specification of no model at all."""


def spec_of(row: dict[str, Any]) -> str:
    """A listed model's specification, as in `ollama/qwen3`."""
    model, provider = str(row.get("model", "")), str(row.get("provider", ""))
    if provider in ("", RULES) or model == provider or model.startswith(f"{provider}/"):
        return model or provider
    return f"{provider}/{model}"


def is_model(spec: str) -> bool:
    """Whether somebody can be asked at all."""
    return spec not in ("", RULES)


def is_local(spec: str) -> bool:
    """Whether it runs on the user's own machine, as far as its name tells, so that nothing is paid for."""
    if spec.startswith("ollama/"):
        return not is_remote(spec.partition("/")[2])
    return spec == RULES or spec.startswith("replay:")


def model_of(task: Task) -> str:
    """The model that works on a task where it is not the session's, else ""."""
    return task.fallback or task.model or ""


def here(mirror: Mirror, task: Task | None) -> str:
    """The model that works on a task (None: on the plan), in one harmless line."""
    own = mirror.session.model if mirror.session else mirror.facts.model
    return visible((model_of(task) if task else "") or own, keep="")


def short(spec: str) -> str:
    """A specification without its provider."""
    return visible(spec.partition("/")[2] or spec, keep="")


def tools_word(row: dict[str, Any]) -> str:
    """Whether it calls tools by itself, or in words that are read."""
    if spec_of(row) == RULES or not row.get("ready", True):
        return ""
    tools = row.get("tools")
    return "tools ?" if tools is None else "tools" if tools else AS_TEXT


def price_words(row: dict[str, Any]) -> tuple[str, str]:
    """USD per million tokens, in and out."""
    return _price(row.get("usd_per_million_input")), _price(row.get("usd_per_million_output"))


def _price(usd: float | None) -> str:
    return "?" if usd is None else f"{usd:.2f}"
