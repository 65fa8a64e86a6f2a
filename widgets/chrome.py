"""The fixed rows around the body: header, strip, separators, footer."""

from __future__ import annotations

from textual.strip import Strip

from widgets.cells import Line, cut_line, spread, width_of
from widgets.keys import Key
from widgets.roles import Drawn


class Row(Drawn):
    """One row. `line` is drawn as it is, `right` at the right edge."""

    DEFAULT_CSS = """
    Row { height: 1; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.left: Line = []
        self.right: Line = []

    def set(self, left: Line, right: Line | None = None) -> None:
        """Draw something else; nothing is drawn when nothing changed."""
        if (left, right or []) != (self.left, self.right):
            self.left, self.right = left, right or []
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        return self.strip(spread(self.left, self.right, self.size.width), self.size.width)


class Separator(Drawn):
    """The light line between two columns."""

    DEFAULT_CSS = """
    Separator { width: 1; height: 1fr; }
    """

    def render_line(self, y: int) -> Strip:
        """One cell of it."""
        return self.strip([("│", "rule")], 1)


class Footer(Row):
    """The keys of the focused pane: at most eight, and `? keys` at the right edge."""

    def show_keys(
        self,
        keys: list[Key],
        most: int,
        *,
        shown: dict[str, str],
        help_key: str,
        dim: frozenset[str] = frozenset(),
    ) -> None:
        """`shown` has the keys that the user has set otherwise, `dim` the actions that do not count yet."""
        parts: Line = []
        right: Line = [(help_key, "key"), (" keys", "muted")] if help_key else []
        room = self.size.width - width_of(right) - 3
        for key in keys[:most]:
            name = shown.get(key.id, key.shown)
            words = key.words
            # `n p hunk`: the words name their own keys.
            role = "key-off" if key.action.split("(")[0] in dim else "key"
            label: Line = [(f"{name} ", role), (words, "muted")]
            if words.startswith(("n p ", "j k ")):
                label = [(f"{words[:3]} ", "key"), (words[4:], "muted")]
            if width_of(parts) + width_of(label) + 2 > room:
                break
            parts += [*label, ("  ", "text")]
        self.set([(" ", "text"), *parts], [*right, (" ", "text")] if right else [])


def strip_line(parts: list[tuple[str, str, str]], width: int, right: str = "") -> Line:
    """The strip of tasks: (glyph, text, role) each; what has no room is left out and counted."""
    line: Line = [(" ", "text")]
    end: Line = [(f"{right} ", "muted")] if right else []
    room = width - width_of(end) - 1
    for number, (glyph, text, role) in enumerate(parts):
        piece: Line = [(glyph, role), (text, "text"), ("  ", "text")]
        if width_of(line) + width_of(piece) > room:
            line.append((f"… {len(parts) - number} more", "muted"))
            break
        line += piece
    return spread(cut_line(line, width), end, width)
