"""The models that can be chosen, as rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from autodev_tui.domain.requests import GetModels, RowsAnswer
from autodev_tui.engine.site import Site
from autodev_tui.providers.catalogue import catalogue
from autodev_tui.settings import Settings, load_settings

WITHIN_S = 1.5
"""For the Ollama server; what it has not told by then is left out."""


async def get_models(site: Site, request: GetModels) -> RowsAnswer:
    """The rows of `autodev models`; that no Ollama answers stands in `facts.ollama_problem`."""
    return await _listed(site.environment, site.settings)


async def models_outside(environment: Mapping[str, str], options: Mapping[str, Any]) -> RowsAnswer:
    """The same in a folder that is no repository. Raises SettingsError."""
    settings = await asyncio.to_thread(load_settings, environment, options=options)
    return await _listed(environment, settings)


async def _listed(environment: Mapping[str, str], settings: Settings) -> RowsAnswer:
    rows, facts = await asyncio.to_thread(
        catalogue,
        environment,
        chosen=settings.model,
        prices=settings.price_table(),
        window=settings.limits.local_context_tokens,
        within_s=WITHIN_S,
    )
    return RowsAnswer(rows=rows, facts=facts)
