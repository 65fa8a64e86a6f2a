"""The Anthropic Messages API through its SDK, with retries, parsing and accounting of our own.

The SDK (0.9 s to import) is loaded in a thread at the first call. Of the process environment nothing counts:
key and address are passed in, proxies and configuration files are not read.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from random import random as default_random
from typing import Any
from urllib.parse import urlsplit

from autodev_tui.domain.session import Usage
from autodev_tui.providers import models
from autodev_tui.providers.anthropic_errors import Failure, classify, wait_before
from autodev_tui.providers.anthropic_request import build_body
from autodev_tui.providers.anthropic_stream import StreamReader
from autodev_tui.providers.base import (
    Chunk,
    ModelLimits,
    ProviderError,
    Request,
    Retrying,
    Turn,
    UsageSeen,
)
from autodev_tui.providers.errors import clean
from autodev_tui.providers.pricing import Prices, cost
from autodev_tui.providers.strict_json import sendable

IDLE_S = 300.0
"""Longest silence of the model inside a stream; keep-alive pings do not count as speech."""
CONNECT_S = 10.0
READ_S = 120.0
"""Longest silence of the connection; here pings count."""
DRAIN_S = 0.5
"""For reading the end of a finished stream, so that its connection can be used again."""

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


class AnthropicProvider:
    """See `Provider`. Time and chance come from `sleep`, `random` (0 to 1) and `clock` (since 1970)."""

    name = "anthropic"

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = default_random,
        clock: Callable[[], float] = time.time,
        prices: Prices | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._prices = prices
        self._idle_s = idle_s
        self._client: Any = None
        self._client_lock = asyncio.Lock()
        self._asked: dict[str, models.ModelFacts] = {}

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """One turn with up to 6 tries, every one of them counted and reported.

        Raises:
            ProviderError: when the turn did not come.
        """
        client = await self._ready()
        facts = await self._facts(request.model)
        body = build_body(request, facts)
        spent = Usage()
        for attempt in itertools.count(1):
            reader = StreamReader(on_chunk)

            def tell(attempt: int = attempt, reader: StreamReader = reader, spent: Usage = spent) -> None:
                used = spent.plus(self._used(reader, request.model, attempt, whole=False))
                on_chunk(UsageSeen(used.but(at_least=True)))

            try:
                try:
                    await self._stream(client, body, reader, tell)
                except UnicodeEncodeError:
                    # Found out by sending: looking for it first would encode every request twice.
                    body = {name: sendable(value) for name, value in body.items()}
                    await self._stream(client, body, reader, tell)
                stop, content, calls, text = reader.turn_parts()
            except Exception as error:
                failure = classify(error, self._clock)
                if failure is None:
                    raise
                spent = spent.plus(self._used(reader, request.model, attempt, whole=False))
                wait = wait_before(failure, attempt, self._random)
                if wait is None:
                    raise self._error(failure, reader, request.model, spent) from error
                on_chunk(Retrying(attempt, failure.tries, wait, failure.what))
                await self._sleep(wait)
                continue
            usage = spent.plus(self._used(reader, request.model, attempt, whole=True))
            model = reader.model or request.model
            return Turn(content, calls, text, stop, usage, model, reader.request_id, reader.stop_detail)
        raise AssertionError("unreachable: the loop has no end of its own")

    async def limits(self, model: str) -> ModelLimits:
        """The sizes of a model: from our table, else from the service, else a careful guess.

        Raises:
            ProviderError: kind `not_found` if the service says that it has no such model.
        """
        return (await self._facts(model)).limits

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    async def _stream(
        self, client: Any, body: dict[str, Any], reader: StreamReader, tell: Callable[[], None]
    ) -> None:
        tell()
        async with asyncio.timeout(self._idle_s):
            stream = await _post(client, body)
        try:
            reader.request_id = stream.response.headers.get("request-id", "")
            events = aiter(stream)
            while not reader.finished:
                # The SDK swallows pings, so they do not end this wait.
                async with asyncio.timeout(self._idle_s):
                    event = await anext(events, None)
                if event is None:
                    return
                if reader.feed(_plain(event)):
                    tell()
            with suppress(Exception):
                async with asyncio.timeout(DRAIN_S):
                    while await anext(events, None) is not None:
                        pass
        finally:
            await stream.close()

    def _used(self, reader: StreamReader, model: str, attempt: int, *, whole: bool) -> Usage:
        counts = reader.counts
        when = datetime.fromtimestamp(self._clock(), UTC).date()
        usd, known = cost(reader.model or model, counts, when, self._prices)
        return Usage(
            requests=1,
            retries=1 if attempt > 1 else 0,
            input_tokens=counts.input,
            cache_write_tokens=counts.cache_write_5m + counts.cache_write_1h,
            cache_read_tokens=counts.cache_read,
            output_tokens=counts.output,
            cost_usd=float(usd),
            cost_known=known or not reader.started,
            at_least=reader.started and not (whole and reader.usage_told),
        )

    def _error(self, failure: Failure, reader: StreamReader, model: str, spent: Usage) -> ProviderError:
        request_id = failure.request_id or reader.request_id
        host = urlsplit(self._base_url).netloc
        tries = f" after {spent.requests} tries" if spent.retries else ""
        what = failure.what.replace(self._api_key, "***")
        where = f"{model} at {host}" + (f", request {clean(request_id, 80)}" if request_id else "")
        return ProviderError(
            failure.kind,
            f"{what}{tries} ({where}): {failure.advice(model)}",
            status=failure.status,
            request_id=request_id,
            retryable=failure.retryable,
            retries=spent.retries,
            usage_floor=spent,
        )

    async def _facts(self, model: str) -> models.ModelFacts:
        facts = models.facts(model) or self._asked.get(model)
        if facts is None:
            facts = self._asked[model] = await self._ask(model)
        return facts

    async def _ask(self, model: str) -> models.ModelFacts:
        client = await self._ready()
        try:
            async with asyncio.timeout(READ_S):
                told = _plain(await client.models.retrieve(model))
        except Exception as error:
            failure = classify(error, self._clock)
            if failure is None:
                raise
            if failure.missing_model:
                raise self._error(failure, StreamReader(_ignore), model, Usage(requests=1)) from error
            log.info("no sizes known for model %s (%s)", model, failure.what)
            return models.ModelFacts(models.GUESS)
        return models.described(told)

    async def _ready(self) -> Any:
        async with self._client_lock:
            if self._client is None:
                self._client = await asyncio.to_thread(self._build)
        return self._client

    def _build(self) -> Any:
        import anthropic
        import httpx2

        # Not only when the first reply is asked for, on the loop.
        import_module("anthropic.types")
        timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
        key = self._api_key

        async def own_key(request: httpx2.Request) -> None:
            # ANTHROPIC_CUSTOM_HEADERS of the process would replace it.
            request.headers["authorization"] = f"Bearer {key}"

        return anthropic.AsyncAnthropic(
            api_key=key,
            base_url=self._base_url,
            max_retries=0,
            timeout=timeout,
            open_telemetry=False,
            http_client=httpx2.AsyncClient(
                trust_env=False, timeout=timeout, event_hooks={"request": [own_key]}, follow_redirects=False
            ),
        )


async def _post(client: Any, body: dict[str, Any]) -> Any:
    """The stream of a reply, as `messages.create` asks for it.

    That would copy the whole history first, value by value and on the loop; it is plain JSON already. Raises
    UnicodeEncodeError: some text has half a character.
    """
    from anthropic import AsyncStream
    from anthropic.types import Message, RawMessageStreamEvent

    content = json.dumps({**body, "stream": True}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return await client.post(
        "/v1/messages",
        cast_to=Message,
        content=content.encode(),
        stream=True,
        stream_cls=AsyncStream[RawMessageStreamEvent],
    )


def _plain(event: Any) -> dict[str, Any]:
    """An SDK object as the JSON it came from; anything that is no object counts as an unknown event."""
    if not hasattr(event, "model_dump"):
        return {}
    plain: dict[str, Any] = event.model_dump(
        mode="json", exclude_unset=True, exclude_none=True, warnings=False
    )
    return plain


def _ignore(_chunk: Chunk) -> None:
    pass
