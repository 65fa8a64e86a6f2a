"""The colours of a change set that is shown: made in threads, drawn when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from autodev_tui.domain.review import FileText
from widgets.diff_colours import Spans, changed_words, syntax
from widgets.diff_layout import Row
from widgets.diff_model import DiffModel

CHUNK = 128
"""Lines of a hunk whose changed words are looked for at once."""
CHUNKS_KEPT = 512

Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something beside everything else."""


@dataclass(frozen=True)
class _Side:
    """One side of a file: its lines, and their colours."""

    lines: list[str]
    spans: list[Spans]

    def at(self, number: int, text: str) -> Spans:
        """The colours of line `number` (from 1), where it really is `text`."""
        there = 0 < number <= len(self.spans) and self.lines[number - 1] == text
        return self.spans[number - 1] if there else ()


class DiffPaint:
    """Colours by row. `start` runs what makes them, `ready` is called when there are new ones."""

    def __init__(self, model: DiffModel, start: Start, ready: Callable[[], object]) -> None:
        self._model = model
        self._start = start
        self._ready = ready
        self._sides: dict[int, tuple[_Side, _Side]] = {}
        self._words: dict[tuple[int, int], dict[int, Spans]] = {}
        self._waiting: set[tuple[int, int]] = set()

    def of(self, row: Row) -> tuple[Spans, Spans]:
        """Syntax and changed words of a line, as far as they are known; what is missing is begun."""
        old, new = self._sides.get(row.file, (None, None))
        side, number = (old, row.old) if row.sign == "-" else (new, row.new)
        spans = side.at(number, row.text) if side else ()
        if row.sign == " ":
            return spans, ()
        chunk = (row.hunk, row.index // CHUNK)
        words = self._words.get(chunk)
        if words is None and chunk not in self._waiting:
            self._waiting.add(chunk)
            self._start(self._compare(chunk))
        return spans, words.get(row.index, ()) if words else ()

    def give_file(self, file: int, text: FileText) -> None:
        """Both sides of a file are known: their colours are begun."""
        self._start(self._colour(file, text))

    async def _colour(self, file: int, text: FileText) -> None:
        self._sides[file] = (
            await asyncio.to_thread(_side, text.path, text.old),
            await asyncio.to_thread(_side, text.path, text.new),
        )
        self._ready()

    async def _compare(self, chunk: tuple[int, int]) -> None:
        diff = self._model.hunks[chunk[0]].diff
        first = chunk[1] * CHUNK
        self._words[chunk] = await asyncio.to_thread(changed_words, diff, first, first + CHUNK)
        self._waiting.discard(chunk)
        while len(self._words) > CHUNKS_KEPT:
            del self._words[next(iter(self._words))]
        self._ready()


def _side(path: str, text: str) -> _Side:
    return _Side(text.split("\n"), syntax(path, text) if text else [])
