"""Layered settings: defaults < the user's config.toml < a trusted repository's < variables < options.

Keys and addresses of model services are no settings: see `credentials`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as VariablesError

from autodev_tui.domain.levels import Level
from autodev_tui.paths import config_dir
from autodev_tui.settings_files import SettingsError, decode, line_of, parse, read_file
from autodev_tui.settings_schema import Budgets, ConfiguredCheck, EnvironmentSettings, Limits, Price, Settings

__all__ = [
    "CONFIG_FILE",
    "REPOSITORY_CONFIG",
    "Layers",
    "Settings",
    "SettingsError",
    "check_option",
    "file_layer",
    "load_layers",
    "load_settings",
]

CONFIG_FILE = "config.toml"
REPOSITORY_CONFIG = ".autodev/config.toml"
PREFIX = "AUTODEV_"
OTHER_VARIABLES = frozenset({"AUTODEV_STATE_DIR", "AUTODEV_CONFIG_DIR"})
SECRET_WORDS = ("key", "token", "secret", "password")
Loc = tuple[str | int, ...]


class _FromVariables(Settings, BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True)


class _Variables(EnvSettingsSource):
    """pydantic-settings reading a given environment instead of the process's own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(_FromVariables)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environment.items() if value}


def load_settings(
    environment: Mapping[str, str],
    *,
    repository: bytes | None = None,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that hold. Sync: reads the user's file.

    `repository` is the content of the repository's `.autodev/config.toml` exactly as the user trusted it,
    None without one or without trust. `options` are those of the command line that were given.

    Raises:
        SettingsError: naming file and line, variable or option, and the nearest known name.
    """
    return load_layers(environment, repository=repository, options=options).settings()


@dataclass(frozen=True)
class Layers:
    """What each place says, lowest first; every one of them is valid by itself."""

    user: Mapping[str, Any]
    repository: Mapping[str, Any]
    environment: Mapping[str, Any]
    option: Mapping[str, Any]
    notices: tuple[str, ...] = ()

    def settings(self) -> Settings:
        """All of them together."""
        merged: dict[str, Any] = {}
        for layer in (self.user, self.repository, self.environment, self.option):
            merged = _merge(merged, layer)
        return Settings.model_validate(merged).with_notices(self.notices)

    def source(self, *loc: str) -> str:
        """Which layer a key's value is from: option, environment, repository, user or default."""
        for name in ("option", "environment", "repository", "user"):
            value: Any = getattr(self, name)
            for key in loc:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is not None:
                return name
        return "default"


def load_layers(
    environment: Mapping[str, str],
    *,
    repository: bytes | None = None,
    options: Mapping[str, Any] | None = None,
) -> Layers:
    """`load_settings` before the layers are laid over each other. Raises SettingsError."""
    path = config_dir(environment) / CONFIG_FILE
    data = read_file(path)
    user = file_layer(data, str(path)) if data else {}
    given, notices = dict[str, Any](), list[str]()
    if repository:
        layer = file_layer(repository, REPOSITORY_CONFIG)
        given, notices = _without_permissions(layer, Settings.model_validate(user))
    variables = _variables_layer(environment)
    option_layer = {name: value for name, value in (options or {}).items() if value is not None}
    _validate(option_layer, lambda loc: "--" + str(loc[0]).replace("_", "-"))
    return Layers(user, given, variables, option_layer, tuple(notices))


def file_layer(data: bytes, name: str) -> dict[str, Any]:
    """The valid table in `data`, which came from the file `name`. Raises SettingsError with the line."""
    table = parse(data, name)
    text = decode(data, name)

    def place(loc: Loc) -> str:
        lines = (line_of(text, loc[:length]) for length in range(len(loc), 0, -1))
        line = next((line for line in lines if line), None)
        return f"{name}:{line}" if line else name

    # As JSON and strict: "5" is no number in a file, though it is one in a variable.
    _validate(table, place, as_json=True)
    return table


def _variables_layer(environment: Mapping[str, str]) -> dict[str, Any]:
    known = [name.upper() for name in Settings.model_fields]
    for variable in environment:
        name = variable.removeprefix(PREFIX).partition("__")[0]
        if name == variable or name in known or variable in OTHER_VARIABLES:
            continue
        # Others may use our prefix too; only what looks like a slip is one.
        near = difflib.get_close_matches(name, known, 1, 0.75)
        if near:
            raise SettingsError(f"{variable}: unknown variable · did you mean {PREFIX}{near[0]}?")
    try:
        layer = _Variables(environment)()
    except VariablesError as error:
        field = re.search(r'"(\w+)"', str(error))
        variable = PREFIX + (field[1].upper() if field else "…")
        raise SettingsError(
            f"{variable}: is not valid JSON · tables and lists are written as JSON"
        ) from error
    _validate(layer, lambda loc: PREFIX + "__".join(str(key) for key in loc).upper())
    return layer


# -- what a repository may say

_STRICTER: dict[Loc, Callable[[Any, Any], bool]] = {
    ("autonomy",): lambda new, old: Level(new).rank <= old.rank,
    ("budget_usd",): lambda new, old: old is None or new <= old,
    ("budgets", "task_usd"): lambda new, old: old is None or new <= old,
    ("budgets", "day_usd"): lambda new, old: old is None or new <= old,
    ("budgets", "month_usd"): lambda new, old: old is None or new <= old,
    ("max_turns",): lambda new, old: bool(new <= old),
    ("max_time_s",): lambda new, old: bool(new <= old),
    ("quality_threshold",): lambda new, old: bool(new >= old),
    ("limits", "context_tokens"): lambda new, old: bool(new <= old),
    ("limits", "requests_per_minute"): lambda new, old: bool((new or inf) <= (old or inf)),
}
"""Keys that a trusted repository may only make stricter than the user has them."""
_FREE: tuple[Loc, ...] = (
    ("checks",),
    ("environment", "setup"),
    ("limits", "command_timeout_s"),
    ("limits", "check_timeout_s"),
)
"""Keys that are the repository's own to say. All others (model, prices) are the user's alone."""


def _without_permissions(table: Mapping[str, Any], user: Settings) -> tuple[dict[str, Any], list[str]]:
    """`table` without what would raise a permission, and a notice for each key left out."""
    kept: dict[str, Any] = {}
    notices = []
    for loc, value in _leaves(table):
        if loc in _FREE or (loc in _STRICTER and _STRICTER[loc](value, _at(user, loc))):
            kept = _merge(kept, _nested(loc, value))
        else:
            why = "a repository may only make it stricter" if loc in _STRICTER else "it is the user's alone"
            notices.append(f"{REPOSITORY_CONFIG}: {'.'.join(map(str, loc))} is ignored: {why}")
    return kept, notices


def _leaves(table: Mapping[str, Any], loc: Loc = ()) -> Iterable[tuple[Loc, Any]]:
    for name, value in table.items():
        here = (*loc, name)
        if isinstance(value, Mapping) and here in (("environment",), ("limits",), ("budgets",)):
            yield from _leaves(value, here)
        else:
            yield here, value


def _at(settings: BaseModel, loc: Loc) -> Any:
    value: Any = settings
    for name in loc:
        value = getattr(value, str(name))
    return value


def _nested(loc: Loc, value: Any) -> dict[str, Any]:
    for name in reversed(loc):
        value = {name: value}
    return dict(value)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[name] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


# -- errors


def check_option(place: Sequence[str], value: Any) -> None:
    """Refuse a value for the key at `place`, or a key that there is not. Raises SettingsError."""
    _validate(_nested(tuple(place), value), lambda loc: "", as_json=True)


def _validate(layer: Mapping[str, Any], place: Callable[[Loc], str], *, as_json: bool = False) -> None:
    """Check one layer alone, so that a mistake is found even where a higher layer covers it."""
    try:
        if as_json:
            Settings.model_validate_json(json.dumps(layer, default=str), strict=True)
        else:
            Settings.model_validate(layer)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_context=True, include_input=True)
        told = ((place(one["loc"]), _words(one)) for one in parts)
        raise SettingsError("\n".join(": ".join(filter(None, one)) for one in told)) from None


