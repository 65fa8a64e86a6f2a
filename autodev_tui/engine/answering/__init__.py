"""Answers about everything around the work: sessions, money, settings, trust, what a machine lacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.engine.later import later

AROUND: dict[type[Any], Callable[[Any, Any], Awaitable[requests.Answer]]] = {
    requests.GetSessions: later("answering.sessions", "get_sessions"),
    requests.GetUsage: later("answering.usage", "get_usage"),
    requests.GetDoctor: later("answering.doctor", "get_doctor"),
    requests.GetModels: later("answering.models", "get_models"),
    requests.GetSettings: later("answering.options", "get_settings"),
    requests.GetTrust: later("answering.trusting", "get_trust"),
    requests.GetPaths: later("answering.trusting", "get_paths"),
    requests.GetGoalAdvice: later("answering.advice", "get_goal_advice"),
    requests.GetExamples: later("answering.examples", "get_examples"),
    requests.GetCheckpoints: later("answering.checkpoints", "get_checkpoints"),
    requests.GetResume: later("answering.resuming", "get_resume"),
    requests.GetPrompts: later("answering.templates", "get_prompts"),
    requests.GetExport: later("answering.exporting", "get_export"),
}
