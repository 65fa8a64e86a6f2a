"""A pane of rows that an answer gave: asked for when shown, kept current, the cursor on the same thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from textual.strip import Strip

from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Answer, Refused, Request, RowsAnswer
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, pad, wrap
from widgets.line_pane import LinePane
from widgets.messages import Asked
from widgets.words import WordsPane


@dataclass(frozen=True)
class TableRow:
    """One row. The cursor stands only on rows with a key."""

    line: Line = field(default_factory=list)
    key: str = ""
    belongs: bool = False
    """It goes on with the row before."""


MOST_SHOWN = 6
"""Rows that belong to the cursor's row and are brought into view with it."""


class TablePane(WordsPane):
    """Subclasses give `request`, or nothing to ask, and `build`, the rows of what is known."""

    BARE = False
    """Without a title rule: the first row is blank."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.mirror = Mirror()
        self.answer: RowsAnswer | None = None
        self.problem = ""
        self.rows: list[TableRow] = []
        self._waiting = False
        self._stamp: Any = None
        self._at = ""
        """What the cursor was on when the pane was left."""
        self._top = 0

    # -- what a subclass gives

    def request(self) -> Request | None:
        """What is asked for; None where the mirror has it all."""
        return None

    def stamp(self) -> Any:
        """What the answer rests on: it is asked for again when this has changed."""
        return None

    def build(self, width: int) -> list[TableRow]:
        """The rows of what is known, `width` cells wide without the cursor's column."""
        raise NotImplementedError

    # -- what the screen says

    def show(self, mirror: Mirror) -> None:
        """What is known has changed."""
        self.mirror = mirror
        if self.is_mounted and self.display and self.stamp() != self._stamp:
            self.ask()
        self.rebuild()

    def on_mount(self) -> None:
        """Ask for what is to be shown."""
        self.ask()

    def on_show(self) -> None:
        """Shown again: what is here may be old."""
        self.ask()

    def ask(self) -> None:
        """Ask for the rows; one question at a time."""
        request = self.request()
        if request is None:
            self.rebuild()
        elif not self._waiting:
            self._waiting, self._stamp = True, self.stamp()
            self.post_message(Asked(request, lambda answer: self._answered(request, answer)))

    def _answered(self, request: Request, answer: Answer) -> None:
        self._waiting = False
        if request != self.request() or self.stamp() != self._stamp:
            self.ask()
        if isinstance(answer, Refused):
            self.problem = answer.reason
        else:
            self.problem = ""
            self.take(answer)
        self.rebuild()

    def take(self, answer: Answer) -> None:
        """Keep the answer."""
        if isinstance(answer, RowsAnswer):
            self.answer = answer

    @property
    def known(self) -> bool:
        """Whether there is an answer, or none is needed."""
        return self.answer is not None or self.request() is None

    def rebuild(self) -> None:
        """The rows anew. The cursor stays on what it was on."""
        key = self.key or self._at
        width = self.body_width
        if self.problem:
            self.rows = told("✗", "failed", self.problem, width)
        elif not self.known:
            self.rows = [TableRow([(" …", "muted")])]
        else:
            self.rows = self.build(width)
        self.renew()
        self._stand(key)

    def _stand(self, key: str) -> None:
        at = next((index for index, row in enumerate(self.rows) if row.key and row.key == key), None)
        if at is not None:
            self.cursor = at
        elif self.rows and not self.can_stand(self.cursor):
            self.move_to(self.cursor, 1)
            if not self.can_stand(self.cursor):
                self.move_to(self.cursor, -1)
        if self.known and self._top:
            self.scroll_to(y=self._top, animate=False, force=True)
            self._top = 0

    @property
    def key(self) -> str:
        """What the cursor is on, "" for nothing."""
        return self.rows[self.cursor].key if self.cursor < len(self.rows) else ""

    def state(self) -> dict[str, object]:
        """Where it stands, for the next start."""
        return {**super().state(), "at": self.key}

    def restore(self, state: dict[str, object]) -> None:
        """As it was left: rows may have come and gone, so that the cursor goes by what it was on."""
        self._at, top = str(state.get("at", "")), state.get("scroll")
        self._top = top if isinstance(top, int) else 0
        drafts = state.get("drafts")
        self.drafts = dict(drafts) if isinstance(drafts, dict) else {}
        self.rebuild()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`enter` is a key only where there is something to open."""
        if action == "open":
            return type(self).action_open is not LinePane.action_open and self._any_key()
        return super().check_action(action, parameters)

    # -- drawing and moving

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def row(self, index: int) -> Line:
        """One row."""
        return cut_line(self.rows[index].line, self.body_width)

    def can_stand(self, index: int) -> bool:
        """Only on rows that are something; where none is, on every row, so that all can be read."""
        return 0 <= index < len(self.rows) and (bool(self.rows[index].key) or not self._any_key())

    def _any_key(self) -> bool:
        return any(row.key for row in self.rows)

    def marked(self, index: int) -> bool:
        """Whether the cursor's mark stands before this row."""
        return index == self.cursor and bool(self.rows[index].key)

    def row_role(self, index: int) -> str:
        """The cursor's colours lie only under rows that are something."""
        return "" if self.rows[index].key or index != self.cursor else "text"

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the cursor in view, and what stands above the first row with it."""
        super().watch_cursor(old, new)
        last = new
        while last + 1 < len(self.rows) and last - new < MOST_SHOWN and self.rows[last + 1].belongs:
            last += 1
        self.show_row(last)
        self.show_row(new)
        if not any(row.key for row in self.rows[:new]):
            self.show_row(0)

    def on_resize(self) -> None:
        """Rows are as wide as the pane."""
        self.rebuild()

    def copied(self) -> tuple[str, str]:
        """All of it as text."""
        return "\n".join(self.row_text(index) for index in range(len(self.rows))), "all of it"

    def _rule(self, width: int) -> Strip:
        if self.BARE and not self.finding:
            return self.strip([], width)
        return super()._rule(width)


def more(text: str, indent: int, role: str = "text") -> TableRow:
    """A row that goes on with the one before."""
    return TableRow([(" " * indent, "text"), (text, role)], belongs=True)


def told(sign: str, role: str, text: str, width: int, indent: int = 3) -> list[TableRow]:
    """Words of any length in rows, the first one with a sign before it."""
    rows = wrap(visible(text, keep="\n"), max(width - indent, 8))
    first: Line = [(pad(f" {sign}", indent), role), (rows[0], "text")]
    return [TableRow(first), *(more(row, indent) for row in rows[1:])]
