"""Prompts: one jinja2 template a file, rendered in a sandbox; a missing variable is an error, never a blank.

Text that comes from the repository is fenced by `untrusted`, so that a model can tell data from instruction.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

FENCE = "untrusted-text"


class PromptError(Exception):
    """A template is missing, broken, or was rendered without one of its variables."""


def untrusted(text: str, source: str) -> str:
    """`text` fenced as data; a fence inside it cannot close ours."""
    name = source.replace('"', "'").replace("\n", " ")
    body = text.replace(f"</{FENCE}", f"<\\/{FENCE}")
    return f'<{FENCE} source="{name}">\n{body}\n</{FENCE}>'


def render(name: str, **values: Any) -> str:
    """The template `name` (without its suffix) filled in, without blank edges.

    Raises:
        PromptError: naming the template and what is wrong with it.
    """
    from jinja2 import TemplateError

    try:
        return str(_environment().get_template(f"{name}.j2").render(**values)).strip()
    except TemplateError as error:
        raise PromptError(f"prompt {name}: {error}") from error


@cache
def _environment() -> Any:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(name: str) -> str | None:
        file = resources.files(__package__ or "prompts") / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["untrusted"] = untrusted
    return environment
