"""Plain text that grows: wrapped into rows once, and only its last row again when more comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from rich.cells import cell_len, set_cell_size

from autodev_tui.domain.text import visible

RING = 5000
"""Rows that a pane keeps."""
TAB = "    "


def wrap_line(line: str, width: int) -> list[str]:
    """One line (no line end in it) in rows of at most `width` cells, broken at spaces where it can be."""
    rows: list[str] = []
    while width > 1 and (len(line) > width or not line.isascii()) and cell_len(line) > width:
        row = line[:width] if line.isascii() else _fitting(line, width)
        at = row.rfind(" ")
        if line[len(row)] != " " and at > len(row) // 3:
            row = row[:at]
        rows.append(row.rstrip(" "))
        line = line[len(row) :].removeprefix(" ")
    return [*rows, line]


def _fitting(line: str, width: int) -> str:
    row = set_cell_size(line, width)
    # Where half of a wide letter would fit, a space took its place.
    return row if line.startswith(row) else row[:-1] or line[:1]


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
        """More text."""
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
        rows = wrap_line(visible(line, keep="\t").replace("\t", TAB), self.width)
        self.rows.extend(map(self._make, rows))
        self.count += len(rows)
        return rows[-1]
