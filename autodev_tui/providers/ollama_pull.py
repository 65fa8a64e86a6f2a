"""Downloads a model through an Ollama server, and tells how far it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.errors import StreamCut, clean
from autodev_tui.providers.ollama_address import address_of
from autodev_tui.providers.ollama_client import build_client
from autodev_tui.providers.ollama_errors import pull_error

SILENCE_S = 120.0
"""Longest silence of the server; it checks large files for a while, and tells so."""
DONE = "success"


@dataclass(frozen=True)
class Progress:
    """How far a download is: bytes of all its layers that are known so far."""

    status: str
    completed: int = 0
    total: int = 0
    per_s: float = 0.0

    @property
    def share(self) -> float | None:
        """From 0 to 1; None while nothing is known to be fetched."""
        return min(1.0, self.completed / self.total) if self.total else None


async def pull_model(
    name: str,
    environment: Mapping[str, str],
    on_progress: Callable[[Progress], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    silence_s: float = SILENCE_S,
) -> Progress:
    """Download `name`; the last progress. What was fetched stays at the server, so another try goes on there.

    Raises:
        ProviderError: no server, no such model, or the download broke off.
    """
    address = address_of(environment)
    if not name.strip() or any(not character.isprintable() or character.isspace() for character in name):
        raise ProviderError(
            "config", f"{clean(name, 60)!r} is no model name: write one like qwen3 or qwen3:8b"
        )
    client = await asyncio.to_thread(build_client, address)
    layers: dict[str, tuple[int, int]] = {}
    began, first = clock(), -1
    progress = Progress("asking for it")
    try:
        parts = await client.pull(name, stream=True)
        try:
            while True:
                async with asyncio.timeout(silence_s):
                    part = await anext(parts, None)
                if part is None:
                    raise StreamCut("the download broke off")
                told = part.model_dump()
                _count(layers, told)
                completed = sum(done for done, _ in layers.values())
                if first < 0 and layers:
                    # What an earlier try fetched says nothing of the speed.
                    first, began = completed, clock()
                took = clock() - began
                speed = (completed - first) / took if first >= 0 and took > 0 else 0.0
                total = sum(size for _, size in layers.values())
                progress = Progress(str(told.get("status") or ""), completed, total, speed)
                on_progress(progress)
                if progress.status == DONE:
                    return progress
        finally:
            await parts.aclose()
    except Exception as error:
        what = pull_error(error, name, address)
        if what is None:
            raise
        raise what from error
    finally:
        await client.close()


def _count(layers: dict[str, tuple[int, int]], told: Mapping[str, Any]) -> None:
    """Each layer by its digest: the server tells them in turn, and again when it goes on."""
    digest, total = told.get("digest"), told.get("total")
    if isinstance(digest, str) and isinstance(total, int) and total > 0:
        done = told.get("completed")
        layers[digest] = (min(total, max(0, done)) if isinstance(done, int) else 0, total)
