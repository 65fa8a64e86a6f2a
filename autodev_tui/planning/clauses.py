"""Cuts a goal into clauses where its words, lists and sentences part what is to be done (S05's fast lane).

Nothing is lost: the texts of the clauses, one after the other, are the goal. Code, quotes and parentheses
are never cut. Time grows linearly with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from autodev_tui.planning import wording

Begin = Literal[
    "line", "bullet", "number", "sentence", "semicolon", "first", "then", "last", "else", "heading", "fence"
]
"""What a clause begins with: that is how it goes with the one before."""

_LIST = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<bullet>(?:[-*•‣◦+–]|\[[ xX]?\])(?:[ \t]+\[[ xX]?\])?)"
    r"|\(?(?P<number>\d{1,3})[.):]|(?P<letter>[a-h])\))[ \t]+(?=\S)"
)
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+\S")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_INLINE_NUMBER = re.compile(r"(?<!\S)\(?(?P<number>\d{1,2})[.)](?=[ \t]+\S)")
_TOKEN = re.compile(
    r"(?P<kept>```.*?(?:```|\Z)|`[^`\n]{1,300}`|\"[^\"\n]{1,300}\"|“[^“”\n]{1,300}”|\([^()\n]{1,300}\)"
    r"|https?://\S{1,500})"
    r"|(?P<end>[.!?…]+[\"')\]]?(?=\s|$))|(?P<semicolon>;)|(?P<comma>,|\s[—–-]\s|&)"
    r"|(?P<word>[^\W_](?:[\w'’-]*\w)?)",
    re.DOTALL,
)
_SHORT_LINE = 60
"""A line shorter than this was ended by whoever wrote it; a longer one may have been wrapped."""
_MARKERS = wording.word_set(
    """and at finally lastly last in panghuli pinakahuli sa then after afterward afterwards next thereafter
    subsequently pagkatapos tapos tsaka saka sunod susunod kasunod secondly thirdly second third pangalawa
    ikalawa pangatlo ikatlo first firstly to una bago otherwise else or if kung kundi o"""
)
_ALONE = frozenset(("next", "second", "third", "first", "una", "last", "else"))
"""Words that part clauses only where a comma or the beginning says so: `add a next button`."""


@dataclass(frozen=True)
class Clause:
    """One piece of the goal, exactly as written."""

    text: str
    begins: Begin
    mark: int = 0
    """Length of the list marker at its beginning."""
    indent: int = 0
    number: int | None = None
    """Its number in a numbered list."""

    @property
    def words(self) -> str:
        """Its text without list marker and space around."""
        return self.text[self.mark :].strip()


def cut(goal: str) -> list[Clause]:
    """The clauses of a goal in their order."""
    clauses: list[Clause] = []
    for unit in _numbered_inline(_units(goal)):
        if unit.begins in ("heading", "fence"):
            clauses.append(unit)
        else:
            clauses.extend(_cut_unit(unit))
    return clauses


def _units(goal: str) -> Iterator[Clause]:
    """Headings, code blocks, list items, and lines of prose; lines that were only wrapped are one."""
    held: Clause | None = None
    lines: list[str] = []
    blank = False
    for block, fenced in _lines(goal):
        if not fenced and held and (blank := blank or not block.strip()) and not block.strip():
            lines.append(block)
            continue
        found = None if fenced else _LIST.match(block)
        if held and not fenced and not found and not blank and _goes_on(held, lines[-1], block):
            lines.append(block)
            continue
        if held:
            yield replace(held, text="".join(lines))
        lines, blank = [block], False
        if fenced:
            held = Clause("", "fence")
        elif found:
            number = found["number"]
            indent = len(found["indent"].expandtabs(4))
            held = Clause(
                "", "number" if number else "bullet", found.end(), indent, int(number) if number else None
            )
        else:
            held = Clause("", "heading" if _HEADING.match(block) else "line")
            blank = not block.strip()
    if held:
        yield replace(held, text="".join(lines))


def _lines(goal: str) -> Iterator[tuple[str, bool]]:
    """The lines with their ends; a fenced code block comes as one."""
    fence: list[str] = []
    for line in goal.splitlines(keepends=True):
        if fence:
            fence.append(line)
            if _FENCE.match(line):
                yield "".join(fence), True
                fence = []
        elif _FENCE.match(line):
            fence = [line]
        else:
            yield line, False
    if fence:
        yield "".join(fence), True


def _goes_on(held: Clause, last: str, line: str) -> bool:
    """Whether `line` is the rest of what `held` began; `last` is its last line so far."""
    if held.begins in ("heading", "fence") or _HEADING.match(line):
        return False
    if held.begins in ("bullet", "number"):
        indented = len(line) - len(line.lstrip()) > held.indent
        return indented or (line.lstrip()[:1].islower() and not wording.asks(line))
    last = last.rstrip()
    return len(last) >= _SHORT_LINE and last[-1:] not in ".!?:;"


def _numbered_inline(units: Iterator[Clause]) -> Iterator[Clause]:
    """`1) this 2) that` within one line are two items."""
    for unit in units:
        if unit.begins not in ("line", "number"):
            yield unit
            continue
        starts: list[int] = []
        for found in _INLINE_NUMBER.finditer(unit.text):
            if int(found["number"]) == len(starts) + 1:
                starts.append(found.start())
        if len(starts) < 2 or (unit.begins == "number" and unit.text[: starts[0]].strip()):
            yield unit
            continue
        if unit.text[: starts[0]].strip():
            yield Clause(unit.text[: starts[0]], "line")
        else:
            starts[0] = 0
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(unit.text)], strict=True), 1):
            text = unit.text[start:stop]
            marker = _LIST.match(text) or _INLINE_NUMBER.search(text)
            yield Clause(text, "number", marker.end() if marker else 0, unit.indent, number)


def _cut_unit(unit: Clause) -> Iterator[Clause]:
    """The clauses of one line or list item."""
    text, start, begins = unit.text, 0, unit.begins
    pending: Begin | None = None
    listed = unit.begins in ("bullet", "number")
    clause_start, after_comma, guarded = True, False, False
    marker_end = 0
    for token in _TOKEN.finditer(text, unit.mark):
        kind = token.lastgroup
        if token.start() < marker_end:
            continue
        if kind == "end" and not _abbreviates(text, token.start()):
            pending, clause_start = "sentence", True
        elif kind == "semicolon":
            pending, clause_start = "semicolon", True
        elif kind == "comma":
            after_comma, guarded = True, False
        elif kind == "word":
            found, marker_end = _marker(text, token, clause_start, after_comma, guarded)
            cuts = found if found else None if listed and pending == "sentence" else pending
            if clause_start:
                guarded = bool(wording.CONDITION.match(text, token.start()))
            elif guarded and token[0].lower() == "then":
                guarded = False
            if cuts and text[start : token.start()][unit.mark if start == 0 else 0 :].strip():
                yield _part(unit, start, token.start(), begins)
                start, begins = token.start(), cuts
                guarded = bool(wording.CONDITION.match(text, token.start()))
            elif cuts and begins in ("line",) and cuts in ("first", "then", "last", "else"):
                begins = cuts
            pending, clause_start, after_comma = None, False, False
        else:
            clause_start = after_comma = False
            pending = None if kind == "kept" and pending is None else pending
    yield _part(unit, start, len(text), begins)


def _part(unit: Clause, start: int, stop: int, begins: Begin) -> Clause:
    first = start == 0
    return Clause(
        unit.text[start:stop], begins, unit.mark if first else 0, unit.indent, unit.number if first else None
    )


def _marker(
    text: str, token: re.Match[str], starts: bool, after_comma: bool, guarded: bool
) -> tuple[Begin | None, int]:
    """What the words at `token` say of the order, if they part clauses here, and where they end."""
    word, at = token[0].lower(), token.start()
    if word not in _MARKERS:
        return None, 0
    alone = starts or after_comma
    if alone and (found := wording.OTHERWISE.match(text, at)) and _rest(text, found.end()):
        return "else", found.end()
    if not starts and (found := wording.BEFORE.match(text, at)):
        return "then", found.end()
    found = wording.SEQUENCE.match(text, at)
    rest = _rest(text, found.end()) if found else ""
    if not found or not rest or (word in _ALONE and not alone):
        return None, 0
    if found["first"]:
        return ("first", found.end()) if alone and _acts(rest, strict=after_comma) else (None, 0)
    if guarded and not starts and found[0].lower() == "then":
        return None, 0  # `if this then that` is one
    if not _acts(rest, strict=not alone):
        return None, 0
    return ("last" if found["last"] else "then"), found.end()


def _rest(text: str, at: int) -> str:
    """What follows a word of order, some words of it."""
    return text[at : at + 300].lstrip(" \t,:—–-")


def _acts(rest: str, *, strict: bool) -> bool:
    """Whether something is asked for here, as far as the words tell."""
    if strict:
        return wording.asks(rest)
    first = wording.first_words(rest, 1)
    return bool(first) and (wording.asks(rest) or first[0] not in wording.NO_ACTION)


def _abbreviates(text: str, at: int) -> bool:
    """Whether the point at `at` ends an abbreviation, not a sentence."""
    word = re.split(r"[\s(]", text[max(0, at - 12) : at])[-1].lower()
    return word in wording.ABBREVIATIONS or (len(word) == 1 and word.isalpha())
