"""The planner under `rules`: a goal in words becomes tasks, each with the rule that can do it."""

from __future__ import annotations

from collections.abc import Sequence

from autodev_tui.domain.rule import CHANGELOG, HEAL, NEEDS_A_MODEL, with_rule
from autodev_tui.rules.work import Done, Job, Move


def work(job: Job, done: Sequence[Done]) -> Move:
    """Hand in the plan for the goal, which is the job's title."""
    lowered = job.title.lower()
    rule = HEAL if "heal" in lowered else CHANGELOG if "changelog" in lowered else NEEDS_A_MODEL
    task = {"id": "T1", "title": job.title[:200], "description": with_rule(job.description, rule)}
    return Move("Planned by rules.", [("submit_plan", {"tasks": [task]})])
