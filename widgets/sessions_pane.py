"""All sessions of this repository: open, rename, stop, archive, delete."""

from __future__ import annotations

import time
from typing import Any

from autodev_tui.domain.commands import (
    ArchiveSession,
    DeleteSession,
    OpenSession,
    RenameSession,
    StopSession,
)
from autodev_tui.domain.requests import GetSessions, Request
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.keys import bindings
from widgets.line_pane import Now
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.moments import moment
from widgets.table_columns import Cell, columns
from widgets.table_pane import TablePane, TableRow
from widgets.wording import money

STATES = {
    "planning": ("●", "planning", "running"),
    "running": ("●", "running", "running"),
    "paused": ("‖", "paused", "muted"),
    "reviewing": ("±", "review", "asks"),
    "landed": ("✓", "landed", "done"),
    "failed": ("✗", "failed", "failed"),
    "cancelled": ("⊘", "cancelled", "muted"),
    "interrupted": ("‖", "interrupted", "asks"),
}
"""State → glyph, word, role."""


class SessionsPane(TablePane):
    """Newest first; the one in front is marked."""

    CONTEXT = "sessions"
    EMPTY = "No session in this repository yet. i, then say what you want."
    BINDINGS = bindings("sessions")

    def __init__(self, *, now: Now = time.time, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.archived = False
        """Archived ones are shown too."""
        self._now = now

    def request(self) -> Request:
        """All sessions, archived ones when they are wanted."""
        return GetSessions(archived=self.archived)

    def stamp(self) -> Any:
        """Asked again when the one in front is another, or has moved."""
        session = self.mirror.session
        if session is None:
            return None
        return session.id, session.state, session.title, session.archived, self.mirror.facts.busy

    def title(self) -> tuple[Line, Line]:
        """How many, how many of them put away."""
        if self.answer is None:
            return [("7 Sessions", "text")], []
        hidden = int(self.answer.facts.get("archived", 0))
        right: Line = [(f"{len(self.answer.rows)} shown", "muted")] if self.answer.rows else []
        if hidden:
            right.append((f" · {hidden} archived{'' if self.archived else ', not shown'}", "muted"))
        return [("7 Sessions", "text")], right

    def build(self, width: int) -> list[TableRow]:
        """One row a session."""
        times = self.mirror.facts.settings.get("times", "ago")
        rows = []
        for row in self.answer.rows if self.answer else []:
            glyph, word, role = STATES.get(row["state"], ("·", row["state"], "muted"))
            if row["current"] and not self.mirror.facts.busy and word in ("running", "planning"):
                glyph, word, role = "‖", "paused", "muted"
            if row["waiting"] and not row["over"]:
                glyph, word, role = "◐", f"asks {row['waiting']}", "asks"
            mark = "›" if row["current"] else " "
            title = visible(str(row["title"]), keep="")
            line = columns(
                [
                    Cell(title, "data-muted" if row["archived"] else "data"),
                    Cell(f"{glyph} {word}", role, 13),
                    Cell(f"{row['done']} of {row['tasks']}" if row["tasks"] else "", "text", -8, goes=2),
                    Cell(money(row["cost_usd"], known=row["cost_known"]), "text", -9, goes=1),
                    Cell(moment(row["started"], self._now(), times), "muted", -11),
                ],
                width - 3,
            )
            rows.append(TableRow([(f"{mark} ", "focus"), *line], key=row["id"]))
        return rows

    def _row(self) -> dict[str, Any] | None:
        rows = self.answer.rows if self.answer else []
        found = next((row for row in rows if row["id"] == self.key), None)
        if found is None:
            self.ignore("no session here")
        return found

    def copied(self) -> tuple[str, str]:
        """The session's name, by which the command line knows it."""
        return self.key, "the session's id"

    def action_open(self) -> None:
        """Show it; nothing runs, nothing is spent."""
        if row := self._row():
            if row["current"]:
                self.post_message(WentTo("tasks"))
            else:
                given = CommandGiven(OpenSession(session=row["id"]), f"opened: {row['title']}")
                given.then = lambda: self._opened()
                self.post_message(given)

    def _opened(self) -> None:
        self.post_message(WentTo("tasks"))

    def action_rename(self) -> None:
        """Another title."""
        if row := self._row():
            self.ask_words(
                f"rename:{row['id']}", "title", lambda text: self._rename(row, text), text=row["title"]
            )

    def _rename(self, row: dict[str, Any], text: str) -> str | None:
        title = " ".join(text.split())
        if not title:
            return "a title has letters"
        self.post_message(
            CommandGiven(RenameSession(session=row["id"], title=title), f"renamed: {title}", then=self.ask)
        )
        return None

    def action_stop(self) -> None:
        """Stop the one that runs; nothing is lost."""
        row = self._row()
        if row is None:
            return
        if not (row["current"] and self.mirror.facts.busy):
            self.ignore("it does not run")
            return
        rows = ["Running calls and commands are ended now. Nothing is lost: it goes on from there."]
        stop = CommandGiven(StopSession(), "stopped · /continue goes on", then=self.ask)
        self.post_message(
            SheetOpened(f"Stop {row['title']}", rows, yes="stop it", confirmed=lambda: self._give(stop))
        )

    def _give(self, given: CommandGiven) -> None:
        self.post_message(given)

    def action_archive(self) -> None:
        """Out of the list, or back into it."""
        if row := self._row():
            away = not row["archived"]
            words = "archived · & shows it, a brings it back" if away else "back in the list"
            command = ArchiveSession(session=row["id"], archived=away)
            self.post_message(CommandGiven(command, words, then=self.ask))

    def action_delete(self) -> None:
        """Remove it, asked first."""
        if row := self._row():
            rows = [
                "Its records, branches, worktrees and checkpoints are removed. This cannot be undone.",
                "",
                "What it landed stays in your history." if row["landed"] else "It has landed nothing.",
            ]
            gone = CommandGiven(DeleteSession(session=row["id"]), f"deleted: {row['title']}", then=self.ask)
            self.post_message(
                SheetOpened(
                    f"Delete {row['title']}",
                    rows,
                    yes="delete it for good",
                    confirmed=lambda: self._give(gone),
                    danger=True,
                )
            )

    def action_filter(self) -> None:
        """Show archived ones too, or not."""
        self.archived = not self.archived
        self.ask()
