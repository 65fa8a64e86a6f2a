"""A field of one to six rows for words: reasons, comments, names. `enter` keeps, `escape` goes back."""

from __future__ import annotations

from textual import events
from textual.message import Message

from widgets.keys import bindings
from widgets.passing_text import PassingText

MOST_ROWS = 6


class Field(PassingText):
    """Grows with its text. What was typed is never lost: `Left` carries it, and the owner keeps it."""

    BINDINGS = bindings("comment")

    DEFAULT_CSS = """
    Field {
        height: 1;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size: 0 0;
        &:focus { border: none; background-tint: transparent 0%; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    class Kept(Message):
        """`enter`: the words hold."""

        def __init__(self, field: Field, text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

        @property
        def control(self) -> Field:
            """The field."""
            return self.field

    class Left(Message):
        """`escape`: back; the words are a draft."""

        def __init__(self, field: Field, text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

        @property
        def control(self) -> Field:
            """The field."""
            return self.field

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        earlier: list[str] | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            text,
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            highlight_cursor_line=False,
            placeholder=placeholder,
            id=id,
            classes=classes,
        )
        self.cursor_blink = False
        self._earlier = earlier or []
        self._place = len(self._earlier)

    def on_mount(self) -> None:
        """The cursor stands at the end of a draft."""
        self.move_cursor(self.document.end)
        self._fit()

    def on_key(self, event: events.Key) -> None:
        """`enter` keeps; `up` on the first row brings earlier words."""
        if event.key == "enter":
            self.action_keep()
        elif event.key == "escape":
            self.action_back()
        elif event.key == "up" and self._earlier and self.cursor_location[0] == 0:
            self.action_earlier()
        else:
            return
        event.stop()
        event.prevent_default()

    def action_keep(self) -> None:
        """The words hold."""
        self.post_message(self.Kept(self, self.text))

    def action_back(self) -> None:
        """Back, with the words as a draft."""
        self.post_message(self.Left(self, self.text))

    def action_new_line(self) -> None:
        """A line end in the words."""
        self.insert("\n")

    def action_earlier(self) -> None:
        """The words before those."""
        if self._earlier:
            self._place = (self._place - 1) % len(self._earlier)
            self.load_text(self._earlier[self._place])
            self.move_cursor(self.document.end)

    def on_text_area_changed(self) -> None:
        """Grow or shrink with the text."""
        self._fit()

    def on_resize(self) -> None:
        """A narrower field needs more rows."""
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self.wrapped_document.height, 1), MOST_ROWS)
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
