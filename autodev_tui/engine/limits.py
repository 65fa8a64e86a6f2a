"""Limits of a run: turns, time, money, and loops that lead nowhere."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

from autodev_tui.engine.decisions import canonical

WARN_AFTER, STOP_AFTER = 3, 5
"""Identical calls with identical results: told at 3, stopped at 5 (field figures of several agents)."""
WINDOW = 10
"""Steps looked back for an A-B-A-B loop."""
EMPTY_REPLIES, CUT_REPLIES, BAD_CALLS = 2, 3, 3
"""Replies in a row that end an agent: empty ones, ones cut by length, ones whose every call is malformed."""


class StuckDetector:
    """Recognises an agent that goes round in circles."""

    def __init__(self) -> None:
        self._seen: deque[str] = deque(maxlen=WINDOW)

    def add(self, name: str, args: dict[str, Any], result: str) -> str:
        """Record one call. Returns `""`, `"warn"` or `"stop"`."""
        mark = hashlib.sha256(canonical([name, args, result])).hexdigest()
        self._seen.append(mark)
        count = self._run_length()
        if count >= STOP_AFTER or self._alternates(WINDOW):
            return "stop"
        if count == WARN_AFTER or (len(self._seen) >= 6 and self._alternates(6) and not self._alternates(7)):
            return "warn"
        return ""

    def reset(self) -> None:
        """Forget everything: the human said how to go on."""
        self._seen.clear()

    def _run_length(self) -> int:
        last = self._seen[-1]
        count = 0
        for mark in reversed(self._seen):
            if mark != last:
                break
            count += 1
        return count

    def _alternates(self, length: int) -> bool:
        if len(self._seen) < length:
            return False
        tail = list(self._seen)[-length:]
        return tail[0] != tail[1] and all(tail[i] == tail[i % 2] for i in range(length))


def estimated_tokens(characters: int) -> int:
    """Tokens of a prompt; 3.2 characters a token is the field's figure for code with the newer tokenizers."""
    return int(characters / 3.2)
