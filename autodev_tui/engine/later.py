"""Work of the engine whose module loads with its first use: a start does not wait for what nobody asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any


def later(module: str, name: str) -> Callable[[Any, Any], Awaitable[Any]]:
    """The function `name` of a module below `autodev_tui.engine`, which takes the site and what is wanted."""

    async def call(site: Any, wanted: Any) -> Any:
        return await getattr(import_module(f"autodev_tui.engine.{module}"), name)(site, wanted)

    return call
