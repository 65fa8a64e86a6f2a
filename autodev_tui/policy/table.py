"""The one table of autonomy (DESIGN §5): level × action → auto, ask or deny. What it does not name asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autodev_tui.domain.levels import Level


class Action(StrEnum):
    """One row of the table."""

    PLAN = "plan"
    QUESTION = "question"
    READ = "read"
    EDIT = "edit"
    KNOWN_COMMAND = "known command"
    """A known check or read-only command."""
    OTHER_COMMAND = "other command"
    OPEN_COMMAND = "open command"
    """A command outside the sandbox, or with network."""
    TASK_CHANGES = "task changes"
    """A task's change set into the session branch."""
    SESSION_CHANGES = "session changes"
    """The session's whole change."""
    LAND = "land"
    HARD_GATE = "hard gate"
    """Dependency manifests, CI and lint config, weakened tests, mass deletion, secrets, push, more budget."""
    FORBIDDEN_PATH = "forbidden path"
    """A tool's path outside the worktree, or a protected path."""


class Verdict(StrEnum):
    """What happens to an action."""

    AUTO = "auto"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True)
class Facts:
    """What is known about an action besides its kind."""

    sandbox: bool = False
    """A sandbox works on this machine and the command runs in it."""
    gate_passed: bool | None = None
    """The quality gate's verdict on the tree in question; None where it asks or has not run."""
    land_flag: bool = False
    blocking: bool = True
    """The agent cannot go on without the answer."""
    evidence_run: bool = False
    """The engine's own run of a check."""


@dataclass(frozen=True)
class Ruling:
    """A verdict and its reason in words for the human. Only a `rememberable` question may become a rule."""

    verdict: Verdict
    why: str
    rememberable: bool = False


COMMANDS = frozenset({Action.KNOWN_COMMAND, Action.OTHER_COMMAND, Action.OPEN_COMMAND})
_REMEMBERABLE = COMMANDS | {Action.EDIT}

_AUTO_FROM: dict[Action, Level] = {
    Action.PLAN: Level.SUPERVISED,
    Action.READ: Level.GUIDED,
    Action.EDIT: Level.COLLABORATIVE,
    Action.KNOWN_COMMAND: Level.COLLABORATIVE,
    Action.OTHER_COMMAND: Level.SUPERVISED,
}
"""The lowest level that needs nobody; rows that depend on facts are below, all others ask."""


def decide(level: Level, action: Action, facts: Facts) -> Ruling:
    """What happens to `action` at the effective `level`.

    A lower level never permits more. The one row that looks otherwise, `SESSION_CHANGES`, is a summary: at
    the two lower levels every task's change set was asked for, so that nothing is left to ask.
    """
    if action is Action.FORBIDDEN_PATH:
        return Ruling(Verdict.DENY, "outside the worktree, or protected")
    if action in COMMANDS:
        return _command(level, action, facts)
    match action:
        case Action.QUESTION:
            allowed = level is Level.FULL or (level is Level.SUPERVISED and not facts.blocking)
            why = "assumed, and recorded as an assumption" if allowed else "the agent asks"
        case Action.TASK_CHANGES:
            allowed = level.rank >= Level.SUPERVISED.rank and facts.gate_passed is True
            why = "the gate passed" if allowed else _gate_why(level, facts)
        case Action.SESSION_CHANGES:
            allowed = level is not Level.SUPERVISED
            why = "each change set was decided on its own" if allowed else "the whole change, once"
        case Action.LAND:
            allowed = level is Level.FULL and facts.land_flag and facts.gate_passed is not False
            why = "--land was given" if allowed else "landing is the human's decision"
        case Action.HARD_GATE:
            return Ruling(Verdict.ASK, "asked at every level")
        case _:
            return _by_level(level, action)
    return Ruling(Verdict.AUTO if allowed else Verdict.ASK, why)


def _command(level: Level, action: Action, facts: Facts) -> Ruling:
    if not facts.sandbox:
        return Ruling(Verdict.ASK, "no sandbox: every command asks", rememberable=True)
    if action is Action.OPEN_COMMAND:
        return Ruling(Verdict.ASK, "runs outside the sandbox or with network", rememberable=True)
    if facts.evidence_run:
        return Ruling(Verdict.AUTO, "the engine's own check, sandboxed")
    return _by_level(level, action)


def _by_level(level: Level, action: Action) -> Ruling:
    lowest = _AUTO_FROM.get(action)
    if lowest is not None and level.rank >= lowest.rank:
        return Ruling(Verdict.AUTO, f"{level} allows it")
    return Ruling(Verdict.ASK, f"{level} asks for it", rememberable=action in _REMEMBERABLE)


def _gate_why(level: Level, facts: Facts) -> str:
    if level.rank < Level.SUPERVISED.rank:
        return f"{level} asks for it"
    return "the gate failed" if facts.gate_passed is False else "the gate could not decide"
