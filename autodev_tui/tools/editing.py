"""edit_file: one exact piece of text replaced, everything else of the file kept byte for byte."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass

from autodev_tui.domain.text import show_bytes, unshow_bytes
from autodev_tui.policy.secrets import SecretMoved
from autodev_tui.tools.arguments import EditFile
from autodev_tui.tools.base import MAX_FILE_BYTES, ToolProblem, shown
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.difference import Difference, difference
from autodev_tui.tools.effects import Effect
from autodev_tui.tools.nearmiss import explain
from autodev_tui.tools.textfile import BOM, TextFile, line_end, numbered, read_text, split_lines

_SNIPPET_LINES = 20
_SNIPPET_CONTEXT = 3


@dataclass(frozen=True)
class _Match:
    """Where to put what: offsets into the text with `\\n` line ends."""

    start: int
    end: int
    new: str
    how: str = ""


def plan_edit(context: ToolContext, args: EditFile) -> Effect:
    """The effect of one edit. Sync; reads the file, writes nothing.

    Raises:
        ToolProblem: if the text is not there exactly once, or the file must be read again first.
    """
    place = context.place(args.path)
    file = read_text(place)
    name = shown(place.relative)
    if place.relative in context.must_read:
        raise ToolProblem(f"{name}: it changed in the review; read it again before you edit it")
    if not args.old_text:
        raise ToolProblem(
            f"{name}: old_text is empty; give the text to replace, or use write_file for a whole file"
        )
    masked, secrets = context.masker.mask(file.text, place.relative)
    text = masked.replace("\r\n", "\n")
    old, new = (unshow_bytes(value).replace("\r\n", "\n") for value in (args.old_text, args.new_text))
    if old == new:
        raise ToolProblem(f"{name}: old_text and new_text are the same; nothing would change")
    matches = _matches(text, old, new)
    if not matches:
        raise ToolProblem(explain(show_bytes(text), show_bytes(old), show_bytes(new), name))
    if len(matches) > 1 and not args.replace_all:
        lines = ", ".join(str(text.count("\n", 0, match.start) + 1) for match in matches[:5])
        more = "…" if len(matches) > 5 else ""
        raise ToolProblem(
            f"{name}: old_text occurs {len(matches)} times (lines {lines}{more});"
            " add surrounding lines to make it unique, or set replace_all"
        )
    edited = _replaced(masked, text, matches)
    notes = [matches[0].how] if matches[0].how else []
    mark = context.read_marks.get(place.relative)
    if mark is not None and mark != file.digest:
        notes.append("the file had changed since you read it; the text to replace was still there once")
    times = f", {len(matches)} places" if len(matches) > 1 else ""
    return write_effect(context, file, masked, edited, bool(secrets), f"edited {name}{times}", notes)


def replace_once(text: str, old: str, new: str) -> str | None:
    """`text` after an edit, as `plan_edit` would make it; None where `old` is not there exactly once."""
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    plain = text.replace("\r\n", "\n")
    matches = _matches(plain, old, new) if old and old != new else []
    return _replaced(text, plain, matches) if len(matches) == 1 else None


def write_effect(
    context: ToolContext,
    file: TextFile,
    masked: str,
    edited: str,
    has_secrets: bool,
    done: str,
    notes: list[str],
) -> Effect:
    """The effect that turns `masked`, the text of `file` as the model knows it, into `edited`."""
    try:
        data = file.encode(context.masker.rehydrate(edited, file.text, file.path))
    except SecretMoved as error:
        raise ToolProblem(str(error)) from error
    if data == file.data:
        raise ToolProblem(f"{shown(file.path)}: nothing would change")
    if len(data) > MAX_FILE_BYTES:
        raise ToolProblem(
            f"{shown(file.path)}: would have {len(data):,} bytes, over the limit of {MAX_FILE_BYTES:,}"
        )
    changed = difference(masked, edited, file.path)
    return Effect(
        kind="write",
        path=file.path,
        pre_hash=file.digest,
        post_hash=hashlib.sha256(data).hexdigest(),
        mode=file.mode,
        masked=has_secrets,
        text=describe(done, edited, changed, notes),
        diff=show_bytes(changed.text),
        data={"added": changed.added, "removed": changed.removed, "line": changed.first},
        blob=(BOM * file.bom + edited).encode(errors="surrogateescape") if has_secrets else data,
    )


def describe(done: str, text: str, changed: Difference, notes: list[str]) -> str:
    """What the model is told: the counts, and the changed place as it is now, numbered."""
    first = max(changed.first - _SNIPPET_CONTEXT, 1)
    lines = split_lines(text)
    last = min(changed.first + max(changed.added, 1) + _SNIPPET_CONTEXT - 1, first + _SNIPPET_LINES - 1)
    snippet = numbered(lines[first - 1 : last], first)
    said = "".join(f" ({note})" for note in notes)
    return f"{done}: +{changed.added} −{changed.removed} lines{said}\n{snippet}".rstrip()


def _matches(text: str, old: str, new: str) -> list[_Match]:
    found: list[_Match] = []
    at = text.find(old)
    while at >= 0:
        found.append(_Match(at, at + len(old), new))
        at = text.find(old, at + len(old))
    if found:
        return found
    if old.endswith("\n") and not text.endswith("\n") and text.endswith(old[:-1]) and len(old) > 1:
        how = "the file has no line end at its end, and keeps it so"
        return [_Match(len(text) - len(old) + 1, len(text), new.removesuffix("\n"), how)]
    return _indented(text, old, new)


def _indented(text: str, old: str, new: str) -> list[_Match]:
    """Places where every line of `old` stands with the same white space more, or less, before it."""
    whole = old.endswith("\n")
    wanted = old.removesuffix("\n").split("\n")
    stripped = [line.lstrip(" \t") for line in wanted]
    if not any(stripped):
        return []
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[_Match] = []
    anchor = next(index for index, line in enumerate(stripped) if line)
    for at in range(len(lines) - len(wanted) + 1):
        if lines[at + anchor].lstrip(" \t") != stripped[anchor]:
            continue
        shift = _shift(lines[at : at + len(wanted)], wanted)
        moved = None if shift is None else _shifted(new, *shift)
        if moved is not None:
            end = starts[at + len(wanted)] - (0 if whole else 1)
            if end <= len(text):
                found.append(_Match(starts[at], end, moved, "matched with other indentation, which was kept"))
    return found


def _shift(actual: list[str], wanted: list[str]) -> tuple[str, str] | None:
    """(white space to add, to take away) that turns `wanted` into `actual`, the same in all lines."""
    shifts: set[tuple[str, str]] = set()
    for one, other in zip(actual, wanted, strict=True):
        if not one.strip() and not other.strip():
            continue
        if one.endswith(other) and not one[: len(one) - len(other)].strip(" \t"):
            shifts.add((one[: len(one) - len(other)], ""))
        elif other.endswith(one) and not other[: len(other) - len(one)].strip(" \t"):
            shifts.add(("", other[: len(other) - len(one)]))
        else:
            return None
    return shifts.pop() if len(shifts) == 1 else None


def _shifted(new: str, add: str, take: str) -> str | None:
    lines = new.split("\n")
    if any(line.strip() and not line.startswith(take) for line in lines):
        return None
    return "\n".join(add + line.removeprefix(take) if line.strip() else line for line in lines)


def _replaced(masked: str, text: str, matches: list[_Match]) -> str:
    """`masked`, whose lines may end in CRLF, with the matches replaced; new lines end like old ones."""
    ends: list[int] = []  # offsets into `text` of line ends that are two characters in `masked`
    at = masked.find("\r\n")
    while at >= 0:
        ends.append(at - len(ends))
        at = masked.find("\r\n", at + 2)
    general = line_end(masked)
    pieces: list[str] = []
    last = 0
    for match in matches:
        start = match.start + bisect_left(ends, match.start)
        end = match.end + bisect_left(ends, match.end)
        old = masked[start:end]
        end_of_line = line_end(old) if "\n" in old else general
        pieces += [masked[last:start], match.new.replace("\n", end_of_line)]
        last = end
    return "".join([*pieces, masked[last:]])
