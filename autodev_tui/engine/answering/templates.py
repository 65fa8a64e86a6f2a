"""The prompt templates that hold here, and each as it reads when filled in (S24's preview)."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain.requests import GetPrompts, RowsAnswer
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.site import Site
from prompts import PromptError, PromptTemplateManager
from prompts.manager import estimated_tokens
from prompts.samples import samples
from prompts.template import shipped_names


async def get_prompts(site: Site, request: GetPrompts) -> RowsAnswer:
    """All templates; with a name, that one rendered on sample values with what it says about itself."""
    return await asyncio.to_thread(_prompts, site, request.name)


def _prompts(site: Site, name: str) -> RowsAnswer:
    try:
        manager = PromptTemplateManager(site.trusted_files)
    except PromptError as error:
        raise Refusal(str(error)) from error
    if not name:
        return RowsAnswer(rows=[_row(manager, one) for one in shipped_names()])
    if name not in shipped_names():
        raise Refusal(f"there is no prompt {name} · there are: {', '.join(shipped_names())}")
    full, bare = samples(name)
    rendered = manager.render_prompt(name, **full)
    template = manager.load_template(name)
    facts = {
        "text": rendered.text,
        "bare": manager.render_template(name, **bare),
        "source": template.text,
        "tokens": estimated_tokens(rendered.text),
        "variables": sorted(template.variables),
        "trim": list(template.trim),
        "safety": [
            {"kind": one.kind, "line": one.line, "text": one.excerpt, "source": one.source}
            for one in rendered.suspicions
        ],
    }
    return RowsAnswer(rows=[_row(manager, name)], facts=facts)


def _row(manager: PromptTemplateManager, name: str) -> dict[str, Any]:
    template = manager.load_template(name)
    full, _ = samples(name)
    return {
        "name": name,
        "version": template.version,
        "label": template.label,
        "category": template.category,
        "origin": "repository" if template.overridden else "shipped",
        "place": template.place,
        "tokens": estimated_tokens(manager.render_template(name, **full)),
    }
