"""The difference of two texts for showing: quick where only a few places differ, bounded where all do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

_MATCHED_LINES = 2000
"""Middles longer than this are shown as one removal and one addition: matching them takes quadratic time."""
_CONTEXT = 3


@dataclass(frozen=True)
class Difference:
    """A unified diff with its counts; `first` is the first changed line of the new side, from 1."""

    text: str
    added: int
    removed: int
    first: int


def difference(old: str, new: str, path: str) -> Difference:
    """What changes from `old` to `new`. Sync; linear but for _MATCHED_LINES."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    start = max(head - _CONTEXT, 0)
    old_end, new_end = len(before) - max(tail - _CONTEXT, 0), len(after) - max(tail - _CONTEXT, 0)
    olds, news = before[start:old_end], after[start:new_end]
    if max(len(olds), len(news)) <= _MATCHED_LINES:
        raw = list(difflib.unified_diff(olds, news, n=_CONTEXT))[2:]
        lines = [_moved(line, start) if line.startswith("@@") else line for line in raw]
    else:
        lines = [f"@@ -{start + 1},{len(olds)} +{start + 1},{len(news)} @@\n"]
        lines += ["-" + line for line in olds] + ["+" + line for line in news]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    shown = [line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines]
    names = f"--- a/{path}\n+++ b/{path}\n" if shown else ""
    return Difference(names + "".join(shown), added, removed, head + 1)


def _moved(header: str, by: int) -> str:
    """A hunk header whose line numbers count from `by` lines further down."""
    parts = header.split(" ")
    for index in (1, 2):
        first, comma, count = parts[index][1:].partition(",")
        parts[index] = f"{parts[index][0]}{int(first) + by}{comma}{count}"
    return " ".join(parts)
