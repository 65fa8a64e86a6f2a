"""When a key may decide on what a review shows: it was drawn, and then for a moment no key came (UI §1)."""

from __future__ import annotations

from collections.abc import Callable

REST_S = 0.5
"""Seconds without a key before the first decision on what appeared. A burst of keys decides nothing."""
SEEN_S = 0.15
"""Seconds that a hunk is on the screen before it can be decided: a held key runs into what nobody saw."""


class ReviewArming:
    """Not armed after something appeared or got the focus; once armed it stays so. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._drawn = False
        self._armed = False
        self._seen: dict[int, float] = {}

    def appeared(self) -> None:
        """Something else is shown now."""
        self._drawn = self._armed = False
        self._seen.clear()

    def focused(self) -> None:
        """The keys come here from now on."""
        self._armed = False
        self._since = self._clock()

    def drawn(self) -> None:
        """What is shown was drawn."""
        if not self._drawn:
            self._drawn = True
            self._since = self._clock()

    def drawn_hunk(self, hunk: int) -> None:
        """A hunk, or a part of it, was drawn."""
        self._seen.setdefault(hunk, self._clock())

    def seen(self, hunk: int) -> bool:
        """Whether a hunk was on the screen long enough to be seen."""
        return hunk in self._seen and self._clock() - self._seen[hunk] >= SEEN_S

    def key(self) -> None:
        """A key came: it is the first that decides, or it puts that off."""
        if self.armed:
            self._armed = True
        else:
            self._since = self._clock()

    @property
    def armed(self) -> bool:
        """Whether a key decides now."""
        return self._armed or (self._drawn and self._clock() - self._since >= REST_S)
