"""A text of several lines, edited in place: `ctrl+o` keeps it, `escape` goes back with a draft."""

from __future__ import annotations

from textual import events
from textual.message import Message

from widgets.keys import bindings
from widgets.messages import EditedOutside
from widgets.passing_text import PassingText


class TextEditor(PassingText):
    """`tab` indents, and `escape` leaves: TextArea alone would keep one for the other."""

    CONTEXT = "editor"
    BINDINGS = bindings("editor")

    DEFAULT_CSS = """
    TextEditor {
        height: 1fr;
        border: none;
        padding: 0 1;
        scrollbar-size: 0 0;
        &:focus { border: none; background-tint: transparent 0%; }
    }
    """

    class Kept(Message):
        """The text holds."""

        def __init__(self, editor: TextEditor, text: str) -> None:
            super().__init__()
            self.editor = editor
            self.text = text

        @property
        def control(self) -> TextEditor:
            """The editor."""
            return self.editor

    class Left(Message):
        """Back; the text is a draft."""

        def __init__(self, editor: TextEditor, text: str) -> None:
            super().__init__()
            self.editor = editor
            self.text = text

        @property
        def control(self) -> TextEditor:
            """The editor."""
            return self.editor

    def __init__(self, text: str = "", *, suffix: str = ".txt", id: str | None = None) -> None:
        super().__init__(text, soft_wrap=False, tab_behavior="indent", compact=True, id=id)
        self.cursor_blink = False
        self._suffix = suffix

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.action_back()
            return
        await super()._on_key(event)

    def action_keep(self) -> None:
        """The text holds."""
        self.post_message(self.Kept(self, self.text))

    def action_back(self) -> None:
        """Back, with the text as a draft."""
        self.post_message(self.Left(self, self.text))

    def action_edit_outside(self) -> None:
        """The same text in the user's own editor."""
        self.post_message(EditedOutside(text=self.text, suffix=self._suffix, edited=self.load_text))
