"""Prompts of a session: within the model's window, and what is odd about them told."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain import events
from autodev_tui.engine.fallback import model_for
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.services import Services
from prompts import PromptTooLong

OPENING_SHARE = 1 / 3
"""Of the window, at most for the first message: every turn sends it again, and the work comes after."""


async def prompt(
    services: Services, name: str, /, *, for_task: str | None, max_tokens: int | None = None, **values: Any
) -> str:
    """The template `name` filled in; what was left out of it, and what in it is suspicious, is told.

    Raises:
        GaveUp: what must not be left out of it is longer than `max_tokens`.
        PromptError: the template is wrong.
    """
    try:
        made = await asyncio.to_thread(services.prompts.render_prompt, name, max_tokens=max_tokens, **values)
    except PromptTooLong as error:
        raise GaveUp(
            f"{for_task or 'the goal'}: the goal and the task alone need about {error.tokens} tokens, and"
            f" {error.max_tokens} fit · shorten them, or take a model with a larger window"
        ) from error
    if made.left_out:
        _tell(services, for_task, "info", f"left out for want of room: {'; '.join(made.left_out)}")
    for one in made.suspicions:
        excerpt = services.masker.mask(one.excerpt)[0]
        text = f"{one.source}:{one.line} reads like an attempt to steer the agent ({one.kind}): {excerpt}"
        _tell(services, for_task, "warning", f"{text} · it is shown as data and changes no permission")
    return made.text


async def opening_tokens(services: Services, task: str | None) -> int:
    """How long the first message of the agent of `task` (None: of the planner) may be."""
    return int(OPENING_SHARE * await window_tokens(services, task))


async def window_tokens(services: Services, task: str | None, reply: int = 0) -> int:
    """What a conversation may fill: the model's window without the `reply`, or the settings' limit."""
    _, limits = await model_for(services, task)
    if limits.unbounded:
        return limits.context - reply
    return min(limits.context - reply, services.settings.limits.context_tokens)


def _tell(services: Services, task: str | None, severity: Any, text: str) -> None:
    """Once a run: the same rules are in the first message of every task."""
    if text not in services.told:
        services.told.add(text)
        services.board.log.emit(events.Noticed(task=task, text=text, severity=severity))
