"""Columns of a table: one takes what is left, and where that is too little others go, in a given order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from widgets.cells import Line, fit

LEAST = 20
"""Cells that the flexible column keeps as long as another one can go."""
_GAP = 2


@dataclass(frozen=True)
class Cell:
    """One cell. `size`: its cells, negative stands right, 0 takes what is left."""

    text: str
    role: str
    size: int = 0
    goes: int = 0
    """0: it stays; of the others the highest goes first."""


def columns(cells: Sequence[Cell], width: int) -> Line:
    """The cells in one line of `width` cells, two between them."""
    kept = list(cells)
    while _left(kept, width) < LEAST and any(cell.goes for cell in kept):
        kept.remove(max(kept, key=lambda cell: cell.goes))
    line: Line = []
    for cell in kept:
        if line:
            line.append((" " * _GAP, "text"))
        size = abs(cell.size) or max(_left(kept, width), 1)
        if cell_len(cell.text) > size:
            # The mark is ours, also where the text is not.
            line += fit([(cell.text, cell.role)], size)
        else:
            blank = " " * (size - cell_len(cell.text))
            line.append((blank + cell.text if cell.size < 0 else cell.text + blank, cell.role))
    return line


def _left(cells: Sequence[Cell], width: int) -> int:
    return width - sum(abs(cell.size) for cell in cells) - _GAP * (len(cells) - 1)
