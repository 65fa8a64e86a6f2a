"""The models that can be chosen, as rows."""

from __future__ import annotations

import asyncio

from autodev_tui.domain.requests import GetModels, RowsAnswer
from autodev_tui.engine.site import Site
from autodev_tui.providers.catalogue import catalogue

WITHIN_S = 1.5
"""For the Ollama server; what it has not told by then is left out."""


async def get_models(site: Site, request: GetModels) -> RowsAnswer:
    """The rows of `autodev models`; that no Ollama answers stands in `facts.ollama_problem`."""
    settings = site.settings
    rows, facts = await asyncio.to_thread(
        catalogue,
        site.environment,
        chosen=settings.model,
        prices=settings.price_table(),
        window=settings.limits.local_context_tokens,
        within_s=WITHIN_S,
    )
    return RowsAnswer(rows=rows, facts=facts)
