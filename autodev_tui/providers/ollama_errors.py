"""What failed at Ollama, in our own words, and whether the same request may be tried again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from random import random as default_random
from typing import TYPE_CHECKING

from autodev_tui.domain.session import Usage
from autodev_tui.providers import errors
from autodev_tui.providers.base import ErrorKind, ProviderError
from autodev_tui.providers.errors import ADVICE, StreamCut, UnknownStop, clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from autodev_tui.providers.ollama_address import Address

TRIES = 5
FEW_TRIES = 2
"""For a stream that broke: a server that breaks it again will go on to."""
WAIT_CAP_S = 30.0

STATUS_KINDS: dict[int, ErrorKind] = {
    **errors.STATUS_KINDS,
    502: "server",
    503: "overloaded",
}
RETRYABLE = frozenset({429, 502, 503})
"""A full queue, or the vendor's cloud being busy. 500 is a model that does not load, and will not."""
UNREADABLE_CALL = re.compile(
    r"xml syntax error|pars\w* (?:the )?tool|tool call|failed to parse|invalid character .* (?:in|after)",
    re.I,
)
"""The server's parser did not understand what the model wrote: the same request would get the same again."""
TOO_LONG = re.compile(
    r"context (?:length|window|size)|prompt (?:is )?too long|exceed\w* (?:the )?context", re.I
)
MEMORY = re.compile(r"memory|cuda|vram|resource", re.I)
CUT = ADVICE["cut"]


@dataclass(frozen=True)
class Failure:
    """One failed try."""

    kind: ErrorKind
    what: str
    advice: str
    retryable: bool = False
    tries: int = TRIES
    status: int | None = None
    no_tools: bool = False
    no_thinking: bool = False
    unreadable: str = ""
    """What the server says of a call that it could not read."""
    odd_answer: bool = False
    """The server answered, in a form that the SDK does not take."""
    odd_arguments: bool = False
    """Just the arguments of a call have such a form."""


def classify(error: Exception, model: str, address: Address) -> Failure | None:
    """The failure that an exception of the SDK, of its transport or of our reader stands for.

    None for anything else: that is a defect and must not be hidden.
    """
    import httpx
    import ollama
    import pydantic

    if isinstance(error, ollama.ResponseError):
        return _response(clean(str(error.error)), int(error.status_code), model)
    if isinstance(error, StreamCut):
        return Failure("cut", str(error), CUT, retryable=True, tries=FEW_TRIES)
    if isinstance(error, UnknownStop):
        return Failure("invalid", errors.unknown_stop(error), errors.NEWER)
    if isinstance(error, pydantic.ValidationError):
        told = "; ".join(".".join(map(str, one["loc"])) for one in error.errors(include_url=False)[:3])
        odd = "arguments" in told
        what = (
            "it sent a call's arguments as text"
            if odd
            else f"a part of the stream is odd ({clean(told, 80)})"
        )
        return Failure(
            "cut",
            what,
            "update the server",
            retryable=True,
            tries=3 if odd else FEW_TRIES,
            odd_answer=True,
            odd_arguments=odd,
        )
    if isinstance(
        error, json.JSONDecodeError | UnicodeDecodeError | RecursionError | AttributeError | TypeError
    ):
        # The SDK parses each line as it comes: an empty one, or one that is no object, ends there.
        if isinstance(error, AttributeError | TypeError) and not _from_sdk(error):
            return None
        return Failure("cut", errors.GARBLED, CUT, retryable=True, tries=FEW_TRIES)
    if isinstance(error, httpx.ConnectError) and (what := errors.bad_certificate(error)):
        return Failure("connection", what, ADVICE["certificate"])
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError) or type(error) is ConnectionError:
        return refused(address)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Failure("idle", errors.IDLE, "a smaller model may be fast enough here")
    if isinstance(error, httpx.TransportError):
        return Failure("cut", errors.connection_failed(error), CUT, retryable=True, tries=FEW_TRIES)
    return None


