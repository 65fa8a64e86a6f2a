"""When a question may be answered: in focus, drawn to its end, and half a second without any key (UI §1)."""

from __future__ import annotations

from collections.abc import Callable

REST_S = 0.5
"""Seconds without any key, since the focus came, and since what is asked was drawn."""


class Arming:
    """Whether a decision counts. Whatever is told restarts the clock; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._subject = ""
        self._since = clock()
        self._focused = False
        self._drawn = False
        self._rested = False

    def shown(self, subject: str) -> None:
        """This is what is asked now; another question, or another text of it, begins anew."""
        if subject != self._subject:
            self._subject = subject
            self._drawn = False
            self._again()

    def focused(self, yes: bool) -> None:
        """The focus came or went."""
        self._focused = yes
        self._again()

    def drawn_to_end(self) -> None:
        """The last row of what is asked was drawn."""
        if not self._drawn:
            self._drawn = True
            self._again()

    def key(self) -> None:
        """A key was pressed; what it calls asks `refusal` whether it counts."""
        self._rested = bool(self._subject) and self._focused and self.rest_s <= 0
        self._since = self._clock()

    def _again(self) -> None:
        self._rested = False
        self._since = self._clock()

    @property
    def armed(self) -> bool:
        """Whether a key that decides would count now."""
        return bool(self._subject) and self._focused and self._drawn and self.rest_s <= 0

    @property
    def rest_s(self) -> float:
        """Seconds until time alone is no reason any more."""
        return self._since + REST_S - self._clock()

    @property
    def waits(self) -> bool:
        """Whether nothing but time is missing."""
        return bool(self._subject) and self._focused and self._drawn and self.rest_s > 0

    def refusal(self, *, unread: bool = False) -> str:
        """Why the key that is being carried out decides nothing; empty where it does.

        With `unread` it need not have been drawn to its end: for what only puts away or sends back.
        """
        if not self._drawn and not unread:
            return "read to the end first · G"
        if not self._rested:
            return "nothing was decided: keys count half a second after the last one"
        return ""
