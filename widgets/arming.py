"""When a question may be answered: in focus, drawn to its end, and half a second without any key (UI §1)."""

from __future__ import annotations

from collections.abc import Callable

REST_S = 0.5
"""Seconds without any key, since the focus came, or since what is asked was first drawn."""


class Arming:
    """Whether a decision counts. Whatever is told restarts the clock; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._subject = ""
        self._since = clock()
        self._focused = False
        self._drawn = False
        self._held = False

    def shown(self, subject: str) -> None:
        """This is what is asked now; another question, or another text of it, begins anew."""
        if subject != self._subject:
            self._subject = subject
            self._drawn = self._held = False
            self._since = self._clock()

    def focused(self, yes: bool) -> None:
        """The focus came or went."""
        self._focused = yes
        self._held = False
        self._since = self._clock()

    def drawn_to_end(self) -> None:
        """The last row of what is asked was drawn."""
        if not self._drawn:
            self._drawn = True
            self._since = self._clock()

    def key(self) -> None:
        """A key was pressed; `held` tells whether it found the question armed."""
        self._held = self.armed
        self._since = self._clock()

    @property
    def armed(self) -> bool:
        """Whether a key that decides would count now."""
        return bool(self._subject) and self._focused and self._drawn and self.rest_s <= 0

    @property
    def held(self) -> bool:
        """Whether the key that is being carried out found the question armed."""
        return self._held

    @property
    def rest_s(self) -> float:
        """Seconds until it may be armed."""
        return self._since + REST_S - self._clock()

    @property
    def waits_for_time(self) -> bool:
        """Whether nothing but time is missing."""
        return bool(self._subject) and self._focused and self._drawn and self.rest_s > 0

    @property
    def refusal(self) -> str:
        """Why the key that is being carried out decides nothing; empty where it does."""
        if self._held:
            return ""
        if not self._drawn:
            return "read to the end first"
        return "nothing was decided: the keys count half a second after the last one"
