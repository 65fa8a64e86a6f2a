"""A stage for one widget: what it says is kept, what it asks is answered from a table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from autodev_tui.domain.requests import Answer, Refused
from widgets.messages import Asked

M = TypeVar("M", bound=Message)


class Stage(App[None]):
    """Shows a widget at the foot of the screen or alone on it."""

    CSS = "Screen { align: left bottom; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widget: Widget, answers: dict[type[Any], Answer | Callable[[Any], Answer]]) -> None:
        super().__init__()
        self.widget = widget
        self.answers = answers
        self.said: list[Message] = []
        self.acted: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        getattr(self.widget, "focus_field", self.widget.focus)()

    def action_keys(self) -> None:
        self.acted.append("keys")

    def heard(self, kind: type[M]) -> list[M]:
        """What was said of this kind, in order."""
        return [one for one in self.said if isinstance(one, kind)]

    def keep(self, message: Message) -> None:
        self.said.append(message)
        if isinstance(message, Asked):
            answer = self.answers.get(type(message.request), Refused(reason="nobody answers here"))
            message.answered(answer(message.request) if callable(answer) else answer)

    async def _dispatch_message(self, message: Message) -> None:
        if type(message).__module__.startswith("widgets."):
            self.keep(message)
        await super()._dispatch_message(message)


async def until(pilot: Pilot[None], holds: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for a condition."""
    end = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < end, "the condition never held"
        await pilot.pause(0.01)


def drawn(app: App[Any]) -> list[str]:
    """The rows of the screen as text."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]
