"""Who answers and carries out what the human's decisions need: plans, conflicts, landings, rules, levels."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain import commands, requests
from autodev_tui.engine.later import later

ANSWERS: dict[type[Any], Any] = {
    requests.GetConflict: later("conflicts", "get_conflict"),
    requests.GetLanding: later("landing_view", "get_landing"),
    requests.GetLevelPreview: later("level_preview", "level_preview"),
}
COMMANDS: dict[type[Any], Any] = {
    commands.EditPlan: later("plan_editing", "edit_plan"),
    commands.Recall: later("broker", "recall"),
    commands.RevokeRule: later("rules", "revoke_rule"),
}
