"""Plain text to read, scroll, find in and copy."""

from __future__ import annotations

from autodev_tui.domain.text import visible
from widgets.cells import Line, wrap
from widgets.keys import bindings
from widgets.line_pane import LinePane

TAB = 4


class TextPane(LinePane):
    """A text of any origin: shown as data, wrapped to the pane, copied as it is."""

    CONTEXT = "reading"
    BINDINGS = bindings("reading")
    EMPTY = "Nothing here."
    CURSOR_LINE = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.text = ""
        self.heading = ""
        self.rows: list[str] = []

    def show_text(self, title: str, text: str) -> None:
        """Another text, from its beginning."""
        self.heading, self.text = title, text
        self.cursor = 0
        self.scroll_to(y=0, animate=False, force=True)
        self._fold()

    def on_resize(self) -> None:
        """Rows are as wide as the pane."""
        self._fold()

    def _fold(self) -> None:
        self.rows = text_rows(self.text, self.body_width - 2)
        self.renew()

    def title(self) -> tuple[Line, Line]:
        """What it is, and how long."""
        rows = len(self.text.splitlines())
        return [(self.heading, "text")], [(f"{rows:,} rows", "muted")] if rows else []

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def row(self, index: int) -> Line:
        """One row."""
        return [(" ", "text"), (self.rows[index], "data")]

    def copied(self) -> tuple[str, str]:
        """The whole text as it is."""
        return self.text, "the text"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to open in a text."""
        return action != "open" and super().check_action(action, parameters)

    def state(self) -> dict[str, object]:
        """Where it stands; the text itself belongs to whoever showed it."""
        return {}


def text_rows(text: str, width: int) -> list[str]:
    """Text as harmless rows of at most `width` cells."""
    rows: list[str] = []
    for line in text.removesuffix("\n").split("\n") if text else []:
        rows += wrap(visible(line.expandtabs(TAB), keep=""), max(width, 8))
    return rows
