"""What the repository brings, as plain text, before any of it counts."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.commands import TrustFiles
from autodev_tui.domain.requests import Answer, GetTrust, Request, TrustAnswer
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line
from widgets.keys import bindings
from widgets.messages import CommandGiven
from widgets.table_pane import TablePane, TableRow, told
from widgets.text_pane import text_rows


class TrustPane(ArmedPane, TablePane):
    """`a` trusts exactly what was read to its end; what has changed since is refused and shown anew."""

    CONTEXT = "trust"
    CURSOR_LINE = False
    BINDINGS = bindings("trust")
    ARMED_ACTIONS = frozenset({"trust"})

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.brought: TrustAnswer | None = None

    def request(self) -> Request:
        """The files as they are now."""
        return GetTrust()

    def stamp(self) -> tuple[str, ...]:
        """Asked again when other files wait for trust."""
        return tuple(self.mirror.facts.untrusted)

    def take(self, answer: Answer) -> None:
        """Keep the files."""
        if isinstance(answer, TrustAnswer):
            self.brought = answer

    @property
    def known(self) -> bool:
        """Whether the files are here."""
        return self.brought is not None

    def title(self) -> tuple[Line, Line]:
        """What it is about, and whether it counts."""
        brought = self.brought
        if brought is None or not brought.files:
            return [("Trust", "text")], []
        state: Line = [("✓ trusted as shown", "done")] if brought.trusted else [("! not trusted", "asks")]
        return [("Trust  what this repository brings", "text")], state

    def rebuild(self) -> None:
        """The rows anew; files that have changed are to be read again."""
        super().rebuild()
        brought = self.brought
        self.arming.shown(f"{brought.shown_hash} {brought.trusted}" if brought else "")
        self._watch_arming()

    def build(self, width: int) -> list[TableRow]:
        """What trusting means, then every file."""
        brought = self.brought
        if brought is None or not brought.files:
            return told("·", "muted", "This repository brings nothing that needs trust.", width)
        if brought.trusted:
            words = "These files count: settings, agents and instructions of the repository."
        else:
            words = "Until you trust these files they are ignored. Trusted, they may set options, run checks"
            words += " and instruct agents; when one of them changes you are asked again."
        rows = told("·", "muted", words, width)
        for file in brought.files:
            count = file.new.count("\n") + bool(file.new and not file.new.endswith("\n"))
            rows += [TableRow(), self._heading(visible(file.path, keep=""), count)]
            rows += [TableRow([("   ", "text"), (row, "data")]) for row in text_rows(file.new, width - 4)]
        return rows

    @staticmethod
    def _heading(path: str, count: int) -> TableRow:
        return TableRow(
            [(" ", "text"), (path, "data-bold"), (f"  {count} row{'' if count == 1 else 's'}", "muted")]
        )

    def marked(self, index: int) -> bool:
        """The mark shows where one reads."""
        return index == self.cursor

    def action_trust(self) -> None:
        """Trust what is shown."""
        brought = self.brought
        if brought is None or not brought.files:
            self.ignore("nothing to trust here")
        elif brought.trusted:
            self.ignore("these files are trusted already · d ignores them")
        elif self.counts():
            self._tell(brought.shown_hash, "trusted as shown · d ignores it again")

    def action_ignore(self) -> None:
        """Let none of it count."""
        self._tell("", "ignored: none of these files counts")

    def _tell(self, shown_hash: str, done: str) -> None:
        def refused(reason: str, moved: list[str]) -> None:
            self.ask()

        self.post_message(
            CommandGiven(TrustFiles(shown_hash=shown_hash), done, refused=refused, then=self.ask)
        )
