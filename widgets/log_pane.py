"""The log: the latest notices, retries and errors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autodev_tui.domain.events import Noticed, Retrying, SessionMoved, TaskMoved
from autodev_tui.domain.requests import Answer, GetLog, Request
from autodev_tui.domain.text import visible
from widgets.cells import Line, pad, wrap
from widgets.keys import bindings
from widgets.table_pane import TablePane, TableRow, more

SIGNS = {"info": ("·", "muted"), "warning": ("!", "asks"), "error": ("✗", "failed")}
_LOGGED = (Noticed, Retrying, SessionMoved, TaskMoved)


class LogPane(TablePane):
    """Oldest first; it opens at the end, and stays where one reads."""

    CONTEXT = "reading"
    BINDINGS = bindings("reading")
    EMPTY = "Nothing was noticed yet."

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._at_end = True

    def request(self) -> Request:
        """The latest rows."""
        return GetLog()

    def stamp(self) -> Any:
        """Asked again when there is another one."""
        return next((event.seq for event in reversed(self.mirror.log) if isinstance(event, _LOGGED)), 0)

    def take(self, answer: Answer) -> None:
        """Keep the rows; who stands at the end stays there."""
        self._at_end = self.answer is None or self.cursor >= len(self.rows) - 1
        super().take(answer)

    def rebuild(self) -> None:
        """The rows anew, at the end where one stood there."""
        super().rebuild()
        if self._at_end and self.known and self.rows:
            self._at_end = False
            self.action_end()

    def title(self) -> tuple[Line, Line]:
        """How many rows, how many of them errors."""
        rows = self.answer.rows if self.answer else []
        errors = sum(row["severity"] == "error" for row in rows)
        right: Line = [(f"{errors} failed  ", "failed")] if errors else []
        return [("Log", "text")], [*right, (f"{len(rows)} rows", "muted")] if rows else []

    def build(self, width: int) -> list[TableRow]:
        """When, how bad, who, what; in as many rows as it needs."""
        rows: list[TableRow] = []
        for number, row in enumerate(self.answer.rows if self.answer else []):
            sign, role = SIGNS.get(row["severity"], ("·", "muted"))
            at = datetime.fromtimestamp(row["at"]).strftime("%H:%M:%S")
            texts = wrap(visible(str(row["text"]), keep=""), max(width - 20, 8))
            head: Line = [(f" {at} ", "muted"), (f"{sign} ", role), (pad(str(row["task"]), 5), "muted")]
            rows.append(TableRow([*head, (f" {texts[0]}", "text")], key=f"{row['at']} {number}"))
            rows += [more(text, 18) for text in texts[1:]]
        return rows
