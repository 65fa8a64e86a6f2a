"""The rows of a change set, drawn by the line API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar

from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip

from autodev_tui.domain.changeset import ChangeSet, FileChange
from autodev_tui.domain.requests import Answer, FileAnswer, GetFile
from autodev_tui.domain.review import FileText
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.diff_layout import FIELD, STOPS, Insert, Kind, Row
from widgets.diff_model import DiffModel
from widgets.diff_paint import DiffPaint
from widgets.diff_rows import (
    code,
    file_line,
    gap_line,
    gutter,
    gutter_widths,
    heading_line,
    shown,
)
from widgets.line_pane import LinePane
from widgets.messages import Asked


class DiffPane(LinePane):
    """Shows a change set. Colours come when they are ready, and move nothing."""

    CONTEXT: ClassVar[str] = "review"
    CURSOR_LINE: ClassVar[bool] = False

    side: reactive[int] = reactive(0)
    """Cells that the code is scrolled to the side."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.model: DiffModel | None = None
        self.words = ""
        self._wrapped = False
        self._paint: DiffPaint | None = None
        self._asked: set[str] = set()
        self._folds: dict[str, int] = {}
        self._gutters: dict[int, tuple[int, int]] = {}
        self._marked = (-1, 0, 0)
        """The cursor, and the rows that its mark covers."""
        self._found: set[int] = set()

    # -- what is shown

    def show_changes(self, changes: ChangeSet | None, title: str = "") -> None:
        """Show a change set from its beginning."""
        self.model = model = DiffModel(changes) if changes else None
        self._paint = DiffPaint(model, self._beside, self.refresh) if model else None
        self.words = title
        for kept in (self._asked, self._folds, self._gutters):
            kept.clear()
        self._marked = (-1, 0, 0)
        self.end_find()
        self.side = 0
        self._wrapped = False
        self.cursor = 0
        self.scroll_to(y=0, animate=False, force=True)
        if self.model and self.model.hunks:
            self.cursor = self.model.first_change(min(self.model.hunks))
        self.renew()

    def give_file(self, text: FileText) -> None:
        """Both sides of a file are known: its colours are made, its hidden lines can be opened."""
        model = self.model
        paths = [file.path for file in model.files] if model else []
        if model is None or self._paint is None or text.path not in paths:
            return
        at = paths.index(text.path)
        self.keep_place(lambda: model.give_text(text))
        if text.path in self._folds:
            self.fold_at(at, self._folds.pop(text.path))
        self._paint.give_file(at, text)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, group="colours")

    def _want_file(self, file: FileChange) -> None:
        """Ask for both sides of a file, once."""
        if file.path in self._asked or file.binary:
            return
        self._asked.add(file.path)
        request = GetFile(old_blob=file.old_blob, new_blob=file.new_blob, path=file.path)
        model = self.model

        def answered(answer: Answer) -> None:
            if isinstance(answer, FileAnswer) and self.model is model:
                self.give_file(answer.file)

        self.post_message(Asked(request, answered))

    def keep_place(self, change: Callable[[], object]) -> None:
        """Do something that moves rows; the cursor and the top of the view stay on theirs."""
        model = self.model
        if model is None or not model.height:
            change()
            return
        here, top = model.row(self.cursor), round(self.scroll_y)
        above = self.cursor - top
        change()
        self._marked = (-1, 0, 0)
        self.set_reactive(DiffPane.cursor, model.find(here))
        self.renew()
        self.scroll_to(y=max(self.cursor - above, 0), animate=False, force=True)

    def fold_at(self, file: int, gap: int) -> None:
        """Open or close hidden lines; the cursor stands where they begin."""
        model = self.model
        if model is None:
            return
        top = round(self.scroll_y)
        model.fold(file, gap)
        self._marked = (-1, 0, 0)
        first = Row(Kind.CONTEXT, file, index=max(model.gap(file, gap).new - 1, 0), gap=gap)
        closed = Row(Kind.GAP, file, gap=gap)
        at = model.find(first)
        self.set_reactive(DiffPane.cursor, at if model.row(at).kind is Kind.CONTEXT else model.find(closed))
        self.renew()
        self.scroll_to(y=top, animate=False, force=True)
        self.move_to(self.cursor)
        self.show_row(self.cursor)

    def put(self, inserts: dict[int, tuple[Insert, ...]]) -> None:
        """Put these rows between the lines, by hunk."""
        model = self.model
        if model:
            self.keep_place(lambda: model.insert(inserts))

    def show_only(self, hunks: Iterable[int] | None) -> None:
        """Show only these hunks; None: all."""
        model = self.model
        if model:
            self.keep_place(lambda: model.show_only(hunks))
            self.move_to(self.cursor)

    @property
    def here(self) -> Row | None:
        """The row that the cursor is on."""
        return self.model.row(self.cursor) if self.model and self.cursor < self.model.height else None

    @property
    def hunk(self) -> int:
        """The hunk that the cursor is on, 0 where there is none."""
        row = self.here
        return row.hunk if row else 0

    def in_view(self, hunk: int) -> bool:
        """Whether a row of the hunk is on the screen now."""
        if self.model is None:
            return False
        start, end = self.model.span(hunk)
        top = round(self.scroll_y)
        return start < top + self.body_height and end > top + 1

    # -- what a review adds

    def title(self) -> tuple[Line, Line]:
        """The words that came with the change."""
        files = len(self.model.files) if self.model else 0
        count = f"{files} file{'' if files == 1 else 's'}"
        return [(self.words, "data")], [(count, "text")] if files else []

    def drew(self, hunk: int) -> None:
        """A row of a hunk (0: of none) was drawn."""

    def badges(self, hunk: int) -> list[str]:
        """What stands out about a hunk."""
        return self.model.hunks[hunk].badges if self.model else []

    def state_of(self, hunk: int) -> Line:
        """The right end of a hunk's heading."""
        return [(f"{hunk}/{len(self.model.hunks)}", "muted")] if self.model else []

    def proven(self) -> Line:
        """The right end of the file's name at the top."""
        return []

    # -- rows

    def row_count(self) -> int:
        """Rows of all files."""
        return self.model.height if self.model else 0

    def can_stand(self, index: int) -> bool:
        """Lines, gaps and changes of whole files; not headings."""
        return self.model is not None and self.model.row(index).kind in STOPS

    def marked(self, index: int) -> bool:
        """All rows of the cursor's hunk."""
        model = self.model
        if model is None:
            return False
        cursor, start, end = self._marked
        if cursor != self.cursor:
            hunk = self.hunk
            start, end = model.span(hunk) if hunk else (self.cursor, self.cursor + 1)
            self._marked = (self.cursor, start, end)
        return start <= index < end

    def row_role(self, index: int) -> str:
        """What lies under a row."""
        row = self.model.row(index) if self.model else None
        if row is None:
            return ""
        if row.kind is Kind.HEADING:
            return "heading"
        return {"+": "added", "-": "removed"}.get(row.sign, "")

    def row(self, index: int) -> Line:
        """One row beside the cursor's column."""
        model = self.model
        assert model is not None
        row = model.row(index)
        stands = index == self.cursor
        if row.kind is Kind.FILE:
            return self._file(row.file, first=index == round(self.scroll_y))
        if row.kind is Kind.HEADING:
            hunk = model.hunks[row.hunk]
            return heading_line(hunk, self.badges(row.hunk), self.state_of(row.hunk), self.body_width)
        if row.kind is Kind.GAP:
            at_end = row.gap == len(model.files[row.file].hunks)
            return gap_line(model.gap(row.file, row.gap).count, stands=stands, at_end=at_end)
        if row.kind is Kind.WHOLE:
            words = visible(model.hunks[row.hunk].header, keep="")
            return [*gutter(row, (4, 5), stands=stands), (words, "muted")]
        if row.kind is Kind.INSERT and row.insert and row.insert.role == FIELD:
            return [("    ", "text"), ("" if row.part else '"', "asks")]
        if row.kind is Kind.INSERT and row.insert:
            text = shown(row.insert.rows[row.part])
            last = row.part == len(row.insert.rows) - 1
            mark: Line = [(f"          {row.insert.mark}", "muted")] if last and row.insert.mark else []
            return [("    ", "text"), (text, row.insert.role), *mark]
        return self._line(row, stands=stands) if row.kind in (Kind.LINE, Kind.CONTEXT) else []

    def row_text(self, index: int) -> str:
        """What find looks in: of a line the code alone."""
        row = self.model.row(index) if self.model else None
        if row and row.kind in (Kind.LINE, Kind.CONTEXT):
            return shown(row.text)
        return super().row_text(index)

    def render_line(self, y: int) -> Strip:
        """The strip of a row of the view. The name of the file that is read stays at the top."""
        if y == 1 and self.model and self.model.height:
            top = min(round(self.scroll_y), self.model.height - 1)
            kind, at = self.model.row(top).kind, self.model.file_at(top)
            if kind is not Kind.FILE:
                # A blank row stands before its file: what is above it is still the file before.
                file = self._file(at - (kind is Kind.BLANK), first=True)
                return self.strip([(" ", "text"), *file], self.size.width)
        index = round(self.scroll_y) + y - 1
        if self.model and 0 < y <= self.body_height and index < self.model.height:
            self.drew(self.model.row(index).hunk)
        return super().render_line(y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text under a mouse selection, of its rows alone."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.row_count() - 1
        rows = [self.row(index) for index in range(first, min(last + 1, self.row_count()))]
        text = "\n" * first + "\n".join(" " + "".join(part for part, _ in row) for row in rows)
        return selection.extract(text), "\n"

    def _file(self, at: int, *, first: bool) -> Line:
        assert self.model is not None
        place = f"file {at + 1} of {len(self.model.files)}"
        return file_line(self.model.files[at], place, self.proven() if first else [], self.body_width)

    def _line(self, row: Row, *, stands: bool) -> Line:
        assert self.model is not None and self._paint is not None
        self._want_file(self.model.files[row.file])
        head = gutter(row, self._gutter(row.file), stands=stands)
        spans, words = self._paint.of(row)
        text = row.text.removesuffix("\r") if self.model.ends_crlf(row.file) else row.text
        width = self.code_width(row.file)
        part = row.part if self._wrapped else None
        body = code(text, spans, words, left=self.side, width=width, part=part)
        if row.kind is Kind.LINE and self._unended(row) and part is None:
            body = [*body, ("  no line end", "muted")]
        return [*head, *body]

    def _unended(self, row: Row) -> bool:
        assert self.model is not None
        return not self.model.hunks[row.hunk].diff[row.index].endswith("\n")

    def code_width(self, file: int) -> int:
        """Cells for code."""
        assert self.model is not None
        return max(self.body_width - sum(self._gutter(file)) - 3, 1)

    def _gutter(self, file: int) -> tuple[int, int]:
        assert self.model is not None
        if file not in self._gutters:
            self._gutters[file] = gutter_widths(self.model.files[file])
        return self._gutters[file]
