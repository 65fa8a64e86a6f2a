"""The timeline of checkpoints: what each lies before, and the change between any two of a task."""

from __future__ import annotations

import time
from typing import Any

from textual.message import Message

from autodev_tui.domain.requests import GetCheckpoints, Request
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.keys import bindings
from widgets.line_pane import Now
from widgets.moments import moment
from widgets.table_columns import Cell, columns
from widgets.table_pane import TablePane, TableRow
from widgets.wording import short_hash


class CheckpointsPane(TablePane):
    """Newest first. `enter` shows what became since; after `v` it shows what lies between the two."""

    CONTEXT = "checkpoints"
    EMPTY = "None yet. The first comes before the first change."
    BINDINGS = bindings("checkpoints")

    class Compared(Message):
        """What lies between two trees is wanted."""

        def __init__(self, old: str, new: str, title: str) -> None:
            super().__init__()
            self.old = old
            self.new = new
            self.title = title

    def __init__(self, *, now: Now = time.time, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.mark_at = ""
        """The other end, by its ref."""
        self._now = now

    def request(self) -> Request:
        """All checkpoints of the session."""
        return GetCheckpoints()

    def stamp(self) -> Any:
        """Asked again when there is another one."""
        session = self.mirror.session
        latest = [_latest_of(own) for own in self.mirror.steps.values()]
        return (session.id if session else "", *latest)

    def title(self) -> tuple[Line, Line]:
        """How many, and what is marked."""
        rows = self.answer.rows if self.answer else []
        marked = next((row for row in rows if row["ref"] == self.mark_at), None)
        right: Line = [(f"{len(rows)}", "muted")] if rows else []
        if marked:
            right = [(f"› {marked['task']} {marked['number']} marked", "asks")]
        return [("5 Checkpoints", "text")], right

    def build(self, width: int) -> list[TableRow]:
        """One row a checkpoint."""
        times = self.mirror.facts.settings.get("times", "ago")
        rows = []
        for row in self.answer.rows if self.answer else []:
            files = int(row["files"])
            changed = f"{files} file{'' if files == 1 else 's'}" if files else ""
            line = columns(
                [
                    Cell(f"{row['task']} {row['number']}", "bold", 7),
                    Cell(visible(str(row["title"]), keep=""), "data"),
                    Cell(changed, "text", -8, goes=1),
                    Cell(f"@{short_hash(str(row['commit']))}", "muted", 8, goes=2),
                    Cell(moment(row["at"], self._now(), times), "muted", -11),
                ],
                width - 2,
            )
            mark = "›" if row["ref"] == self.mark_at else " "
            rows.append(TableRow([(f"{mark} ", "asks"), *line], key=row["ref"]))
        return rows

    def _row(self, ref: str) -> dict[str, Any] | None:
        rows = self.answer.rows if self.answer else []
        return next((row for row in rows if row["ref"] == ref), None)

    def action_open(self) -> None:
        """What became since, or what lies between the mark and here."""
        row = self._row(self.key)
        if row is None:
            self.ignore("no checkpoint here")
            return
        other = self._row(self.mark_at) or self._latest(str(row["task"]))
        if other is None or other["ref"] == row["ref"]:
            self.ignore("nothing has changed since · v marks another end")
            return
        older, newer = sorted((row, other), key=lambda one: int(one["seq"]))
        names = [f"{one['task']} {one['number']}" for one in (older, newer)]
        self.post_message(self.Compared(older["tree"], newer["tree"], f"from {names[0]} to {names[1]}"))

    def _latest(self, task: str) -> dict[str, Any] | None:
        rows = self.answer.rows if self.answer else []
        return next((row for row in rows if row["task"] == task), None)

    def action_mark(self) -> None:
        """This is the other end; the same key takes the mark away."""
        self.mark_at = "" if self.mark_at == self.key else self.key
        self.rebuild()

    def action_by_task(self, step: int) -> None:
        """To the next or previous checkpoint of another task."""
        here = self._row(self.key)
        if here is None:
            return
        index = self.cursor + step
        while 0 <= index < len(self.rows):
            row = self._row(self.rows[index].key)
            if row and row["task"] != here["task"]:
                self.cursor = index
                return
            index += step
        self.ignore("no other task there")


def _latest_of(steps: dict[str, Step]) -> str:
    """The latest checkpoint among an agent's steps, "" without one."""
    made = (step for step in reversed(steps.values()) if step.kind is StepKind.CHECKPOINT)
    return next((step.id for step in made if step.state is StepState.DONE), "")
