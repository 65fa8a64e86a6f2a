"""The list above the composer: what could stand at its cursor, or what was typed before."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.strip import Strip

from autodev_tui.domain.text import visible
from widgets.cells import Line, spread
from widgets.roles import Drawn

MOST_ROWS = 6
_NAMES = 14


@dataclass(frozen=True)
class Offer:
    """One row: what it puts in, and what it says of it."""

    text: str
    words: str = ""
    ours: bool = False
    """The text is the program's own, not a path or words of the user."""


class ComposerPopup(Drawn):
    """At most six rows over what stands above the composer; nothing below them moves."""

    DEFAULT_CSS = """
    ComposerPopup {
        overlay: screen;
        display: none;
        width: 100%;
        height: 1;
        background: $panel;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.offers: list[Offer] = []
        self.place = 0
        self._top = 0

    @property
    def open(self) -> bool:
        """Whether the list is shown."""
        return bool(self.offers)

    @property
    def chosen(self) -> Offer | None:
        """The offer under the cursor."""
        return self.offers[self.place] if self.offers else None

    def show(self, offers: list[Offer]) -> None:
        """Offer these, the first one chosen; nothing hides the list."""
        if offers == self.offers:
            return
        self.offers, self.place, self._top = offers, 0, 0
        rows = min(len(offers), MOST_ROWS)
        self.styles.height = max(rows, 1)
        self.styles.offset = (0, -rows)
        self.display = bool(offers)
        self.refresh()

    def move(self, step: int) -> None:
        """Choose the next or previous one."""
        if self.offers:
            self.place = (self.place + step) % len(self.offers)
            self._top = min(max(self._top, self.place - MOST_ROWS + 1), self.place)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One offer."""
        index = self._top + y
        if index >= len(self.offers):
            return self.strip([], self.size.width)
        offer, here = self.offers[index], index == self.place
        text = visible(offer.text, keep="").replace("‹0A›", " / ")
        left: Line = [("▌ " if here else "  ", "focus"), (text, "bold" if offer.ours else "data")]
        if offer.words:
            left += [
                (" " * max(_NAMES - cell_len(text), 2), "text"),
                (visible(offer.words, keep=""), "muted"),
            ]
        below = len(self.offers) - self._top - MOST_ROWS
        right: Line = [(f"… {below} more ", "muted")] if below > 0 and y == MOST_ROWS - 1 else []
        line = spread(left, right, self.size.width, gap=2)
        return self.strip(line, self.size.width, row="cursor" if here else "")
