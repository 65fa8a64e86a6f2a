"""Remembered approvals: which rule a question may become, in words, and what a rule answers. Pure.

A rule only ever answers a question that the table of autonomy calls rememberable. What the table denies, and
hard gates, no rule is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autodev_tui.policy.commands import CommandClass, CommandKind
from autodev_tui.policy.table import Action

Pattern = dict[str, Any]
SCOPES = {"session": "In this session", "repository": "In this repository, in every session"}


def command_pattern(command: str, kind: CommandClass, *, sandboxed: bool) -> Pattern:
    """What is remembered of a command: checks and reading commands by their program, all others exactly."""
    known = kind.kind in (CommandKind.CHECK, CommandKind.READ_ONLY)
    if known and sandboxed and kind.argv:
        return {"program": list(_program(kind.argv)), "kind": "known", "sandboxed": True}
    return {"command": command, "kind": kind.kind.value, "sandboxed": sandboxed}


def edit_pattern(tool: str, path: str, to: str) -> Pattern:
    """What is remembered of a change of one file: writing is writing, whichever tool does it."""
    return {"change": _change(tool), "path": path, "to": to}


def matches(pattern: Mapping[str, Any], wanted: Mapping[str, Any], argv: Sequence[str] | None = None) -> bool:
    """Whether the rule `pattern` answers a question that would itself become the rule `wanted`.

    `argv` are the words of a known command: it may go on after those that the rule names.
    """
    if "program" in pattern:
        program = list(pattern["program"])
        same = {**pattern, "program": 0} == {**wanted, "program": 0}
        return bool(program) and same and argv is not None and list(argv[: len(program)]) == program
    return dict(pattern) == dict(wanted)


def words(pattern: Mapping[str, Any]) -> dict[str, str]:
    """The rule in full, for each scope that it may be saved for."""
    return {scope: f"{where}, {_what(pattern)}, without asking." for scope, where in SCOPES.items()}


def action_of(pattern: Mapping[str, Any]) -> Action:
    """The row of the table of autonomy that a rule belongs to."""
    if "change" in pattern:
        return Action.EDIT
    if pattern["kind"] in ("known", CommandKind.CHECK, CommandKind.READ_ONLY):
        return Action.KNOWN_COMMAND
    return Action.OPEN_COMMAND if pattern["kind"] == CommandKind.NETWORK else Action.OTHER_COMMAND


def _what(pattern: Mapping[str, Any]) -> str:
    if "change" in pattern:
        to = f" to {pattern['to']}" if pattern["to"] else ""
        return f"any agent may {pattern['change']} {pattern['path']}{to} in its worktree"
    where = "in the sandbox" if pattern["sandboxed"] else "outside any sandbox"
    if "program" in pattern:
        program = " ".join(pattern["program"])
        return (
            f"any agent may run {program} with any arguments with which it is known to only check or read, "
            f"{where}, without network"
        )
    network = "with network" if pattern["kind"] == CommandKind.NETWORK else "without network"
    return f"any agent may run exactly this command {where}, {network}: {pattern['command']}"


def _program(argv: Sequence[str]) -> Sequence[str]:
    """The words that say which program runs, as in `python -m pytest`, `uv run ruff` or `git log`."""
    if len(argv) > 2 and argv[1] == "-m":
        return argv[:3]
    if len(argv) > 2 and argv[1] == "run":
        return argv[:3]
    return argv[:2] if argv[0] == "git" else argv[:1]


def _change(tool: str) -> str:
    return {"write_file": "write", "edit_file": "write", "delete_file": "delete", "move_file": "move"}[tool]
