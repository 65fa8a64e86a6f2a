"""What is heard of a model call while it streams: shown at once, and counted in case the call is cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.session import Usage
from autodev_tui.providers import base

if TYPE_CHECKING:
    from autodev_tui.engine.agent import Agent


@dataclass
class Thought:
    """How much the model thought in one call, and for how long, as far as it streamed."""

    characters: int = 0
    began: float = 0.0
    seconds: float = 0.0

    def add(self, text: str, at: float) -> None:
        """Another piece of it."""
        self.began = self.began if self.characters else at
        self.characters += len(text)
        self.seconds = at - self.began

    def doc(self) -> dict[str, Any]:
        """What the step keeps of it; nothing where there was none."""
        if not self.characters:
            return {}
        return {"thinking": {"characters": self.characters, "seconds": round(self.seconds, 3)}}


class Listener:
    """Takes the chunks of one call."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._began = agent.services.monotonic()
        self.seen = Usage()
        """What the provider told so far that the call uses."""
        self.thought = Thought()
        self.streamed = 0
        """Characters of the reply so far."""

    @property
    def elapsed_s(self) -> float:
        """For how long the call has been under way."""
        return self._agent.services.monotonic() - self._began

    def __call__(self, chunk: base.Chunk) -> None:
        """The next one."""
        services, task = self._agent.services, self._agent.task_id
        match chunk:
            case base.TextDelta(text):
                self.streamed += len(text)
                services.board.log.emit(events.TextStreamed(task=task, text=text))
            case base.ThinkingDelta(text):
                self.streamed += len(text)
                self.thought.add(text, services.clock())
                services.board.log.emit(events.TextStreamed(task=task, text=text, thinking=True))
            case base.CallDelta(characters):
                self.streamed += characters
            case base.Retrying(attempt, of, wait_s, why):
                self.streamed = 0
                services.board.log.emit(
                    events.Retrying(task=task, attempt=attempt, of=of, wait_s=wait_s, why=why)
                )
            case base.Noted(text):
                services.board.log.emit(events.Noticed(task=task, text=text))
            case base.UsageSeen(usage):
                self.seen = usage
            case _:
                pass
