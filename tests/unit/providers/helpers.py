"""What the tests of the Anthropic adapter share: a provider on the fake server that never really sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from autodev_tui.providers.anthropic import AnthropicProvider
from autodev_tui.providers.base import Chunk, ProviderError, Request, Retrying, ToolSpec, Turn
from tests.fakes.anthropic_server import FakeAnthropic

MODEL = "claude-opus-5-5"
NOW = 1_795_219_200.0
"""2026-11-21, when all dated prices hold."""
TOOLS = (
    ToolSpec("run", "runs a command", {"type": "object", "properties": {"command": {"type": "string"}}}),
    ToolSpec("read", "reads a file", {"type": "object", "properties": {"path": {"type": "string"}}}),
)


def script(*replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"replies": list(replies)}], **more}


def user(*texts: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def request(messages: list[dict[str, Any]] | None = None, **changes: Any) -> Request:
    facts: dict[str, Any] = {
        "system": "You are a developer.",
        "tools": TOOLS,
        "messages": messages if messages is not None else [user("Fix the bug.")],
        "model": MODEL,
        "max_tokens": 4_000,
    }
    return Request(**{**facts, **changes})


class Listening:
    """What a provider reported, and the seconds it would have slept."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.slept: list[float] = []

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def turn(self, asked: Request | None = None) -> Turn:
        """The reply to a request, to one of each provider's own where none is given."""
        raise NotImplementedError

    async def error(self, asked: Request | None = None) -> ProviderError:
        try:
            turn = await self.turn(asked)
        except ProviderError as error:
            return error
        raise AssertionError(f"no error but {turn}")

    @property
    def retries(self) -> list[Retrying]:
        return [chunk for chunk in self.chunks if isinstance(chunk, Retrying)]


class Asker(Listening):
    """A provider that is closed after each turn."""

    def __init__(self, url: str, *, key: str = "test-key", idle_s: float = 5.0, random: float = 0.5) -> None:
        super().__init__()
        self.provider = AnthropicProvider(
            api_key=key,
            base_url=url,
            sleep=self._sleep,
            random=lambda: random,
            clock=lambda: NOW,
            idle_s=idle_s,
        )

    async def turn(self, asked: Request | None = None) -> Turn:
        try:
            return await self.provider.complete(asked or request(), self.chunks.append)
        finally:
            await self.provider.aclose()


async def asked(*replies: dict[str, Any], **changes: Any) -> tuple[Turn, Asker, FakeAnthropic]:
    """The turn that the first of `replies` becomes."""
    with FakeAnthropic(script(*replies)) as fake:
        asker = Asker(fake.url)
        return await asker.turn(request(**changes)), asker, fake


async def failed(*replies: dict[str, Any], **changes: Any) -> tuple[ProviderError, Asker, FakeAnthropic]:
    """The error that the first of `replies` becomes."""
    with FakeAnthropic(script(*replies)) as fake:
        asker = Asker(fake.url)
        return await asker.error(request(**changes)), asker, fake


def answers(turn: Turn, result: Callable[[str], str] = lambda name: "(no output)") -> dict[str, Any]:
    """The user message that answers all calls of a turn."""
    return {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": result(call.name)}
            for call in turn.calls
        ],
    }
