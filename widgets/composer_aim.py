"""Whom a text of the composer is for, and how its rule says so. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from widgets.completion import Typed, parse

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from widgets.cells import Line

GOAL, ALL, PLANNER = "goal", "all", ""
"""Targets besides tasks: a new goal, every agent, the planner."""
_ENDED = (SessionState.LANDED, SessionState.CANCELLED, SessionState.FAILED)


def default_target(mirror: Mirror, front: str) -> str:
    """Whom a text is for that names nobody: the agent in front, a new goal where no session goes on."""
    session = mirror.session
    if session is None or (not mirror.facts.busy and session.state in _ENDED):
        return GOAL
    return front if front in mirror.tasks else PLANNER


def aimed(text: str, target: str, mirror: Mirror) -> tuple[Typed, str]:
    """What a text is and whom it is for, an `@T4` at its start heeded."""
    typed = parse(text)
    named = typed.target
    if typed.kind != "words" or named is None:
        return typed, target
    if named == "planner":
        return typed, PLANNER
    if named == ALL or named in mirror.tasks:
        return typed, named
    return Typed("words", text.strip()), target


def aim_line(typed: Typed, target: str, mirror: Mirror) -> tuple[Line, Line]:
    """Both parts of the rule above the field."""
    if typed.kind == "shell":
        where = f"the worktree of {target}" if target in mirror.tasks else "your checkout"
        return [(f"run in {where}, sandboxed", "text")], []
    if typed.kind == "command":
        return [("command", "text")], []
    queued = len(mirror.queued(target or None)) if target not in (GOAL, ALL) else 0
    right: Line = []
    if queued:
        right = [(f"{queued} queued", "asks")]
        if typed.kind == "nothing":
            right.append(("  enter delivers now, up takes back", "muted"))
    return _whom(target, mirror), right


def _whom(target: str, mirror: Mirror) -> Line:
    if target == GOAL:
        return [("new goal", "text")]
    if target == ALL:
        return [("to all agents", "text")]
    if target == PLANNER:
        return [("to the planner", "text")]
    task = mirror.tasks.get(target)
    title = visible(task.title, keep="") if task else ""
    return [(f"to {target} ", "text"), (title[:1].lower() + title[1:], "data")]
