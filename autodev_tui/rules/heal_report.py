"""What a healing tells: what was red, what is healed and how it was proven, what is left and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodev_tui.quality.failures import Failure, FailureType
from autodev_tui.quality.healing.model import Repair
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.rules.scope import Scope
from autodev_tui.rules.subjects import subject_of
from autodev_tui.rules.work import Call

MOST = 40
"""Lines of one list: `update_todos` takes 50 items."""
NEEDS_A_MODEL = "needs a model: "
HEALED = "healed: "
LONGEST = 300
LONG_COMMAND = 60
"""Characters; a longer command is told by the name of its check."""
_NAME = re.compile(r"[`'\"]([A-Za-z_][\w.]*)[`'\"]")


@dataclass
class Report:
    """Collected while healing; written at its end. `local` makes a path relative to the worktree."""

    local: Callable[[str], str]
    root: Path = Path()
    """The worktree: its place is nobody's business once it is gone."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What long commands are called."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """What each command measures."""
    scope: Scope = field(default_factory=Scope)
    before: dict[str, Outcome] = field(default_factory=dict)
    _healed: list[tuple[Repair, str]] = field(default_factory=list)
    _back: dict[str, None] = field(default_factory=dict)
    _why: dict[str, None] = field(default_factory=dict)

    def healed(self, repair: Repair, command: str) -> None:
        """A repair that `command` proved."""
        self._healed.append((repair, command))

    def taken_back(self, repair: Repair, why: str) -> None:
        """A repair that was tried and did not hold."""
        self._back.setdefault(f"{repair.title}: {why}")

    def unhealed(self, why: str) -> None:
        """Why there was no repair, or none that could be made."""
        self._why.setdefault(why)

    def none_found(self, absent: Sequence[str] = ()) -> list[Call]:
        """The end where there is nothing to run, or what was named is not there."""
        if absent:
            return self.ended(f"Nothing was healed: there is no {', '.join(absent)} here.")
        if self.kinds:
            others = ", ".join(map(self._called, self.kinds))
            return self.ended(
                f"No check{self.scope.said} was found, so nothing can be told to be red ({others})."
            )
        return self.ended(
            "No check was found, so nothing can be told to be red."
            ' Name one: autodev heal --check "COMMAND", or [[checks]] in config.toml.'
        )

    @staticmethod
    def ended(why: str) -> list[Call]:
        """An end with nothing but a reason."""
        return [("finish", {"summary": why})]

    def calls(self, now: Mapping[str, Outcome]) -> list[Call]:
        """The to-dos, and the end with everything in words, and as data for the commit and the to-do list."""
        told = self._left(now)
        left = [line for lines in told.values() for line in lines]
        todos = [
            {"content": f"{HEALED}{self._plain(self._healing(*one))}"[:LONGEST], "status": "completed"}
            for one in self._healed[:MOST]
        ]
        room = max(50 - len(todos), 0)
        todos += [
            {"content": f"{NEEDS_A_MODEL}{line}"[:LONGEST], "status": "pending"} for line in left[:room]
        ]
        end: dict[str, Any] = {"summary": self._plain(self._words(now, left)), "left": self._data(now, told)}
        if subject := subject_of([repair for repair, _ in self._healed]):
            end["subject"] = subject
        calls: list[Call] = [("update_todos", {"todos": todos})] if todos else []
        return [*calls, ("finish", end)]

    def _data(self, now: Mapping[str, Outcome], told: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """What is left of each check that ran; what another check has told is not told again."""
        found = []
        for command, one in now.items():
            if self._wants(command) and not one.absent:
                within = (
                    []
                    if one.green or self.scope.everywhere(self.kinds.get(command, ""))
                    else self.scope.paths
                )
                name = self._plain(self._called(command))
                what = told.get(command, [])[:MOST]
                green = {"green": one.green, "already": one.green and self.before[command].green}
                found.append({"check": name, "within": [*within], "what": what, **green})
        return found

    def _words(self, now: Mapping[str, Outcome], left: list[str]) -> str:
        lines = [self._first(left)]
        for command, before in self.before.items():
            if self._wants(command):
                after = f" → {_said(now[command])}" if before.red else ""
                lines.append(f"{self._called(command)}: {_said(before)}{after}")
        lines += _part("Healed:", [self._healing(*one) for one in self._healed])
        lines += _part("Left, each needs a model:", left)
        lines += _part("Why not by rules:", list(self._why) if left else [])
        lines += _part("Tried, and taken back exactly:", list(self._back))
        return "\n".join(lines)

    def _first(self, left: list[str]) -> str:
        before = {command: one for command, one in self.before.items() if self._wants(command)}
        if not any(self._red(command, one) for command, one in before.items()):
            ran = [one for one in before.values() if not one.absent]
            return f"Nothing is red{self.scope.said}." if ran else "No check could be run."
        healed = f"{len(self._healed)} repair{'s' if len(self._healed) != 1 else ''} made and proven"
        if not left:
            return f"Healed: {healed}, nothing is red any more{self.scope.said}."
        return f"{healed}; {len(left)} failure{'s' if len(left) != 1 else ''} left for a model."

    def _wants(self, command: str) -> bool:
        return self.scope.wants(command, self.kinds.get(command, ""))

    def _red(self, command: str, found: Outcome) -> bool:
        return self.scope.red(found, self.kinds.get(command, ""), self.local)

    def _left(self, now: Mapping[str, Outcome]) -> dict[str, list[str]]:
        """What is still red by its check, each failure once, also where several checks find it."""
        told: dict[str, list[str]] = {}
        lines: set[str] = set()
        known: set[tuple[Any, ...]] = set()
        for command, found in now.items():
            if not (self._wants(command) and self._red(command, found)):
                continue
            failures = self.scope.failures(found, self.kinds.get(command, ""), self.local)
            new = [one for one in failures if not known.intersection(self._same(one))]
            known.update(key for one in failures for key in self._same(one))
            words = [self._line(one) for one in new]
            if not found.failures:
                words = [f"{name} ({self._called(command)})" for name in sorted(found.failing)]
            told[command] = [line for line in dict.fromkeys(map(self._plain, words)) if line not in lines]
            lines.update(told[command])
        return told

    def _same(self, failure: Failure) -> list[tuple[Any, ...]]:
        """What another check's failure has too, if it is the same."""
        path = self._path(failure)
        if not path or not failure.line:
            return []
        keys: list[tuple[Any, ...]] = []
        if failure.type is FailureType.TEST_FAILURE:
            keys.append((path, failure.line, "test"))
        if names := frozenset(_NAME.findall(failure.message)):
            keys.append((path, failure.line, names))
        return keys

    def _healing(self, repair: Repair, command: str) -> str:
        return f"{repair.title} · {repair.strategy.value} · proven by {self._called(command)}"

    def _called(self, command: str) -> str:
        return command if len(command) <= LONG_COMMAND else self.names.get(command, command)

    def _path(self, failure: Failure) -> str:
        return (self.local(failure.path) or failure.path) if failure.path else ""

    def _line(self, failure: Failure) -> str:
        kind = failure.type.value if failure.type else "unknown failure"
        path = self._path(failure)
        place = f"{path}:{failure.line}: " if path and failure.line else f"{path}: " if path else ""
        code = f" {failure.code}" if failure.code and failure.code not in failure.message else ""
        first = failure.message.splitlines()[0] if failure.message else ""
        return self._plain(f"{place}{kind}{code}: {first}")[:LONGEST]

    def _plain(self, text: str) -> str:
        """Without the place of the worktree: paths in it are told from there."""
        for root in {str(self.root), str(self.root.resolve())} if self.root.is_absolute() else ():
            text = re.sub(
                rf"{re.escape(root)}(?:/|(?![\w.-]))", lambda found: "" if found[0][-1] == "/" else ".", text
            )
        return text


def _said(found: Outcome) -> str:
    if found.absent:
        return f"not run ({found.absent})"
    if found.green:
        return "green"
    count = sum(found.failing.values())
    passing = f", {found.passed} passing" if found.passed is not None else ""
    return f"red ({count} failing{passing})"


def _part(head: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = [f"- … and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return ["", head, *(f"- {line}" for line in lines[:MOST]), *more]
