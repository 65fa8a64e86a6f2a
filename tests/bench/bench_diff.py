"""The review of 100 000 lines: opening it, and scrolling a page, beside a bare view of as many lines."""

from __future__ import annotations

import asyncio
import itertools
import sys

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.domain.review import HunkInfo, ReviewView
from tests.bench.harness import MIN_SAMPLES, Row, interleaved, limit, spread, timed
from widgets.review_pane import ReviewPane

LINES = 100_000
SIZE = (120, 36)
SHAPES = {"one hunk": (1, 1), "10 files of 50 hunks": (10, 50), "one file of 5,000 hunks": (1, 5_000)}
"""Files, and hunks of each."""
PAGES = 60


def change(files: int, hunks: int) -> ReviewView:
    """A review of LINES lines: context, removed and added ones."""
    rows = LINES // (files * hunks)
    made: list[FileChange] = []
    number = 0
    for at in range(files):
        found = []
        start = 1
        for _ in range(hunks):
            number += 1
            diff = []
            for line in range(rows):
                sign = " -+ "[line % 4]
                diff.append(f'{sign}    value_{line} = lookup(name_{line}, default="{line}")  # and why\n')
            old, new = ([line[1:] for line in diff if line[0] != sign] for sign in "+-")
            found.append(
                Hunk(
                    number=number, path=f"src/module_{at}.py", header="def work", old_start=start,
                    old_lines=old, new_start=start, new_lines=new, diff=diff, fingerprint=str(number),
                )
            )  # fmt: skip
            start += rows + 10
        made.append(
            FileChange(path=f"src/module_{at}.py", status="modified", old_blob="a", new_blob="b", hunks=found)
        )
    return ReviewView(
        approval="a",
        shown_hash="h",
        task="T1",
        title="Long",
        changes=ChangeSet(base="b", proposed="p", files=made),
        hunks=[HunkInfo(number=one + 1) for one in range(number)],
    )


class Bare(ScrollView):
    """As many plain lines by the same line API."""

    def on_mount(self) -> None:
        self.virtual_size = Size(80, LINES)

    def render_line(self, y: int) -> Strip:
        text = f"{round(self.scroll_y) + y} plain text"
        return Strip([Segment(text)]).adjust_cell_length(self.size.width)


class Host(Screen[None]):
    """One view over the whole screen."""

    def __init__(self, view: ScrollView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


def paint(screen: Screen[None]) -> None:
    """Draw all of a screen, as a terminal would be given it."""
    screen._compositor.render_strips(screen.size)


async def measured() -> list[Row]:
    """All rows; the bare view is painted in turns with the review."""
    rows: list[Row] = []
    app: App[None] = App()
    async with app.run_test(size=SIZE) as pilot:
        bare, review = Bare(), ReviewPane()
        bare_host, host = Host(bare), Host(review)
        for screen in (bare_host, host):
            await app.push_screen(screen)
            await pilot.pause()
        pages = itertools.cycle(range(PAGES))

        def open_bare() -> None:
            bare.scroll_to(y=0, animate=False, force=True)
            paint(bare_host)

        def page_bare() -> None:
            bare.scroll_to(y=next(pages) * SIZE[1] * 20, animate=False, force=True)
            paint(bare_host)

        def page_review() -> None:
            review.page(1 if next(pages) else -PAGES)
            paint(host)

        for name, shape in SHAPES.items():
            view = change(*shape)

            def open_review(view: ReviewView = view) -> None:
                review.open_review(view)
                paint(host)

            opened, bare_opened = interleaved(
                lambda action=open_review: timed(action), lambda: timed(open_bare), count=MIN_SAMPLES
            )
            scrolled, bare_scrolled = interleaved(
                lambda: timed(page_review), lambda: timed(page_bare), count=PAGES
            )
            beside = "a bare view of as many lines"
            rows.append(
                limit(f"open {LINES:,} lines, {name}", opened, 0.150, f"{beside} {spread(bare_opened)}")
            )
            rows.append(limit(f"scroll a page, {name}", scrolled, 0.016, f"{beside} {spread(bare_scrolled)}"))
    return rows


def run() -> list[Row]:
    """All rows."""
    return asyncio.run(measured())


if __name__ == "__main__":
    from tests.bench.harness import show

    sys.exit(0 if show(run()) else 1)
