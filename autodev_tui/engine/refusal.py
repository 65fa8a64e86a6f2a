"""How an answerer or handler says no."""

from __future__ import annotations


class Refusal(Exception):
    """A request or command that is not carried out; the message says what, where and what to do."""

    def __init__(self, reason: str, moved: list[str] | None = None) -> None:
        super().__init__(reason)
        self.moved = moved or []
        """Paths that changed since they were shown."""
