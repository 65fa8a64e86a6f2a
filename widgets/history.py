"""What was typed before: gone through at the edges of a field, and searched."""

from __future__ import annotations

from collections.abc import Iterable

KEPT, CHARACTERS = 200, 100_000
"""Entries that are kept, and their characters together: the latest ones, the newest always."""


class History:
    """Entries, oldest first, and the place in them. The draft that was left for them is kept too."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.entries = _latest(list(entries))
        self._place = len(self.entries)
        self._draft = ""

    def add(self, text: str) -> None:
        """The newest entry; one that is there already moves to the end."""
        if text in self.entries:
            self.entries.remove(text)
        self.entries = _latest([*self.entries, text])
        self.rewind()

    def rewind(self) -> None:
        """Stand after the newest entry again."""
        self._place = len(self.entries)
        self._draft = ""

    @property
    def at_end(self) -> bool:
        """Whether it stands after the newest entry."""
        return self._place >= len(self.entries)

    def earlier(self, typed: str) -> str | None:
        """The entry before, None where there is none; `typed` is kept when it was a draft."""
        if self._place == 0:
            return None
        if self._place == len(self.entries):
            self._draft = typed
        self._place -= 1
        return self.entries[self._place]

    def later(self) -> str | None:
        """The entry after, at the end the draft; None where one stands there already."""
        if self._place >= len(self.entries):
            return None
        self._place += 1
        return self._draft if self._place == len(self.entries) else self.entries[self._place]

    def edited(self) -> None:
        """The entry in the field was changed: it is the draft now, and the draft before it an entry."""
        if self._place < len(self.entries):
            draft = self._draft
            self.rewind()
            if draft.strip():
                self.add(draft)

    def search(self, needle: str, most: int) -> list[str]:
        """Entries with every word of `needle` in them, newest first."""
        words = needle.casefold().split()
        found = [one for one in reversed(self.entries) if all(word in one.casefold() for word in words)]
        return found[:most]


def _latest(entries: list[str]) -> list[str]:
    kept = entries[-KEPT:]
    characters = sum(map(len, kept))
    while characters > CHARACTERS and len(kept) > 1:
        characters -= len(kept.pop(0))
    return kept
