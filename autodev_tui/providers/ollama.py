"""Models of an Ollama server, on its native API through its SDK.

The SDK has no timeout, no retry and no check that a reply came to its end; the server cuts a prompt that is
too long in silence. All of that is done here: the window is chosen, sent and verified, and prompts are
measured before and after. Of the process environment nothing counts: address and key are passed in, proxies
are not used.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import random as default_random
from typing import Any

from autodev_tui.domain.session import Usage
from autodev_tui.providers.base import (
    Chunk,
    ModelLimits,
    Noted,
    ProviderError,
    Request,
    Retrying,
    Turn,
    UsageSeen,
)
from autodev_tui.providers.ollama_address import Address
from autodev_tui.providers.ollama_client import build_client
from autodev_tui.providers.ollama_errors import classify, provider_error, wait_before
from autodev_tui.providers.ollama_facts import (
    LocalModel,
    choose_window,
    describe,
    same_model,
)
from autodev_tui.providers.ollama_judging import Bill, adapt, overflowed, too_large, used_by
from autodev_tui.providers.ollama_messages import build_messages, build_tools
from autodev_tui.providers.ollama_state import Known
from autodev_tui.providers.ollama_stream import StreamReader, is_large
from autodev_tui.providers.pricing import Prices
from autodev_tui.providers.strict_json import sendable

FIRST_S = 1_200.0
"""Longest wait for the first word: a cold model is loaded, other agents' requests are before ours."""
IDLE_S = 300.0
"""Longest silence inside a reply."""
ASK_S = 20.0
"""For `show` and `ps`, which read a file at most."""
LOOK_S = 3.0
"""Silence after which it is looked whether the model is being loaded."""
DRAIN_S = 0.5
KEEP_ALIVE = "30m"
"""How long the server keeps the model after a request: longer than most questions wait for a human."""
NEW_LOAD_S = 1.0
"""A load that took longer was one: the window is verified again."""

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


