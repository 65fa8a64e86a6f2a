"""What failed, in our own words, and whether and when the same request may be tried again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import random as default_random
from typing import Any

from autodev_tui.providers import errors
from autodev_tui.providers.base import ErrorKind
from autodev_tui.providers.errors import StreamCut, UnknownStop, clean
from autodev_tui.providers.models import known_models, nearest

TRIES = 6
FEW_TRIES = 3
"""For failures that waiting seldom heals: a spend cap (429 without Retry-After), nobody listening."""
WAIT_CAP_S = 60.0
HEADER_CAP_S = 120.0
"""A Retry-After beyond this is not sat through: the turn fails and says when to come back."""

STATUS_KINDS: dict[int, ErrorKind] = {
    **errors.STATUS_KINDS,
    402: "billing",
    413: "too_large",
    422: "invalid",
    529: "overloaded",
}
TYPE_KINDS: dict[str, ErrorKind] = {
    "invalid_request_error": "invalid",
    "authentication_error": "auth",
    "billing_error": "billing",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "api_error": "server",
    "timeout_error": "server",
}
RETRYABLE_KINDS = frozenset({"rate_limited", "overloaded", "server", "connection", "refused", "cut", "idle"})
ADVICE: dict[str, str] = {
    **errors.ADVICE,
    "auth": "check ANTHROPIC_API_KEY",
    "billing": "check the account's billing",
    "refused": "nothing listens there: check ANTHROPIC_BASE_URL and the network, then resume",
}


@dataclass(frozen=True)
class Failure:
    """One failed try. `wait_s` is what the server asked for, None if it did not."""

    kind: ErrorKind
    what: str
    retryable: bool
    tries: int = TRIES
    status: int | None = None
    request_id: str = ""
    wait_s: float | None = None
    missing_model: bool = False
    """The service knows no such model (a plain 404 may as well be a wrong address)."""
    to_do: str = ""
    """What to do, where the kind does not say it."""

    def advice(self, model: str) -> str:
        """What to do about it."""
        if self.to_do:
            return self.to_do
        if self.kind == "not_found":
            names = nearest(model, known_models())
            known = f"nearest known models: {', '.join(names)}" if names else "check the model's name"
            return known if self.missing_model else f"{known}; or check ANTHROPIC_BASE_URL"
        if self.wait_s is not None and self.wait_s > HEADER_CAP_S:
            return f"it asks to wait {_duration(self.wait_s)}: resume then"
        return ADVICE.get(self.kind, "try again later")


def classify(error: Exception, clock: Callable[[], float]) -> Failure | None:
    """The failure that an exception of the SDK, of its transport or of our reader stands for.

    None for anything else: that is a defect and must not be retried away. `clock` gives seconds since 1970.
    """
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return _status(error, clock)
    if isinstance(error, TimeoutError):
        return Failure("idle", errors.IDLE, retryable=True)
    if isinstance(error, StreamCut):
        return Failure("cut", str(error), retryable=True)
    if isinstance(error, UnknownStop):
        return Failure("invalid", errors.unknown_stop(error), retryable=False, to_do=errors.NEWER)
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return Failure("cut", errors.GARBLED, retryable=True)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return Failure("connection", "the connection timed out", retryable=True)
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError):
        if _refused(error):
            return Failure("refused", "the connection was refused", retryable=True, tries=FEW_TRIES)
        if what := errors.bad_certificate(error):
            return Failure("connection", what, retryable=False, to_do=ADVICE["certificate"])
        return Failure("connection", errors.connection_failed(error.__cause__ or error), retryable=True)
    return None


def wait_before(failure: Failure, attempt: int, random: Callable[[], float] = default_random) -> float | None:
    """Seconds until try `attempt` + 1, or None when there is none.

    What the server asks for counts, else a random share of a bound that doubles from 2 s up to 60 s.
    """
    if not failure.retryable or attempt >= failure.tries:
        return None
    if failure.wait_s:
        return failure.wait_s if failure.wait_s <= HEADER_CAP_S else None
    return errors.backoff(attempt, WAIT_CAP_S, random)


def _status(error: Any, clock: Callable[[], float]) -> Failure:
    status = int(error.status_code)
    kind = STATUS_KINDS.get(status) or (TYPE_KINDS.get(str(error.type)) if status == 200 else None)
    if kind is None:
        kind = "server" if status >= 500 or status in (200, 408, 409) else "invalid"
    said = clean(error.api_message or "")
    if kind == "invalid" and "prompt is too long" in said:
        kind = "too_large"
    headers = error.response.headers
    wait = _asked_wait(headers, clock)
    retryable = kind in RETRYABLE_KINDS
    tries = TRIES
    if status != 200:
        # Of a stream these headers belong to the answer that began well.
        retryable = {"true": True, "false": False}.get(headers.get("x-should-retry", ""), retryable)
        if kind == "rate_limited" and wait is None and headers.get("x-should-retry") != "true":
            tries = FEW_TRIES
    where = "inside the stream" if status == 200 else f"status {status}"
    what = f"{error.type or kind}, {where}" + (f": {said}" if said else "")
    return Failure(
        kind=kind,
        what=what,
        retryable=retryable,
        tries=tries,
        status=status,
        request_id=str(error.request_id or ""),
        wait_s=wait if status != 200 else None,
        missing_model=str(error.type) == "not_found_error" and "model" in said.lower(),
    )


def _asked_wait(headers: Any, clock: Callable[[], float]) -> float | None:
    """Seconds of `retry-after-ms` or `retry-after` (seconds or HTTP date); 0 when past, None without."""
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * factor
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - clock()
            except (ValueError, OverflowError):
                continue
        if seconds == seconds:
            return max(0.0, seconds)
    return None


def _refused(error: BaseException) -> bool:
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return False
        if isinstance(seen, ConnectionRefusedError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
