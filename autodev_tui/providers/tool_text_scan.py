"""Finding one's way in a text that holds calls: JSON values, marks that must come next, ends of values."""

from __future__ import annotations

import re
from typing import Any

from autodev_tui.providers.strict_json import parse_arguments

NOT_CLOSED = "the call is not closed"


def json_value(text: str, start: int) -> tuple[Any, int, str]:
    """The JSON value at `start`, its end, and "" or what is wrong with it; trailing commas may be."""
    depth, at = 0, start
    pieces: list[str] = []
    while at < len(text):
        character = text[at]
        if character == '"':
            end = string_end(text, at)
            pieces.append(text[at:end])
            at = end
            continue
        if character in "}]":
            depth -= 1
            while pieces and pieces[-1].isspace():
                pieces.pop()
            if pieces and pieces[-1] == ",":
                pieces.pop()
        depth += character in "{["
        pieces.append(character)
        at += 1
        if depth == 0:
            break
    if depth or not pieces:
        return None, len(text), NOT_CLOSED
    parsed, error = parse_arguments(f'{{"value": {"".join(pieces)}}}')
    return (parsed["value"], at, "") if parsed and not error else (None, at, error)


def string_end(text: str, start: int) -> int:
    """Just after the JSON string that begins at `start`; the end of the text if it has none."""
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == '"':
            return at + 1
        else:
            at += 1
    return len(text)


def skip(text: str, at: int) -> int:
    """The next place from `at` that is no white space."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def closing(text: str, at: int, mark: str) -> int | None:
    """Just after `mark`, which must come next."""
    at = skip(text, at)
    return at + len(mark) if text.startswith(mark, at) else None


def end_of_value(text: str, start: int, mark: str, follows: str) -> int:
    """Where the value from `start` ends: at the first `mark` that `follows` comes after; -1 for nowhere."""
    after = re.compile(follows)
    at = text.find(mark, start)
    while at >= 0 and not after.match(text, at + len(mark)):
        at = text.find(mark, at + 1)
    return at


def without_frame(value: str) -> str:
    """A value without the line ends that its element is written with."""
    if not value.startswith("\n"):
        return value
    return value[1:-1] if value.endswith("\n") and len(value) > 1 else value[1:]