def refused(address: Address) -> Failure:
    """Nobody listens there."""
    if address.implied_port and address.port == 80:
        advice = f"OLLAMA_HOST with http:// and no port means port 80: write http://{address.host}:11434"
    elif address.loopback:
        advice = "start it with `ollama serve`, then resume"
    else:
        advice = "check OLLAMA_HOST and the network, then resume"
    return Failure("refused", "no Ollama answers", advice)


def provider_error(
    failure: Failure, model: str, address: Address, spent: Usage | None = None
) -> ProviderError:
    """The failure in words: what, after how many tries, where, and what to do."""
    spent = spent or Usage()
    tries = f" after {spent.requests} tries" if spent.retries else ""
    what = failure.what.replace(address.key, "***") if address.key else failure.what
    return ProviderError(
        failure.kind,
        f"{what}{tries} ({model} at {address.netloc}): {failure.advice}",
        status=failure.status,
        retryable=failure.retryable or failure.kind in ("refused", "idle"),
        retries=spent.retries,
        usage_floor=spent,
    )


def pull_error(error: Exception, model: str, address: Address) -> ProviderError | None:
    """What a failed download is told as; None for a defect. Nothing that was fetched is lost."""
    failure = classify(error, model, address)
    if failure is None:
        return None
    advice = f"autodev models --pull {model} goes on where it was"
    said = failure.what.removeprefix("an error inside the stream: ")
    lower = said.lower()
    if failure.kind == "refused":
        advice = failure.advice.replace("then resume", "then try again")
    elif any(words in lower for words in ("manifest", "does not exist", "not found", "invalid model name")):
        failure = replace(failure, kind="not_found", what=f"there is no such model to download ({said})")
        advice = "look up its name on ollama.com/library"
    elif "no space" in lower:
        failure, advice = replace(failure, what=said), "free space where the server keeps its models"
    elif failure.kind == "idle":
        failure = replace(failure, what="the server tells no progress any more")
    else:
        failure = replace(failure, what=said)
    return provider_error(replace(failure, advice=advice), model, address)


def wait_before(failure: Failure, attempt: int, random: Callable[[], float] = default_random) -> float | None:
    """Seconds until try `attempt` + 1, or None when there is none: a random share of a doubling bound."""
    if not failure.retryable or attempt >= failure.tries:
        return None
    if failure.status is None:
        return 0.0
    return errors.backoff(attempt, WAIT_CAP_S, random)


def _response(said: str, status: int, model: str) -> Failure:
    if status == -1:
        unreadable = said if UNREADABLE_CALL.search(said) else ""
        advice = "ask for smaller changes, or take another model" if unreadable else CUT
        return Failure("server", f"an error inside the stream: {said}", advice, unreadable=unreadable)
    told = f"status {status}" + (f": {said}" if said else "")
    kind = STATUS_KINDS.get(status, "server" if status >= 500 else "invalid")
    lower = said.lower()
    if status == 404 and "model" in lower:
        return Failure(
            kind, f"there is no model {model} here", f"autodev models --pull {model}", status=status
        )
    if "does not support tools" in lower:
        return Failure(
            "invalid", told, "take a model with tools: autodev models", status=status, no_tools=True
        )
    if "does not support thinking" in lower or "think value" in lower:
        return Failure("invalid", told, "take another model", status=status, no_thinking=True)
    if status in (400, 413) and TOO_LONG.search(said):
        return Failure("too_large", told, ADVICE["too_large"], status=status)
    if UNREADABLE_CALL.search(said) and status == 500:
        return Failure(kind, told, "take another model", status=status, unreadable=said)
    advice = {
        "auth": "check OLLAMA_API_KEY",
        "not_found": "check OLLAMA_HOST: that address is no Ollama",
    }.get(kind, ADVICE.get(kind, ADVICE["invalid"]))
    if kind == "server" and MEMORY.search(said):
        advice = "take a smaller model, or a smaller limits.local_context_tokens"
    return Failure(kind, told, advice, retryable=status in RETRYABLE, status=status)


def _from_sdk(error: BaseException) -> bool:
    """Whether it was raised in the SDK's own code, by what a server sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = str(trace.tb_frame.f_globals.get("__name__", "")) if trace else ""
    return name.partition(".")[0] in ("ollama", "json")
