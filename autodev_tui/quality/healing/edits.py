"""A changed file as calls of `edit_file` that can be taken back byte for byte."""

from __future__ import annotations

import difflib
import re

from autodev_tui.domain.text import show_bytes, unshow_bytes
from autodev_tui.quality.healing.source import BOM
from autodev_tui.tools.editing import replace_once

APART = 8
"""Unchanged lines between two changes that are still one call."""
MAX_CONTEXT = 60
"""Lines around a change that may be needed to make its place unique."""
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")

EditArgs = dict[str, str]


def apply(data: bytes, old: str, new: str) -> bytes | None:
    """The file after one call of `edit_file`; None where the call would be refused."""
    bom = BOM if data.startswith(BOM) else b""
    text = data[len(bom) :].decode(errors="surrogateescape")
    edited = replace_once(text, unshow_bytes(old), unshow_bytes(new))
    return None if edited is None else bom + edited.encode(errors="surrogateescape")


def undo(data: bytes, old: str, new: str) -> bytes | None:
    """The file before one call of `edit_file`."""
    return apply(data, new, old)


def calls(path: str, old: bytes, new: bytes) -> list[EditArgs] | None:
    """Arguments of the calls that turn `old` into `new`, and backwards, exactly; None where none can."""
    bom = BOM if old.startswith(BOM) else b""
    if old == new or not new.startswith(bom):
        return None
    try:
        before, after = old[len(bom) :].decode(), new[len(bom) :].decode()
    except UnicodeDecodeError:
        return None
    if show_bytes(unshow_bytes(before)) != before or show_bytes(unshow_bytes(after)) != after:
        return None
    made = _blocks(before.replace("\r\n", "\n"), after.replace("\r\n", "\n"))
    if made is None:
        return None
    # What the tool would do, tried both ways.
    now = old
    for block in made:
        moved = apply(now, *block)
        if moved is None or undo(moved, *block) != now:
            return None
        now = moved
    if now != new:
        return None
    return [{"path": path, "old_text": one, "new_text": other} for one, other in made]


def _blocks(before: str, after: str) -> list[tuple[str, str]] | None:
    """(old, new) texts, the last place first, each there once before and after its own replacement."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if any(line.rstrip("\n") != line.strip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029") for line in [*old, *new]):
        old, new = before.split("\n"), after.split("\n")
        old, new = [f"{one}\n" for one in old], [f"{one}\n" for one in new]
        old[-1], new[-1] = old[-1][:-1], new[-1][:-1]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    places: list[list[int]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        if places and a - places[-1][1] < APART:
            places[-1][1], places[-1][3] = b, d
        else:
            places.append([a, b, c, d])
    made = []
    now = list(old)
    for a, b, c, d in reversed(places):
        found = _unique(now, a, b, new[c:d])
        if found is None:
            return None
        made.append(found)
        now[a:b] = new[c:d]
    return made


def _unique(lines: list[str], start: int, end: int, new: list[str]) -> tuple[str, str] | None:
    whole = "".join(lines)
    after = "".join([*lines[:start], *new, *lines[end:]])
    first, last = start, end
    for _ in range(MAX_CONTEXT):
        one = "".join(lines[first:last])
        other = "".join([*lines[first:start], *new, *lines[end:last]])
        if one and other and whole.count(one) == 1 and after.count(other) == 1:
            return one, other
        if first == 0 and last == len(lines):
            return None
        first, last = max(first - 1, 0), min(last + 1, len(lines))
    return None


def read_diff(text: str, root: str) -> dict[str, list[str]]:
    """Unified diffs in a tool's output: path below `root` → the lines of its hunks."""
    found: dict[str, list[str]] = {}
    path, left, lines = "", [0, 0], text.split("\n")
    for number, line in enumerate(lines):
        if left[0] > 0 or left[1] > 0:
            mark = line[:1] or " "
            if mark == "\\":
                found[path].append(line)
                continue
            left = [left[0] - (mark in " -"), left[1] - (mark in " +")]
            found[path].append(line or " ")
            if left == [0, 0] and number + 1 < len(lines) and lines[number + 1].startswith("\\"):
                found[path].append(lines[number + 1])
        elif line.startswith("+++ "):
            path = _path(line[4:], root)
        elif path and (hunk := _HUNK.match(line)):
            left = [int(hunk[2] or 1), int(hunk[4] or 1)]
            found.setdefault(path, []).append(line)
    return found


def _path(name: str, root: str) -> str:
    name = name.partition("\t")[0]
    name = re.sub(r":(?:before|after)$", "", name).removeprefix(root + "/").removeprefix("./")
    return "" if name.startswith("/") else name


def patched(data: bytes, hunks: list[str]) -> bytes | None:
    """The file with the hunks of a diff applied, its line ends kept; None where they do not fit exactly."""
    bom = BOM if data.startswith(BOM) else b""
    try:
        text = data[len(bom) :].decode()
    except UnicodeDecodeError:
        return None
    end = "\r\n" if text.count("\r\n") > text.count("\n") / 2 else "\n"
    old = text.replace("\r\n", "\n").split("\n")
    ended = old[-1] == ""
    if ended:
        old.pop()
    made: list[str] = []
    at, bare, side = 0, False, ""
    for line in hunks:
        if hunk := _HUNK.match(line):
            start = int(hunk[1]) - (0 if hunk[2] == "0" else 1)
            made += old[at:start]
            at = start
        elif line[0] == "\\":
            bare = bare or side in "+ "
        else:
            side, content = line[0], line[1:].removeprefix("\ufeff").rstrip("\r")
            if side in " -":
                if at >= len(old) or old[at].rstrip("\r") != content:
                    return None
                at += 1
            if side in " +":
                made.append(content)
    ended = not bare if at == len(old) else ended
    whole = "\n".join([*made, *old[at:]]) + ("\n" if ended and (made or old[at:]) else "")
    return bom + whole.replace("\n", end).encode()
