"""How the rows of a diff are written: gutter, code, headings, file names. Pure: from values to segments."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from autodev_tui.domain.changeset import FileChange, Hunk
from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.text import visible
from widgets.cells import Line, Segment, cut_path, spread, width_of
from widgets.diff_colours import Spans, painted
from widgets.diff_layout import Row
from widgets.glyphs import EVIDENCE, ROLE

TAB = 4
SHOWN_CHARACTERS = 4000
"""Of one line at once, beyond what lies left of the view: more than any terminal is wide."""


def shown(text: str) -> str:
    """A line as it is drawn: nothing hidden, tabs as spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(part for part, _ in _untabbed([(visible(text, keep="\t"), "")]))


def rows_of(text: str, width: int) -> int:
    """How many rows of `width` cells a line takes when it is wrapped."""
    seen = shown(text)
    if seen.isascii():
        return max(-(-len(seen) // max(width, 1)), 1)
    return max(len(chop_cells(seen, max(width, 1))), 1)


def gutter_widths(file: FileChange) -> tuple[int, int]:
    """Cells for the old and the new line numbers of a file."""
    old = max((hunk.old_start + len(hunk.old_lines) for hunk in file.hunks), default=0)
    new = max((hunk.new_start + len(hunk.new_lines) for hunk in file.hunks), default=0)
    digits = len(str(max(old, new) + 1))
    return max(4, digits + 1), max(5, digits + 1)


def gutter(row: Row, widths: tuple[int, int], *, stands: bool) -> Line:
    """Line numbers, the line's mark and the sign."""
    old, new = widths
    role = "gutter-cursor" if stands else "gutter"
    first = row.part == 0
    numbers = f"{row.old or '' if first else '':>{old}}{row.new or '' if first else '':>{new}}"
    sign = {"+": "+", "-": "−"}.get(row.sign, " ") if first else " "
    return [(numbers, role), ("›" if stands else " ", "focus" if stands else "text"), (f"{sign} ", "bold")]


def code(text: str, spans: Spans, words: Spans, *, left: int, width: int, part: int | None = None) -> Line:
    """The code of a line in `width` cells from cell `left`, or its wrapped row `part`."""
    if len(text) > left + SHOWN_CHARACTERS and part is None:
        text = text[: left + SHOWN_CHARACTERS]
    seen = visible(text, keep="\t")
    # Where something is shown by number, the places of colours are not those of the text any more.
    line = painted(text, spans, words) if seen == text else [(seen, "data")]
    line = _untabbed(line)
    if part is not None:
        return _piece(line, part, width)
    line = skip(line, left)
    if width_of(line) <= width:
        return line
    return [*_first_cells(line, max(width - 1, 0)), ("…", "muted")]


def _untabbed(line: Line) -> Line:
    if not any("\t" in text for text, _ in line):
        return line
    column = 0
    out: Line = []
    for text, role in line:
        parts = []
        for piece in text.split("\t"):
            parts.append(piece)
            column += cell_len(piece)
            if len(parts) <= text.count("\t"):
                gap = TAB - column % TAB
                parts[-1] += " " * gap
                column += gap
        out.append(("".join(parts), role))
    return out


def _piece(line: Line, part: int, width: int) -> Line:
    pieces = chop_cells("".join(text for text, _ in line), max(width, 1))
    if part >= len(pieces):
        return []
    start = sum(map(len, pieces[:part]))
    end = start + len(pieces[part])
    out: Line = []
    at = 0
    for text, role in line:
        cut = text[max(start - at, 0) : max(end - at, 0)]
        if cut:
            out.append((cut, role))
        at += len(text)
    return out


def skip(line: Line, cells: int) -> Line:
    """The line without its first `cells` cells; half of a wide character becomes a space."""
    out: Line = []
    for text, role in line:
        size = cell_len(text)
        if cells >= size:
            cells -= size
            continue
        while cells > 0 and text:
            cells -= cell_len(text[0])
            text = text[1:]
        out.append((" " * -cells + text, role))
        cells = 0
    return out


def _first_cells(line: Line, cells: int) -> Line:
    out: Line = []
    for text, role in line:
        size = cell_len(text)
        out.append((text if size <= cells else set_cell_size(text, max(cells, 0)), role))
        cells -= size
        if cells <= 0:
            break
    return out


def file_line(file: FileChange, place: str, right: Line, width: int) -> Line:
    """The name of a file, what it gained and lost, which of how many, and what is proven.

    What is proven gives way to the name, word by word, its state last; then the name is cut from the middle.
    """
    what = {"added": "new file", "deleted": "deleted", "typechange": "another kind"}.get(file.status, "")
    lines = f"+{file.added} −{file.removed}" if file.added or file.removed else ""
    facts: Line = [(f"  {fact}", "text") for fact in ("binary" if file.binary else lines, what) if fact]
    facts.append((f"   {place}", "muted"))
    name = visible(file.path, keep="")
    room = width - width_of(facts)
    right = _proven_in(right, room - min(cell_len(name), room // 2) - 3)
    name = cut_path(name, max(room - width_of(right) - 3, 8))
    return spread([(name, "data-bold"), *facts], [*right, (" ", "text")] if right else [], width, gap=2)


def _proven_in(proven: Line, room: int) -> Line:
    """What is proven, in whole words: checks go, the last one first, then the tree; the state stays."""
    if width_of(proven) <= room:
        return proven
    state, rest = proven[:1], proven[1:]
    tree = rest[:1] if rest and rest[0][0].startswith(" @") else []
    checks = [part for part in rest[len(tree) :] if part[1] == "data"]
    notes = [part for part in rest[len(tree) :] if part[1] != "data"]
    for kept in (tree, []):
        for count in range(len(checks), 0, -1):
            more: Line = [(f" +{len(checks) - count}", "muted")] if count < len(checks) else []
            shorter = [*state, *kept, *checks[:count], *more, *notes]
            if width_of(shorter) <= room:
                return shorter
    # That something is red is said rather than of which tree: by number, where there is no room for names.
    told: Line = [*state, (f"  {len(checks)}", "text"), *notes] if notes else [*state, *tree]
    return told if width_of(told) <= room else state


def evidence_line(
    evidence: Sequence[Evidence], tree: str, *, wide: bool, before: Collection[str] = ()
) -> Line:
    """The state of the proposed tree in one word, with the checks that say so.

    `before` are checks that were red in the same way before the change: named, but count for nothing.
    """
    if not evidence:
        return [(f"{EVIDENCE['not checked']} not checked", "muted")]
    results = {one.result for one in evidence}
    word = "failing" if "failed" in results else "unverifiable" if "unverifiable" in results else "verified"
    if word == "verified" and "passed" not in results:
        word = "not checked"
    counted = {"failing": ("failed",), "unverifiable": ("unverifiable",)}.get(word, ("passed",))
    names: list[str] = []
    for one in evidence:
        if one.result in counted:
            name = visible(one.command if wide else one.check, keep="")
            count = f" {one.passed_tests} passed" if wide and one.passed_tests and word == "verified" else ""
            names.append(name + count)
    said: Line = [(f"{', ' if at else '  '}{name}", "data") for at, name in enumerate(names)]
    if word == "failing" and {one.check for one in evidence if one.result == "failed"} <= set(before):
        word = "verified"
        said.append((" red before too", "muted"))
    place: Line = [(f" @{tree[:7]}", ROLE[word])] if word == "verified" else []
    return [(f"{EVIDENCE[word]} {word}", ROLE[word]), *place, *said]


def section(hunk: Hunk) -> Segment:
    """Where in its file a hunk is: the section that git names, else its lines. Our words in our own role."""
    header = visible(hunk.header, keep="").strip()
    if header:
        return header, "bold" if hunk.whole_file else "data-bold"
    last = hunk.new_start + max(len(hunk.new_lines), 1) - 1
    words = f"line {hunk.new_start}" if last <= hunk.new_start else f"lines {hunk.new_start}–{last}"
    return words, "bold"


def heading_line(hunk: Hunk, badges: Sequence[str], right: Line, width: int) -> Line:
    """The heading of a hunk: where it is at the left; badges and state at the right."""
    marks: Line = []
    for badge in badges:
        marks += [("! ", "asks"), (visible(badge, keep=""), "asks"), ("   ", "text")]
    return spread([("@@ ", "bold"), section(hunk)], [*marks, *right, (" ", "text")], width, gap=2)


def gap_line(count: int, *, stands: bool, at_end: bool) -> Line:
    """Lines that are not shown."""
    lines = f"{count:,} line{'' if count == 1 else 's'}"
    words = "··· to the end" if at_end and not count else f"··· {lines}"
    return [(" ", "text"), ("›" if stands else " ", "focus"), (words, "muted")]


def patch(hunk: Hunk) -> str:
    """A hunk as a patch, hidden characters shown."""
    path = visible(hunk.path, keep="")
    old, new = len(hunk.old_lines), len(hunk.new_lines)
    lines = []
    for line in hunk.diff:
        lines.append(visible(line))
        if not line.endswith("\n"):
            lines.append("\n\\ No newline at end of file\n")
    head = f"--- a/{path}\n+++ b/{path}\n"
    if hunk.whole_file and not hunk.diff:
        return f"{head}{visible(hunk.header, keep='')}\n"
    header = f" {visible(hunk.header, keep='')}" if hunk.header else ""
    return f"{head}@@ -{hunk.old_start},{old} +{hunk.new_start},{new} @@{header}\n{''.join(lines)}"
