"""The keys that work where one is: the pane's own first, then those of every pane, then those everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from widgets.cells import Line, pad
from widgets.keys import ARROWS, NAMES, TEXT_CONTEXTS, Key, bindings
from widgets.line_pane import LinePane

GROUPS = {"pane": "in every pane", "everywhere": "everywhere, also while typing"}
"""Context → heading."""
HEADINGS = {
    "tasks": "Tasks", "agents": "Agents", "choices": "this list", "reading": "this text",
    "secret": "this field", "comment": "this field", "composer": "the composer", "sheet": "this sheet",
    "slider": "autonomy",
}  # fmt: skip
BEGINNINGS = {
    "composer": (
        ("/", "a command, at the beginning"),
        ("!", "a shell command, sandboxed, at the beginning"),
        ("@", "a file; at the beginning an agent, or all"),
    )
}
"""Signs that mean something where they are typed."""
_KEYS = 16


class KeyHelp(LinePane):
    """Only keys that do something there; `/` finds one by what it does."""

    CONTEXT: ClassVar[str] = "reading"
    BINDINGS = bindings("reading")
    EMPTY = "No keys here."
    CURSOR_LINE = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.context = "pane"
        self.rows: list[Line] = []

    def show_context(self, context: str, keys: Sequence[Key], changed: dict[str, str] | None = None) -> None:
        """The keys of a context; `changed` has those that the user has set otherwise, by id."""
        self.context = context
        self.rows = []
        for group in dict.fromkeys(key.context for key in keys):
            if self.rows:
                self.rows.append([])
            self.rows.append([(" ", "text"), (GROUPS.get(group, heading(group)), "bold")])
            for key in keys:
                if key.context == group:
                    self._add((changed or {}).get(key.id) or printed(key), key.words)
            for sign, words in BEGINNINGS.get(group, ()):
                self._add(sign, words)
        self.cursor = 0
        self.renew()

    def _add(self, shown: str, words: str) -> None:
        self.rows.append([("  ", "text"), (pad(shown, _KEYS), "key"), (f" {words}", "text")])

    def title(self) -> tuple[Line, Line]:
        """Whose keys they are."""
        return [(f"Keys  {heading(self.context)}", "text")], [("/ finds", "muted")]

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def row(self, index: int) -> Line:
        """One key."""
        return self.rows[index]

    def can_stand(self, index: int) -> bool:
        """Not on the blank rows."""
        return bool(self.rows[index])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to open in a list of keys."""
        return action != "open" and super().check_action(action, parameters)

    def state(self) -> dict[str, object]:
        """Keys are looked at anew each time."""
        return {}


def heading(context: str) -> str:
    """How a context is called."""
    return HEADINGS.get(context, context.capitalize())


def printed(key: Key) -> str:
    """All keys of a row as they are printed, arrows as one word."""
    names = [NAMES.get(one, one) for one in key.keys.split(" ")]
    if key.context not in TEXT_CONTEXTS:
        names += [ARROWS[one] for one in key.keys.split(" ") if one in ARROWS]
    return " ".join(names)
