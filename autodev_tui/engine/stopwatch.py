"""The time a run is at work: a pause, and waiting for the human's answer, are not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Runs from the start; stands while at least one part of the run waits for the human."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._begun = monotonic()
        self._waiting = 0
        self._waiting_since = 0.0
        self._waited = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, time does not count."""
        if not self._waiting:
            self._waiting_since = self._monotonic()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._waited += self._monotonic() - self._waiting_since

    def seconds(self) -> float:
        """Seconds at work so far."""
        now = self._waiting_since if self._waiting else self._monotonic()
        return now - self._begun - self._waited
