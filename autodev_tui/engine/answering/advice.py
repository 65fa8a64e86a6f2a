"""What the rules say of a goal while it is typed."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from statistics import fmean, median

from autodev_tui.domain.requests import AdviceAnswer, GetGoalAdvice, OutlinedTask
from autodev_tui.domain.rule import needs_model
from autodev_tui.domain.text import visible
from autodev_tui.engine.estimates import outlook
from autodev_tui.engine.flags import HISTORY_ADVICE, is_on
from autodev_tui.engine.ledger import FEWEST, forecast, task_costs
from autodev_tui.engine.rates import is_local
from autodev_tui.engine.site import Site
from autodev_tui.planning.analysis import Analysis, RepositoryFacts, analyse
from autodev_tui.planning.autonomy import score
from autodev_tui.planning.complexity import ComplexityClass
from autodev_tui.providers import ollama_look
from autodev_tui.rules.planning import plan
from store.database import Database

TASKS = {ComplexityClass.SIMPLE: 1, ComplexityClass.MEDIUM: 3, ComplexityClass.COMPLEX: 5}
"""S05: done directly, cut lightly, cut heavily; a goal that names more has more."""


async def get_goal_advice(site: Site, request: GetGoalAdvice) -> AdviceAnswer:
    """Complexity, number of tasks, what they are likely to cost, and the advised level."""
    return await asyncio.to_thread(_advice, site, request.goal)


def _advice(site: Site, goal: str) -> AdviceAnswer:
    facts = _facts(site.repository.tracked_paths("HEAD"))
    analysis = analyse(goal, facts)
    outline = _outline(goal, facts)
    tasks = max(TASKS[analysis.complexity_class], len(outline))
    if is_on(site.settings, HISTORY_ADVICE, site.repository.id):
        tasks = _as_before(site.database, analysis) or tasks
    spec = site.model()
    likely = outlook(
        site.database,
        site.settings,
        spec,
        site.clock(),
        goal,
        analysis.task_complexity,
        tasks,
        remote=_works_elsewhere(site, spec),
    )
    # What other models cost says nothing of one that is free, or whose price nobody knows.
    paid = not spec or bool(likely and likely[1])
    costs = task_costs(site.database) if paid else []
    cost = median(costs) * tasks if len(costs) >= FEWEST else None
    parts = [
        f"{analysis.task_complexity.value} {analysis.complexity_score}",
        "1 task" if tasks == 1 else f"{tasks} tasks",
        *([f"~${cost:.2f}"] if cost is not None else _range_words(likely)),
    ]
    return AdviceAnswer(
        complexity=analysis.task_complexity.value,
        score=analysis.complexity_score,
        tasks=tasks,
        cost_usd=cost,
        cost_range_usd=forecast(costs, tasks) or likely,
        price_known=likely is not None or not spec,
        outline=outline,
        level=score(analysis.factors()).level,
        words=" · ".join(parts),
    )


def _range_words(likely: tuple[float, float] | None) -> list[str]:
    return [f"${likely[0]:.2f}–{likely[1]:.2f}"] if likely and likely[1] else []


def _works_elsewhere(site: Site, spec: str) -> bool:
    """Whether the server of a model of Ollama says so; asked until it has answered once."""
    if not is_local(spec):
        return False
    if spec not in site.elsewhere:
        told = ollama_look.elsewhere(site.environment, spec.partition("/")[2])
        if told is None:
            return False
        site.elsewhere[spec] = told
    return site.elsewhere[spec]


def _outline(goal: str, facts: RepositoryFacts) -> list[OutlinedTask]:
    """What the fast lane makes of the goal: the plan itself where no model plans."""
    return [
        OutlinedTask(title=visible(task["title"], keep=""), needs_model=needs_model(task["description"]))
        for task in plan(goal, facts.known)
    ]


def _as_before(database: Database, analysis: Analysis) -> int:
    """How many tasks goals of this class came to; 0 where too few are known."""
    plans = {
        run["session_id"]: len(run["execution_plan"])
        for run in database.all("history")
        if run["execution_plan"]
        and run["task_analysis"].get("complexity_class") == analysis.complexity_class.value
    }
    return round(fmean(plans.values())) if len(plans) >= FEWEST else 0


@lru_cache(maxsize=1)
def _facts(paths: frozenset[str]) -> RepositoryFacts:
    """Kept while HEAD stays: a goal is looked at again with every key."""
    return RepositoryFacts(paths=tuple(sorted(paths)))
