"""The base of every pane: a title rule and rows drawn by the line API, with a cursor, find and copy."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment as RichSegment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from widgets.cells import Line, rule, wrap
from widgets.keys import bindings
from widgets.roles import Drawn


class LinePane(Drawn, ScrollView, can_focus=True):
    """A pane. Subclasses give `title`, `row_count` and `row`; the first column is the cursor's.

    Whatever is drawn is computed for the rows in view only, so that a pane costs what it shows.
    """

    CONTEXT: ClassVar[str] = "pane"
    """Its row in the key table."""
    EMPTY: ClassVar[str] = ""
    """What stands there while there is nothing: what will be here, and the key."""
    CURSOR_LINE: ClassVar[bool] = True
    """Whether the cursor's row is drawn in the cursor's colours besides its mark."""

    BINDINGS = bindings("pane")

    DEFAULT_CSS = """
    LinePane {
        scrollbar-size: 0 0;
        overflow: hidden hidden;
        height: 1fr;
        width: 1fr;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    class Copied(Message):
        """Text was copied by `y`."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    class Ignored(Message):
        """A key did nothing here."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._measured = Size(0, 0)
        """The size that the rows were made for."""
        self.find_text, self._finding = "", False
        self.hits: list[int] = []

    # -- what a subclass gives

    def title(self) -> tuple[Line, Line]:
        """Left and right part of the title rule."""
        return [], []

    def row_count(self) -> int:
        """How many rows there are."""
        return 0

    def row(self, index: int) -> Line:
        """One row, without the cursor's column."""
        raise NotImplementedError

    def row_text(self, index: int) -> str:
        """The row's plain text, for find and copy."""
        return "".join(text for text, _ in self.row(index)).rstrip()

    def row_role(self, index: int) -> str:
        """A role that lies under the whole row, "" for none."""
        return ""

    def marked(self, index: int) -> bool:
        """Whether the cursor's mark stands before this row."""
        return index == self.cursor

    def can_stand(self, index: int) -> bool:
        """Whether the cursor may stand on this row."""
        return True

    def copied(self) -> tuple[str, str]:
        """What `y` copies, and what it is called."""
        return (self.row_text(self.cursor), "row") if self.row_count() else ("", "")

    def bar(self, index: int) -> Line | None:
        """A row over the whole width, such as a rule between parts; None where `row` is drawn."""
        return None

    @property
    def foot(self) -> int:
        """Rows at the bottom that stay where they are while the others scroll."""
        return 0

    def foot_row(self, index: int) -> Line:
        """One of the rows at the bottom, over the whole width."""
        return []

    # -- drawing

    @property
    def is_container(self) -> bool:
        """Widgets inside, such as a field docked at the bottom, are laid out over the rows."""
        return bool(self._nodes)

    @property
    def body_height(self) -> int:
        """Rows between the title rule and the foot."""
        return max(self.size.height - 1 - self.foot, 0)

    @property
    def body_width(self) -> int:
        """Cells beside the cursor's column."""
        return max(self.size.width - 1, 0)

    @property
    def active(self) -> bool:
        """Whether the pane, or a field inside it, has the focus."""
        return self.has_focus_within

    def renew(self) -> None:
        """What is shown has changed: measure it and draw it anew; cursor and scroll stay where they can."""
        count = self.row_count()
        if self.cursor >= count:
            self.cursor = max(count - 1, 0)
        size = Size(self.size.width, count + 1 + self.foot)
        # Without a layout of the whole screen, which scroll bars would need if there were any.
        self.set_reactive(LinePane.virtual_size, size)
        self.scroll_to(y=min(round(self.scroll_y), self.max_scroll_y), animate=False, force=True)
        if self.find_text:
            self._look()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The strip of viewport row `y`; row 0 is the title rule."""
        width = self.size.width
        if self.size != self._measured:
            self._measured = self.size  # a pane that comes up while the screen scrolls is not told of it
            self.post_message(events.Resize(self.size, self.virtual_size))
        if y == 0:
            return self._rule(width)
        if y > self.body_height:
            return self.strip(self.foot_row(y - 1 - self.body_height), width)
        index = round(self.scroll_y) + y - 1
        count = self.row_count()
        if index >= count:
            empty = wrap(self.EMPTY, max(width - 3, 1)) if not count else []
            text = empty[y - 2] if 0 <= y - 2 < len(empty) else ""
            return self.strip([("  ", "text"), (text, "muted")], width)
        if (bar := self.bar(index)) is not None:
            return self.strip(bar, width)
        mark = self.marked(index)
        line: Line = [("▌" if mark else " ", "focus" if self.active else "muted"), *self.row(index)]
        under = self.row_role(index)
        if not under and self.CURSOR_LINE and self.active and index == self.cursor:
            under = "cursor"
        strip = self.strip(line, width, row=under)
        if self.find_text and self._is_hit(index):
            strip = self._lit(strip)
        strip = strip.apply_offsets(0, index)
        return self._selected(strip, index)

    def _rule(self, width: int) -> Strip:
        left, right = self.title()
        if self._finding:
            left = [*left, (f"  find: {self.find_text}▏", "asks")]
        elif self.find_text:
            place = self._place()
            left = [*left, (f"  find: {self.find_text} {place} of {len(self.hits)}", "asks")]
        return self.strip(rule(left, right, width, focused=self.active), width)

    def _lit(self, strip: Strip) -> Strip:
        """The hits of a find, lit."""
        style, needle = self.style_of("hit"), self.find_text.casefold()
        segments: list[RichSegment] = []
        for segment in strip:
            text, at = segment.text, 0
            folded = text.casefold() if len(text.casefold()) == len(text) else text
            while (found := folded.find(needle, at)) >= 0:
                segments.append(RichSegment(text[at:found], segment.style))
                end = found + len(needle)
                segments.append(RichSegment(text[found:end], (segment.style or style) + style))
                at = end
            segments.append(RichSegment(text[at:], segment.style))
        return Strip([one for one in segments if one.text], strip.cell_length)

    def _selected(self, strip: Strip, index: int) -> Strip:
        selection = self.text_selection
        if selection is None or (span := selection.get_span(index)) is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else end
        style = self.style_of("selected")
        before, inside, after = strip.divide([start, end, strip.cell_length])
        return Strip.join([before, inside.apply_style(style), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text under a mouse selection."""
        text = "\n".join(" " + self.row_text(index) for index in range(self.row_count()))
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    # -- moving

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the cursor in view."""
        if old != new:
            self.show_row(new)
            self.refresh()

    def show_row(self, index: int, *, margin: int = 0) -> None:
        """Scroll as little as needed to show this row."""
        top, height = round(self.scroll_y), self.body_height
        if index - margin < top:
            self.scroll_to(y=max(index - margin, 0), animate=False, force=True)
        elif height and index + margin >= top + height:
            self.scroll_to(y=index + margin - height + 1, animate=False, force=True)

    def move_to(self, index: int, step: int = 1) -> None:
        """Put the cursor on this row, or on the next one in the direction of `step` where it can stand."""
        count = self.row_count()
        index = min(max(index, 0), max(count - 1, 0))
        while 0 <= index < count and not self.can_stand(index):
            index += step
        if 0 <= index < count:
            self.cursor = index

    def action_move(self, step: int) -> None:
        """A row up or down; where the cursor cannot go, what is beyond comes into view."""
        before = self.cursor
        self.move_to(self.cursor + step, step)
        if self.cursor == before:
            self.scroll_to(y=round(self.scroll_y) + step, animate=False, force=True)

    def action_top(self) -> None:
        """The first row."""
        self.move_to(0, 1)
        self.scroll_to(y=0, animate=False, force=True)

    def action_end(self) -> None:
        """The last row, and what is below it."""
        self.move_to(self.row_count() - 1, -1)
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def action_half_page(self, direction: int) -> None:
        """Half a page up or down."""
        self._page(direction * max(self.body_height // 2, 1))

    def page(self, direction: int) -> None:
        """A page up or down."""
        self._page(direction * max(self.body_height - 1, 1))

    def _page(self, rows: int) -> None:
        self.move_to(self.cursor + rows, 1 if rows > 0 else -1)
        self.scroll_to(y=max(round(self.scroll_y) + rows, 0), animate=False, force=True)
        self.show_row(self.cursor)

    def action_fold(self) -> None:
        """A page down, where there is no fold."""
        self.page(1)

    def action_open(self) -> None:
        """Nothing to open here."""
        self.post_message(self.Ignored("nothing to open here"))

    def action_next(self, step: int) -> None:
        """The next or previous hit while a find is lit, else item."""
        if self.find_text:
            self._step_hit(step)
        else:
            self.next_item(step)

    def next_item(self, step: int) -> None:
        """The next or previous item; a row, where a pane knows nothing larger."""
        self.action_move(step)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The cursor goes where the mouse points."""
        index = round(self.scroll_y) + event.y - 1
        if 0 < event.y <= self.body_height and index < self.row_count() and self.can_stand(index):
            self.cursor = index

    def on_resize(self) -> None:
        """What is above stays above: the top row does not move."""
        self._measured = self.size
        self.renew()

    def on_focus(self) -> None:
        """The rule turns heavy."""
        self.refresh()

    def on_blur(self) -> None:
        """The rule turns light; a find that is being typed ends."""
        self._finding = False
        self.refresh()

    # -- find and copy

    def action_find(self) -> None:
        """Begin to type what is looked for."""
        self._finding = True
        self.find_text = ""
        self.hits = []
        self.refresh()

    @property
    def finding(self) -> bool:
        """Whether a find is being typed or lit."""
        return self._finding or bool(self.find_text)

    def end_find(self) -> None:
        """No find any more."""
        self._finding, self.find_text, self.hits = False, "", []
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """While a find is typed, keys are its letters."""
        if not self._finding:
            return
        if event.key == "enter":
            self._finding = False
            if not self.hits:
                self.find_text = ""
        elif event.key == "escape":
            self.end_find()
        elif event.key == "backspace":
            self.find_text = self.find_text[:-1]
            self._look()
        elif event.is_printable and event.character:
            self.find_text += event.character
            self._look()
            self._to_hit(self.cursor)
        else:
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def _look(self) -> None:
        needle = self.find_text.casefold()
        self.hits = (
            [index for index in range(self.row_count()) if needle in self.row_text(index).casefold()]
            if needle
            else []
        )

    def _is_hit(self, index: int) -> bool:
        place = bisect_left(self.hits, index)
        return place < len(self.hits) and self.hits[place] == index

    def _place(self) -> int:
        return sum(hit <= self.cursor for hit in self.hits)

    def _to_hit(self, from_row: int) -> None:
        following = [hit for hit in self.hits if hit >= from_row] or self.hits
        if following:
            self.cursor = following[0]

    def _step_hit(self, step: int) -> None:
        if not self.hits:
            return
        if step > 0:
            self.cursor = next((hit for hit in self.hits if hit > self.cursor), self.hits[0])
        else:
            self.cursor = next((hit for hit in reversed(self.hits) if hit < self.cursor), self.hits[-1])

    def action_copy(self) -> None:
        """Copy what the cursor is on, as it is stored."""
        text, what = self.copied()
        if text:
            self.post_message(self.Copied(text, what))

    def ignore(self, words: str) -> None:
        """Say that a key does nothing here, and why."""
        self.post_message(self.Ignored(words))


Now = Callable[[], float]
"""A clock in seconds."""
