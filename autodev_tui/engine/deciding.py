"""Who answers and carries out what the human's decisions need: plans, conflicts, landings, rules, levels."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain import commands, requests
from autodev_tui.engine.broker import recall
from autodev_tui.engine.conflicts import get_conflict
from autodev_tui.engine.landing_view import get_landing
from autodev_tui.engine.level_preview import level_preview
from autodev_tui.engine.plan_editing import edit_plan
from autodev_tui.engine.rules import revoke_rule

ANSWERS: dict[type[Any], Any] = {
    requests.GetConflict: get_conflict,
    requests.GetLanding: get_landing,
    requests.GetLevelPreview: level_preview,
}
COMMANDS: dict[type[Any], Any] = {
    commands.EditPlan: edit_plan,
    commands.Recall: recall,
    commands.RevokeRule: revoke_rule,
}
