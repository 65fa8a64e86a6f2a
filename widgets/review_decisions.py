"""The decisions on a change set while they are made: drafted, counted, undone and redone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.changeset import Hunk
from autodev_tui.domain.review import HunkInfo, LineComment, ReviewDraft, ReviewView
from autodev_tui.domain.text import from_visible, visible

STATES = ("accepted", "rejected", "edited", "commented", "open")
"""The words of a hunk's decision, in the order in which they are counted out."""
_WORDS = {"accept": "accepted", "reject": "rejected", "edit": "edited", "comment": "commented"}


@dataclass(frozen=True)
class Held:
    """Everything that is decided about one hunk."""

    decision: HunkDecision | None = None
    comments: tuple[LineComment, ...] = ()


@dataclass(frozen=True)
class Change:
    """One act of the human: what it found, what it left, and where the cursor was."""

    path: str
    before: dict[int, Held]
    after: dict[int, Held]

    @property
    def hunk(self) -> int:
        """The hunk that the cursor returns to."""
        return min(self.before)


@dataclass(frozen=True)
class Parts:
    """What is sent: decisions by hunk; hunks that are not named stay open."""

    hunks: list[HunkDecision]
    comments: list[LineComment]
    left_open: list[int]
    verdict: Literal["approve", "edit", "reject"]


class Decisions:
    """The draft of one review, and the way back."""

    def __init__(self, view: ReviewView, draft: ReviewDraft | None = None) -> None:
        self.view = view
        self.hunks: dict[int, Hunk] = {hunk.number: hunk for hunk in view.changes.hunks}
        self.infos: dict[int, HunkInfo] = {info.number: info for info in view.hunks}
        self._held: dict[int, Held] = {}
        self.texts: dict[str, str] = {}
        self.ticked: list[str] = []
        self.unmet: dict[str, str] = {}
        if draft and (draft.approval, draft.shown_hash) == (view.approval, view.shown_hash):
            self._take(draft)
        self._counts = Counter(self.state(number) for number in self.hunks)
        self._done: list[Change] = []
        self._undone: list[Change] = []

    def _take(self, draft: ReviewDraft) -> None:
        self.texts, self.ticked, self.unmet = dict(draft.texts), list(draft.ticked), dict(draft.unmet)
        for one in draft.decisions:
            if one.hunk in self.hunks:
                self._held[one.hunk] = Held(one)
        for comment in draft.comments:
            if comment.hunk in self.hunks:
                held = self.held(comment.hunk)
                self._held[comment.hunk] = Held(held.decision, (*held.comments, comment))

    # -- reading

    @property
    def draft(self) -> ReviewDraft:
        """All of it, to be kept."""
        kept = [self._held[number] for number in sorted(self._held)]
        return ReviewDraft(
            approval=self.view.approval,
            shown_hash=self.view.shown_hash,
            decisions=[held.decision for held in kept if held.decision],
            comments=[comment for held in kept for comment in held.comments],
            texts=dict(self.texts),
            ticked=list(self.ticked),
            unmet=dict(self.unmet),
        )

    def held(self, hunk: int) -> Held:
        """What is decided about a hunk."""
        return self._held.get(hunk, Held())

    @property
    def decided(self) -> list[int]:
        """The hunks about which something was decided or said."""
        return sorted(self._held)

    def state(self, hunk: int) -> str:
        """The word of its decision: one of STATES."""
        held = self._held.get(hunk)
        if held is None:
            return "open"
        if held.decision:
            return _WORDS[held.decision.verdict]
        return "commented" if held.comments else "open"

    def counts(self) -> dict[str, int]:
        """Hunks by the word of their decision, in the order of STATES."""
        return {state: self._counts[state] for state in STATES}

    def gates(self, hunk: int) -> list[str]:
        """Why a hunk is never decided with the rest."""
        info = self.infos.get(hunk)
        return info.hard_gates if info else []

    def next_open(self, hunk: int, step: int = 1, among: Iterable[int] | None = None) -> int:
        """The next open hunk after this one, from the other end if need be; 0 where none is left."""
        numbers = [one for one in (among or self.hunks) if one == hunk or self.state(one) == "open"]
        if step < 0:
            numbers.reverse()
        at = numbers.index(hunk) if hunk in numbers else -1
        following = [*numbers[at + 1 :], *numbers[: max(at, 0)]]
        if following:
            return following[0]
        return hunk if hunk in self.hunks and self.state(hunk) == "open" else 0

    # -- deciding

    def decide(self, *decisions: HunkDecision) -> Change | None:
        """Decide hunks, as one act; None where that changes nothing."""
        return self._do({one.hunk: Held(one, self.held(one.hunk).comments) for one in decisions})

    def comment(self, hunk: int, line: int, text: str) -> Change | None:
        """Say something about a line (from 0, -1: the whole hunk) in place of what was said; "": nothing."""
        held = self.held(hunk)
        others = [one for one in held.comments if one.line != line]
        said = [*others, LineComment(hunk=hunk, line=line, text=text)] if text else others
        said.sort(key=lambda one: one.line)
        return self._do({hunk: Held(held.decision, tuple(said))})

    def rest(self, hunks: Iterable[int], moved: Iterable[str] = ()) -> tuple[list[int], list[int]]:
        """Of these hunks: those that may be decided together, and open ones that are decided one by one."""
        paths = set(moved)
        together: list[int] = []
        alone: list[int] = []
        for number in hunks:
            state = self.state(number)
            if state == "open" and not self.gates(number) and self.hunks[number].path not in paths:
                together.append(number)
            elif state in ("open", "commented"):
                alone.append(number)
        return together, alone

    def _do(self, after: dict[int, Held]) -> Change | None:
        before = {number: self.held(number) for number in after}
        if before == after or not after:
            return None
        change = Change(self.hunks[min(after)].path, before, after)
        self._set(after)
        self._done.append(change)
        self._undone.clear()
        return change

    def _set(self, wanted: dict[int, Held]) -> None:
        for number, held in wanted.items():
            self._counts[self.state(number)] -= 1
            if held == Held():
                self._held.pop(number, None)
            else:
                self._held[number] = held
            self._counts[self.state(number)] += 1

    # -- the way back

    def undo(self) -> Change | None:
        """Take back the last act; None where there is none."""
        if not self._done:
            return None
        change = self._done.pop()
        self._set(change.before)
        self._undone.append(change)
        return change

    def take_back(self, hunk: int) -> Change | None:
        """Undo a decision that was made before this began; its comments stay. None where there is none."""
        held = self.held(hunk)
        if held.decision is None:
            return None
        change = Change(self.hunks[hunk].path, {hunk: Held(None, held.comments)}, {hunk: held})
        self._set(change.before)
        self._undone.append(change)
        return change

    def redo(self) -> Change | None:
        """Do again what was taken back last; None where there is none."""
        if not self._undone:
            return None
        change = self._undone.pop()
        self._set(change.after)
        self._done.append(change)
        return change

    def revert(self, paths: Iterable[str]) -> Change | None:
        """The last act on one of these files was refused: it never happened, and cannot be redone.

        Without paths it is the last act of all.
        """
        wanted = set(paths)
        for at in range(len(self._done) - 1, -1, -1):
            change = self._done[at]
            touched = {self.hunks[number].path for number in change.before}
            if wanted and not touched & wanted:
                continue
            del self._done[at]
            later = {number for one in self._done[at:] for number in one.before}
            self._set({number: held for number, held in change.before.items() if number not in later})
            self._undone.clear()
            return change
        return None

    def sent(self) -> None:
        """What was done is sent: it is taken back as a whole or not at all."""
        self._done.clear()
        self._undone.clear()

    # -- sending

    def parts(self) -> Parts:
        """What is sent now: every decision and every comment; the other hunks stay open."""
        decided: list[HunkDecision] = []
        comments: list[LineComment] = []
        left: list[int] = []
        for number in self.hunks:
            held = self.held(number)
            comments += held.comments
            if held.decision:
                decided.append(held.decision)
            elif held.comments:
                decided.append(HunkDecision(hunk=number, verdict="comment"))
            else:
                left.append(number)
        verdicts = {one.verdict for one in decided}
        verdict: Literal["approve", "edit", "reject"] = "edit" if "edit" in verdicts else "approve"
        return Parts(decided, comments, left, "reject" if verdicts == {"reject"} and not left else verdict)


