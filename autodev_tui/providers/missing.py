"""The provider that stands where none can be made: it says why."""

from __future__ import annotations

from collections.abc import Callable

from autodev_tui.providers.base import Chunk, ModelLimits, ProviderError, Request, Turn


class MissingProvider:
    """Refuses every call with the same words."""

    name = "none"

    def __init__(self, why: str) -> None:
        self.why = why

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """Raises ProviderError."""
        raise ProviderError("config", self.why)

    async def limits(self, model: str) -> ModelLimits:
        """Raises ProviderError."""
        raise ProviderError("config", self.why)

    async def aclose(self) -> None:
        """Nothing is open."""
