"""What rows of a change set are, and the blocks that a file's rows are laid out in. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from autodev_tui.domain.changeset import Hunk


class Kind(StrEnum):
    """What a row shows."""

    FILE = "file"
    BLANK = "blank"
    HEADING = "heading"
    LINE = "line"
    WHOLE = "whole"
    """A change that no lines can show: mode, binary, link."""
    GAP = "gap"
    """Lines that are not part of the change and not shown."""
    CONTEXT = "context"
    """One of such lines, shown on request."""
    INSERT = "insert"
    """A comment, a note or the place of an input."""


STOPS = frozenset({Kind.LINE, Kind.WHOLE, Kind.GAP, Kind.CONTEXT})
"""Rows that the line cursor stops at."""

FIELD = "field"
"""Role of inserted rows that an input lies over."""


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows below one line of a hunk's diff (`line`, from 0), or below its heading (-1)."""

    line: int
    role: str
    rows: tuple[str, ...]
    mark: str = ""
    """What stands at the end of its last row: `draft`."""

    @property
    def place(self) -> tuple[int, str]:
        """What tells it from others of its hunk."""
        return self.line, self.role


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `hunk` is its number, 0 outside of hunks; line numbers are 0 where a side has none."""

    kind: Kind
    file: int
    hunk: int = 0
    index: int = 0
    """LINE: of the hunk's diff. CONTEXT: of the new side. From 0."""
    gap: int = 0
    """GAP, CONTEXT: which gap of the file."""
    old: int = 0
    new: int = 0
    sign: str = " "
    text: str = ""
    """The line without its end, as stored; not yet fit to be shown."""
    insert: Insert | None = None
    part: int = 0
    """Which row of an insert, or of a wrapped line."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines between hunks, by numbers from 1; `count` is 0 where the end of the file is not known."""

    old: int
    new: int
    count: int


class Block(NamedTuple):
    """A run of rows of one kind. `first` is the line that a run of lines begins with."""

    kind: Kind
    rows: int
    hunk: int = 0
    first: int = 0
    gap: int = 0
    insert: Insert | None = None
    ends: array[int] | None = None
    """Where lines are wrapped: the row after each."""


class Layout(NamedTuple):
    """The blocks of one file, the first row of each, and of each hunk the first block and the end."""

    blocks: list[Block]
    starts: list[int]
    hunks: dict[int, tuple[int, int]]


_ON_OLD = {" ": 1, "-": 1, "+": 0}
_ON_NEW = {" ": 1, "-": 0, "+": 1}


class Numbers:
    """Old and new numbers of a hunk's lines, counted once."""

    def __init__(self, hunk: Hunk) -> None:
        # Without a Python frame a line: a hunk may have 100,000.
        signs = [*map(itemgetter(0), hunk.diff)]
        self.old = array("I", accumulate(map(_ON_OLD.__getitem__, signs), initial=0))
        self.new = array("I", accumulate(map(_ON_NEW.__getitem__, signs), initial=0))


class Folded:
    """Lines as they are searched: seen, casefolded, in one string."""

    def __init__(self, lines: Sequence[str], seen: Callable[[str], str]) -> None:
        folded = [seen(line.removesuffix("\n")).casefold() + "\n" for line in lines]
        self._text = "".join(folded)
        self._starts = array("Q", accumulate(map(len, folded), initial=0))

    def lines_with(self, needle: str, first: int, last: int) -> list[int]:
        """The lines from `first` to `last` (not included) that have `needle` in them."""
        found: list[int] = []
        at, end = self._starts[first], self._starts[last]
        while (at := self._text.find(needle, at, end)) >= 0:
            line = bisect_right(self._starts, at) - 1
            found.append(line)
            at = self._starts[line + 1]
        return found


def row_of(block: Block, line: int) -> int:
    """The first row of a block's line."""
    return line if block.ends is None else (block.ends[line - 1] if line else 0)


def first_old(hunk: Hunk) -> int:
    """Number of the first line of a hunk on the old side, or of the line that it stands before."""
    # A side without lines names the line it stands after.
    return hunk.old_start if hunk.old_lines else hunk.old_start + 1


def first_new(hunk: Hunk) -> int:
    """The same on the new side."""
    return hunk.new_start if hunk.new_lines else hunk.new_start + 1
