"""The title rule of an agent's pane: who it is, its state in one word, step, time, money. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.states import SessionState, StepState, TaskState
from widgets.cells import Line, width_of
from widgets.glyphs import ROLE, TASK
from widgets.model_words import model_of, short
from widgets.wording import counted, money, running_time

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.task import Task

PLANNER = ""
"""The planner's name in a mirror."""
WORKING = ("running", "asks", "retrying", "stuck", "paused", "waiting", "conflict", "failed")
"""States of an agent that is to be watched; the others have ended, or wait for a review."""
OVER = ("finished", "cancelled")
_AGENT_WORDS = {"done": "finished", "ready": "waiting"}
_AROUND = 8
"""Cells that a rule needs beside its words."""


def name_of(mirror: Mirror, agent: str) -> tuple[str, str]:
    """The agent's short name and what it is about: (`T3`, `tests`), (`planning`, "")."""
    if agent == PLANNER:
        return "planning", ""
    task = mirror.tasks.get(agent)
    return agent, lowered(task.title) if task else ""


def lowered(title: str) -> str:
    """A title inside a row: its first letter small, unless the word is an abbreviation."""
    first, second = title[:1], title[1:2]
    return first.lower() + title[1:] if second.islower() or not second else title


def word_of(mirror: Mirror, agent: str) -> str:
    """The agent's state in the one word that the screen uses for it (UI §5)."""
    if agent != PLANNER:
        task = mirror.tasks.get(agent)
        word = mirror.word(task) if task else "cancelled"
        return _AGENT_WORDS.get(word, word)
    session = mirror.session
    if session is None or session.state is not SessionState.PLANNING:
        return "finished"
    if any(one.task is None and one.kind is not ApprovalKind.LAND for one in mirror.pending()):
        return "asks"
    if not mirror.facts.busy:
        return "paused"
    return "retrying" if mirror.stream(PLANNER).retrying else "running"


def begun(mirror: Mirror, agent: str) -> bool:
    """Whether the agent has anything to show yet."""
    task = mirror.tasks.get(agent)
    return bool(mirror.steps.get(agent)) or agent in mirror.working or bool(task and task.worktree)


def worked(mirror: Mirror, agent: str, now: float) -> float:
    """Seconds for which the agent's steps were at work."""
    total = 0.0
    for step in mirror.steps_of(agent):
        if step.started is not None:
            goes_on = step.state is StepState.STARTED and mirror.facts.busy
            end = now if goes_on else step.ended or step.started
            total += max(end - step.started, 0.0)
    return total


def spent(mirror: Mirror, agent: str) -> tuple[float, bool]:
    """USD of the agent's calls, and whether all prices are known."""
    task = mirror.tasks.get(agent)
    if task is not None:
        return task.usage.cost_usd, task.usage.cost_known
    if mirror.session is None:
        return 0.0, True
    known = mirror.session.usage.cost_known
    return max(mirror.session.usage.cost_usd - sum(_cost(one) for one in mirror.tasks.values()), 0.0), known


def _cost(task: Task) -> float:
    return task.usage.cost_usd


def state_parts(mirror: Mirror, agent: str, now: float, notes: list[str]) -> Line:
    """The right part of the rule, the most important first: state, notes, step, time, money."""
    word = word_of(mirror, agent)
    said = word
    if word == "retrying" and (retrying := mirror.stream(agent).retrying):
        said = f"retrying {retrying.attempt} of {retrying.of}"
    if word == "blocked" and (task := mirror.tasks.get(agent)):
        said = " ".join(["blocked by", *_unmet(mirror, task)]) if _unmet(mirror, task) else "blocked"
    parts: Line = [(f"{TASK.get(word, '·')} {said}", ROLE.get(word, "muted"))]
    parts += [(f" · {note}", "asks") for note in notes]
    steps = mirror.step_counts.get(agent, len(mirror.steps_of(agent)))
    cost, known = spent(mirror, agent)
    parts.append((f" · step {counted(steps)}", "muted"))
    parts.append((f" · {running_time(worked(mirror, agent, now))}", "muted"))
    if cost or not known:
        parts.append((f" · {money(cost, known=known)}", "muted"))
    elif local := _local(mirror, agent):
        parts.append((f" · local {running_time(local)}", "muted"))
    own = mirror.tasks.get(agent)
    if own and model_of(own):
        parts.append((f" · {short(model_of(own))}", "data-muted"))
    return parts


def _local(mirror: Mirror, agent: str) -> float:
    """Seconds for which models of this machine worked on it."""
    task = mirror.tasks.get(agent)
    if task is not None:
        return task.usage.local_s
    if mirror.session is None:
        return 0.0
    return max(mirror.session.usage.local_s - sum(one.usage.local_s for one in mirror.tasks.values()), 0.0)


def _unmet(mirror: Mirror, task: Task) -> list[str]:
    found = (mirror.tasks.get(one) for one in task.dependencies)
    return [one.id for one in found if one and one.state is not TaskState.COMPLETED]


def fitting_name(names: list[Line], right: Line, keep: int, width: int) -> Line:
    """The longest of `names` beside which the first `keep` segments of `right` have room."""
    needed = width_of(right[:keep]) + _AROUND
    return next((name for name in names if width_of(name) + needed <= width), names[-1])
