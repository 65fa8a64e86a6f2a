"""Money, tokens and time by task, agent, model or day, with their limits (UI §3.10)."""

from __future__ import annotations

from typing import Any, Literal

from autodev_tui.domain.requests import GetUsage, Request
from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.glyphs import ROLE, TASK
from widgets.keys import bindings
from widgets.messages import WentTo
from widgets.table_columns import Cell, columns
from widgets.table_pane import TablePane, TableRow
from widgets.usage_rows import day_lines, limit_lines, rest_lines
from widgets.wording import money, running_time, tokens

By = Literal["task", "agent", "model", "day"]
ORDER: tuple[By, ...] = ("task", "agent", "model", "day")
_FIGURES = ((-8, 0), (-6, 2), (-6, 3), (-5, 4), (-8, 1))
"""Cells of cost, in, out, cache and time, and which of them goes first; all stand right."""


class UsagePane(TablePane):
    """What was spent, on what; a bar only where there is a budget to be a part of."""

    CONTEXT = "usage"
    EMPTY = "Nothing spent yet."
    BINDINGS = bindings("usage")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.by: By = "task"

    def request(self) -> Request:
        """The table in its present order."""
        return GetUsage(by=self.by)

    def stamp(self) -> Any:
        """Asked again when a call was paid for, or a task went on."""
        session = self.mirror.session
        states = tuple(task.state for task in self.mirror.tasks.values())
        return (session.id, session.usage, session.budget_usd, states) if session else None

    def title(self) -> tuple[Line, Line]:
        """Whose usage it is, and by what."""
        whole = self.answer.facts.get("scope") if self.answer else ""
        scope = "all sessions of this repository" if whole == "repository" else "this session"
        return [(f"6 Usage  {scope}", "text")], [(f"by {self.by}", "text")]

    def build(self, width: int) -> list[TableRow]:
        """Budget and forecast, the table, the rest."""
        answer = self.answer
        if answer is None:
            return []
        facts = answer.facts
        if facts.get("by") != self.by:
            return [TableRow([(" …", "muted")])]
        rows = [TableRow(line) for line in limit_lines(facts, width)]
        if self.by == "day" and (plot := day_lines(facts, width, tall=True)):
            rows += [TableRow(), *(TableRow(line) for line in plot)]
        rows += [
            TableRow(),
            TableRow(
                self._columns(
                    (self.by, "state" if self.by == "task" else "", "cost", "in", "out", "cache", "time"),
                    width,
                )
            ),
        ]
        rows += [self._row(row, width) for row in answer.rows]
        rows.append(self._row({**facts["total"], "title": "total"}, width, total=True))
        rows.append(TableRow())
        if self.by != "day":
            rows += [TableRow(line) for line in day_lines(facts, width, tall=False)]
        rows += [TableRow(line) for line in rest_lines(facts, answer.rows, width)]
        return rows

    def _row(self, row: dict[str, Any], width: int, *, total: bool = False) -> TableRow:
        name = visible(str(row["title"]), keep="")
        key = str(row.get("task") or row.get(self.by) or "") if not total else ""
        if row.get("task"):
            name = f"{row['task']} {name}"
        cache = "" if row["cache"] is None else f"{row['cache']:.0%}".replace("%", " %")
        values = (
            name,
            "" if total else self._state(row),
            _cost(row),
            tokens(row["input"]),
            tokens(row["output"]),
            cache,
            running_time(row["time_s"]),
        )
        return TableRow(self._columns(values, width, bold=total), key=key or ("" if total else name))

    def _state(self, row: dict[str, Any]) -> str:
        if "sessions" in row:
            count = int(row.get("sessions", 0))
            return f"{count} session{'' if count == 1 else 's'}"
        if "state" not in row:
            return ""
        task = self.mirror.tasks.get(str(row.get("task", "")))
        done = row["state"] == "completed"
        word = self.mirror.word(task) if task else "done" if done else "running"
        # In the twelve cells that there are.
        return f"{TASK.get(word, '·')} {'no model' if word == NEEDS_A_MODEL else word}"

    def _columns(self, values: tuple[str, ...], width: int, *, bold: bool = False) -> Line:
        role = "bold" if bold else "muted" if values[2] == "cost" else "text"
        word = values[1].partition(" ")[2].replace("no model", NEEDS_A_MODEL)
        figures = zip(values[2:], _FIGURES, strict=True)
        cells = [
            Cell(values[0], role if role != "text" else "data"),
            Cell(values[1], ROLE.get(word, role), 12),
            *(Cell(value, role, size, goes) for value, (size, goes) in figures),
        ]
        return [(" ", "text"), *columns(cells, width - 2)]

    def action_group(self) -> None:
        """By task, by agent, by model, by day."""
        self.by = ORDER[(ORDER.index(self.by) + 1) % len(ORDER)]
        self.ask()
        self.rebuild()

    def action_open(self) -> None:
        """The task of this row."""
        if self.by == "task" and self.key in self.mirror.tasks:
            self.post_message(WentTo("agents", task=self.key))
        else:
            self.ignore("this row is no task")

    def state(self) -> dict[str, object]:
        """Its order too."""
        return {**super().state(), "by": self.by}

    def restore(self, state: dict[str, object]) -> None:
        """In the order it was left in."""
        self.by = next((one for one in ORDER if one == state.get("by")), "task")
        super().restore(state)
        self.ask()


def _cost(row: dict[str, Any]) -> str:
    """What it cost; `local` where nothing is paid for."""
    if not row["cost_usd"]:
        if not row["cost_known"]:
            return "unknown"
        if row.get("local_s"):
            return "local"
    return money(row["cost_usd"], known=row["cost_known"])
