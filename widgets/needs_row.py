"""The needs-you row: always there, one thing in it, never in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widgets.chrome import Row
from widgets.keys import bindings
from widgets.needs import Need, binding, idle, needs, stopped, waits

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from widgets.cells import Line


@dataclass(frozen=True)
class Offer:
    """What the last key offers: words, and what `enter` does. It goes when another key is pressed."""

    words: Line
    enter: Callable[[], None]
    escape: Callable[[], None] = lambda: None


class NeedsRow(Row, can_focus=True):
    """Order: what the last key offers, what stops work, questions, reviews, news."""

    can_focus = False
    BINDINGS = bindings("sheet")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.offer: Offer | None = None
        self.said: Line = []
        """What the last key did, or why it did nothing."""
        self.news: Line = []
        self.lost: Line = []
        """The engine is gone, or the disk is full."""
        self.need: Need | None = None
        """What the row names: where `tab` in an empty composer goes."""

    def show(self, mirror: Mirror, now: float, *, typing: bool, advice: str = "", here: str = "") -> None:
        """Show what is most urgent; `here` is the pane in use, of the desk its content."""
        waiting = needs(mirror)
        self.need = waiting[0] if waiting else None
        if self.offer:
            self.set([(" ", "text"), *self.offer.words])
        elif self.said:
            self.set([(" ", "text"), *self.said])
        elif self.lost:
            self.set([(" ", "text"), *self.lost])
        elif self.need and mirror.facts.hint and all(one.pane == here for one in waiting):
            # Nothing is hidden: all that waits is in front.
            self.set([(" ", "text"), (mirror.facts.hint, "muted")])
        elif self.need and self.need.pane == here == "questions":
            self.set([(" ", "text"), *waits(self.need, len(waiting) - 1, now)])
        elif (
            self.need
            and self.need.pane == here
            and (here in ("plan", "conflict") or sum(one.pane == here for one in waiting) == 1)
        ):
            # Its key would lead away from it, or to where one is.
            self.set([(" ", "text"), *(binding(mirror) if here == "landing" else self.need.line)])
        elif self.need:
            key = "tab" if typing else self.need.key
            if here == "tasks" and self.need.pane == "landing":
                key = "g enter"
            self.set(
                [(" ", "text"), *self.need.line],
                [(key, "key"), (f" {self.need.verb}", "muted"), (" ", "text")],
            )
        elif trouble := stopped(mirror):
            self.set(
                [(" ", "text"), *trouble], [(f"{mirror.facts.hint} ", "muted")] if mirror.facts.hint else []
            )
        elif mirror.facts.hint:
            self.set([(" ", "text"), (mirror.facts.hint, "muted")])
        elif advice:
            self.set([(" ", "text"), (advice, "muted")])
        else:
            left, right = (self.news, []) if self.news else idle(mirror, here, typing=typing)
            self.set([(" ", "text"), *left] if left else [], right)

    def action_yes(self) -> None:
        """Take the offer."""
        if offer := self._end():
            offer.enter()

    def action_no(self) -> None:
        """Leave the offer."""
        if offer := self._end():
            offer.escape()

    def _end(self) -> Offer | None:
        offer, self.offer = self.offer, None
        self.can_focus = False
        return offer

    def on_blur(self) -> None:
        """An offer that is looked away from is gone."""
        if offer := self._end():
            offer.escape()
