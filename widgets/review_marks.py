"""What stands between the lines of a review: comments, reasons, what was edited, what came before. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher

from autodev_tui.domain.changeset import Hunk
from widgets.cells import wrap
from widgets.diff_layout import FIELD, Insert
from widgets.diff_rows import shown
from widgets.review_decisions import Decisions, changed_numbers, line_number

DRAFT = "draft"
_INDENT = 2
_MARK_CELLS = 16


def inserts(
    decisions: Decisions, width: int, field: tuple[int, int, int] | None = None
) -> dict[int, tuple[Insert, ...]]:
    """The rows between lines, by hunk. `field` is hunk, line and rows of an input that is open."""
    found: dict[int, list[Insert]] = {}
    for number, info in decisions.infos.items():
        if info.rejected_before is not None and number in decisions.hunks:
            why = f": {info.rejected_before}" if info.rejected_before else ", which gave no reason"
            rows = wrapped(f"came back after a reject{why}", width)
            found.setdefault(number, []).append(Insert(-1, "data-muted", rows))
    for number in decisions.decided:
        found.setdefault(number, []).extend(_of_hunk(decisions, number, width))
    open_field = f"{field[0]}:{field[1]}" if field else ""
    for key, text in decisions.texts.items():
        purpose, _, place = key.partition(":")
        hunk, _, of_line = place.partition(":")
        number = int(hunk) if hunk.isdigit() else 0
        if number not in decisions.hunks or not text.strip():
            continue
        at = int(of_line) if of_line.lstrip("-").isdigit() else last_line(decisions.hunks[number])
        if open_field == f"{number}:{at}":
            continue
        words = "an edit waits · e goes on with it" if purpose == "edit" else f'" you: {text}'
        rows = wrapped(words, width - _MARK_CELLS)
        found.setdefault(number, []).append(Insert(at, "data", rows, DRAFT))
    if field:
        number, line, count = field
        found.setdefault(number, []).append(Insert(line, FIELD, ("",) * count))
    return {number: tuple(one for one in marks if one.rows) for number, marks in found.items()}


def last_line(hunk: Hunk) -> int:
    """The last line of a hunk's diff, -1 where it has none."""
    return len(hunk.diff) - 1


def wrapped(text: str, width: int) -> tuple[str, ...]:
    """Words in rows below a line; those after the first begin a little further in."""
    rows = wrap("\n".join(shown(line) for line in text.split("\n")), max(width - 6 - _INDENT, 20))
    return tuple(row if not at else " " * _INDENT + row for at, row in enumerate(rows))


def _of_hunk(decisions: Decisions, number: int, width: int) -> list[Insert]:
    hunk, held = decisions.hunks[number], decisions.held(number)
    found = []
    for comment in held.comments:
        where = "you"
        if 0 <= comment.line < len(hunk.diff):
            where += f", line {line_number(hunk, comment.line)}"
        line = comment.line if hunk.diff else -1
        found.append(Insert(line, "data", wrapped(f'" {where}: {comment.text}', width)))
    decision = held.decision
    if decision is None:
        return found
    below = last_line(hunk)
    if decision.verdict == "edit" and decision.new_lines is not None:
        found.append(Insert(below, "data", tuple(edited_rows(hunk, decision.new_lines))))
    if decision.verdict == "accept" and decision.lines is not None:
        total = len(changed_numbers(hunk, 0, len(hunk.diff)))
        words = f"{len(decision.lines)} of {total} changed lines taken, the others left out"
        found.append(Insert(below, "data-muted", (words,)))
    if decision.reason:
        found.append(Insert(below, "data", wrapped(f'" you: {decision.reason}', width)))
    return found


def edited_rows(hunk: Hunk, lines: list[str]) -> list[str]:
    """What the human's lines change in a hunk's new side."""
    rows = ["edited by you:"]
    before, after = ([shown(line.rstrip("\n")) for line in side] for side in (hunk.new_lines, lines))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            rows += [f"- {line}" for line in before[i1:i2]] + [f"+ {line}" for line in after[j1:j2]]
    return rows if len(rows) > 1 else ["kept by you as it was proposed"]
