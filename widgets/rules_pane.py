"""Remembered approvals: what each allows, where, how often it did; `d` revokes."""

from __future__ import annotations

import time

from autodev_tui.domain.commands import RevokeRule
from autodev_tui.domain.text import visible
from widgets.cells import Line, wrap
from widgets.keys import bindings
from widgets.line_pane import Now
from widgets.messages import CommandGiven
from widgets.moments import moment
from widgets.table_pane import TablePane, TableRow, more


class RulesPane(TablePane):
    """Every rule in full, as it was shown before it was saved."""

    CONTEXT = "rules"
    EMPTY = "No approval is remembered. A at a question makes one."
    BINDINGS = bindings("rules")

    def __init__(self, *, now: Now = time.time, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now

    def title(self) -> tuple[Line, Line]:
        """How many there are."""
        count = len(self.mirror.rules)
        return [("Rules  remembered approvals", "text")], [(f"{count}", "muted")] if count else []

    def build(self, width: int) -> list[TableRow]:
        """A rule in as many rows as it needs, where and since when below it."""
        rows: list[TableRow] = []
        times = self.mirror.facts.settings.get("times", "ago")
        for rule in self.mirror.rules:
            texts = wrap(visible(rule.words, keep=""), max(width - 4, 8))
            rows.append(TableRow([(" ✓ ", "done"), (texts[0], "data")], key=rule.id))
            rows += [more(text, 3, "data") for text in texts[1:]]
            where = "this session" if rule.session else "this repository"
            used = (
                "not used yet" if not rule.used else f"used {rule.used} time{'' if rule.used == 1 else 's'}"
            )
            since = moment(rule.created, self._now(), times)
            rows.append(TableRow([(f"   {where} · {used} · made {since}", "muted")], belongs=True))
        return rows

    def action_revoke(self) -> None:
        """Forget the rule under the cursor: the next time it asks again."""
        if self.key:
            self.post_message(CommandGiven(RevokeRule(rule=self.key), "revoked · it asks again from now on"))
        else:
            self.ignore("no rule here")
