"""What fails in the same way at every provider: the same words, the same advice, the same waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autodev_tui.providers.base import ErrorKind
from autodev_tui.providers.strict_json import whole_text

WAIT_BASE_S = 2.0
STATUS_KINDS: Mapping[int, ErrorKind] = {
    400: "invalid",
    401: "auth",
    403: "permission",
    404: "not_found",
    429: "rate_limited",
}
"""What these mean everywhere."""
IDLE = "the model sent nothing new for too long"
GARBLED = "the stream is garbled"
NEWER = "update autodev"
"""What to do about a reply whose form this version does not know."""
ADVICE: Mapping[str, str] = {
    "permission": "this key may not use the model: choose another one or another key",
    "too_large": "the conversation is too long for the model: start again with a smaller goal",
    "rate_limited": "the account's limit is reached: wait, then resume",
    "overloaded": "the service is overloaded: resume later",
    "server": "the service has a problem: resume later",
    "connection": "check the network, then resume",
    "certificate": "the address must have a certificate that this machine trusts",
    "cut": "resume to try again",
    "idle": "resume to try again",
    "invalid": "the request itself was refused, trying it again will not help",
}
"""What to do, where it does not depend on the provider."""


class StreamCut(Exception):
    """The stream ended early or contradicts itself, so there is no turn."""


class UnknownStop(Exception):
    """The whole reply came, with a reason for its end that this version does not know."""


def unknown_stop(error: UnknownStop) -> str:
    """In words."""
    return f"the model stopped for an unknown reason, {clean(str(error), 60)}"


def connection_failed(error: BaseException) -> str:
    """In words."""
    return f"the connection failed ({clean(str(error)) or type(error).__name__})"


def bad_certificate(error: BaseException) -> str:
    """In words, where an address has a certificate that is not accepted; "" where that is not it.

    Trying again heals none.
    """
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if "certificate" in str(seen).lower():
            return f"its certificate is not accepted ({clean(str(seen), 120)})"
        seen = seen.__cause__ or seen.__context__
    return ""


def backoff(attempt: int, cap_s: float, random: Callable[[], float]) -> float:
    """Seconds until try `attempt` + 1: a random share of a bound that doubles from 2 s up to `cap_s`."""
    return float(random() * min(cap_s, WAIT_BASE_S * 2 ** (attempt - 1)))


def clean(text: str, limit: int = 300) -> str:
    """Foreign text for a message: one line, no control characters, bounded."""
    line = " ".join(whole_text(text).split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= limit else line[:limit] + "…"
