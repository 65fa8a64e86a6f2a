"""The same happening is told in the same words, whichever provider it happened at."""

from __future__ import annotations

import json
import ssl

import httpx
import httpx2
import pytest

from autodev_tui.providers import anthropic_errors, ollama_errors
from autodev_tui.providers.errors import StreamCut, UnknownStop, clean
from autodev_tui.providers.ollama_address import address_of

HERE = address_of({"OLLAMA_HOST": "127.0.0.1:11434"})


def told(hosted: Exception, local: Exception) -> tuple[tuple[str, str], tuple[str, str]]:
    """(what, advice) of both."""
    one = anthropic_errors.classify(hosted, lambda: 0.0)
    other = ollama_errors.classify(local, "qwen3", HERE)
    assert one and other
    return (one.what, one.advice("m")), (other.what, other.advice)


@pytest.mark.parametrize(
    "error",
    [
        StreamCut("the stream ended early"),
        UnknownStop("something_new"),
        json.JSONDecodeError("x", "y", 0),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_our_readers_find_is_told_alike(error: Exception) -> None:
    one, other = told(error, error)
    assert one == other


def test_what_the_wire_does_is_told_alike() -> None:
    one, other = told(TimeoutError(), TimeoutError())
    assert one[0] == other[0] == "the model sent nothing new for too long"
    one, other = told(httpx2.ReadError("reset by peer"), httpx.ReadError("reset by peer"))
    assert one[0] == other[0] == "the connection failed (reset by peer)"


def test_a_certificate_that_is_not_accepted_is_said_and_not_tried_again() -> None:
    error = httpx2.ConnectError("[SSL] failed")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    one, other = told(error, httpx.ConnectError("certificate verify failed: self-signed certificate"))
    assert "its certificate is not accepted" in one[0] and "self-signed" in one[0]
    assert one[1] == other[1] == "the address must have a certificate that this machine trusts"
    failure = anthropic_errors.classify(error, lambda: 0.0)
    assert failure and anthropic_errors.wait_before(failure, 1) is None


@pytest.mark.parametrize("status", [403, 429])
def test_a_status_has_the_same_advice(status: int) -> None:
    import anthropic
    import ollama

    response = httpx2.Response(status, request=httpx2.Request("POST", "https://x"))
    hosted = anthropic.APIStatusError("no", response=response, body=None)
    one, other = told(hosted, ollama.ResponseError("no", status))
    assert one[1] == other[1]


def test_foreign_text_is_one_harmless_line() -> None:
    assert clean("a\n\x1b[2J  b") == "a ?[2J b" and clean("x" * 400) == "x" * 300 + "…"
