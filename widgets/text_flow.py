"""Plain text that grows: wrapped into rows once, and only its last row again when more comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from rich.cells import cell_len, get_character_cell_size, set_cell_size

from autodev_tui.domain.text import visible

RING = 5000
"""Rows that a pane keeps."""
TAB = "    "
_JOINED = "\U0001f000"
"""From here on letters join to graphemes that are not as wide as their parts: flags, shades."""
LONGEST = 4000
"""Characters of a line that is not wrapped; what is beyond is in the file."""


def wrap_line(line: str, width: int) -> list[str]:
    """One line (no line end in it) in rows of at most `width` cells, broken at spaces where it can be."""
    rows: list[str] = []
    at, end = 0, len(line)
    while width > 1:
        # Never more of it than a row can hold, so that a long line costs no more than its rows.
        head = line[at : at + 4 * width]
        if at + len(head) == end and cell_len(head) <= width:
            break
        row = head[:width] if head.isascii() else _fitting(head, width)
        space = row.rfind(" ")
        after = at + len(row)
        if after < end and line[after] != " " and space > len(row) // 3:
            row, after = row[:space], at + space
        rows.append(row.rstrip(" "))
        at = after + 1 if after < end and line[after] == " " else after
    return [*rows, line[at:]]


def _fitting(text: str, width: int) -> str:
    if max(text) < _JOINED:
        used = 0
        for at, letter in enumerate(text):
            used += get_character_cell_size(letter)
            if used > width:
                return text[: max(at, 1)]
        return text
    if cell_len(text) <= width:
        return text
    row = set_cell_size(text, width)
    # Where half of a wide letter would fit, a space took its place.
    return row if text.startswith(row) else row[:-1] or text[:1]


Made = TypeVar("Made")


class Flow(Generic[Made]):
    """A text in rows, each made by `make`. What is before its last row is never looked at again."""

    def __init__(self, width: int, make: Callable[[str], Made], most: int = RING) -> None:
        self.width = width
        self._make = make
        self.rows: deque[Made] = deque(maxlen=most)
        self.count = 0
        """Rows in all, those that have left the ring included."""
        self._open: str | None = None
        """The last row, which may still grow."""

    def feed(self, text: str) -> None:
        """More text; with a width of 0, lines are not wrapped."""
        if not text:
            return
        if self._open is not None:
            self.rows.pop()
            self.count -= 1
        *lines, last = ((self._open or "") + text).split("\n")
        for line in lines:
            self._add(line)
        self._open = self._add(last) if last else None

    def _add(self, line: str) -> str:
        if len(line) <= self.width and line.isascii() and line.isprintable():
            self.rows.append(self._make(line))
            self.count += 1
            return line
        line = line if self.width else line[:LONGEST]
        rows = wrap_line(visible(line, keep="\t").replace("\t", TAB), self.width)
        self.rows.extend(map(self._make, rows))
        self.count += len(rows)
        return rows[-1]
