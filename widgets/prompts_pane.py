"""The prompts that hold here: each as it reads when it is filled in, and its source."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.requests import Answer, GetPrompts, Request, RowsAnswer
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.keys import bindings
from widgets.messages import Asked
from widgets.table_columns import Cell, columns
from widgets.table_pane import TablePane, TableRow, told
from widgets.text_pane import text_rows
from widgets.wording import tokens

VIEWS = {"text": "filled in", "bare": "with the least", "source": "source"}
"""What is shown of a prompt, in turn."""


class PromptsPane(TablePane):
    """`enter` opens a prompt below its row."""

    CONTEXT = "prompts"
    EMPTY = "No prompts."
    BINDINGS = bindings("prompts")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.opened = ""
        self.view = "text"
        self._shown: dict[str, Any] | None = None

    def request(self) -> Request:
        """All prompts."""
        return GetPrompts()

    def stamp(self) -> Any:
        """Asked again when the repository's own are trusted, or not any more."""
        return tuple(self.mirror.facts.untrusted)

    def title(self) -> tuple[Line, Line]:
        """Which way one is shown."""
        return [("Prompts", "text")], [(VIEWS[self.view], "text")] if self.opened else []

    def build(self, width: int) -> list[TableRow]:
        """One row a prompt, the opened one with its text."""
        rows: list[TableRow] = []
        for row in self.answer.rows if self.answer else []:
            here = row["name"] == self.opened
            line = columns(
                [
                    Cell(f"{'▾' if here else '▸'} {row['name']}", "bold"),
                    Cell(f"version {row['version']}", "text", 13, goes=2),
                    Cell(visible(str(row["category"]), keep="").replace("_", " "), "text", 18, goes=1),
                    Cell(str(row["origin"]), "asks" if row["origin"] == "repository" else "muted", 10),
                    Cell(tokens(int(row["tokens"])), "text", -6),
                ],
                width - 2,
            )
            rows.append(TableRow([(" ", "text"), *line], key=str(row["name"])))
            if here:
                rows += self._text(width)
        return rows

    def _text(self, width: int) -> list[TableRow]:
        if self._shown is None:
            return [TableRow([("   …", "muted")])]
        rows: list[TableRow] = []
        for one in self._shown["safety"]:
            rows += told("!", "asks", f"{one['kind']} in line {one['line']}: {one['text']}", width - 3, 5)
        text = str(self._shown[self.view])
        rows += [TableRow([("   ", "text"), (row, "data")], key=f"{self.opened}:{at}")
                 for at, row in enumerate(text_rows(text, width - 5))]  # fmt: skip
        return [*rows, TableRow()]

    def action_open(self) -> None:
        """Open the prompt under the cursor, or close it."""
        name = self.key.partition(":")[0]
        if not name:
            return
        self.opened = "" if name == self.opened else name
        self._shown = None
        if self.opened:
            self.post_message(Asked(GetPrompts(name=name), self._read))
        self._stand_at(name)

    def _stand_at(self, name: str) -> None:
        self.cursor = next((at for at, row in enumerate(self.rows) if row.key == name), self.cursor)
        self.rebuild()

    def _read(self, answer: Answer) -> None:
        if isinstance(answer, RowsAnswer) and answer.rows and answer.rows[0]["name"] == self.opened:
            self._shown = answer.facts
            self.rebuild()

    def action_fold(self) -> None:
        """Open or close."""
        self.action_open()

    def action_layout(self) -> None:
        """Filled in, filled in with the least, source."""
        views = list(VIEWS)
        self.view = views[(views.index(self.view) + 1) % len(views)]
        self.rebuild()

    def copied(self) -> tuple[str, str]:
        """The opened prompt as it is shown, else the list."""
        if self.opened and self._shown:
            return str(self._shown[self.view]), f"the prompt {self.opened}"
        return super().copied()
