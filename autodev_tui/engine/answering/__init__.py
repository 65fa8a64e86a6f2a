"""Answers about everything around the work: sessions, money, settings, trust, what a machine lacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.engine.answering.advice import get_goal_advice
from autodev_tui.engine.answering.checkpoints import get_checkpoints
from autodev_tui.engine.answering.doctor import get_doctor
from autodev_tui.engine.answering.examples import get_examples
from autodev_tui.engine.answering.exporting import get_export
from autodev_tui.engine.answering.models import get_models
from autodev_tui.engine.answering.options import get_settings
from autodev_tui.engine.answering.resuming import get_resume
from autodev_tui.engine.answering.sessions import get_sessions
from autodev_tui.engine.answering.templates import get_prompts
from autodev_tui.engine.answering.trusting import get_paths, get_trust
from autodev_tui.engine.answering.usage import get_usage

AROUND: dict[type[Any], Callable[[Any, Any], Awaitable[requests.Answer]]] = {
    requests.GetSessions: get_sessions,
    requests.GetUsage: get_usage,
    requests.GetDoctor: get_doctor,
    requests.GetModels: get_models,
    requests.GetSettings: get_settings,
    requests.GetTrust: get_trust,
    requests.GetPaths: get_paths,
    requests.GetGoalAdvice: get_goal_advice,
    requests.GetExamples: get_examples,
    requests.GetCheckpoints: get_checkpoints,
    requests.GetResume: get_resume,
    requests.GetPrompts: get_prompts,
    requests.GetExport: get_export,
}
