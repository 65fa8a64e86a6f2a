"""The resume offer: what became of an interrupted session, and three ways on (UI §3.8)."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.message import Message

from autodev_tui.domain.requests import GetResume, Request
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line, pad, wrap
from widgets.keys import bindings
from widgets.table_pane import TablePane, TableRow
from widgets.wording import took

SIGNS = {
    "kept": ("✓", "kept", "done"),
    "recovered": ("✓", "recovered", "done"),
    "again": ("↺", "runs again", "running"),
    "unknown": ("?", "unknown", "asks"),
    "untouched": ("·", "untouched", "muted"),
}
"""State → glyph, word, role."""
_WORD = 12
_CHOICE = 18
_INDENT = 3 + _WORD
_TITLE = 30


class ResumePane(ArmedPane, TablePane):
    """Starts nothing by itself; the cursor stands on the choice that runs and spends nothing.

    It comes while somebody may be typing: to go on counts only once armed.
    """

    CONTEXT = "resume"
    BARE = True
    BINDINGS = bindings("resume")
    ARMED_ACTIONS = frozenset({"go_on"})

    class Chosen(Message):
        """`look first`, `go on` or `new goal`."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def request(self) -> Request | None:
        """What became of the session that was interrupted."""
        session = self._session()
        return GetResume(session=session) if session else None

    def _session(self) -> str:
        mirror = self.mirror
        return mirror.facts.interrupted or (mirror.session.id if mirror.session else "")

    def stamp(self) -> Any:
        """Asked again for another session."""
        return self._session()

    def rebuild(self) -> None:
        """The rows anew; what another session's offer says is to be read first."""
        super().rebuild()
        self.arming.shown(self._session() if self.answer is not None else "")
        self._watch_arming()

    def build(self, width: int) -> list[TableRow]:
        """How it ended, what became of it, the choices."""
        if self.answer is None:
            return [TableRow([(" No session was interrupted.", "text")])]
        facts = self.answer.facts
        why = visible(str(facts.get("why", "")), keep="")
        seconds = float(facts.get("ago_s", 0))
        ago = took(seconds) if seconds >= 60 else f"{round(seconds)} s"
        title = visible(str(facts.get("title", "")), keep="")
        waiting = int(facts.get("waiting", 0))
        count = f"{facts.get('done', 0)} of {facts.get('tasks', 0)} done"
        if waiting:
            count += f" · {waiting} question{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}"
        room = max(min(cell_len(title), width - len(count) - 4), _TITLE)
        rows = [
            *(
                TableRow([(f" {text}", "data")])
                for text in wrap(_ended(str(facts.get("how", "")), ago, why), max(width - 2, 8))
            ),
            TableRow(),
            TableRow([(" ", "text"), (pad(title, room), "data-bold"), (f"  {count}", "text")]),
            TableRow(),
        ]
        for row in self.answer.rows:
            rows += self._became(str(row["state"]), str(row["text"]), width)
        rows.append(TableRow())
        for what, words in self._choices():
            name = what.capitalize()
            line: Line = [(" ", "text"), (pad(name, _CHOICE), "bold"), (words, "muted")]
            rows.append(TableRow(line, key=what))
        return rows

    def _became(self, state: str, text: str, width: int) -> list[TableRow]:
        glyph, word, role = SIGNS.get(state, ("·", state, "muted"))
        lines = wrap(visible(text, keep=""), max(width - _INDENT - 1, 8))
        first: Line = [(f" {glyph} ", role), (pad(word, _WORD), "text"), (lines[0], "data")]
        return [TableRow(first), *(TableRow([(" " * _INDENT, "text"), (one, "data")]) for one in lines[1:])]

    def _choices(self) -> list[tuple[str, str]]:
        rows = self.answer.rows if self.answer else []
        unknown = any(row["state"] == "unknown" for row in rows)
        goes_on = (
            "agents go on; what is unknown is asked first" if unknown else "agents go on where they stopped"
        )
        return [
            ("look first", "open it paused; nothing runs, nothing is spent"),
            ("go on", goes_on),
            ("new goal", "this session stays in the list"),
        ]

    def action_open(self) -> None:
        """What the cursor is on."""
        if self.key == "go on":
            self.action_go_on()
        elif self.key:
            self.post_message(self.Chosen(self.key))

    def action_go_on(self) -> None:
        """Go on now."""
        if self.answer is not None and self.counts():
            self.post_message(self.Chosen("go on"))

    def action_new_goal(self) -> None:
        """A new goal instead."""
        self.post_message(self.Chosen("new goal"))


def _ended(how: str, ago: str, why: str) -> str:
    """How it ended and when; where only its last step is known, that is said and no more."""
    match how:
        case "ended":
            return f"A session ended {ago} ago: {why}."
        case "last step":
            return f"A session was interrupted: {why}. Last step {ago} ago."
    return f"A session was interrupted {ago} ago: {why}."
