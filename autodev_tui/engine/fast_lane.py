"""The fast lane's plan in place of a model's, where that cannot be used: made by rules, and said to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.states import ApprovalState
from autodev_tui.rules.planning import plan as plan_by_rules
from autodev_tui.tools.arguments import SubmitPlan

if TYPE_CHECKING:
    from autodev_tui.engine.board import Record
    from autodev_tui.engine.services import Services


def by_rules(services: Services, paths: Iterable[str]) -> list[dict[str, Any]]:
    """The plan of the fast lane, for a model to carry out. Sync."""
    session = services.session
    goal = "\n\n".join([session.goal, *session.instructions])
    by_model = services.models.spec_of(None) != RULES_MODEL
    tasks = SubmitPlan(tasks=plan_by_rules(goal, frozenset(paths), rules=not by_model)).tasks
    return [task.model_dump() for task in tasks]


def say_so(services: Services, why: str) -> Record:
    """Says that the model's plan is not the one: now, and in what the session records."""
    text = f"planned by rules: {services.models.spec_of(None)} handed in no plan that can be used ({why})"
    services.board.log.emit(events.Noticed(text=text, severity="warning"))
    session = services.board.newest(services.session)
    return session.but(assumptions=[*session.assumptions, text])


def say_by_rules(services: Services) -> None:
    """Says in the workbench that no model plans; a headless run has said so at once."""
    if services.models.spec_of(None) == RULES_MODEL and services.broker.interactive:
        text = "no model: planned by rules; what they cannot do waits for a model, and is in `autodev todo`"
        services.board.log.emit(events.Noticed(text=text))


def rejected_plans(services: Services) -> set[str]:
    """The digests of plans that the human rejected."""
    return {
        one.base["plan"]
        for one in services.board.approvals.values()
        if one.kind is ApprovalKind.PLAN and one.state is ApprovalState.REJECTED
    }
