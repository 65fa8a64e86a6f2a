"""What the tests of the Ollama adapter share: a provider on the fake server that never really sleeps."""

from __future__ import annotations

from typing import Any

from autodev_tui.providers.base import Noted, ProviderError, Request, ToolSpec, Turn
from autodev_tui.providers.ollama import OllamaProvider
from autodev_tui.providers.ollama_address import address_of
from tests.fakes.ollama_server import FakeOllama
from tests.unit.providers import helpers
from tests.unit.providers.helpers import script

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
    return helpers.request(messages, **{"tools": TOOLS, "model": MODEL, **changes})


class Asker(helpers.Listening):
    """A provider that is open as long as it is entered."""

    def __init__(self, fake: FakeOllama, *, key: str = "", **options: Any) -> None:
        super().__init__()
        address = address_of({"OLLAMA_HOST": fake.url, "OLLAMA_API_KEY": key})
        self.provider = OllamaProvider(
            address, sleep=self._sleep, random=lambda: 0.5, **{"first_s": 5.0, "idle_s": 5.0, **options}
        )

    async def __aenter__(self) -> Asker:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.provider.aclose()

    async def turn(self, asked: Request | None = None) -> Turn:
        return await self.provider.complete(asked or request(), self.chunks.append)

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
