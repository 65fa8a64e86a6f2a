"""What a healing tells: what was red, what is healed and how it was proven, what is left and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autodev_tui.quality.failures import Failure
from autodev_tui.quality.healing.model import Repair
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.rules.work import Call

MOST = 40
"""Lines of one list: `update_todos` takes 50 items."""
NEEDS_A_MODEL = "needs a model: "
HEALED = "healed: "
LONGEST = 300
LONG_COMMAND = 60
"""Characters; a longer command is told by the name of its check."""


@dataclass
class Report:
    """Collected while healing; written at its end. `local` makes a path relative to the worktree."""

    local: Callable[[str], str]
    names: Mapping[str, str] = field(default_factory=dict)
    """What long commands are called."""
    before: dict[str, Outcome] = field(default_factory=dict)
    _healed: list[tuple[Repair, str]] = field(default_factory=list)
    _back: list[str] = field(default_factory=list)
    _why: dict[str, None] = field(default_factory=dict)

    def healed(self, repair: Repair, command: str) -> None:
        """A repair that `command` proved."""
        self._healed.append((repair, command))

    def taken_back(self, repair: Repair, why: str) -> None:
        """A repair that was tried and did not hold."""
        self._back.append(f"{repair.title}: {why}")

    def unhealed(self, why: str) -> None:
        """Why there was no repair, or none that could be made."""
        self._why.setdefault(why)

    def none_found(self) -> list[Call]:
        """The end where there is nothing to run."""
        return self.ended(
            "No check was found, so nothing can be told to be red."
            ' Name one: autodev heal --check "COMMAND", or [[checks]] in config.toml.'
        )

    @staticmethod
    def ended(why: str) -> list[Call]:
        """An end with nothing but a reason."""
        return [("finish", {"summary": why})]

    def calls(self, now: Mapping[str, Outcome], given: str) -> list[Call]:
        """The to-dos, and the end with everything in words."""
        left = self._left(now, given)
        todos = [
            {"content": f"{HEALED}{self._healing(*one)}"[:LONGEST], "status": "completed"}
            for one in self._healed[:MOST]
        ]
        room = max(50 - len(todos), 0)
        todos += [
            {"content": f"{NEEDS_A_MODEL}{line}"[:LONGEST], "status": "pending"} for line in left[:room]
        ]
        calls: list[Call] = [("update_todos", {"todos": todos})] if todos else []
        return [*calls, ("finish", {"summary": self._words(now, left, given)})]

    def _words(self, now: Mapping[str, Outcome], left: list[str], given: str) -> str:
        lines = [self._first(left)]
        for command, before in self.before.items():
            if given and command != given:
                continue
            lines.append(
                f"{self._called(command)}: {_said(before)}"
                + (f" → {_said(now[command])}" if before.red else "")
            )
        lines += _part(
            "Healed:",
            [self._healing(*one) for one in self._healed],
        )
        lines += _part("Left, each needs a model:", left)
        lines += _part("Why not by rules:", list(self._why) if left else [])
        lines += _part("Tried, and taken back exactly:", self._back)
        return "\n".join(lines)

    def _first(self, left: list[str]) -> str:
        if not any(one.red for one in self.before.values()):
            ran = [one for one in self.before.values() if not one.absent]
            return "Nothing is red." if ran else "No check could be run."
        healed = f"{len(self._healed)} repair{'s' if len(self._healed) != 1 else ''} made and proven"
        if not left:
            return f"Healed: {healed}, nothing is red any more."
        return f"{healed}; {len(left)} failure{'s' if len(left) != 1 else ''} left for a model."

    def _left(self, now: Mapping[str, Outcome], given: str) -> list[str]:
        """What is still red, each failure once."""
        lines: dict[str, None] = {}
        for command, found in now.items():
            if not found.red or (given and command != given):
                continue
            told = [self._line(one) for one in found.failures] or [
                f"{name} ({self._called(command)})" for name in sorted(found.failing)
            ]
            for line in told:
                lines.setdefault(line)
        return list(lines)

    def _healing(self, repair: Repair, command: str) -> str:
        return f"{repair.title} · {repair.strategy.value} · proven by {self._called(command)}"

    def _called(self, command: str) -> str:
        return command if len(command) <= LONG_COMMAND else self.names.get(command, command)

    def _line(self, failure: Failure) -> str:
        kind = failure.type.value if failure.type else "unknown failure"
        path = (self.local(failure.path) or failure.path) if failure.path else ""
        place = f"{path}:{failure.line}: " if path and failure.line else f"{path}: " if path else ""
        code = f" {failure.code}" if failure.code and failure.code not in failure.message else ""
        first = failure.message.splitlines()[0] if failure.message else ""
        return f"{place}{kind}{code}: {first}"[:LONGEST]


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