def line_number(hunk: Hunk, line: int) -> int:
    """The number of a line (from 0) of a hunk's diff: on the new side, of a removed line on the old."""
    removed = hunk.diff[line][0] == "-"
    start, other = (hunk.old_start, "+") if removed else (hunk.new_start, "-")
    return start + sum(one[0] != other for one in hunk.diff[:line])


def changed_numbers(hunk: Hunk, first: int, last: int) -> list[int]:
    """Which of a hunk's changed lines (from 1) lie in these lines of its diff (from 0, both included)."""
    numbers = []
    count = 0
    for at, line in enumerate(hunk.diff):
        count += line[0] != " "
        if line[0] != " " and first <= at <= last:
            numbers.append(count)
    return numbers


def without(hunk: Hunk, dropped: Iterable[int]) -> list[str]:
    """A hunk's new side with some of its changed lines (from 1) left out."""
    lost = set(dropped)
    lines: list[str] = []
    count = 0
    for line in hunk.diff:
        count += line[0] != " "
        # A removal that is dropped keeps its line, an addition that is dropped has none.
        if line[0] == " " or (line[0] == "+") == (count not in lost):
            lines.append(line[1:])
    return lines


def editable(hunk: Hunk) -> str:
    """A hunk's new side as text to be edited; what could fool the eye or the terminal is shown by number.

    Where every line ends with CR LF, the text has line feeds alone.
    """
    return "".join(_typed(line, _ends_crlf(hunk)) for line in hunk.new_lines)


def edited(hunk: Hunk, text: str) -> list[str]:
    """The lines that `text` stands for: lines that were not touched come back byte for byte."""
    crlf = _ends_crlf(hunk)
    stored = {_typed(line, crlf).removesuffix("\n"): line for line in hunk.new_lines}
    disguised = any(visible(line) != line for line in hunk.new_lines)
    end = "\r\n" if crlf else "\n"
    rows = text.split("\n")
    if not rows[-1]:
        rows.pop()
    lines = [stored.get(row) or (from_visible(row) if disguised else row) + end for row in rows]
    lines = [line if line.endswith("\n") else line + end for line in lines]
    if lines and hunk.new_lines and not hunk.new_lines[-1].endswith("\n") and not text.endswith("\n"):
        lines[-1] = lines[-1].removesuffix("\n").removesuffix("\r" if crlf else "")
    return lines


def _ends_crlf(hunk: Hunk) -> bool:
    ended = [line for line in hunk.new_lines if line.endswith("\n")]
    return bool(ended) and all(line.endswith("\r\n") for line in ended)


def _typed(line: str, crlf: bool) -> str:
    return visible(line.removesuffix("\r\n") + "\n" if crlf and line.endswith("\r\n") else line)
