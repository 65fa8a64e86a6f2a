"""Who answers which request of a front end. An answerer gets the site and the request, and raises Refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.engine import deciding, reviewing, showing
from autodev_tui.engine.answering import AROUND
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.site import Site

__all__ = ["ANSWERERS", "Answerer", "Refusal", "answer"]

Answerer = Callable[[Site, Any], Awaitable[requests.Answer]]

ANSWERERS: dict[type[Any], Answerer] = {**AROUND, **reviewing.ANSWERS, **showing.ANSWERS, **deciding.ANSWERS}


async def answer(site: Site, request: requests.Request) -> requests.Answer:
    """The answer to `request`, `Refused` with the reason where there is none."""
    try:
        return await ANSWERERS[type(request)](site, request)
    except (Refusal, LookupError) as refusal:
        return requests.Refused(reason=str(refusal), moved=getattr(refusal, "moved", []))