def _words(error: Mapping[str, Any]) -> str:
    loc: Loc = error["loc"]
    name = ".".join(str(key) for key in loc)
    if error["type"] == "extra_forbidden":
        return f"unknown key {name}{_hint(loc)}"
    if error["type"] in ("enum", "literal_error"):
        allowed = str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        near = difflib.get_close_matches(str(error["input"]), allowed, 1)
        text = f"{name}: is none of {', '.join(allowed)}"
        return f"{text} · did you mean {near[0]}?" if near else text
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{name}: {message[0].lower()}{message[1:]}"


def _hint(loc: Loc) -> str:
    last = str(loc[-1])
    near = difflib.get_close_matches(last, _names(loc[:-1]), 1)
    if near:
        return f" · did you mean {near[0]}?"
    if any(word in last.lower() for word in SECRET_WORDS):
        return " · keys are no settings: set ANTHROPIC_API_KEY in your environment"
    return f" · known: {', '.join(_names(loc[:-1]))}"


def _names(loc: Sequence[str | int]) -> list[str]:
    """The keys of the table at `loc`."""
    tables: dict[str | int, type[BaseModel]] = {
        "environment": EnvironmentSettings,
        "checks": ConfiguredCheck,
        "prices": Price,
        "limits": Limits,
        "budgets": Budgets,
    }
    fields = (tables[loc[0]] if loc else Settings).model_fields
    return [name for name in fields if name != "source"]
