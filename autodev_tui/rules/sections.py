"""Parts of a file between two marker lines: rules write them anew, the text around them stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autodev_tui.policy.paths import PathDenied, resolve
from autodev_tui.rules.work import Call, CannotGoOn, Done, Move
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.textfile import kind_of, read_text

EDITS = ("edit_file", "write_file")


def marker(name: str) -> tuple[str, str]:
    """The lines before and after the part called `name`."""
    return f"<!-- autodev:{name} -->", f"<!-- /autodev:{name} -->"


def read(worktree: Path, path: str) -> str | None:
    """The file's text with `\\n` line ends; None where there is none. Raises CannotGoOn: it is no text."""
    try:
        place = resolve(worktree, path)
        if kind_of(place) == "missing":
            return None
        return read_text(place).text.replace("\r\n", "\n")
    except (ToolProblem, PathDenied) as error:
        raise CannotGoOn(f"{path} cannot be written by rules: {error}") from error


def find(text: str, path: str, name: str) -> tuple[int, int] | None:
    """Where the inside of the part is; None where the file has no such part.

    Raises:
        CannotGoOn: a marker stands alone, or twice.
    """
    begin, end = (
        [found.span() for found in re.finditer(rf"^[ \t]*{re.escape(line)}[ \t]*$", text, re.MULTILINE)]
        for line in marker(name)
    )
    if not begin and not end:
        return None
    if len(begin) != 1 or len(end) != 1 or begin[0][1] > end[0][0]:
        lines = " and ".join(f"`{line}`" for line in marker(name))
        raise CannotGoOn(f"{path}: {lines} must each stand once, in this order · mend the file first")
    return begin[0][1], end[0][0]


def filled(text: str, path: str, name: str, inside: str) -> str | None:
    """The text with the part's inside replaced; None where it has no such part."""
    place = find(text, path, name)
    return f"{text[: place[0]]}\n{inside.strip()}\n{text[place[1] :]}" if place else None


def part(name: str, inside: str) -> str:
    """The whole part, markers and all."""
    begin, end = marker(name)
    return f"{begin}\n{inside.strip()}\n{end}\n"


def harmless(text: str) -> str:
    """Words of others for a line of Markdown: no line ends, no control characters, no comments."""
    plain = "".join(char if char.isprintable() else " " for char in text.encode(errors="replace").decode())
    return " ".join(plain.replace("<!--", "&lt;!--").replace("-->", "--&gt;").split())


def written(path: str, old: str | None, new: str) -> list[Call]:
    """The calls that make `old` into `new`: one small edit, or a new file."""
    if old is None:
        return [("write_file", {"path": path, "content": new})]
    if not old.strip():
        return [("read_file", {"path": path}), ("write_file", {"path": path, "content": new})]
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    stop = 0
    while stop < min(len(before), len(after)) - start and before[-1 - stop] == after[-1 - stop]:
        stop += 1
    first, last = start, len(before) - stop
    # Lines around the place, until what is to be replaced is there once only.
    while first > 0 or last < len(before):
        wanted = "".join(before[first:last])
        if wanted.strip() and old.count(wanted) == 1:
            break
        first, last = max(0, first - 1), min(len(before), last + 1)
    tail = len(before) - last
    edit = {
        "path": path,
        "old_text": "".join(before[first:last]),
        "new_text": "".join(after[first : len(after) - tail]),
    }
    return [("read_file", {"path": path}), ("edit_file", edit)]


def carried_out(done: Sequence[Done], summary: str, subject: str) -> Move | None:
    """What follows the calls of `written`; None while they are still to be made.

    What the human rejected or changed in the review is decided: it is not proposed again.
    """
    edits = [one for one in done if one.name in EDITS]
    if not edits:
        return None
    if edits[-1].failed:
        raise CannotGoOn(f"the change was not made: {edits[-1].result[:300]}")
    return Move(calls=[("finish", {"summary": summary, "subject": subject})])
