"""The rows of a change set: which line of which hunk stands where. Rows are made when they are asked for.

Each file has a list of blocks (runs of rows of one kind), so that opening costs as much as there are hunks,
not lines, and what is put between lines (comments, notes, opened context) only re-measures its own file.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.domain.review import FileText
from widgets.diff_layout import (
    Block,
    Folded,
    Gap,
    Insert,
    Kind,
    Layout,
    Numbers,
    Row,
    first_new,
    first_old,
    row_of,
)

CONTEXT = 3
"""Lines that git shows around a change (`-U3`): a hunk that ends with fewer ends with its file."""


class DiffModel:
    """Where every row of a change set is. Rows are counted from 0."""

    def __init__(self, changes: ChangeSet) -> None:
        self.files: list[FileChange] = [file for file in changes.files if file.hunks]
        self.hunks: dict[int, Hunk] = {hunk.number: hunk for file in self.files for hunk in file.hunks}
        self._file_of = {hunk.number: at for at, file in enumerate(self.files) for hunk in file.hunks}
        self._parts_of_files = [
            file.status == "modified" and not any(hunk.whole_file and hunk.diff for hunk in file.hunks)
            for file in self.files
        ]
        """Of each file whether there is more of it than its hunks."""
        self._inserts: dict[int, tuple[Insert, ...]] = {}
        self._open: dict[tuple[int, int], None] = {}
        self._texts: dict[int, list[str]] = {}
        self._numbers: dict[int, Numbers] = {}
        self._folded: dict[int, Folded] = {}
        self._crlf: dict[int, bool] = {}
        self._shown: frozenset[int] | None = None
        self._measure: Callable[[str], int] | None = None
        self._layouts: dict[int, Layout] = {}
        self._heights = [self._plain_height(at) for at in range(len(self.files))]
        self._starts = self._sums()

    def ends_crlf(self, file: int) -> bool:
        """Whether every line of a file's hunks ends with CR LF: such ends are no change worth showing."""
        known = self._crlf.get(file)
        if known is None:
            lines = [line for hunk in self.files[file].hunks for line in hunk.diff if line.endswith("\n")]
            known = self._crlf[file] = bool(lines) and all(line.endswith("\r\n") for line in lines)
        return known

    # -- what is shown

    @property
    def height(self) -> int:
        """Rows in all."""
        return self._starts[-1]

    def insert(self, inserts: dict[int, tuple[Insert, ...]]) -> None:
        """Put these rows, by hunk, in place of all that were put between lines before."""
        touched = {
            self._file_of[hunk]
            for hunk in self._inserts.keys() | inserts.keys()
            if hunk in self._file_of and self._inserts.get(hunk) != inserts.get(hunk)
        }
        self._inserts = inserts
        self._again(touched)

    def show_only(self, hunks: Iterable[int] | None) -> None:
        """Show these hunks and nothing else of the change; None: all."""
        self._shown = None if hunks is None else frozenset(hunks)
        self._again(range(len(self.files)))

    def wrap(self, measure: Callable[[str], int] | None) -> None:
        """Give lines as many rows as `measure` says; None: one each."""
        self._measure = measure
        self._again(range(len(self.files)))

    def give_text(self, text: FileText) -> None:
        """The whole new side of a file, for its hidden lines."""
        for at, file in enumerate(self.files):
            if file.path == text.path:
                self._texts[at] = text.new.split("\n")
                if not self._texts[at][-1]:
                    self._texts[at].pop()
                self._again([at])

    def has_text(self, file: int) -> bool:
        """Whether the hidden lines of a file are known."""
        return file in self._texts

    def fold(self, file: int, gap: int) -> bool:
        """Open or close the hidden lines of a gap; whether they are open now."""
        if (file, gap) in self._open:
            del self._open[file, gap]
        else:
            self._open[file, gap] = None
        self._again([file])
        return (file, gap) in self._open

    def hidden(self, hunk: int) -> bool:
        """Whether a hunk is left out by `show_only`."""
        return self._shown is not None and hunk not in self._shown

    # -- rows

    def row(self, y: int) -> Row:
        """The row at `y`.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= y < self.height:
            raise IndexError(y)
        file = bisect_right(self._starts, y) - 1
        blocks, starts, _ = self._layout(file)
        inside = y - self._starts[file]
        at = bisect_right(starts, inside) - 1
        return self._row(file, blocks[at], inside - starts[at])

    def find(self, row: Row) -> int:
        """Where a row is now: itself, else the nearest that is left of what it belonged to."""
        if row.file >= len(self.files):
            return max(self.height - 1, 0)
        layout = self._layout(row.file)
        base = self._starts[row.file]
        first, end = layout.hunks.get(row.hunk, (0, 0)) if row.hunk else (0, len(layout.blocks))
        nearest = base + (layout.starts[first] if layout.starts else 0)
        for block, start in zip(layout.blocks[first:end], layout.starts[first:end], strict=True):
            if block.kind is not row.kind or block.hunk != row.hunk:
                continue
            if row.kind in (Kind.LINE, Kind.CONTEXT):
                offset = row.index - block.first
                if 0 <= offset < (len(block.ends) if block.ends is not None else block.rows):
                    return base + start + row_of(block, offset)
            elif row.kind is Kind.INSERT:
                if block.insert and row.insert and block.insert.place == row.insert.place:
                    return base + start
            elif block.gap == row.gap:
                return base + start
        return nearest

    def file_of(self, hunk: int) -> int:
        """Index of the file that a hunk is in."""
        return self._file_of[hunk]

    def file_at(self, y: int) -> int:
        """Index of the file at a row."""
        return max(bisect_right(self._starts, min(y, self.height - 1)) - 1, 0)

    def start_of_file(self, file: int) -> int:
        """The row of a file's name."""
        return self._starts[file]

    def span(self, hunk: int) -> tuple[int, int]:
        """First row of a hunk, and the row after its last; equal where it is not shown."""
        file = self._file_of[hunk]
        layout = self._layout(file)
        base = self._starts[file]
        if hunk not in layout.hunks:
            return base, base
        first, end = layout.hunks[hunk]
        last = layout.blocks[end - 1]
        return base + layout.starts[first], base + layout.starts[end - 1] + last.rows

    def first_change(self, hunk: int) -> int:
        """The row of the first changed line of a hunk."""
        diff = self.hunks[hunk].diff
        index = next((at for at, line in enumerate(diff) if line[0] != " "), 0)
        kind = Kind.LINE if diff else Kind.WHOLE
        return self.find(Row(kind, self._file_of[hunk], hunk, index))

    def hunk_near(self, y: int) -> int:
        """The hunk at a row, else the one below it in its file, else the one above; 0 where there is none."""
        if not self.height:
            return 0
        file = self.file_at(y)
        blocks, starts, _ = self._layout(file)
        at = bisect_right(starts, max(y - self._starts[file], 0)) - 1
        if blocks[at].hunk:
            return blocks[at].hunk
        below = (block.hunk for block in blocks[at:] if block.hunk)
        above = (block.hunk for block in reversed(blocks[:at]) if block.hunk)
        return next(below, 0) or next(above, 0)

    def gap(self, file: int, index: int) -> Gap:
        """The hidden lines before hunk `index` of a file, or after the last."""
        hunks = self.files[file].hunks
        before, after = hunks[index - 1] if index else None, hunks[index] if index < len(hunks) else None
        old = first_old(before) + len(before.old_lines) if before else 1
        new = first_new(before) + len(before.new_lines) if before else 1
        if after:
            return Gap(old, new, max(first_new(after) - new, 0))
        known = self._texts.get(file)
        return Gap(old, new, max(len(known) - new + 1, 0) if known is not None else 0)

    def search(self, needle: str, seen: Callable[[str], str]) -> list[int]:
        """The rows of all shown lines that have `needle` (casefolded) in what is `seen` of them."""
        found: list[int] = []
        for file in range(len(self.files)):
            layout = self._layout(file)
            for block, start in zip(layout.blocks, layout.starts, strict=True):
                count = len(block.ends) if block.ends is not None else block.rows
                if block.kind is Kind.LINE:
                    text = self._folded.get(block.hunk)
                    if text is None:
                        lines = [line[1:] for line in self.hunks[block.hunk].diff]
                        text = self._folded[block.hunk] = Folded(lines, seen)
                elif block.kind is Kind.CONTEXT:
                    text = Folded(self._texts[file][: block.first + count], seen)
                else:
                    continue
                base = self._starts[file] + start
                hits = text.lines_with(needle, block.first, block.first + count)
                found += [base + row_of(block, at - block.first) for at in hits]
        return found

    # -- layout

    def _plain_height(self, file: int) -> int:
        if self._shown is not None or self._measure is not None or self._touched(file):
            return sum(block.rows for block in self._layout(file)[0])
        hunks = self.files[file].hunks
        gaps = sum(self._has_gap(file, index) for index in range(len(hunks) + 1))
        return 1 + (file > 0) + gaps + sum(1 + (len(hunk.diff) or 1) for hunk in hunks)

    def _touched(self, file: int) -> bool:
        return (
            any(gap[0] == file for gap in self._open)
            or any(hunk.number in self._inserts for hunk in self.files[file].hunks)
        )  # fmt: skip

    def _again(self, files: Iterable[int]) -> None:
        for file in files:
            self._layouts.pop(file, None)
            self._heights[file] = self._plain_height(file)
        self._starts = self._sums()

    def _sums(self) -> list[int]:
        return list(accumulate(self._heights, initial=0))

    def _has_gap(self, file: int, index: int) -> bool:
        hunks = self.files[file].hunks
        if not self._parts_of_files[file]:
            return False
        if index < len(hunks):
            return not hunks[index].whole_file and self._gap_before(hunks, index)
        last = hunks[-1]
        if last.whole_file or (file in self._texts and not self.gap(file, index).count):
            return False
        return len(last.diff) >= CONTEXT and all(line[0] == " " for line in last.diff[-CONTEXT:])

    def _gap_before(self, hunks: Sequence[Hunk], index: int) -> bool:
        before = hunks[index - 1] if index else None
        end = 1 if before is None or before.whole_file else first_new(before) + len(before.new_lines)
        return first_new(hunks[index]) > end

    def _layout(self, file: int) -> Layout:
        made = self._layouts.get(file)
        if made is None:
            blocks = list(self._blocks(file))
            starts = list(accumulate((block.rows for block in blocks), initial=0))[:-1]
            hunks: dict[int, tuple[int, int]] = {}
            for at, block in enumerate(blocks):
                if block.hunk:
                    hunks[block.hunk] = hunks.get(block.hunk, (at, at))[0], at + 1
            made = self._layouts[file] = Layout(blocks, starts, hunks)
        return made

    def _blocks(self, file: int) -> Iterable[Block]:
        hunks = self.files[file].hunks
        shown = [hunk for hunk in hunks if not self.hidden(hunk.number)]
        if not shown:
            return
        if file:
            yield Block(Kind.BLANK, 1)
        yield Block(Kind.FILE, 1)
        for index, hunk in enumerate(hunks):
            if self._shown is None:
                yield from self._gap_blocks(file, index)
            if not self.hidden(hunk.number):
                yield from self._hunk_blocks(hunk)
        if self._shown is None:
            yield from self._gap_blocks(file, len(hunks))

    def _gap_blocks(self, file: int, index: int) -> Iterable[Block]:
        if not self._has_gap(file, index):
            return
        if (file, index) not in self._open or file not in self._texts:
            yield Block(Kind.GAP, 1, gap=index)
            return
        gap = self.gap(file, index)
        first = gap.new - 1
        lines = self._texts[file][first : first + gap.count]
        yield self._lines_block(Kind.CONTEXT, 0, first, lines)._replace(gap=index)

    def _hunk_blocks(self, hunk: Hunk) -> Iterable[Block]:
        inserts = sorted(self._inserts.get(hunk.number, ()), key=lambda one: one.line)
        yield Block(Kind.HEADING, 1, hunk.number)
        at = 0
        if not hunk.diff:
            yield Block(Kind.WHOLE, 1, hunk.number)
        for one in inserts:
            end = min(one.line + 1, len(hunk.diff))
            if end > at:
                yield self._lines_block(Kind.LINE, hunk.number, at, hunk.diff[at:end], skip=1)
                at = end
            if one.rows:
                yield Block(Kind.INSERT, len(one.rows), hunk.number, insert=one)
        if at < len(hunk.diff):
            lines = hunk.diff[at:] if self._measure else hunk.diff
            yield self._lines_block(Kind.LINE, hunk.number, at, lines, len(hunk.diff) - at, skip=1)

    def _lines_block(
        self, kind: Kind, hunk: int, first: int, lines: Sequence[str], count: int = 0, skip: int = 0
    ) -> Block:
        if self._measure is None:
            return Block(kind, count or len(lines), hunk, first)
        measure = self._measure
        ends = array("I", accumulate(measure(line[skip:].rstrip("\n")) for line in lines))
        return Block(kind, ends[-1] if ends else 0, hunk, first, ends=ends)

    def _row(self, file: int, block: Block, offset: int) -> Row:
        kind = block.kind
        part = 0
        if block.ends is not None:
            line = bisect_right(block.ends, offset)
            part = offset - row_of(block, line)
            offset = line
        if kind is Kind.LINE:
            return replace(self.line(block.hunk, block.first + offset), part=part)
        if kind is Kind.CONTEXT:
            index = block.first + offset
            gap = self.gap(file, block.gap)
            old = gap.old + index + 1 - gap.new
            text = self._texts[file][index]
            return Row(kind, file, 0, index, block.gap, old, index + 1, " ", text, part=part)
        if kind is Kind.INSERT:
            return Row(kind, file, block.hunk, insert=block.insert, part=offset)
        return Row(kind, file, block.hunk, gap=block.gap)

    def line(self, hunk: int, index: int) -> Row:
        """The row of one line of a hunk's diff, wherever it stands."""
        there = self.hunks[hunk]
        numbers = self._numbers.get(hunk)
        if numbers is None:
            numbers = self._numbers[hunk] = Numbers(there)
        line = there.diff[index]
        sign = line[0]
        return Row(
            Kind.LINE,
            self._file_of[hunk],
            hunk,
            index,
            0,
            there.old_start + numbers.old[index] if sign != "+" else 0,
            there.new_start + numbers.new[index] if sign != "-" else 0,
            sign,
            line[1:].removesuffix("\n"),
        )
