"""The composer's field: text of one to six rows. Its keys are the composer's; letters are only ever typed."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from autodev_tui.domain.text import visible
from widgets.keys import bindings
from widgets.messages import Said

MOST_ROWS, SHARE = 6, 4
"""At most so many rows, and so much of the screen's height: a quarter."""
PASTE_MOST, PASTE_ROWS = 16_384, 1_000
"""Characters and rows that one paste may bring; what is longer belongs into a file."""
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")


def pasted(text: str) -> tuple[str, int]:
    """A paste as it is taken over, and how many characters of it were left out.

    Line ends become ours, wide and unbreakable spaces plain ones; what hides or controls is made visible.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "\n".join(lines[:PASTE_MOST].split("\n")[:PASTE_ROWS])
    return visible(_SPACES.sub(" ", kept)), len(lines) - len(kept)


class ComposerText(TextArea):
    """Grows with its text, up to six rows. What a key means is decided by whoever hears `Pressed`."""

    CONTEXT: ClassVar[str] = "composer"
    BINDINGS = bindings("composer")

    DEFAULT_CSS = """
    ComposerText {
        height: 1;
        width: 1fr;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size: 0 0;
        &:focus { border: none; background-tint: transparent 0%; }
        &:nocolor .text-area--cursor { text-style: reverse; }
    }
    """

    class Pressed(Message):
        """A key of the composer: `send`, `complete`, `leave`, `search`, `earlier`, `later` or `back`."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", compact=True, highlight_cursor_line=False)
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self.popup_open = False
        """A list lies above: `up` and `down` move in it."""

    @property
    def before(self) -> str:
        """What stands left of the cursor in its row."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def put(self, text: str) -> None:
        """Another text, with the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    async def on_key(self, event: events.Key) -> None:
        """`enter` and, in an empty field, `?` are keys; everything else that prints is typed."""
        if event.key == "enter" or (event.key == "question_mark" and not self.text):
            # Not typed: it goes on to the bindings.
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text, left_out = pasted(event.text)
        if left_out:
            total = len(text) + left_out
            self.post_message(
                Said(f"pasted the first {len(text):,} of {total:,} characters · name a file with @ instead")
            )
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)

    def action_send(self) -> None:
        """The text is done."""
        self.post_message(self.Pressed("send"))

    def action_new_line(self) -> None:
        """A line end in the text."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_complete(self) -> None:
        """What could stand here."""
        self.post_message(self.Pressed("complete"))

    def action_search(self) -> None:
        """Look for something typed before."""
        self.post_message(self.Pressed("search"))

    def action_leave(self) -> None:
        """To the panes; the draft stays."""
        self.post_message(self.Pressed("leave"))

    def action_earlier(self) -> None:
        """A row up; on the first row what was typed before."""
        if self.popup_open or self.cursor_at_first_row:
            self.post_message(self.Pressed("earlier"))
        else:
            self.action_cursor_up()

    def action_later(self) -> None:
        """A row down; on the last row what was typed after."""
        if self.popup_open or self.cursor_at_last_row:
            self.post_message(self.Pressed("later"))
        else:
            self.action_cursor_down()

    @property
    def cursor_at_first_row(self) -> bool:
        """Whether the cursor stands in the first row as it is drawn."""
        return self._cursor_offset[1] == 0

    @property
    def cursor_at_last_row(self) -> bool:
        """Whether the cursor stands in the last row as it is drawn."""
        return self._cursor_offset[1] >= self.wrapped_document.height - 1

    def action_delete_right(self) -> None:
        """The character right of the cursor; in an empty field a hint, and nothing else."""
        if self.text:
            super().action_delete_right()
        else:
            self.post_message(Said("ctrl+d deletes while you type · ctrl+q leaves, agents go on"))

    async def action_cursor_page_up(self) -> None:  # type: ignore[override]
        """The pane above scrolls; here there is little to page."""
        await self.run_action("screen.page(-1)")

    async def action_cursor_page_down(self) -> None:  # type: ignore[override]
        """The pane above scrolls; here there is little to page."""
        await self.run_action("screen.page(1)")

    def on_text_area_changed(self) -> None:
        """Grow or shrink with the text."""
        self._fit()

    def on_resize(self) -> None:
        """A narrower field needs more rows."""
        self._fit()

    def _fit(self) -> None:
        most = min(MOST_ROWS, max(self.app.size.height // SHARE, 1))
        rows = min(max(self.wrapped_document.height, 1), most)
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
