"""What another level would have changed: the human's decisions so far, judged by the table once more."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import requests
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.levels import Level, effective_level
from autodev_tui.domain.states import ApprovalState
from autodev_tui.policy.table import Action, Facts, Verdict, decide

if TYPE_CHECKING:
    from autodev_tui.domain.task import Task
    from autodev_tui.engine.services import Services
    from autodev_tui.engine.site import Site

LOOKED_AT = 100
"""The latest decisions that a preview speaks of: older ones say little about today's work."""
_DECIDED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)


def told(services: Services, action: Action, facts: Facts, task: Task | None) -> dict[str, Any]:
    """The fields of a question that let another level be tried on it later."""
    recommended = task.recommended if task else Level(services.session.analysis["recommended"])
    pin = (task.pin if task else None) or services.session.pin
    advice = effective_level(Level.FULL, recommended, pin)
    return {"action": action.value, "facts": {**asdict(facts), "advice": advice.value}}


def would_ask(approval: Approval, level: Level) -> bool:
    """Whether the slider at `level` would have asked this too; what the table has no row for always asks."""
    if not approval.action:
        return True
    facts = dict(approval.facts)
    advice = Level(facts.pop("advice"))
    effective = effective_level(level, advice, None)
    return decide(effective, Action(approval.action), Facts(**facts)).verdict is Verdict.ASK


async def level_preview(site: Site, request: requests.GetLevelPreview) -> requests.LevelAnswer:
    """Of the human's latest decisions in this repository, what `request.level` would have done."""
    everything = [Approval(**document) for document in site.database.all("approvals")]
    decided = [one for one in everything if one.state in _DECIDED and one.decision]
    latest = sorted(decided, key=lambda one: one.created)[-LOOKED_AT:]
    alone = [one for one in latest if not would_ask(one, request.level)]
    return requests.LevelAnswer(
        level=request.level,
        decisions=len(latest),
        asked=len(latest) - len(alone),
        alone=len(alone),
        rejected=sum(one.state is ApprovalState.REJECTED for one in alone),
    )
