"""A sheet over the desk: rows to read, `enter` does what it says, `escape` goes back."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.message import Message

from autodev_tui.domain.text import visible
from widgets.cells import Line, wrap
from widgets.keys import bindings
from widgets.line_pane import LinePane, Now
from widgets.messages import Said, SheetOpened

ARMED_AFTER_S = 0.5
"""Without any key, before `enter` does what the sheet is for: a held key confirms nothing."""


class Sheet(LinePane):
    """One thing to confirm, or only to read. Header, needs-you row and agents stay live beside it."""

    CONTEXT: ClassVar[str] = "sheet"
    CURSOR_LINE = False
    BINDINGS = bindings("sheet")

    DEFAULT_CSS = """
    Sheet { layer: sheet; background: $background; width: 1fr; height: 1fr; }
    """

    class Closed(Message):
        """The sheet is done with."""

        def __init__(self, sheet: Sheet, *, confirmed: bool) -> None:
            super().__init__()
            self.sheet = sheet
            self.confirmed = confirmed

    def __init__(self, opened: SheetOpened, *, now: Now = time.monotonic, id: str | None = None) -> None:
        super().__init__(id=id)
        self.opened = opened
        self.rows: list[Line] = []
        self._now = now
        self._quiet_since = now()

    def title(self) -> tuple[Line, Line]:
        """What it is about."""
        mark: Line = [("! ", "asks")] if self.opened.danger else []
        return [*mark, (visible(self.opened.title, keep=""), "data")], []

    def on_mount(self) -> None:
        """Measure the rows, and count the quiet from the first picture on."""
        self._quiet_since = self._now()
        self._fold()

    def on_resize(self) -> None:
        """Rows are as wide as the sheet."""
        self._fold()

    def _fold(self) -> None:
        rows: list[Line] = [[]]
        for text in self.opened.rows:
            rows += [
                [("  ", "text"), (row, "data")] for row in wrap(visible(text), max(self.body_width - 4, 8))
            ]
        self.rows = rows
        self.renew()

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def row(self, index: int) -> Line:
        """One row."""
        return self.rows[index]

    @property
    def foot(self) -> int:
        """What the keys do stays in view."""
        return 2

    def foot_row(self, index: int) -> Line:
        """What the keys do."""
        if index == 0:
            return []
        if not self.opened.yes:
            return [("   enter ", "key"), ("back", "text")]
        yes = visible(self.opened.yes, keep="")
        return [("   enter ", "key"), (yes, "data"), ("   esc ", "key"), ("back", "text")]

    def marked(self, index: int) -> bool:
        """There is nothing to stand on."""
        return False

    def action_move(self, step: int) -> None:
        """A row up or down: the sheet is read, not chosen from."""
        self.scroll_to(y=round(self.scroll_y) + step, animate=False, force=True)

    def copied(self) -> tuple[str, str]:
        """What the sheet says, as it is."""
        return "\n".join(self.opened.rows), "the text"

    def on_key(self, event: events.Key) -> None:
        """Any key but `enter` begins the quiet anew."""
        if event.key != "enter":
            self._quiet_since = self._now()

    def action_yes(self) -> None:
        """Do it, after a quiet moment; a sheet that is only read closes at once."""
        if self.opened.yes and self._now() - self._quiet_since < ARMED_AFTER_S:
            self._quiet_since = self._now()
            self.post_message(Said("read it first · enter again does it"))
            return
        if self.opened.yes:
            self.opened.confirmed()
        self.post_message(self.Closed(self, confirmed=bool(self.opened.yes)))

    def action_no(self) -> None:
        """Back; nothing is done."""
        self.post_message(self.Closed(self, confirmed=False))
