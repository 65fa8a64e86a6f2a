"""Frozen models that every layer shares: sessions, tasks, steps, approvals, change sets, events, commands.

What is an attribute here (`domain.commands`) loads with its first use: a screen paints before it says or asks
anything, and the models of all that could be said take longer to make than its first picture.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodev_tui.domain import approval as approval
    from autodev_tui.domain import commands as commands
    from autodev_tui.domain import events as events
    from autodev_tui.domain import lines as lines
    from autodev_tui.domain import plan as plan
    from autodev_tui.domain import requests as requests
    from autodev_tui.domain import task as task
    from autodev_tui.domain import updates as updates
else:
    _LAZY = ("approval", "commands", "events", "lines", "plan", "requests", "task", "updates")

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
