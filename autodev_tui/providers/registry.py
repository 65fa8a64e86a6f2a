"""Makes the provider that a model specification such as `anthropic/claude-opus-5-5` names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from random import random as default_random
from urllib.parse import urlsplit

from autodev_tui import credentials
from autodev_tui.providers import models, ollama_look
from autodev_tui.providers.base import MODEL_NAME, Provider, ProviderError
from autodev_tui.providers.ollama_address import address_of, is_loopback
from autodev_tui.providers.pricing import Prices
from autodev_tui.settings_files import SettingsError

KINDS = ("anthropic", "ollama")
ANTHROPIC_URL = "https://api.anthropic.com"


def default_model(env: Mapping[str, str]) -> str | None:
    """The specification to use when none is given, None when nothing usable is set up.

    Anthropic where there is a key, else a local model of an Ollama server that answers at once. Sync: reads a
    file, and may wait for that server, 0.3 s where none is and about a second more to look what it has.
    """
    return _keyed(env) or ollama_look.best_local(env)


def best_of(env: Mapping[str, str], server: ollama_look.Server) -> str | None:
    """`default_model` with the server that was looked at already."""
    return _keyed(env) or ollama_look.best_of(server)


def _keyed(env: Mapping[str, str]) -> str | None:
    try:
        key = credentials.key_of("anthropic", env)
    except SettingsError:
        # There is one that cannot be used: `make_provider` says why.
        return _example()
    return _example() if key else None


def make_provider(
    spec: str,
    env: Mapping[str, str],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    random: Callable[[], float] = default_random,
    clock: Callable[[], float] = time.time,
    prices: Prices | None = None,
    local_context: int | None = None,
) -> tuple[Provider, str]:
    """The provider of `spec` and the model's own name. Sends nothing and loads no SDK.

    `env` is the user's environment; addresses come from nowhere else, and a key that it lacks from the
    user's `credentials.toml`. A model that we do not know is let through: whether it exists, `limits` of the
    provider asks the service. `local_context` is the user's setting for the window of local models.

    Raises:
        ProviderError: kind `config`, with the nearest names where there are any.
    """
    kind, slash, model = spec.partition("/")
    if spec.startswith("replay:"):
        from autodev_tui.providers.replay import open_replay

        return open_replay(spec, sleep=sleep)
    if not slash:
        local = f"ollama/{spec}" if MODEL_NAME.fullmatch(spec) else "ollama/<model>"
        known = models.facts(spec) is not None or spec.startswith("claude-")
        near = [spec] if known else models.nearest(spec, models.known_models())
        hint = f"did you mean anthropic/{near[0]}?" if near else f"write anthropic/<model>, or {local}"
        raise ProviderError("config", f"model {spec!r} names no provider: {hint}")
    if kind not in KINDS:
        meant = (models.nearest(kind, KINDS, 1) or ["anthropic"])[0]
        raise ProviderError("config", f"provider {kind!r} is unknown: did you mean {meant}/{model}?")
    if not MODEL_NAME.fullmatch(model):
        example = _example() if kind == "anthropic" else "ollama/qwen3"
        raise ProviderError(
            "config", f"{model!r} is no model name: write {kind}/<model>, for example {example}"
        )
    if kind == "ollama":
        from autodev_tui.providers.ollama import OllamaProvider

        address = address_of(env)
        return OllamaProvider(
            address, window=local_context, sleep=sleep, random=random, clock=clock, prices=prices
        ), model
    from autodev_tui.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(
        api_key=_key(env),
        base_url=_address(env.get("ANTHROPIC_BASE_URL", "").strip() or ANTHROPIC_URL),
        sleep=sleep,
        random=random,
        clock=clock,
        prices=prices,
    )
    return provider, model


def _example() -> str:
    return f"anthropic/{models.DEFAULT_MODEL}"


def _key(env: Mapping[str, str]) -> str:
    try:
        key = credentials.key_of("anthropic", env)
    except SettingsError as error:
        raise ProviderError("config", str(error)) from error
    if not key:
        raise ProviderError("config", "no key for Anthropic: set ANTHROPIC_API_KEY")
    if not credentials.sound(key):
        raise ProviderError("config", "ANTHROPIC_API_KEY holds characters that no key has: copy it again")
    return key


def _address(url: str) -> str:
    """The checked base address. A key never goes over plain http, except to this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ProviderError("config", f"ANTHROPIC_BASE_URL is no address ({error})") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ProviderError("config", "ANTHROPIC_BASE_URL is no address: write https://host[:port][/path]")
    if parts.username is not None or parts.password is not None:
        raise ProviderError("config", "ANTHROPIC_BASE_URL must not hold a user or password")
    if parts.scheme == "http" and not is_loopback(host):
        raise ProviderError(
            "config", f"ANTHROPIC_BASE_URL would send the key to {host} unencrypted: use https"
        )
    return url
