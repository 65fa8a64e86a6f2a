"""A change set to move in: hunks, files, hidden lines, long lines, find, copy. It decides nothing."""

from __future__ import annotations

import asyncio

from widgets.diff_layout import Kind
from widgets.diff_model import DiffModel
from widgets.diff_pane import DiffPane
from widgets.diff_rows import patch, rows_of, shown

SEARCHED_AT_ONCE = 5000
"""Rows; more are searched beside everything else, and lit when they are found."""
SIDE_STEP = 16
"""Cells that `H` and `L` move."""


class DiffView(DiffPane):
    """Moves in a change set."""

    # -- moving

    _hunk_wanted = 0
    """The hunk to go to once the view has a size."""

    def show_row(self, index: int, *, margin: int = 0) -> None:
        """Scroll as little as needed; the first row of the view is the file's name."""
        top = round(self.scroll_y)
        if index <= top:
            self.scroll_to(y=max(index - 1 - margin, 0), animate=False, force=True)
        else:
            super().show_row(index, margin=margin)

    def move_to(self, index: int, step: int = 1) -> None:
        """The cursor on this row, or on the nearest where it can stand, first in the direction of `step`."""
        count = self.row_count()
        if not count:
            return
        index = min(max(index, 0), count - 1)
        for direction in (step, -step):
            at = index
            while 0 <= at < count and not self.can_stand(at):
                at += direction
            if 0 <= at < count:
                self.cursor = at
                return

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the cursor in view; at the first place where it can stand, what is above it too."""
        super().watch_cursor(old, new)
        if old != new and new <= 2:
            self.scroll_to(y=0, animate=False, force=True)

    def go_to_hunk(self, hunk: int) -> None:
        """The cursor on the first change of a hunk, as much of the hunk in view as fits."""
        model = self.model
        if model is None or model.hidden(hunk):
            return
        start, end = model.span(hunk)
        self.cursor = model.first_change(hunk)
        if not self.body_height:
            # Nothing is laid out yet: where to scroll to is known once it is.
            self._hunk_wanted = hunk
            return
        top, height = round(self.scroll_y), self.body_height
        if start <= top or (end > top + height and start - 1 > top):
            fits = max(end - height, 0)
            wanted = start - 1 if start <= top or end - start >= height - 1 else fits
            self.scroll_to(y=max(wanted, 0), animate=False, force=True)
            self.show_row(self.cursor)

    @property
    def hunks_in_view(self) -> list[int]:
        """The hunks that are not hidden, in order."""
        return [number for number in self.model.hunks if not self.model.hidden(number)] if self.model else []

    def next_item(self, step: int) -> None:
        """The next or previous hunk."""
        self.action_hunk(step)

    def action_hunk(self, step: int) -> None:
        """The next or previous hunk; from between two hunks the one in that direction."""
        if self.model is None:
            return
        near, numbers = self.hunk, self.hunks_in_view
        if not near:
            below = self.model.hunk_near(self.cursor)
            before = self.model.span(below)[0] > self.cursor
            near = below - step if (step > 0) is before else below
        following = [one for one in numbers if (one > near if step > 0 else one < near)]
        if following:
            self.go_to_hunk(following[0] if step > 0 else following[-1])
        else:
            self.ignore("that was the last hunk" if step > 0 else "that was the first hunk")

    def action_file(self, step: int) -> None:
        """The first hunk of the next or previous file."""
        if self.model is None or not self.model.height:
            return
        at = self.model.file_at(self.cursor) + step
        while 0 <= at < len(self.model.files):
            hunk = next((h.number for h in self.model.files[at].hunks if not self.model.hidden(h.number)), 0)
            if hunk:
                self.cursor = self.model.first_change(hunk)
                top = self.model.start_of_file(at)
                self.scroll_to(y=top, animate=False, force=True)
                self.show_row(self.cursor)
                return
            at += step
        self.ignore("that was the last file" if step > 0 else "that was the first file")

    def action_sideways(self, step: int) -> None:
        """Code to the side."""
        self.side = max(self.side + step * SIDE_STEP, 0)

    def action_wrap(self) -> None:
        """Long lines in as many rows as they need, or cut."""
        self._wrapped = not self._wrapped
        self.side = 0
        self._measure()

    def _measure(self) -> None:
        model = self.model
        if model is None:
            return
        width = min((self.code_width(at) for at in range(len(model.files))), default=1)
        measure = (lambda text: rows_of(text, width)) if self._wrapped else None
        self.keep_place(lambda: model.wrap(measure))

    def on_resize(self) -> None:
        """What is above stays above: the top row does not move."""
        if self._wrapped:
            self._measure()
        if self._hunk_wanted and self.body_height:
            hunk, self._hunk_wanted = self._hunk_wanted, 0
            self.scroll_to(y=0, animate=False, force=True)
            self.go_to_hunk(hunk)

    def action_fold(self) -> None:
        """Open or close the hidden lines here; else a page down."""
        row = self.here
        if row is None or row.kind not in (Kind.GAP, Kind.CONTEXT):
            self.page(1)
        elif row.kind is Kind.GAP and self.model and not self.model.has_text(row.file):
            file = self.model.files[row.file]
            self._folds[file.path] = row.gap
            self._asked.discard(file.path)
            self._want_file(file)
        else:
            self.fold_at(row.file, row.gap)

    # -- find and copy

    def _look(self) -> None:
        needle, model = self.find_text.casefold(), self.model
        if not needle or model is None:
            self._take_hits([])
        elif model.height <= SEARCHED_AT_ONCE:
            self._take_hits(model.search(needle, shown))
        else:
            self.run_worker(self._search(model, needle), group="find", exclusive=True)

    async def _search(self, model: DiffModel, needle: str) -> None:
        hits = await asyncio.to_thread(model.search, needle, shown)
        if model is self.model and needle == self.find_text.casefold():
            self._take_hits(hits)
            if self._finding:
                self._to_hit(self.cursor)
            self.refresh()

    def _take_hits(self, hits: list[int]) -> None:
        self.hits, self._found = hits, set(hits)

    def copied(self) -> tuple[str, str]:
        """The hunk as a patch; between hunks the line."""
        row = self.here
        if row is None or self.model is None:
            return "", ""
        if row.hunk:
            return patch(self.model.hunks[row.hunk]), "hunk"
        return shown(row.text), "line"
