"""Words asked for at the bottom of a pane: a rule that says what for, and the field."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip

from autodev_tui.domain.text import from_visible, visible
from widgets.cells import rule
from widgets.field import Field
from widgets.line_pane import LinePane
from widgets.roles import Drawn
from widgets.text_editor import TextEditor

EARLIER_KEPT = 20
"""Words given before that `up` brings back, of each kind."""
Kept = Callable[[str], str | None]
"""Takes the words. What it returns is said in the rule, and the field stays open; None closes it."""


class Label(Drawn):
    """The rule above the field."""

    DEFAULT_CSS = """
    Label { height: 1; }
    """

    def __init__(self, left: str, right: str = "") -> None:
        super().__init__()
        self.left = left
        self.right = right

    def say(self, left: str) -> None:
        """Another sentence."""
        self.left = left
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The rule, heavy: the field has the focus."""
        width = self.size.width
        return self.strip(rule([(self.left, "asks")], [(self.right, "muted")], width, focused=True), width)


class Words(Vertical):
    """What is asked, and where the words are typed: a few rows, or an editor of half the pane."""

    CONTEXT = "comment"

    DEFAULT_CSS = """
    Words {
        dock: bottom;
        height: auto;
        background: $background;
        &.-editor { height: 60%; }
        & Field { margin: 0 1; }
    }
    """

    def __init__(
        self, key: str, label: str, kept: Kept, text: str, earlier: list[str], *, editor: bool, suffix: str
    ) -> None:
        super().__init__(classes="-editor" if editor else "")
        self.key = key
        self.kept = kept
        hint = "ctrl+o keep · esc back, draft kept" if editor else "enter keep · esc back, draft kept"
        self.label = Label(label, hint)
        self.field: Field | TextEditor = (
            TextEditor(text, suffix=suffix) if editor else Field(text, earlier=earlier)
        )

    def compose(self) -> ComposeResult:
        """The rule above the field."""
        yield self.label
        yield self.field

    def on_mount(self) -> None:
        """What is asked for is typed at once."""
        self.field.focus()

    def on_resize(self) -> None:
        """The pane has other rows left to show."""
        if isinstance(self.parent, WordsPane):
            self.parent.words_sized()


class WordsPane(LinePane):
    """A pane that asks for words at its bottom. Half-typed words are kept by what they are for."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.drafts: dict[str, str] = {}
        self.earlier: dict[str, list[str]] = {}
        """Words that were given before, by the first part of what they were for."""
        self._words: Words | None = None
        self._left_at: tuple[int, int] | None = None

    @property
    def own_foot(self) -> int:
        """Rows at the bottom besides those where words are typed."""
        return 0

    @property
    def foot(self) -> int:
        """Rows at the bottom that do not scroll: the words lie over what stands there."""
        return max(self._words.outer_size.height if self._words else 0, self.own_foot)

    @property
    def typing(self) -> bool:
        """Whether words are being typed."""
        return self._words is not None

    def ask_words(
        self, key: str, label: str, kept: Kept, *, text: str = "", editor: bool = False, suffix: str = ".txt"
    ) -> None:
        """Ask for words; `key` says what for, and a draft of them stands there instead of `text`.

        What hides in `text` is typed and shown by its number, and comes back as it was.
        """
        if self._words:
            return
        shown = visible(text)
        plain = from_visible(shown) != text
        words = text if plain else shown
        back: Kept = kept if plain else lambda typed: kept(from_visible(typed))
        draft, earlier = self.drafts.get(key, words), list(self.earlier.get(_kind(key), []))
        self._words = Words(key, label, back, draft, earlier, editor=editor, suffix=suffix)
        self.mount(self._words)

    def on_key(self, event: events.Key) -> None:
        """A key that comes before the words have the focus is theirs already."""
        if self._words is not None and self.has_focus and event.is_forwarded:
            event.stop()
            event.prevent_default()
            self._words.field.post_message(events.Key(event.key, event.character))

    def on_focus(self) -> None:
        """Whoever comes back goes on typing."""
        if self._words is not None and self._words.is_attached:
            self._words.field.focus()

    def words_sized(self) -> None:
        """The words take other rows: the cursor's row stays in sight."""
        self.renew()
        self.show_row(self.cursor)

    def on_field_kept(self, message: Field.Kept) -> None:
        """The words hold."""
        message.stop()
        self._keep(message.text)

    def on_text_editor_kept(self, message: TextEditor.Kept) -> None:
        """The text holds."""
        message.stop()
        self._keep(message.text)

    def _keep(self, text: str) -> None:
        words = self._words
        if words is None:
            return
        self.drafts[words.key] = text
        said = words.kept(text)
        if said is not None:
            words.label.say(said)
            return
        self.drafts.pop(words.key, None)
        if isinstance(words.field, Field) and text.strip():
            given = self.earlier.setdefault(_kind(words.key), [])
            given[:] = [*(one for one in given if one != text), text][-EARLIER_KEPT:]
        self._end_words()

    def on_field_left(self, message: Field.Left) -> None:
        """Back; the words are a draft."""
        message.stop()
        self._leave(message.text)

    def on_text_editor_left(self, message: TextEditor.Left) -> None:
        """Back; the text is a draft."""
        message.stop()
        self._leave(message.text)

    def _leave(self, text: str) -> None:
        if self._words is not None:
            self._draft(self._words.key, text)
            self._end_words()

    def _draft(self, key: str, text: str) -> None:
        if text.strip():
            self.drafts[key] = text
        else:
            self.drafts.pop(key, None)

    def _end_words(self) -> None:
        words, self._words = self._words, None
        if words is not None:
            inside = words.has_focus_within
            words.remove()
            if inside:
                self.focus()
        self.renew()

    def on_descendant_focus(self) -> None:
        """The rule stays heavy while words are typed."""
        self.refresh()

    def on_descendant_blur(self) -> None:
        """Words that lose the focus stay where they are."""
        self.refresh()

    def state(self) -> dict[str, object]:
        """How the pane looks: cursor, scroll and half-typed words."""
        drafts = dict(self.drafts)
        if self._words and self._words.field.text.strip():
            drafts[self._words.key] = self._words.field.text
        place = {"cursor": self.cursor, "scroll": round(self.scroll_y)}
        return {**place, "drafts": drafts, "earlier": self.earlier}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        drafts = state.get("drafts")
        self.drafts = dict(drafts) if isinstance(drafts, dict) else {}
        earlier = state.get("earlier")
        self.earlier = dict(earlier) if isinstance(earlier, dict) else {}
        cursor, scroll = state.get("cursor", 0), state.get("scroll", 0)
        self._left_at = (cursor if isinstance(cursor, int) else 0, scroll if isinstance(scroll, int) else 0)
        self.renew()

    def renew(self) -> None:
        """Draw anew; the first time that there are rows, where the cursor and the scroll were left."""
        if self._left_at and self.row_count() and self.size.height:
            (cursor, scroll), self._left_at = self._left_at, None
            self.set_reactive(LinePane.cursor, cursor)
            super().renew()
            self.scroll_to(y=scroll, animate=False, force=True)
            return
        super().renew()


def _kind(key: str) -> str:
    return key.split(":")[0]
