"""Why a text that should be replaced was not found: the nearest place of the file and what differs there."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from autodev_tui.domain.text import HIDDEN, visible
from autodev_tui.tools.textfile import numbered, split_lines

MIN_SIMILARITY = 0.6
"""Below, a "did you mean" misleads more than it helps (field/models.md §D)."""
_SHOWN_LINES = 20
_CANDIDATES = 5
_QUOTES = str.maketrans("‘’“”`", "''\"\"'")
_NUMBERED = re.compile(r"^\s*\d+(?:\t|→|\s*\|\s?)")


def explain(text: str, old: str, new: str, path: str) -> str:
    """One paragraph for the model: what is nearest to `old` in `text` and how it differs. Sync, bounded."""
    lines, wanted = split_lines(text), split_lines(old)
    hints = []
    if new.strip() and new in text:
        hints.append("the replacement is already in the file: perhaps this edit is already done")
    if wanted and all(_NUMBERED.match(line) for line in wanted if line.strip()):
        hints.append("old_text seems to contain line numbers; leave them out")
    start, similarity = _nearest(lines, wanted)
    head = f"{path}: old_text not found"
    if hints:
        head += f"; {'; '.join(hints)}"
    if similarity < MIN_SIMILARITY:
        return f"{head}. Nothing similar is there; read the file again."
    actual = lines[start : start + len(wanted)]
    differs = _differences(actual, wanted)
    what = f" ({', '.join(differs)})" if differs else ""
    shown = numbered(actual[:_SHOWN_LINES], start + 1)
    if any(word in what for word in ("tabs", "trailing", "invisible")):
        exact = (
            f"{start + 1 + n:6}\t{visible(line, keep='')}‹end›"
            for n, line in enumerate(actual[:_SHOWN_LINES])
        )
        shown = "\n".join(exact)
    cut = f"\n… {len(actual) - _SHOWN_LINES} more lines" if len(actual) > _SHOWN_LINES else ""
    return f"{head}. Nearest: lines {start + 1}–{start + len(actual)}{what}. They are:\n{shown}{cut}"


def _nearest(lines: list[str], wanted: list[str]) -> tuple[int, float]:
    """(first line from 0, similarity 0–1) of the window most like `wanted`."""
    if not lines or not wanted:
        return 0, 0.0
    places: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        places.setdefault(_plain(line), []).append(index)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(wanted):
        if key := _plain(line):
            for index in places.get(key, ())[:50]:
                votes[max(index - offset, 0)] += 1
    if not votes:
        longest = max(wanted, key=len)
        near = difflib.get_close_matches(
            _plain(longest), [key for key in places if key][:5000], n=3, cutoff=0.5
        )
        for key in near:
            votes[max(places[key][0] - wanted.index(longest), 0)] += 1
    joined = "\n".join(_plain(line) for line in wanted)[:4000]

    def similarity(start: int) -> float:
        window = "\n".join(_plain(line) for line in lines[start : start + len(wanted)])[:4000]
        return difflib.SequenceMatcher(None, window, joined, autojunk=False).ratio()

    candidates = [start for start, _ in votes.most_common(_CANDIDATES)]
    best = max(candidates, key=similarity, default=0)
    return best, similarity(best) if candidates else 0.0


def _plain(line: str) -> str:
    return " ".join(line.translate(_QUOTES).replace('"', "'").split())


def _differences(actual: list[str], wanted: list[str]) -> list[str]:
    """What differs, each kind once, lines of `wanted` counted from 1."""
    kinds: dict[str, list[int]] = {}
    for number, (one, other) in enumerate(zip(actual, wanted, strict=False), 1):
        if one != other:
            kinds.setdefault(_difference(one, other), []).append(number)
    found = []
    for kind, numbers in kinds.items():
        some = ", ".join(map(str, numbers[:5])) + ("…" if len(numbers) > 5 else "")
        found.append(f"{kind} in line{'s' if len(numbers) > 1 else ''} {some} of old_text")
    if len(actual) < len(wanted):
        found.append("the file ends before")
    return found


def _difference(one: str, other: str) -> str:
    if one.rstrip() == other.rstrip():
        return "trailing space"
    if one.strip() == other.strip():
        indents = [line[: len(line) - len(line.lstrip())] for line in (one, other)]
        return "tabs against spaces" if ("\t" in indents[0]) != ("\t" in indents[1]) else "indentation"
    if HIDDEN.sub("", one.replace("\u00a0", " ")) == HIDDEN.sub("", other.replace("\u00a0", " ")):
        return "invisible characters"
    if one.translate(_QUOTES).replace('"', "'") == other.translate(_QUOTES).replace('"', "'"):
        return "quotes"
    if one.casefold() == other.casefold():
        return "upper and lower case"
    return "spacing" if _plain(one) == _plain(other) else "other words"
