"""The still parts of the composer: the rule that says whom a text is for, and the sign before the field."""

from __future__ import annotations

from textual.strip import Strip

from widgets.cells import Line, rule
from widgets.roles import Drawn


class ComposerRule(Drawn):
    """The rule above the field: whom the text is for."""

    DEFAULT_CSS = "ComposerRule { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.left: Line = []
        self.right: Line = []
        self.focused = False

    def set(self, left: Line, right: Line, focused: bool) -> None:
        """Draw something else; nothing is drawn when nothing changed."""
        if (left, right, focused) != (self.left, self.right, self.focused):
            self.left, self.right, self.focused = left, right, focused
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The rule."""
        return self.strip(rule(self.left, self.right, self.size.width, focused=self.focused), self.size.width)


class ComposerPrompt(Drawn):
    """The sign before the field."""

    DEFAULT_CSS = "ComposerPrompt { height: 1; width: 3; }"

    def render_line(self, y: int) -> Strip:
        """` > `."""
        return self.strip([(" > ", "muted")], 3)
