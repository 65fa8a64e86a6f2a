"""The rows of a conflict: what was there, what has joined before, what the task wants, the proposal. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from autodev_tui.domain.review import ConflictHunk, ConflictView
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_path, spread
from widgets.glyphs import HUNK, ROLE

TAB = 4


@dataclass(frozen=True)
class Chosen:
    """What holds in one place: a side by name, and its lines where it has any."""

    side: str
    """left, right, both, proposal or edited."""
    lines: list[str] | None = None


@dataclass(frozen=True)
class Row:
    """One row of place `number`; 0: of the whole."""

    number: int
    line: Line
    heading: bool = False


def rows_of(view: ConflictView, chosen: dict[int, Chosen], width: int) -> list[Row]:
    """Every row, place by place."""
    rows = [Row(0, line) for line in _top(view)]
    count = places(view)
    for hunk in view.hunks:
        rows += _hunk(view, hunk, chosen.get(hunk.number), count, width)
    for number, path in enumerate(view.whole_files, len(view.hunks) + 1):
        rows += _whole_file(view, number, path, chosen.get(number), count, width)
    return rows


def places(view: ConflictView) -> int:
    """How many places there are to decide on."""
    return len(view.hunks) + len(view.whole_files)


def path_of(view: ConflictView, number: int) -> str:
    """The file of a place."""
    for hunk in view.hunks:
        if hunk.number == number:
            return hunk.path
    return view.whole_files[number - len(view.hunks) - 1]


def lines_of(hunk: ConflictHunk, side: str) -> list[str] | None:
    """What a side has there; None where there is no proposal."""
    if side == "proposal":
        return hunk.proposal
    return {"left": hunk.left, "right": hunk.right, "both": [*_ended(hunk.left), *hunk.right]}[side]


def _ended(lines: list[str]) -> list[str]:
    """Lines that something may follow."""
    if lines and not lines[-1].endswith("\n"):
        return [*lines[:-1], lines[-1] + "\n"]
    return lines


def _top(view: ConflictView) -> list[Line]:
    rows: list[Line] = []
    for text in view.red:
        rows.append([("  ✗ ", "failed"), (f"what you chose did not join: {visible(text, keep='')}", "data")])
    if view.proposal:
        verdict = str(view.proposal.get("verdict", ""))
        passed = verdict == "pass"
        words = "all proposals together pass the checks" if passed else f"all proposals together: {verdict}"
        ran = ", ".join(str(one) for one in view.proposal.get("ran", []))
        mark = ("  ✓ ", "done") if passed else ("  ! ", "asks")
        rows.append([mark, (words, "text"), (f"  {visible(ran, keep='')}", "muted")])
        rows += [
            [("    ", "text"), (visible(str(one), keep=""), "data-muted")] for one in _reasons(view, passed)
        ]
    return [*rows, []] if rows else []


def _reasons(view: ConflictView, passed: bool) -> list[str]:
    return [] if passed else [str(one) for one in view.proposal.get("reasons", [])]


def _heading(path: str, place: str, number: int, chosen: Chosen | None, count: int, width: int) -> Row:
    word = "open" if chosen is None else "edited" if chosen.side == "edited" else chosen.side
    glyph, role = (HUNK["open"], ROLE["open"]) if chosen is None else ("✓", "done")
    if word == "edited":
        glyph, role = HUNK["edited"], ROLE["edited"]
    right: Line = [(f"{glyph} {word} {number}/{count}", role), (" ", "text")]
    left: Line = [("@@ ", "bold"), (cut_path(visible(path, keep=""), max(width - 40, 12)), "data-bold")]
    return Row(number, spread([*left, (f"  {place}", "muted")], right, width), heading=True)


def _hunk(view: ConflictView, hunk: ConflictHunk, chosen: Chosen | None, count: int, width: int) -> list[Row]:
    number = hunk.number
    rows = [_heading(hunk.path, f"line {hunk.start}", number, chosen, count, width)]
    side = chosen.side if chosen else ""
    rows += [Row(number, line) for line in _code(hunk.before, "      ", "data-muted")]
    rows.append(_part(number, "base", "what both began with", False))
    rows += [Row(number, line) for line in _code(hunk.base, "      ", "data-muted")]
    rows.append(_part(number, "left", "what has joined before", side == "left", key="<"))
    rows += [Row(number, line) for line in _code(hunk.left, "    < ", "code")]
    rows.append(_part(number, "right", f"what {view.task} wants", side == "right", key=">"))
    rows += [Row(number, line) for line in _code(hunk.right, "    > ", "code")]
    why = visible(hunk.why, keep="")
    if hunk.proposal is not None:
        rows.append(_part(number, "proposal", why, side == "proposal", key="a"))
        rows += [Row(number, line) for line in _code(hunk.proposal, "    = ", "added")]
    else:
        rows.append(_part(number, "no proposal", why, False))
    if chosen and chosen.lines is not None and side in ("both", "edited"):
        rows.append(_part(number, side, "what holds here", True))
        rows += [Row(number, line) for line in _code(chosen.lines, "    ✎ ", "added")]
    rows += [Row(number, line) for line in _code(hunk.after, "      ", "data-muted")]
    return [*rows, Row(number, [])]


def _whole_file(
    view: ConflictView, number: int, path: str, chosen: Chosen | None, count: int, width: int
) -> list[Row]:
    side = chosen.side if chosen else ""
    return [
        _heading(path, "the whole file", number, chosen, count, width),
        Row(number, [("  lines cannot show this: it is binary, or one side has deleted it", "muted")]),
        _part(number, "left", "what has joined before", side == "left", key="<"),
        _part(number, "right", f"what {view.task} wants", side == "right", key=">"),
        Row(number, []),
    ]


def _part(number: int, name: str, words: str, chosen: bool, *, key: str = "") -> Row:
    mark = ("◆ " if chosen else "◇ ") if key or chosen else "  "
    role = "bold" if chosen else "text"
    keys: Line = [(f"  {key}", "key")] if key and not chosen else []
    return Row(number, [("  ", "text"), (mark, role), (name, role), (f"  {words}", "muted"), *keys])


def _code(lines: list[str], gutter: str, role: str) -> list[Line]:
    if not lines and gutter.strip():
        return [[(gutter, "gutter"), ("nothing", "muted")]]
    found: list[Line] = []
    for line in lines:
        text = visible(line.removesuffix("\n").removesuffix("\r"), keep="\t").expandtabs(TAB)
        end: Line = [] if line.endswith("\n") else [("  no line end", "muted")]
        found.append([(gutter, "gutter"), (text, role), *end])
    return found
