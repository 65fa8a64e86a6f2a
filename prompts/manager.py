"""S24's prompt template manager: load, render within a length, tell what is suspicious."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prompts.errors import PromptError, PromptTooLong
from prompts.safety import Suspicion, sanitize_output, validate_prompt_safety
from prompts.template import (
    SUFFIX,
    Template,
    described,
    environment,
    error_place,
    replacing,
    shipped,
    shipped_names,
)

FOLDER = ".autodev/prompts/"
"""Where a repository keeps its own templates."""
CHARACTERS_A_TOKEN = 3.2
"""The field's figure for code with the newer tokenizers."""
_NAMED = 5
"""Left-out things that are called by their name."""


@dataclass(frozen=True)
class RenderedPrompt:
    """A prompt as it is sent, and how it came to be."""

    text: str
    label: str
    """The template's name and version."""
    left_out: tuple[str, ...] = ()
    """What was dropped for want of room."""
    suspicions: tuple[Suspicion, ...] = field(default=())


class PromptTemplateManager:
    """The templates of one run: the shipped ones, and the repository's own in their place."""

    def __init__(self, overrides: Mapping[str, bytes] | None = None) -> None:
        """`overrides`: files of `.autodev/prompts/`, by path in the repository, exactly as they were trusted.

        Each is compiled and tried on sample values here, so that a mistake ends a run before it begins.

        Raises:
            PromptError: naming file and line.
        """
        self._own: dict[str, Template] = {}
        for path in sorted(overrides or {}):
            if path.startswith(FOLDER) and path.endswith(SUFFIX):
                self._add(path, (overrides or {})[path])
        self._environment = environment(self._text, self._place)
        for name in self._own:
            self._try(name)

    def load_template(self, name: str) -> Template:
        """The repository's own template of this name, else the shipped one. Raises PromptError."""
        return self._own.get(name) or shipped(name)

    def render_template(self, name: str, /, **values: Any) -> str:
        """The template filled in, as long as it comes out.

        Raises:
            PromptError: naming the template, the line and what is wrong.
        """
        from jinja2 import TemplateError

        template = self.load_template(name)
        try:
            text = self._environment.get_template(name + SUFFIX).render(**values)
        except (TemplateError, RecursionError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            places = {self.load_template(one).place for one in shipped_names()}
            where = error_place(error, places, template.place)
            what = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
            raise PromptError(f"{where}: {what} · in the prompt {name}") from error
        return sanitize_output(text).strip()

    def render_prompt(self, name: str, /, *, max_tokens: int | None = None, **values: Any) -> RenderedPrompt:
        """The prompt within `max_tokens`, with what it says about itself.

        Raises:
            PromptError: the template is wrong.
            PromptTooLong: what must not be left out is longer than that.
        """
        if max_tokens is None:
            return self._told(name, self.render_template(name, **values), ())
        return self._told(name, *self.optimize_prompt_length(max_tokens, name, values))

    def _told(self, name: str, text: str, left_out: tuple[str, ...]) -> RenderedPrompt:
        return RenderedPrompt(text, self.load_template(name).label, left_out, validate_prompt_safety(text))

    def optimize_prompt_length(
        self, max_tokens: int, name: str, values: Mapping[str, Any]
    ) -> tuple[str, tuple[str, ...]]:
        """The prompt in at most `max_tokens`, and what was left out of it for that; the same every time.

        The template's `trim` list says what may go, the least needed first: the last items of the first
        variable, then of the next. Nothing else is ever cut: not the goal, the task or the human's words.

        Raises:
            PromptTooLong: it does not fit with all of that gone.
        """
        kept = dict(values)
        left_out: list[str] = []
        text = self.render_template(name, **kept)
        for variable in self.load_template(name).trim:
            items = kept.get(variable)
            if estimated_tokens(text) <= max_tokens:
                break
            if not items:
                continue
            whole = isinstance(items, str)
            low, high = 0, 0 if whole else len(items) - 1
            while low < high:  # the most items with which it fits; none, if it fits with none
                middle = (low + high + 1) // 2
                text = self._without(name, kept, left_out, variable, items, middle)
                low, high = (middle, high) if estimated_tokens(text) <= max_tokens else (low, middle - 1)
            text = self._without(name, kept, left_out, variable, items, low)
            left_out.append(_words(variable, items, low))
            kept[variable] = items[:low]
        if estimated_tokens(text) > max_tokens:
            raise PromptTooLong(name, estimated_tokens(text), max_tokens)
        return text, tuple(left_out)

    def _without(
        self, name: str, kept: Mapping[str, Any], left_out: list[str], variable: str, items: Any, count: int
    ) -> str:
        told = "; ".join([*left_out, _words(variable, items, count)])
        text = self.render_template(name, **{**kept, variable: items[:count]})
        return f"{text}\n\nLeft out for want of room: {told}. Look at what you need of it with your tools."

    # -- the repository's own

    def _add(self, path: str, data: bytes) -> None:
        name = path.removeprefix(FOLDER).removesuffix(SUFFIX)
        if name not in shipped_names():
            near = difflib.get_close_matches(name, shipped_names(), 1)
            hint = f"did you mean {near[0]}{SUFFIX}?" if near else f"there are: {', '.join(shipped_names())}"
            raise PromptError(f"{path}: replaces no prompt · {hint}")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise PromptError(f"{path}:{line}: is not UTF-8 · save the file as UTF-8") from error
        self._own[name] = replacing(name, text, path)

    def _try(self, name: str) -> None:
        """Render it on samples, full and bare: only that finds a misspelt attribute or filter argument."""
        from prompts.samples import samples

        for values in samples(name):
            if not self.render_template(name, **values):
                raise PromptError(f"{self.load_template(name).place}:1: renders to nothing")

    def _text(self, name: str) -> str | None:
        return self.load_template(name).text if name in shipped_names() else None

    def _place(self, name: str) -> str | None:
        return self.load_template(name).place if name in shipped_names() else None


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return int(len(text) / CHARACTERS_A_TOKEN)


def _words(variable: str, items: Any, kept: int) -> str:
    """What was left out of a variable, in words."""
    what = variable.replace("_", " ")
    if isinstance(items, str):
        return what
    gone = items[kept:]
    names = [name for name in map(described, gone) if name]
    if names and len(names) == len(gone):
        return f"{what} ({', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''})"
    return what if not kept else f"{what} ({len(gone)} of {len(items)})"
