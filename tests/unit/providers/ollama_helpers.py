"""What the tests of the Ollama adapter share: a provider on the fake server that never really sleeps."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.providers.base import Chunk, Noted, ProviderError, Request, Retrying, ToolSpec, Turn
from autodev_tui.providers.ollama import OllamaProvider
from autodev_tui.providers.ollama_address import address_of
from tests.fakes.ollama_server import FakeOllama
from tests.unit.providers.helpers import script, user

MODEL = "qwen3"
TOOLS = (
    ToolSpec(
        "run",
        "runs a command",
        {
            "type": "object",
            "properties": {"command": {"type": "string"}, "timeout_s": {"type": "number"}},
            "required": ["command"],
        },
    ),
    ToolSpec(
        "read",
        "reads a file",
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "limit": {"type": "integer"},
                "all": {"type": "boolean"},
            },
            "required": ["path"],
        },
    ),
)
RUN = {"name": "run", "input": {"command": "ls"}}
READ = {"name": "read", "input": {"path": "a.py"}}


def request(messages: list[dict[str, Any]] | None = None, **changes: Any) -> Request:
    facts: dict[str, Any] = {
        "system": "You are a developer.",
        "tools": TOOLS,
        "messages": messages if messages is not None else [user("Fix the bug.")],
        "model": MODEL,
        "max_tokens": 4_000,
    }
    return Request(**{**facts, **changes})


class Asker:
    """A provider, what it reported, and the seconds it would have slept."""

    def __init__(self, fake: FakeOllama, *, key: str = "", **options: Any) -> None:
        self.chunks: list[Chunk] = []
        self.slept: list[float] = []
        address = address_of({"OLLAMA_HOST": fake.url, "OLLAMA_API_KEY": key})
        self.provider = OllamaProvider(
            address, sleep=self._sleep, random=lambda: 0.5, **{"first_s": 5.0, "idle_s": 5.0, **options}
        )

    async def __aenter__(self) -> Asker:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.provider.aclose()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def turn(self, asked: Request | None = None) -> Turn:
        return await self.provider.complete(asked or request(), self.chunks.append)

    async def error(self, asked: Request | None = None) -> ProviderError:
        try:
            turn = await self.turn(asked)
        except ProviderError as error:
            return error
        raise AssertionError(f"no error but {turn}")

    @property
    def retries(self) -> list[Retrying]:
        return [chunk for chunk in self.chunks if isinstance(chunk, Retrying)]

    @property
    def notes(self) -> list[str]:
        return [chunk.text for chunk in self.chunks if isinstance(chunk, Noted)]


async def asked(
    *replies: dict[str, Any], models: Any = None, **changes: Any
) -> tuple[Turn, Asker, FakeOllama]:
    """The turn that the first of `replies` becomes."""
    more = {"models": models} if models else {}
    with FakeOllama(script(*replies, **more)) as fake:
        async with Asker(fake) as asker:
            return await asker.turn(request(**changes)), asker, fake


async def failed(
    *replies: dict[str, Any], models: Any = None, **changes: Any
) -> tuple[ProviderError, Asker, FakeOllama]:
    """The error that the first of `replies` becomes."""
    more = {"models": models} if models else {}
    with FakeOllama(script(*replies, **more)) as fake:
        async with Asker(fake) as asker:
            return await asker.error(request(**changes)), asker, fake
