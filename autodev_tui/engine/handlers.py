"""Who carries out which command beside those of a session's life, which the engine takes itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain.commands import CancelSession, SetTaskModel
from autodev_tui.engine import deciding, reviewing, showing, steering
from autodev_tui.engine.cancelling import cancel_session
from autodev_tui.engine.handling import AROUND
from autodev_tui.engine.site import Site
from autodev_tui.engine.task_models import set_task_model

Handler = Callable[[Site, Any], Awaitable[None]]
"""Raises Refusal, EngineBusy, DecisionRefused or LookupError when the command is not carried out."""

HANDLERS: dict[type[Any], Handler] = {
    **AROUND,
    **reviewing.COMMANDS,
    **showing.COMMANDS,
    **steering.COMMANDS,
    **deciding.COMMANDS,
    CancelSession: cancel_session,
    SetTaskModel: set_task_model,
}
