"""The door from the screens to the engine's side: what the app carries across the pipe for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from autodev_tui.domain.commands import Command
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.requests import Answer, Refused, Request


class EnginePort(Protocol):
    """What screens need of the app."""

    mirror: Mirror

    async def submit(self, command: Command) -> Refused | None:
        """Tell the engine; what it does not carry out comes back with the reason."""
        ...

    async def ask(self, request: Request) -> Answer:
        """Ask the engine's side; `Refused` where there is no answer."""
        ...
