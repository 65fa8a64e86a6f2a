"""Prompts: one versioned jinja2 template a file, rendered in a sandbox.

A missing variable is an error, never a blank. Text that comes from the repository is fenced by the filter
`untrusted`, so that a model can tell data from instruction. A team may replace a template by its own,
`.autodev/prompts/NAME.j2`, which counts once the user has trusted it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from prompts.errors import PromptError, PromptTooLong
from prompts.manager import PromptTemplateManager, RenderedPrompt
from prompts.safety import FENCE, Suspicion, sanitize_output, untrusted, validate_prompt_safety
from prompts.template import CATEGORIES, CODEBASE_ANALYSIS_KEYS, Template, shipped_names

__all__ = [
    "CATEGORIES",
    "CODEBASE_ANALYSIS_KEYS",
    "FENCE",
    "PromptError",
    "PromptTemplateManager",
    "PromptTooLong",
    "RenderedPrompt",
    "Suspicion",
    "Template",
    "render",
    "sanitize_output",
    "shipped_names",
    "untrusted",
    "validate_prompt_safety",
]


def render(name: str, **values: Any) -> str:
    """The shipped template `name` filled in, without blank edges.

    Raises:
        PromptError: naming the template and what is wrong with it.
    """
    return _shipped().render_template(name, **values)


@cache
def _shipped() -> PromptTemplateManager:
    return PromptTemplateManager()
