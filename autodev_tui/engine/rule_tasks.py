"""Tasks that a rule carries out: what the rule has to know, and what is asked of a human at every level."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.rule import HEAL, RULES_MODEL, needs_model, rule_of
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task
from autodev_tui.policy.hard_gates import Gate, GateHit
from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.own_ruff import own_ruff
from autodev_tui.rules.guards import guard_of

if TYPE_CHECKING:
    from autodev_tui.engine.services import Services
    from autodev_tui.engine.verify import Verifier


SUBJECT = "subject"
"""Where a task's context keeps the conventional subject of what its rule did, as a whole."""


def heals(description: str) -> bool:
    """Whether the task is to heal what is red."""
    return bool(re.match(rf"{HEAL}(?:\s|$)", rule_of(description).lower()))


def lacks_model(services: Services, task: Task) -> bool:
    """Whether nobody can work on this task now: it needs a model, and its model is none."""
    return (
        task.state not in (TaskState.COMPLETED, TaskState.CANCELLED)
        and services.models.spec_of(task) == RULES_MODEL
        and needs_model(task.description)
    )


async def rule_facts(verifier: Verifier, task: Task, worktree: Path) -> dict[str, Any]:
    """What the rule of this task has to know: the checks, and what is there to run them."""
    if not heals(task.description) and not guard_of(task.description):
        return {}
    environment = await verifier.environment(worktree)
    checks = await verifier.known_checks()
    return {
        "checks": [{"name": one.name, "command": one.command, "kind": one.kind.value} for one in checks],
        "python": environment.python,
        "own_ruff": own_ruff(),
    }


def said_by_rule(task: Task, result: Mapping[str, Any]) -> dict[str, Any]:
    """What the end of a rule's work says for its task's context: how a commit of it is called."""
    subject = result.get(SUBJECT, "") if not needs_model(task.description) else ""
    return {SUBJECT: subject} if subject or SUBJECT in task.context else {}


def mended_tests(task: Task, changes: ChangeSet) -> list[GateHit]:
    """A test that a rule changed is asked about at every level, also where it takes nothing away."""
    if not heals(task.description):
        return []
    return [
        GateHit(Gate.TESTS, file.path, tuple(hunk.number for hunk in file.hunks), "a rule changed this test")
        for file in changes.files
        if is_test_file(file.path)
    ]
