"""One key after the other: a key goes to whoever has the focus once the key before it has had its effect."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.timer import Timer
from textual.widgets import Input, TextArea

from widgets.keys import NAMES

Result = TypeVar("Result")
LONGEST_S = 0.5
"""A key whose way cannot be followed, its widget being gone, holds up the next one for no longer."""


class Keyboard(App[Result], inherit_bindings=False):
    """Textual hands keys of one burst to the widget that had the focus before the first of them.

    A field that the first one opens would lose the others, and the pane below would take them for commands:
    `c` and then `add…` would accept a hunk. So each key is followed on its way up to the application, where
    its action runs; only then comes the next one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: deque[events.Key] = deque()
        self._number = 0
        """Of the key that is under way, counted from 1."""
        self._under_way: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """Keys wait for their turn."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._keys.append(event)
            if self._under_way is None:
                await self._next_key()
        else:
            await super().on_event(event)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """A letter or sign that nobody takes says so: no key is pressed into the void."""
        handled = await super()._check_bindings(key, priority)
        printed = NAMES.get(key, key)
        if (
            not handled
            and not priority
            and len(printed) == 1
            and not isinstance(self.focused, Input | TextArea)
        ):
            self.took_nothing(printed)
        return handled

    def took_nothing(self, key: str) -> None:
        """Nobody took this key, as it is printed."""

    async def _next_key(self) -> None:
        if not self._keys:
            return
        self._number += 1
        self._under_way = self.set_timer(LONGEST_S, lambda number=self._number: self._had_effect(number))
        target = self.focused or self.screen
        await super().on_event(self._keys.popleft())
        self._go_up(target, self._number)

    def _go_up(self, node: DOMNode | None, number: int) -> None:
        """The key was handed to this one: behind it in its queue, then in that of whoever it bubbles to."""
        if node is self:
            self.call_later(self._came_up, number)
        elif node is not None and not node.call_later(self._go_up, node.parent, number):
            self._go_up(node.parent, number)

    def _came_up(self, number: int) -> None:
        """Its action ran; where letters are no text, what it opened is to have the focus first."""
        if isinstance(self.focused, Input | TextArea):
            self.call_later(self._had_effect, number)
        else:
            self.screen.call_after_refresh(self.call_later, self._had_effect, number)

    async def _had_effect(self, number: int) -> None:
        if number == self._number and self._under_way is not None:
            self._under_way.stop()
            self._under_way = None
            await self._next_key()
