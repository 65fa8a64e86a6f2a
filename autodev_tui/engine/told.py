"""Where an agent stands between the human's decisions: read off the step log, so the same after a kill.

A recorded model chooses its reply by this (providers/replay.py). A decision counts from when the agent is
told of it; words sent to it, answers to its questions and red checks are no decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from autodev_tui.domain.approval import Decision, HunkDecision
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.states import StepState, legal_moves
from autodev_tui.domain.step import Step, StepKind

BY_NAME = (("plan rejected ", "reject"), ("edited ", "edit"), ("conflict ", "comment"))
"""Notes that tell of a decision by what they are called: name's beginning and decision."""


@dataclass
class _Point:
    """What the human decided between two turns."""

    decisions: set[str] = field(default_factory=set)
    hunks: set[int] = field(default_factory=set)
    each: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        """`reject`, or `edit+reject` when mixed. What was accepted beside it does not make it mixed."""
        return "+".join(sorted(self.decisions - {"accept"})) or "accept"

    def __str__(self) -> str:
        return " ".join([self.word, *([",".join(map(str, sorted(self.hunks)))] if self.hunks else [])])


MARK = 12
"""So many characters of a hunk's fingerprint tell it from the others of a session."""


def review_decision(
    decisions: Iterable[HunkDecision], said: Decision | None, changes: ChangeSet | None = None
) -> dict[str, Any]:
    """What the note about a review keeps for `Standing`: the decision, and the hunks that were not taken
    as they were, by number and, with `changes`, by fingerprint."""
    verdicts = {one.hunk: one.verdict for one in decisions if one.verdict != "accept"}
    found = _Point(set(verdicts.values()), set(verdicts))
    if said and (said.comments or said.unmet):
        found.decisions.add("comment")
        found.hunks.update(one.hunk for one in said.comments)
    each = [
        f"{verdicts.get(hunk.number, 'comment')} {hunk.fingerprint[:MARK]}"
        for hunk in (changes.hunks if changes else ())
        if hunk.number in found.hunks
    ]
    return {"decision": found.word, "hunks": sorted(found.hunks), **({"each": each} if each else {})}


@dataclass
class _Course:
    """The decisions of a log in order, those between two replies as one, and the replies since the last."""

    points: list[_Point] = field(default_factory=list)
    since: int = 0

    def take(self, step: Step) -> None:
        if step.kind is StepKind.MODEL:
            # A reply that was dropped came all the same; a call that failed has none, and is made again.
            self.since += step.state is StepState.DONE
        elif found := _decision(step):
            if self.since or not self.points:
                self.points.append(_Point())
            self.points[-1].decisions.update(found[0].split("+"))
            self.points[-1].hunks.update(found[1])
            self.points[-1].each += step.intent.get("each", ())
            self.since = 0


class _Reader:
    """Reads one growing log: what has ended once, what may still change each time."""

    def __init__(self) -> None:
        self._ended = _Course()
        self._place = 0

    def course(self, steps: Sequence[Step]) -> _Course:
        """The course of the whole log, which only grows between calls."""
        while self._place < len(steps) and not legal_moves((step := steps[self._place]).state):
            self._ended.take(step)
            self._place += 1
        found = deepcopy(self._ended)
        for place in range(self._place, len(steps)):
            found.take(steps[place])
        return found


class Standing:
    """Where one agent stands between the human's decisions, kept current from turn to turn."""

    def __init__(self) -> None:
        self._own, self._planning = _Reader(), _Reader()

    def position(self, steps: Sequence[Step], planning: Sequence[Step] = ()) -> dict[str, Any]:
        """Where the agent with these `steps` stands, as keys of `Request.meta`.

        `decision`: the last one it was told, "" for none; `hunks`: the hunks that it was about; `since`:
        which turn after it the next one is, from 1, counting replies that came; `earlier`: the decisions
        before it, each as `reject 2,3` (hunks) or `edit`; `plan`: those that the planner was told, none for
        itself; `each`, where there are any: what the last one said of the hunks that were not taken as they
        were, as `reject` and the start of the hunk's fingerprint.
        """
        course = self._own.course(steps)
        last = course.points[-1] if course.points else None
        return {
            "decision": last.word if last else "",
            "hunks": sorted(last.hunks) if last else [],
            "since": course.since + 1,
            "earlier": [str(one) for one in course.points[:-1]],
            "plan": [str(one) for one in self._planning.course(planning).points],
            **({"each": list(last.each)} if last and last.each else {}),
        }


def _decision(step: Step) -> tuple[str, Sequence[int]] | None:
    if step.kind is StepKind.TOOL:
        return ("reject", ()) if step.state is StepState.REFUSED else None
    if step.kind is not StepKind.NOTE or step.state is not StepState.DONE:
        return None
    if word := step.intent.get("decision"):
        return word, step.intent.get("hunks", ())
    return next(((word, ()) for beginning, word in BY_NAME if step.name.startswith(beginning)), None)
