"""The steps of a session: by id, of each agent in order, and the newest of each name.

A long session has tens of thousands. One that nobody has looked at yet is still the text that the store has:
so a session is there at once, and only what is shown or gone on with is ever read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import overload

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from store.memory import decode

LATEST = 50
"""Steps that may have ended last: more than agents can have had under way at once."""
UNSETTLED = (StepState.STARTED, StepState.UNKNOWN)
"""States in which nobody knows whether the step had its effect."""
_HEAD = re.compile(
    r'\{"_key":"[^"\\]*","id":"([^"\\]*)","session":"[^"\\]*","seq":(\d+),"task":(?:null|"([^"\\]*)"),'
    r'"kind":"([a-z_]+)","name":"([^"\\]*(?:\\.[^"\\]*)*)","state":"([a-z]+)"'
)
"""How the text of a step begins: all that its place among the others depends on."""
_KINDS = {kind.value: kind for kind in StepKind}
Name = tuple[StepKind, str | None, str]


@dataclass(frozen=True)
class Outline:
    """A session's steps as far as an offer to go on tells of them."""

    done: int
    """Without notes."""
    checkpoints: int
    latest: list[Step]
    """The last few, in order: when it was at work last."""
    unsettled: list[Step]


class StepLog(Sequence[Step]):
    """The steps of one agent, in order: a live view."""

    def __init__(self) -> None:
        self._steps: list[Step | str] = []

    def append(self, step: Step | str) -> int:
        """One step more; its place."""
        self._steps.append(step)
        return len(self._steps) - 1

    def replace(self, place: int, step: Step | str) -> None:
        """Another state of the step at this place."""
        self._steps[place] = step

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> list[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | list[Step]:
        if isinstance(place, slice):
            return [self._at(one) for one in range(*place.indices(len(self._steps)))]
        return self._at(place)

    def __iter__(self) -> Iterator[Step]:
        return (self._at(place) for place in range(len(self._steps)))

    def _at(self, place: int) -> Step:
        step = self._steps[place]
        if isinstance(step, str):
            step = self._steps[place] = Step(**decode(step))
        return step


class Steps:
    """All steps of one session."""

    def __init__(self) -> None:
        self._logs: dict[str | None, StepLog] = {}
        self._places: dict[str, tuple[StepLog, int]] = {}
        self._named: dict[Name, str] = {}
        self._unsettled: dict[str, None] = {}
        self._done: dict[str, StepKind] = {}
        self.next_seq = 1

    def load(self, texts: Iterable[str], session: str) -> None:
        """The steps of `session` among these texts of the store. Sync: some microseconds each."""
        begins = f'{{"_key":{json.dumps(session)[:-1]}/'
        found = [_head(text) for text in texts if text.startswith(begins)]
        for seq, step_id, name, state, text in sorted(found, key=itemgetter(0)):
            self._put(step_id, seq, name, state, text)

    def put(self, step: Step) -> None:
        """A new step, or another state of a known one."""
        self._put(step.id, step.seq, (step.kind, step.task, step.name), step.state, step)

    def _put(self, step_id: str, seq: int, name: Name, state: str, step: Step | str) -> None:
        known = self._places.get(step_id)
        if known is not None:
            known[0].replace(known[1], step)
        else:
            log = self._logs.get(name[1])
            if log is None:
                log = self._logs[name[1]] = StepLog()
            self._places[step_id] = (log, log.append(step))
        self._named[name] = step_id
        if seq >= self.next_seq:
            self.next_seq = seq + 1
        if known is not None:
            self._unsettled.pop(step_id, None)
            self._done.pop(step_id, None)
        if state == StepState.DONE:
            self._done[step_id] = name[0]
        elif state in UNSETTLED:
            self._unsettled[step_id] = None

    def of(self, task: str | None) -> Sequence[Step]:
        """The steps of a task (None: the session's own), in order: a live view, not to be kept."""
        return self._logs.get(task, ())

    def get(self, step_id: str) -> Step | None:
        """One step; None if there is none of that id."""
        found = self._places.get(step_id)
        return found[0][found[1]] if found else None

    def named(self, kind: StepKind, task: str | None, name: str) -> Step | None:
        """The latest attempt of the step with this name."""
        found = self._named.get((kind, task, name))
        return self.get(found) if found else None

    def all(self) -> list[Step]:
        """Every step, in order."""
        return sorted((step for log in self._logs.values() for step in log), key=lambda step: step.seq)

    def unsettled(self) -> list[Step]:
        """The steps of which nobody knows yet whether they had their effect, in order."""
        found = [log[place] for log, place in map(self._places.__getitem__, self._unsettled)]
        return sorted(found, key=lambda step: step.seq)

    def outline(self) -> Outline:
        """What an offer to go on tells of them, without reading more than the last few."""
        kinds = list(self._done.values())
        latest = [log[place] for log, place in list(self._places.values())[-LATEST:]]
        return Outline(
            done=sum(kind is not StepKind.NOTE for kind in kinds),
            checkpoints=sum(kind is StepKind.CHECKPOINT for kind in kinds),
            latest=sorted(latest, key=lambda step: step.seq),
            unsettled=self.unsettled(),
        )


def _head(text: str) -> tuple[int, str, Name, str, str]:
    """Number, id, name and state of a step's text, and the text."""
    found = _HEAD.match(text)
    if found is None:
        step = Step(**decode(text))
        return step.seq, step.id, (step.kind, step.task, step.name), step.state, text
    step_id, seq, task, kind, name, state = found.groups()
    if "\\" in name:
        name = json.loads(f'"{name}"')
    return int(seq), step_id, (_KINDS[kind], task, name), state, text