class OllamaProvider:
    """See `Provider`. `window` is the user's setting for `num_ctx`, None to choose one.

    `prices` are the user's, for models that run in somebody's cloud; those of this machine cost nothing.
    """

    name = "ollama"

    def __init__(
        self,
        address: Address,
        *,
        window: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = default_random,
        first_s: float = FIRST_S,
        idle_s: float = IDLE_S,
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.time,
        prices: Prices | None = None,
    ) -> None:
        self._address = address
        self._window = window
        self._sleep = sleep
        self._random = random
        self._first_s, self._idle_s, self._look_s = first_s, idle_s, look_s
        self._clock, self._prices = clock, prices or {}
        self._client: Any = None
        self._client_lock = asyncio.Lock()
        self._known: dict[str, Known] = {}

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """One turn, with tries that are counted and reported.

        Raises:
            ProviderError: when the turn did not come; kind `too_large` for a prompt beyond the window.
        """
        client, known = await self._ready(), await self._about(request.model)
        output = min(request.max_tokens, known.limits().max_output)
        spent = Usage()
        day = datetime.fromtimestamp(self._clock(), UTC).date()
        bill = Bill(request.model, day, self._prices)
        adapted: set[str] = set()
        for attempt in itertools.count(1):
            body, expected = self._body(request, known, output)
            if expected > known.room(output):
                raise too_large(request.model, known, expected, output, spent)
            reader = StreamReader(on_chunk, request.tools, f"ollama_{len(request.messages)}")

            def used(
                whole: bool, attempt: int = attempt, reader: StreamReader = reader, guess: float = expected
            ) -> Usage:
                return used_by(reader, known, attempt, guess, bill, whole=whole)

            def tell(before: Usage = spent, used: Callable[[bool], Usage] = used) -> None:
                on_chunk(UsageSeen(before.plus(used(False)).but(at_least=True)))

            tell()
            try:
                try:
                    await self._stream(client, body, reader, on_chunk, tell)
                except UnicodeEncodeError:
                    await self._stream(client, sendable(body), reader, on_chunk, tell)
                if reader.long:
                    await asyncio.to_thread(reader.search)
                parts = reader.turn_parts(room=output)
            except Exception as error:
                failure = classify(error, request.model, self._address)
                if failure is None:
                    raise
                if failure.unreadable and attempt == 1 + len(adapted):
                    why = f"the server could not read your call ({failure.unreadable}): make a smaller one"
                    parts = reader.unreadable(why)
                    return _turn(parts, spent.plus(used(False)), request.model)
                spent = spent.plus(used(False))
                if (change := adapt(failure, known, attempt)) and change not in adapted:
                    adapted.add(change)
                    on_chunk(Retrying(attempt, failure.tries, 0.0, f"{failure.what}; {change}"))
                    continue
                wait = wait_before(failure, attempt - len(adapted), self._random)
                if wait is None:
                    raise provider_error(failure, request.model, self._address, spent) from error
                on_chunk(Retrying(attempt, failure.tries, wait, failure.what))
                await self._sleep(wait)
                continue
            if not known.verified or reader.load_s >= NEW_LOAD_S:
                for note in known.verify(await self._loaded(request.model), request.model):
                    on_chunk(note)
            spent = spent.plus(used(True))
            counted = reader.prompt_tokens
            if counted is not None and known.overflowed(request, expected, counted, output):
                raise overflowed(request.model, known, expected, counted, spent)
            return _turn(parts, spent, reader.model or request.model)
        raise AssertionError("unreachable: the loop has no end of its own")

    async def limits(self, model: str) -> ModelLimits:
        """What a conversation may fill: asks the server once.

        Raises:
            ProviderError: `not_found` for a model that is not there, `refused` where no server is.
        """
        return (await self._about(model)).limits()

    async def aclose(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    # -- asking

    def _body(self, request: Request, known: Known, output: int) -> tuple[dict[str, Any], float]:
        """What to send, and about how many tokens its prompt has."""
        tools = [] if known.as_text else build_tools(request.tools)
        messages = build_messages(request, as_text=known.as_text)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": messages,
            "options": {"num_ctx": known.window, "num_predict": output},
            "keep_alive": KEEP_ALIVE,
        }
        if tools:
            body["tools"] = tools
        think = known.think(request.effort)
        if think is not None:
            body["think"] = think
        return body, known.expected(messages, tools)

    async def _stream(
        self,
        client: Any,
        body: dict[str, Any],
        reader: StreamReader,
        on_chunk: Callable[[Chunk], None],
        tell: Callable[[], None],
    ) -> None:
        parts = await client.chat(**body, stream=True)
        watch = asyncio.create_task(self._watch(body["model"], on_chunk))
        try:
            while not reader.finished:
                async with asyncio.timeout(self._idle_s if reader.started else self._first_s):
                    part = await anext(parts, None)
                watch.cancel()
                if part is None:
                    return
                first = not reader.started
                plain = part.model_dump(exclude_none=True)
                if is_large(plain):
                    await asyncio.to_thread(reader.read_ahead, plain)
                reader.feed(plain)
                if first:
                    # Its prompt was read, and is paid for whatever becomes of the reply.
                    tell()
            with suppress(Exception):
                async with asyncio.timeout(DRAIN_S):
                    while await anext(parts, None) is not None:
                        pass
        finally:
            watch.cancel()
            # Leaving the loop alone would let the server go on.
            await parts.aclose()

    async def _watch(self, model: str, on_chunk: Callable[[Chunk], None]) -> None:
        """Say why nothing comes: once that the model is loaded, once that it is busy."""
        await asyncio.sleep(self._look_s)
        if await self._loaded(model) is None and not self._known[model].facts.remote:
            on_chunk(Noted(f"{model} is being loaded into memory: its first words take a while"))
        await asyncio.sleep(10 * self._look_s)
        on_chunk(Noted(f"still waiting for {model}: it reads a long prompt, or works for others first"))

    async def _loaded(self, model: str) -> dict[str, Any] | None:
        """What `ps` tells of the model; None when it is not loaded or nobody says."""
        try:
            async with asyncio.timeout(ASK_S):
                told = (await (await self._ready()).ps()).model_dump(mode="json")
        except Exception as error:
            log.info("no list of loaded models (%s)", type(error).__name__)
            return None
        for one in told.get("models") or ():
            if any(same_model(str(one.get(key) or ""), model) for key in ("model", "name")):
                return dict(one)
        return None

    async def _about(self, model: str) -> Known:
        if model not in self._known:
            facts = await self._described(model)
            if facts.chats is False:
                raise ProviderError(
                    "config", f"{model} is no model to talk to: autodev models names those that are"
                )
            loaded = await self._loaded(model) or {}
            at = loaded.get("context_length")
            window = choose_window(facts, self._window, at if isinstance(at, int) else 0)
            # Two agents may ask for it at the same time.
            self._known.setdefault(model, Known(facts, window, as_text=facts.tools is False))
        return self._known[model]

    async def _described(self, model: str) -> LocalModel:
        client = await self._ready()
        try:
            async with asyncio.timeout(ASK_S):
                shown = (await client.show(model)).model_dump(mode="json")
        except Exception as error:
            failure = classify(error, model, self._address)
            if failure is None:
                raise
            if not failure.odd_answer:
                raise provider_error(failure, model, self._address, Usage()) from error
            log.info("%s is described in a way that the SDK does not take", model)
            shown = {}
        return describe(shown, model)

    async def _ready(self) -> Any:
        async with self._client_lock:
            if self._client is None:
                self._client = await asyncio.to_thread(build_client, self._address)
        return self._client


def _turn(parts: Any, usage: Usage, model: str) -> Turn:
    stop, content, calls, text = parts
    return Turn(content, calls, text, stop, usage, model, "")
