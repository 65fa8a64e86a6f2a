"""Colours of code: syntax by pygments, and the words that changed between two lines. Slow: for a thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from pygments.lexers import find_lexer_class_for_filename
from pygments.token import Token, _TokenType

from widgets.cells import Line

Span = tuple[int, int, str]
"""First character, the one after the last, and the role of a piece of a line."""
Spans = tuple[Span, ...]

COLOURED_CHARACTERS = 300_000
"""Longer files stay plain: a lexer makes about half a million characters a second."""
COMPARED_CHARACTERS = 300
"""Longer lines are not compared word by word."""
PAIRED_LINES = 200
"""Longer runs of changed lines are not paired: they are another text."""
_ALIKE = 0.35
"""Two lines of which less is common are not shown as one changed line."""
_WORD = re.compile(r"\w+|\s+|.", re.S)
_ROLES: dict[_TokenType, str] = {
    Token.Comment: "code-comment",
    Token.Keyword: "code-keyword",
    Token.Operator.Word: "code-keyword",
    Token.Literal.Number: "code-number",
    Token.Literal.String: "code-string",
    Token.Name.Function: "code-name",
    Token.Name.Class: "code-name",
    Token.Name.Decorator: "code-name",
    Token.Name.Tag: "code-name",
    Token.Name.Attribute: "code-name",
    Token.Name.Builtin: "code-keyword",
    Token.Generic.Heading: "code-keyword",
    Token.Generic.Subheading: "code-keyword",
}


def syntax(path: str, text: str) -> list[Spans]:
    """The coloured pieces of each line of a file; nothing where its language is unknown or it is too long."""
    lexer_class = find_lexer_class_for_filename(PurePosixPath(path).name)
    if lexer_class is None or len(text) > COLOURED_CHARACTERS:
        return []
    lines: list[list[Span]] = [[]]
    column = 0
    for _, kind, piece in lexer_class().get_tokens_unprocessed(text):
        role = _role(kind)
        for at, part in enumerate(piece.split("\n")):
            if at:
                lines.append([])
                column = 0
            if part and role:
                lines[-1].append((column, column + len(part), role))
            column += len(part)
    return [tuple(line) for line in lines]


def _role(kind: _TokenType) -> str:
    while kind is not None:
        if kind in _ROLES:
            return _ROLES[kind]
        kind = kind.parent
    return ""


def changed_words(diff: Sequence[str], first: int, last: int) -> dict[int, Spans]:
    """The words that changed in lines `first` to `last` (not included) of a hunk's diff, by line."""
    found: dict[int, Spans] = {}
    for removed, added in _pairs(diff, first, last):
        before, after = diff[removed][1:].rstrip("\n"), diff[added][1:].rstrip("\n")
        if max(len(before), len(after)) > COMPARED_CHARACTERS:
            continue
        found[removed], found[added] = compare(before, after)
    return found


def compare(before: str, after: str) -> tuple[Spans, Spans]:
    """The words of two lines that are not in the other one; nothing where too little is common."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    blocks = matcher.get_matching_blocks()
    common = sum(len(word.strip()) for block in blocks for word in old[block.a : block.a + block.size])
    longest = max(len(before.replace(" ", "")), len(after.replace(" ", "")), 1)
    if common / longest < _ALIKE:
        return (), ()
    gone: list[Span] = []
    come: list[Span] = []
    a = b = 0
    for block in blocks:
        _add(gone, old, a, block.a, "removed-word")
        _add(come, new, b, block.b, "added-word")
        a, b = block.a + block.size, block.b + block.size
    return tuple(gone), tuple(come)


def _add(spans: list[Span], words: list[str], start: int, end: int, role: str) -> None:
    if end > start:
        column = sum(map(len, words[:start]))
        spans.append((column, column + sum(map(len, words[start:end])), role))


def _pairs(diff: Sequence[str], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Removed and added lines that stand for each other: of runs side by side, in order."""
    at = max(first - PAIRED_LINES, 0)
    while at and diff[at - 1][0] == "-":
        at -= 1
    while at < min(last, len(diff)):
        if diff[at][0] != "-":
            at += 1
            continue
        middle = at
        while middle < len(diff) and diff[middle][0] == "-":
            middle += 1
        end = middle
        while end < len(diff) and diff[end][0] == "+":
            end += 1
        if end - at <= PAIRED_LINES:
            yield from zip(range(at, middle), range(middle, end), strict=False)
        at = end


def painted(text: str, spans: Spans, words: Spans, base: str = "code") -> Line:
    """A line in its colours; changed words lie over the syntax."""
    if not spans and not words:
        return [(text, base)] if text else []
    roles = [base] * len(text)
    for start, end, role in (*spans, *words):
        end = min(end, len(text))
        roles[start:end] = [role] * max(end - start, 0)
    line: Line = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or roles[at] != roles[start]:
            line.append((text[start:at], roles[start]))
            start = at
    return line
