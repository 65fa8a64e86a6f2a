"""Who answers which request of a front end. An answerer gets the site and the request, and raises Refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.engine.site import Site


class Refusal(Exception):
    """A request or command that is not carried out; the message says what, where and what to do."""

    def __init__(self, reason: str, moved: list[str] | None = None) -> None:
        super().__init__(reason)
        self.moved = moved or []
        """Paths that changed since they were shown."""


Answerer = Callable[[Site, Any], Awaitable[requests.Answer]]

ANSWERERS: dict[type[Any], Answerer] = {}


async def answer(site: Site, request: requests.Request) -> requests.Answer:
    """The answer to `request`, `Refused` with the reason where there is none."""
    try:
        return await ANSWERERS[type(request)](site, request)
    except (Refusal, LookupError) as refusal:
        return requests.Refused(reason=str(refusal), moved=getattr(refusal, "moved", []))
