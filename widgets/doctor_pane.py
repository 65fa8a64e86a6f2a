"""The doctor: what works here, what does not, and what to do about it."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.requests import GetDoctor, Request
from autodev_tui.domain.text import visible
from widgets.cells import Line, pad, wrap
from widgets.keys import bindings
from widgets.messages import WentTo
from widgets.table_pane import TablePane, TableRow, more

SIGNS = {"ok": ("✓", "done"), "warn": ("!", "asks"), "bad": ("✗", "failed")}
HELP = {"model": "settings", "trust": "trust", "settings": "settings", "checks": "settings"} | {
    "editor": "settings",
    "repository": "first_run",
    "state": "sessions",
}
"""Finding → the pane that does something about it."""
_NAMES = 12


class DoctorPane(TablePane):
    """Every finding in full; `enter` opens what helps."""

    CONTEXT = "doctor"
    BINDINGS = bindings("doctor")

    def request(self) -> Request:
        """Everything that can be known."""
        return GetDoctor()

    def stamp(self) -> Any:
        """Looked at again whenever one of these has changed."""
        facts = self.mirror.facts
        return (
            facts.model,
            facts.sandbox,
            facts.sandbox_problem,
            tuple(facts.untrusted),
            tuple(facts.problems),
        )

    def title(self) -> tuple[Line, Line]:
        """How much is wrong."""
        rows = self.answer.rows if self.answer else []
        bad = sum(row["state"] == "bad" for row in rows)
        warn = sum(row["state"] == "warn" for row in rows)
        right: Line = []
        if bad:
            right.append((f"✗ {bad} wrong", "failed"))
        if warn:
            right.append((f"{'  ' if bad else ''}! {warn} to look at", "asks"))
        return [("Doctor", "text")], right or ([("✓ all well", "done")] if rows else [])

    def build(self, width: int) -> list[TableRow]:
        """A finding in as many rows as it needs, what to do below it."""
        rows: list[TableRow] = []
        for finding in self.answer.rows if self.answer else []:
            sign, role = SIGNS.get(finding["state"], ("·", "muted"))
            name = str(finding["name"])
            texts = wrap(visible(str(finding["text"]), keep=""), max(width - _NAMES - 6, 8))
            first: Line = [(f" {sign} ", role), (pad(name, _NAMES), "bold"), (f" {texts[0]}", "text")]
            rows.append(TableRow(first, key=name))
            indent = " " * (_NAMES + 4)
            rows += [more(text, len(indent)) for text in texts[1:]]
            if finding["state"] != "ok" and finding["todo"]:
                todo = wrap(visible(str(finding["todo"]), keep=""), max(width - _NAMES - 8, 8))
                rows += [
                    TableRow([(indent, "text"), ("  " if at else "→ ", "asks"), (text, "text")], belongs=True)
                    for at, text in enumerate(todo)
                ]
        return rows

    def action_open(self) -> None:
        """The pane that does something about this."""
        if pane := HELP.get(self.key):
            self.post_message(WentTo(pane))
        else:
            self.ignore("nothing here does that for you · y copies what to do")
