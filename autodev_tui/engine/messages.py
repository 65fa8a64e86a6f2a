"""Words of the human to an agent: kept until it hears them, and heard once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.updates import Message
from autodev_tui.engine.refusal import Refusal

if TYPE_CHECKING:
    from autodev_tui.engine.agent import Agent
    from autodev_tui.engine.board import Board
    from store.journal import Op

TABLE = "messages"
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


class Mailbox:
    """The messages of one session."""

    def __init__(self, board: Board) -> None:
        """Sync: reads them from the store."""
        self._board = board
        found = [Message(**one) for one in board.database.all(TABLE, session=board.session.id)]
        self._messages = {one.id: one for one in sorted(found, key=lambda one: one.created)}
        self._number = len(found)

    def queued(self, task: str | None) -> list[Message]:
        """What the agent of `task` (None: the planner) has not heard yet, oldest first."""
        return [one for one in self._messages.values() if one.task == task and one.state == "queued"]

    async def put(self, task: str | None, text: str) -> Message:
        """Queue words for an agent. Raises LookupError, and Refusal when nobody will hear them."""
        self._refuse(task, text)
        self._number += 1
        message = Message(
            id=f"{self._board.session.id}/m{self._number}",
            session=self._board.session.id,
            task=task,
            text=text,
            created=self._board.clock(),
        )
        async with self._moving(message) as ops:
            await self._board.commit(extra=ops)
        return message

    async def take_back(self, name: str) -> None:
        """Remove a message from its queue. Raises LookupError, and Refusal when it was heard."""
        message = self._messages.get(name)
        if message is None:
            raise LookupError(f"no message {name} in this session")
        if message.state != "queued":
            raise Refusal(f"too late: the message is {message.state.replace('_', ' ')} already")
        async with self._moving(message.but(state="taken_back")) as ops:
            await self._board.commit(extra=ops)

    async def deliver(self, agent: Agent) -> None:
        """Let the agent hear what waits for it, word for word; it is heard in the line that delivers it."""
        for message in self.queued(agent.task_id):
            async with self._moving(message.but(state="delivered")) as ops:
                await agent.say(f"message {message.id}", message.text, extra=ops)

    async def close(self, task: str | None) -> list[Message]:
        """The task has ended: what was not heard is taken back, and returned."""
        left = self.queued(task)
        async with self._moving(*(one.but(state="taken_back") for one in left)) as ops:
            if ops:
                await self._board.commit(extra=ops)
        return left

    @asynccontextmanager
    async def _moving(self, *messages: Message) -> AsyncIterator[list[Op]]:
        """The store's operations. They count at once, so that nobody else moves these messages meanwhile.

        Where they fail, the messages are as before: what was heard is not heard again, its note being there.
        """
        before = dict(self._messages)
        self._messages.update({one.id: one for one in messages})
        try:
            yield [(TABLE, one.id, one.doc()) for one in messages]
        except BaseException:
            for one in messages:
                if one.id in before:
                    self._messages[one.id] = before[one.id]
                else:
                    del self._messages[one.id]
            raise

    def _refuse(self, task: str | None, text: str) -> None:
        if not text.strip():
            raise Refusal("there are no words in this message")
        session = self._board.session
        if task is None:
            stopped = session.state in (SessionState.FAILED, SessionState.INTERRUPTED)
            if (session.left_state if stopped else session.state) is not SessionState.PLANNING:
                raise Refusal(
                    "the plan is made: nobody would hear this · write to a task, or start a new goal"
                )
            return
        if task not in self._board.tasks:
            raise LookupError(f"no task {task} in this session")
        if (state := self._board.tasks[task].state) in _ENDED:
            raise Refusal(f"{task} is {state}: nobody would hear this · start a new goal for what is left")
