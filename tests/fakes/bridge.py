"""A bridge without an engine: a test pushes updates, prepares answers, and sees the commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from autodev_tui.domain.commands import COMMAND, Command
from autodev_tui.domain.lines import from_line, to_line
from autodev_tui.domain.requests import ANSWER, REQUEST, Answer, Refused, Request, RowsAnswer
from autodev_tui.domain.updates import UPDATE, Update

Reply = Answer | Callable[[Any], Answer]


class FakeBridge:
    """Stands where `EngineThread` stands. Everything crosses it as a line of JSON, as over the real one."""

    def __init__(self, *updates: Update, answers: dict[type[Any], Reply] | None = None) -> None:
        self.commands: list[Command] = []
        self.requests: list[Request] = []
        self.answers = answers or {}
        self.refused: dict[type[Any], Refused] = {}
        self.taken: Callable[[Command], None] = lambda command: None
        """Called with every command that is carried out."""
        self.closed = False
        self._waiting: asyncio.Queue[Update] = asyncio.Queue()
        self._first = list(updates)

    def start(self) -> None:
        """The first updates come."""
        for update in self._first:
            self._waiting.put_nowait(update)

    def push(self, update: Update) -> None:
        """One more update."""
        self._waiting.put_nowait(update)

    async def restart(self) -> None:
        """Nothing is ever lost here."""

    async def submit(self, command: Command) -> Refused | None:
        """Keep the command; refuse it where the test said so."""
        command = from_line(COMMAND, to_line(COMMAND, command))
        self.commands.append(command)
        if refused := self.refused.get(type(command)):
            return refused
        self.taken(command)
        return None

    async def ask(self, request: Request) -> Answer:
        """The prepared answer; an empty table where there is none."""
        request = from_line(REQUEST, to_line(REQUEST, request))
        self.requests.append(request)
        found = self.answers.get(type(request), RowsAnswer())
        answer = found(request) if callable(found) else found
        return from_line(ANSWER, to_line(ANSWER, answer))

    async def updates(self) -> AsyncIterator[Update]:
        """What the test pushed, in order."""
        while True:
            update = await self._waiting.get()
            yield from_line(UPDATE, to_line(UPDATE, update))

    async def aclose(self) -> None:
        """The app was left."""
        self.closed = True

    def of(self, kind: type[Any]) -> list[Any]:
        """The commands of one kind, in order."""
        return [command for command in self.commands if type(command) is kind]
