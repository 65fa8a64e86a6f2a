"""Cuts an item into smaller steps by its score, and says how long it may take (S05)."""

from __future__ import annotations

from collections.abc import Sequence

from autodev_tui.planning.complexity import CHUNKED, HEAVY

MINUTES = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240)
"""By score 0–10. Ours: S05 gives bands, no times; what tasks really took is told beside it."""
EACH_PART = 0.25
"""Of the estimate, for each part beyond the first two; at most twice as long."""
_LIGHT = ("Make the change", "Check it, and add a test where none covers it")
_BEFORE = ("Read what is there, and what must stay as it is",)
_WHOLE = ("Build the smallest part that works", "Widen it to all that is asked for")
_AFTER = ("Add tests for what is new", "Run all checks, and put right what they find")


def subtasks_of(score: int, parts: Sequence[str], *, explicit: bool) -> list[str]:
    """The steps: none for 0–3, few for 4–6, more from 7 on. `parts` are those that the goal itself lists.

    What the goal lists as a list (`explicit`) are steps at any score.
    """
    own = list(dict.fromkeys(part for part in parts if part))
    if score >= HEAVY:
        return [*_BEFORE, *(own or _WHOLE), *_AFTER]
    if score >= CHUNKED:
        return [*(own or _LIGHT[:1]), _LIGHT[1]]
    return own if explicit else []


def estimate_minutes(score: int, extent: int) -> int:
    """A first guess in minutes; `extent` is how many parts or files it is about."""
    minutes = MINUTES[max(0, min(score, len(MINUTES) - 1))]
    return round(minutes * min(2.0, 1 + EACH_PART * max(0, extent - 2)))
