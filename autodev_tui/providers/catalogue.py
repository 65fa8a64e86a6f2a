"""The models that can be chosen here, as rows: those of Anthropic, those of an Ollama server, and `rules`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from autodev_tui import credentials
from autodev_tui.providers import models, ollama_look
from autodev_tui.providers.ollama_facts import choose_window, limits_of
from autodev_tui.providers.ollama_look import Installed, Server
from autodev_tui.providers.pricing import Prices, price, table_date
from autodev_tui.providers.registry import best_of
from autodev_tui.settings_files import SettingsError

Row = dict[str, Any]


def catalogue(
    environment: Mapping[str, str],
    *,
    chosen: str | None = None,
    prices: Prices | None = None,
    window: int | None = None,
    within_s: float = ollama_look.LIST_S,
) -> tuple[list[Row], dict[str, Any]]:
    """All rows, and facts about the whole. Sync: asks the Ollama server, for a short time.

    `chosen` is the user's setting of the model, `window` that of the local context. Context and output in
    tokens, money in USD per million tokens (None: nobody knows), sizes in bytes. `ready` tells whether it
    could be used now, `why` why not, or what is special.
    """
    server = ollama_look.look(environment, within_s=within_s)
    try:
        source, key_problem = credentials.source_of("anthropic", environment), ""
    except SettingsError as error:
        source, key_problem = "", str(error)
    default = chosen or best_of(environment, server) or "rules"
    rows = [_anthropic(name, bool(source), key_problem, prices or {}) for name in models.known_models()]
    rows += [_ollama(one, window, prices or {}) for one in server.models]
    rows.append(_rules())
    for row in rows:
        row["default"] = row["model"] == default or row["model"].removesuffix(":latest") == default
    facts = {
        "default": default,
        "key": source,
        "key_problem": key_problem,
        "prices_date": table_date().isoformat(),
        "ollama": server.address.netloc if server.address else "",
        "ollama_version": server.version,
        "ollama_problem": server.problem,
    }
    return rows, facts


def reach(server: Server) -> str:
    """One line about the server, for people."""
    if server.problem:
        return server.problem
    where = server.address.netloc if server.address else ""
    able = sum(one.tools for one in server.models)
    count = len(server.models)
    models = "no models" if not count else f"{count} model{'' if count == 1 else 's'}, {able} with tools"
    return f"{server.version} at {where}: {models}"


def _anthropic(name: str, key: bool, key_problem: str, prices: Prices) -> Row:
    known = models.facts(name)
    entry = price(name, datetime.now(UTC).date(), prices)
    return _row(
        f"anthropic/{name}",
        "anthropic",
        context=known.limits.context if known else None,
        max_output=known.limits.max_output if known else None,
        usd_per_million_input=_number(entry, "input"),
        usd_per_million_output=_number(entry, "output"),
        tools=True,
        thinking=bool(known and known.thinking),
        ready=key,
        why="" if key else key_problem or "no key: export ANTHROPIC_API_KEY=…",
    )


def _ollama(one: Installed, window: int | None, prices: Prices) -> Row:
    facts = one.facts
    used = choose_window(facts, window, one.window or 0) if facts else None
    entry = price(one.name, datetime.now(UTC).date(), prices) if one.remote else {"input": 0, "output": 0}
    tools = facts.tools if facts else None
    why = ""
    if facts is None:
        why = "the server did not describe it in time"
    elif not one.talks:
        why = "it cannot be talked to (embeddings)"
    elif tools is False:
        why = "has no tools of its own: its calls are read from its text"
    elif one.remote:
        why = "runs in the cloud of ollama.com: its price is not known"
    return _row(
        f"ollama/{one.name}",
        "ollama",
        context=(facts.trained or None) if facts else None,
        window=used,
        max_output=limits_of(used).max_output if used else None,
        usd_per_million_input=_number(entry, "input"),
        usd_per_million_output=_number(entry, "output"),
        tools=tools,
        thinking=facts.thinking if facts else None,
        local=not one.remote,
        loaded=one.loaded,
        size_bytes=one.size,
        ready=one.talks,
        why=why,
    )


def _rules() -> Row:
    return _row(
        "rules",
        "rules",
        usd_per_million_input=0.0,
        usd_per_million_output=0.0,
        tools=True,
        thinking=False,
        local=True,
        ready=True,
        why="no model: plans by rules, heals what is red, leaves the rest as to-dos",
    )


def _row(model: str, provider: str, **more: Any) -> Row:
    empty = dict.fromkeys(
        (
            *("context", "window", "max_output", "usd_per_million_input", "usd_per_million_output"),
            *("tools", "thinking", "local", "loaded", "size_bytes"),
        )
    )
    return {"model": model, "provider": provider, **empty, "local": False, "ready": False, "why": "", **more}


def _number(entry: Any, name: str) -> float | None:
    value = entry.get(name) if entry else None
    return None if value is None else float(value)
