"""Every option with its value, its default, where it comes from and what it is for."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autodev_tui import credentials, paths
from autodev_tui.domain.requests import GetSettings, RowsAnswer
from autodev_tui.engine.flags import flag_rows
from autodev_tui.engine.site import Site
from autodev_tui.policy.secrets import Masker, secret_values
from autodev_tui.settings import CONFIG_FILE, REPOSITORY_CONFIG, Layers, Settings, load_layers
from autodev_tui.settings_files import SettingsError
from autodev_tui.settings_writing import place_of

_OURS = re.compile(r"\s*\(S\d\d\b[^)]*\)")
"""Where a value comes from, as we note it for ourselves."""
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


async def get_settings(site: Site, request: GetSettings) -> RowsAnswer:
    """One row an option, in the order of the file; secrets are never among the values."""
    return await asyncio.to_thread(_answer, site)


def _answer(site: Site) -> RowsAnswer:
    problem, layers = "", None
    try:
        layers = load_layers(
            site.environment, repository=site.trusted_files.get(REPOSITORY_CONFIG), options=site.options
        )
    except SettingsError as error:
        problem = str(error)
    masker = Masker(b"settings", secret_values(site.environment))
    rows = list(option_rows(site.settings, layers, masker.text))
    for row in flag_rows(site.settings, site.repository.id, site.database):
        source = layers.source(*place_of(row["name"])) if layers else ""
        rows.append({"group": "flags", "source": source, **row})
    rows.append(_key_row(site))
    file = str(paths.config_dir(site.environment) / CONFIG_FILE)
    return RowsAnswer(
        rows=rows, facts={"file": file, "problem": problem, "notices": [*site.settings.notices]}
    )


def option_rows(
    settings: Settings, layers: Layers | None, mask: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    """The rows of everything but flags; without `layers` (a file is not valid) sources are not known."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            for inner, its in type(value).model_fields.items():
                place = (name, inner)
                yield _row(place, its, getattr(value, inner), _help(type(value)).get(inner, ""), layers, mask)
        elif name != "flags":
            yield _row((name,), field, value, _help(Settings).get(name, ""), layers, mask)


def _row(
    place: tuple[str, ...],
    field: FieldInfo,
    value: Any,
    text: str,
    layers: Layers | None,
    mask: Callable[[str], str],
) -> dict[str, Any]:
    kind, choices = _kind(field.annotation)
    return {
        "group": place[0] if len(place) > 1 or kind in ("table", "list") else "",
        "name": ".".join(place),
        "value": _shown(value, mask),
        "default": _shown(field.get_default(call_default_factory=True), mask),
        "source": layers.source(*place) if layers else "",
        "help": text,
        "kind": kind,
        "choices": choices,
        "bounds": _bounds(field),
        "writable": kind not in ("table", "list"),
    }


def _kind(annotation: Any) -> tuple[str, list[str]]:
    """choice, number, whole, text, table or list; and what may be chosen."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _kind(next(one for one in get_args(annotation) if one is not type(None)))
    if origin is Literal:
        return "choice", [str(one) for one in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "choice", [str(one.value) for one in annotation]
    if origin is dict:
        return "table", []
    if origin is tuple:
        return "list", []
    return {int: "whole", float: "number"}.get(annotation, "text"), []


def _bounds(field: FieldInfo) -> str:
    """The limits of a number in words."""
    found = []
    for constraint in field.metadata:
        for name, words in _BOUNDS.items():
            limit = getattr(constraint, name, None)
            if limit is not None:
                found.append(f"{words} {limit:g}")
    return ", ".join(found)


def _shown(value: Any, mask: Callable[[str], str]) -> Any:
    match value:
        case Enum():
            return value.value
        case BaseModel():
            return _shown(value.model_dump(mode="json", exclude_defaults=True), mask)
        case dict():
            return {name: _shown(one, mask) for name, one in value.items()}
        case list() | tuple():
            return [_shown(one, mask) for one in value]
        case str():
            return mask(value)
    return value


@cache
def _help(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field of a model."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            words = following.value if isinstance(following, ast.Expr) else None
            if isinstance(words, ast.Constant) and isinstance(words.value, str):
                found[statement.target.id] = _OURS.sub("", inspect.cleandoc(words.value))
    return found


def _key_row(site: Site) -> dict[str, Any]:
    """Whether there is a key, and where; never the key."""
    try:
        source = credentials.source_of("anthropic", site.environment)
        text = f"set in {source}" if source else "not set"
    except SettingsError as error:
        source, text = "", str(error)
    return {
        "group": "key",
        "name": "key.anthropic",
        "value": text,
        "default": "not set",
        "source": source or "default",
        "help": "Key for Anthropic: ANTHROPIC_API_KEY, else the one kept beside your settings (0600).",
        "kind": "secret",
        "choices": [],
        "bounds": "",
        "writable": True,
    }
