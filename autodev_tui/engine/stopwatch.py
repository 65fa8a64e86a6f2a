"""The time a run is at work: a pause, and waiting for the human's answer, are not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs while at least one part of the run is at work; the run itself is one part, from the start."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._begun = monotonic()
        self._at_work = 1
        self._stands_since = 0.0
        self._stood = 0.0

    def begin(self) -> None:
        """One more part is at work."""
        if not self._at_work:
            self._stood += self._monotonic() - self._stands_since
        self._at_work += 1

    def end(self) -> None:
        """One part less is at work."""
        self._at_work -= 1
        if not self._at_work:
            self._stands_since = self._monotonic()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, one part is not at work."""
        self.end()
        try:
            yield
        finally:
            self.begin()

    def seconds(self) -> float:
        """Seconds at work so far."""
        now = self._monotonic() if self._at_work else self._stands_since
        return now - self._begun - self._stood
