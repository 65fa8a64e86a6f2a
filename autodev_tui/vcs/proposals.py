"""Three versions of a text: where two sides changed the same place, and lines that would keep both. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """Lines `start` to `end` of the base became lines `side_start` to `side_end`; from 0, half-open."""

    start: int
    end: int
    side_start: int
    side_end: int


@dataclass(frozen=True)
class Place:
    """Lines `start` to `end` of the base as both sides have them; `both`: both changed them, differently."""

    start: int
    end: int
    left_start: int
    left: list[str]
    right: list[str]
    both: bool
    added_left: dict[int, list[str]] | None = field(default=None, compare=False)
    added_right: dict[int, list[str]] | None = field(default=None, compare=False)
    """What a side inserted before which line of the base; None where it also removed something."""


def places(
    base: Sequence[str],
    left: Sequence[str],
    right: Sequence[str],
    left_changes: Sequence[Change],
    right_changes: Sequence[Change],
) -> list[Place]:
    """All places that a side changed, in order; changes that touch each other are one place, as for git."""
    both = [(change, True) for change in left_changes] + [(change, False) for change in right_changes]
    both.sort(key=lambda one: (one[0].start, one[0].end))
    groups: list[list[tuple[Change, bool]]] = []
    end = -1
    for one in both:
        if groups and one[0].start <= end:
            groups[-1].append(one)
            end = max(end, one[0].end)
        else:
            groups.append([one])
            end = one[0].end
    shifts = {True: 0, False: 0}
    found = []
    for group in groups:
        start, end = min(one.start for one, _ in group), max(one.end for one, _ in group)
        sides: dict[bool, list[str]] = {}
        starts: dict[bool, int] = {}
        for is_left, text in ((True, left), (False, right)):
            own = [change for change, mine in group if mine is is_left]
            starts[is_left] = start + shifts[is_left]
            shifts[is_left] += sum(
                change.side_end - change.side_start - (change.end - change.start) for change in own
            )
            sides[is_left] = list(text[starts[is_left] : end + shifts[is_left]])
        changed = {mine for _, mine in group}
        found.append(
            Place(
                start,
                end,
                starts[True],
                sides[True],
                sides[False],
                len(changed) == 2 and sides[True] != sides[False],
                _added(left, [change for change, mine in group if mine]),
                _added(right, [change for change, mine in group if not mine]),
            )
        )
    return found


def _added(text: Sequence[str], changes: Sequence[Change]) -> dict[int, list[str]] | None:
    if any(change.start != change.end for change in changes):
        return None
    return {change.start: list(text[change.side_start : change.side_end]) for change in changes}


def propose(place: Place, base: Sequence[str], *, new_on_both: bool) -> tuple[list[str] | None, str]:
    """Lines that lose nothing of either side, and how they came about; or None and why there are none."""
    left, right = place.left, place.right
    if _bare(left) == _bare(right):
        return left, "both sides differ in white space alone: the left one is taken"
    if not new_on_both and _bare(left) == _bare(base):
        return right, "the left side changed white space alone: the right one is taken"
    if not new_on_both and _bare(right) == _bare(base):
        return left, "the right side changed white space alone: the left one is taken"
    if new_on_both and not left:
        return right, "the right side has more: it is taken"
    if new_on_both and not right:
        return left, "the left side has more: it is taken"
    if new_on_both:
        return None, "both sides made this file, and it differs here"
    if place.added_left is None or place.added_right is None:
        return None, "both sides changed the same lines"
    lines: list[str] = []
    for index in range(place.start, place.end + 1):
        first, second = place.added_left.get(index, []), place.added_right.get(index, [])
        lines += first
        lines += [] if second == first else second
        lines += base[index - place.start : index - place.start + 1] if index < place.end else []
    return lines, "both sides only added lines: both are kept, the left ones first"


def _bare(lines: Sequence[str]) -> list[str]:
    return ["".join(line.split()) for line in lines if line.strip()]
