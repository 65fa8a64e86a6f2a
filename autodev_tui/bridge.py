"""The pipe between a front end and the engine: only JSON lines cross it, from the first day in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

from autodev_tui.domain.commands import COMMAND, Command
from autodev_tui.domain.events import EVENT, Event
from autodev_tui.engine.engine import Engine


class Bridge:
    """A front end's view of the engine: commands go in and events come out as lines of JSON."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def submit(self, command: Command) -> None:
        """Send a command. Raises what `Engine.submit` raises."""
        line = COMMAND.dump_json(command)
        await self._engine.submit(COMMAND.validate_json(line))

    async def events(self, from_seq: int = 0) -> AsyncIterator[Event]:
        """The session's events after `from_seq`, the first of them the handshake."""
        async for event in self._engine.subscribe(from_seq):
            yield EVENT.validate_json(EVENT.dump_json(event))
