"""Lines of styled text measured in cells: cut, padded and laid left and right, never inside a grapheme.

A line is a list of (text, role) segments. Roles are the colour roles of `widgets.roles`; a role that begins
with `data` marks text that is not ours, which is never turned into ASCII.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

Segment = tuple[str, str]
Line = list[Segment]


def width_of(line: Iterable[Segment]) -> int:
    """Cells that the line takes."""
    return sum(cell_len(text) for text, _ in line)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, its end replaced by `…` where it was longer."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + "…"


def cut_path(path: str, width: int) -> str:
    """A path in at most `width` cells, cut from the middle: the file's name is the last to go."""
    if cell_len(path) <= width:
        return path
    parts = path.split("/")
    name = parts[-1]
    for head in range(len(parts) - 2, 0, -1):
        candidate = "/".join([*parts[:head], "…", name])
        if cell_len(candidate) <= width:
            return candidate
    short = f"…/{name}"
    return short if cell_len(short) <= width else cut(name, width)


def pad(text: str, width: int) -> str:
    """`text` in exactly `width` cells."""
    return set_cell_size(cut(text, width), width)


def cut_line(line: Iterable[Segment], width: int) -> Line:
    """The line in at most `width` cells, its end cut with `…`."""
    line = list(line)
    if width_of(line) <= width:
        return line
    kept: Line = []
    left = width
    for text, role in line:
        size = cell_len(text)
        if size < left:
            kept.append((text, role))
            left -= size
            continue
        if left > 0:
            # The mark is ours, also behind text that is not.
            kept += [(cut(text + "  ", left)[:-1], role), ("…", "muted")]
        break
    return kept


def fit(line: Iterable[Segment], width: int) -> Line:
    """The line in exactly `width` cells, its end cut with `…`."""
    line = cut_line(line, width)
    return [*line, (" " * (width - width_of(line)), "text")]


def spread(left: Iterable[Segment], right: Iterable[Segment], width: int, gap: int = 1) -> Line:
    """`left` at the left edge and `right` at the right edge of `width` cells; the left part gives way."""
    right = cut_line(right, width)
    room = width - width_of(right)
    left = cut_line(left, max(room - gap, 0) if right else room)
    fill = room - width_of(left)
    return [*left, (" " * fill, "text"), *right]


def rule(left: Iterable[Segment], right: Iterable[Segment], width: int, *, focused: bool) -> Line:
    """A title rule: `━ left ━━━━ right ━`, light where the pane has no focus.

    The right part loses whole segments from its end until the title fits.
    """
    stroke, role = ("━", "focus") if focused else ("─", "rule")
    left, right = list(left), list(right)
    while right and width_of(left) + width_of(right) + 8 > width:
        right.pop()
    head: Line = [(f"{stroke} ", role), *cut_line(left, max(width - 4, 0)), (" ", role)] if left else []
    tail: Line = [(" ", role), *right, (f" {stroke}", role)] if right else []
    fill = width - width_of(head) - width_of(tail)
    return cut_line([*head, (stroke * max(fill, 0), role), *tail], width)


def wrap(text: str, width: int) -> list[str]:
    """`text` in rows of at most `width` cells, broken at spaces where it can be; line ends are kept."""
    rows: list[str] = []
    for line in text.split("\n"):
        row = ""
        for word in line.split(" "):
            while cell_len(word) > width > 0:
                room = width - cell_len(row) - (1 if row else 0)
                if room <= 1:
                    rows.append(row)
                    row = ""
                    continue
                piece = set_cell_size(word, room).rstrip() or word[:1]
                rows.append(f"{row} {piece}" if row else piece)
                word, row = word[len(piece) :], ""
            candidate = f"{row} {word}" if row else word
            if row and cell_len(candidate) > width:
                rows.append(row)
                row = word
            else:
                row = candidate if (row or word or not rows) else word
        rows.append(row)
    return rows
