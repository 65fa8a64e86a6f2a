"""The four levels of autonomy."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much an agent may do alone, lowest first (S02)."""

    GUIDED = "guided"
    COLLABORATIVE = "collaborative"
    SUPERVISED = "supervised"
    FULL = "full"

    @property
    def rank(self) -> int:
        """Position on the slider, 0 for guided to 3 for full."""
        return list(Level).index(self)


def effective_level(slider: Level, recommended: Level, pin: Level | None) -> Level:
    """The level that holds: the pin replaces the recommendation, the slider caps either."""
    return min(slider, pin or recommended, key=lambda level: level.rank)
