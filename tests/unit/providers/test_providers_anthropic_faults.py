"""Everything that can go wrong on the wire: what is retried, how long it waits, what is told and counted."""

from __future__ import annotations

import asyncio
import socket
import time
from email.utils import formatdate
from typing import Any

import pytest

from autodev_tui.providers.base import ProviderError, TextDelta, UsageSeen
from tests.fakes.anthropic_server import FakeAnthropic
from tests.unit.providers.helpers import NOW, Asker, asked, failed, request, script, user

RUN = {"name": "run", "input": {"command": "ls"}}


async def test_three_times_529_then_ok() -> None:
    turn, asker, fake = await asked({"faults": [{"status": 529, "times": 3}], "text": "ok"})
    assert turn.text == "ok"
    assert (turn.usage.requests, turn.usage.retries) == (4, 3)
    assert [(retry.attempt, retry.of) for retry in asker.retries] == [(1, 6), (2, 6), (3, 6)]
    assert all("529" in retry.why for retry in asker.retries)
    # Half of a bound that doubles.
    assert asker.slept == [1.0, 2.0, 4.0]
    assert len(fake.requests) == 4
    assert not turn.usage.at_least


async def test_the_bound_of_the_waits_is_60_seconds_and_there_are_6_tries() -> None:
    with FakeAnthropic(script({"faults": [{"status": 500, "times": 99}], "text": "never"})) as fake:
        asker = Asker(fake.url, random=1.0)
        error = await asker.error()
    assert (error.kind, error.status, error.retryable, error.retries) == ("server", 500, True, 5)
    assert asker.slept == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert len(fake.requests) == 6
    assert error.usage_floor.requests == 6
    assert "127.0.0.1" in str(error)
    assert "req_000005" in str(error)


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, 1.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": "nan"}, 1.0),
        ({"retry-after": "-5"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_retry_after(headers: dict[str, str], slept: float) -> None:
    turn, asker, _ = await asked({"faults": [{"status": 429, "headers": headers}], "text": "ok"})
    assert turn.usage.retries == 1
    assert asker.slept == [pytest.approx(slept)]
    assert asker.retries[0].wait_s == pytest.approx(slept)


async def test_a_long_retry_after_is_told_instead_of_sat_through() -> None:
    headers = {"retry-after": "3600"}
    error, asker, fake = await failed({"faults": [{"status": 429, "headers": headers}], "text": "ok"})
    assert (error.kind, error.retryable, error.retries) == ("rate_limited", True, 0)
    assert "60 minutes" in str(error)
    assert asker.slept == []
    assert len(fake.requests) == 1


async def test_429_without_a_header_gives_up_earlier() -> None:
    error, _, fake = await failed({"faults": [{"status": 429, "times": 99}], "text": "ok"})
    assert (error.kind, error.retries, len(fake.requests)) == ("rate_limited", 2, 3)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid"),
        (401, "auth"),
        (402, "billing"),
        (403, "permission"),
        (404, "not_found"),
        (413, "too_large"),
        (422, "invalid"),
    ],
)
async def test_refusals_are_not_retried(status: int, kind: str) -> None:
    error, asker, fake = await failed({"status": status, "message": "scripted words\x1b[31m\nmore"})
    assert (error.kind, error.status, error.retryable) == (kind, status, False)
    assert asker.retries == []
    assert len(fake.requests) == 1
    assert "scripted words" in str(error)
    assert str(error).isprintable()
    assert error.request_id == "req_000000"


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
async def test_these_are_retried(status: int) -> None:
    turn, _, _ = await asked({"faults": [{"status": status}], "text": "ok"})
    assert turn.usage.retries == 1


async def test_too_long_a_prompt_has_its_own_kind() -> None:
    error, _, _ = await failed({"status": 400, "message": "prompt is too long: 5 tokens > 4 maximum"})
    assert error.kind == "too_large"


async def test_x_should_retry_overrides() -> None:
    turn, _, _ = await asked(
        {"faults": [{"status": 400, "headers": {"x-should-retry": "true"}}], "text": "ok"}
    )
    assert turn.usage.retries == 1
    error, asker, _ = await failed({"status": 529, "headers": {"x-should-retry": "false"}})
    assert (error.kind, error.retryable) == ("overloaded", False)
    assert asker.retries == []


async def test_wrong_key_does_not_leak() -> None:
    with FakeAnthropic(script({"status": 401, "message": "bad key sk-secret-1"})) as fake:
        error = await Asker(fake.url, key="sk-secret-1").error()
    assert error.kind == "auth"
    assert "ANTHROPIC_API_KEY" in str(error)
    assert "sk-secret-1" not in str(error)


async def test_a_misspelt_model_gets_the_nearest_names() -> None:
    with FakeAnthropic(script({"text": "ok"})) as fake:
        error = await Asker(fake.url).error(request(model="claude-opus-5-55"))
    assert error.kind == "not_found"
    assert "claude-opus-5-5" in str(error)


async def test_html_from_a_proxy() -> None:
    page = "<html><body>Bad gateway</body></html>"
    error, _, fake = await failed({"faults": [{"status": 502, "body": page, "times": 9}], "text": "ok"})
    assert (error.kind, len(fake.requests)) == ("server", 6)
    assert "<html>" not in str(error)


async def test_redirects_are_not_followed() -> None:
    with FakeAnthropic(script({"text": "stolen"})) as other:
        reply = {"status": 307, "headers": {"location": f"{other.url}/v1/messages"}}
        error, _, _ = await failed(reply)
        assert other.requests == []
    assert (error.kind, error.retryable) == ("invalid", False)


@pytest.mark.parametrize(
    ("kind", "expected", "retried"),
    [
        ("overloaded_error", "overloaded", True),
        ("api_error", "server", True),
        ("rate_limit_error", "rate_limited", True),
        ("brand_new_error", "server", True),
        ("invalid_request_error", "invalid", False),
        ("authentication_error", "auth", False),
    ],
)
async def test_error_inside_the_stream(kind: str, expected: str, retried: bool) -> None:
    fault = {"text": "half of it", "chunk": 2, "error": {"after": 5, "type": kind}, "times": 99}
    error, asker, fake = await failed({"faults": [fault], "text": "ok"})
    assert (error.kind, error.retryable) == (expected, retried)
    assert len(fake.requests) == (6 if retried else 1)
    assert len(asker.retries) == len(fake.requests) - 1
    assert error.usage_floor.at_least
    assert error.usage_floor.requests == len(fake.requests)
    assert error.usage_floor.input_tokens + error.usage_floor.cache_write_tokens > 0


@pytest.mark.parametrize(
    "fault",
    [
        {"error": {"after": 8, "type": "overloaded_error"}},
        {"cut": {"events": 6, "how": "eof"}},
        {"cut": {"events": 6, "how": "drop"}},
        {"cut": {"events": 6, "how": "reset"}},
        {"cut": {"bytes": 700, "how": "eof"}},
        {"cut": {"bytes": 0, "how": "eof"}},
        {"cut": {"bytes": 0, "how": "drop"}},
        {"insert": [{"after": 3, "event": "content_block_delta", "data": "{broken"}]},
        {"insert": [{"after": 3, "event": "content_block_stop", "data": {"type": "content_block_stop"}}]},
        {"insert": [{"after": 3, "event": "message_start", "data": {"type": "message_start"}}]},
        {"stop": None},
        {"calls": [{**RUN, "id": "bad id"}]},
        {"calls": [{**RUN, "id": "same"}, {**RUN, "id": "same"}]},
        {"calls": [], "text": "no call", "stop": "tool_use"},
    ],
)
async def test_a_broken_stream_is_discarded_and_tried_again(fault: dict[str, Any]) -> None:
    reply = {"text": "I shall run it.", "calls": [RUN], "chunk": 4}
    turn, asker, _ = await asked({"faults": [{**reply, **fault}], **reply})
    assert [call.args for call in turn.calls] == [{"command": "ls"}]
    assert turn.text == "I shall run it."
    assert (turn.usage.requests, turn.usage.retries) == (2, 1)
    assert len(asker.retries) == 1
    if fault.get("cut", {}).get("bytes") != 0:
        # The broken try was paid for as well, how much is only known as a floor.
        assert turn.usage.at_least


async def test_pings_do_not_feed_the_watchdog() -> None:
    reply = {"text": "slow", "chunk": 1}
    with FakeAnthropic(script({"faults": [{**reply, "hang": {"after": 3, "pings": True}}], **reply})) as fake:
        asker = Asker(fake.url, idle_s=0.3)
        began = time.monotonic()
        turn = await asker.turn()
        assert time.monotonic() - began < 5
        fake.wait_for(lambda: fake.requests[0].get("ended") == "client_closed")
    assert turn.text == "slow"
    assert "too long" in asker.retries[0].why


async def test_a_slow_stream_lives() -> None:
    with FakeAnthropic(script({"text": "slowly", "chunk": 1, "pace_s": 0.1})) as fake:
        asker = Asker(fake.url, idle_s=0.4)
        turn = await asker.turn()
    assert turn.text == "slowly"
    assert asker.retries == []


async def test_silence_before_the_answer_is_noticed() -> None:
    with FakeAnthropic(script({"faults": [{"delay_s": 20, "text": "late"}], "text": "ok"})) as fake:
        asker = Asker(fake.url, idle_s=0.3)
        assert (await asker.turn()).text == "ok"
        fake.wait_for(lambda: fake.requests[0].get("ended") == "client_closed")


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        asker = Asker(url)
        error = await asker.error()
    assert (error.kind, error.retries, error.retryable) == ("refused", 2, True)
    assert "ANTHROPIC_BASE_URL" in str(error)


@pytest.mark.parametrize("pings", [True, False])
async def test_cancel_closes_the_connection_at_once(pings: bool) -> None:
    reply = {"text": "endless", "chunk": 1, "hang": {"after": 4, "pings": pings}}
    with FakeAnthropic(script(reply)) as fake:
        asker = Asker(fake.url, idle_s=60)
        said = asyncio.Event()

        def on_chunk(chunk: Any) -> None:
            asker.chunks.append(chunk)
            if isinstance(chunk, TextDelta):
                said.set()

        task = asyncio.create_task(asker.provider.complete(request(), on_chunk))
        await asyncio.wait_for(said.wait(), 10)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.5
        fake.wait_for(lambda: fake.requests[0].get("ended") == "client_closed", 2)
        await asker.provider.aclose()
    floor = [chunk.usage for chunk in asker.chunks if isinstance(chunk, UsageSeen)][-1]
    assert floor.at_least
    assert floor.requests == 1
    assert floor.input_tokens + floor.cache_write_tokens > 0


async def test_cancel_while_waiting_for_the_next_try() -> None:
    waiting = asyncio.Event()

    async def forever(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    with FakeAnthropic(script({"status": 529})) as fake:
        asker = Asker(fake.url)
        asker.provider._sleep = forever
        task = asyncio.create_task(asker.provider.complete(request(), asker.chunks.append))
        await asyncio.wait_for(waiting.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asker.provider.aclose()
        assert len(fake.requests) == 1


async def test_a_defect_of_ours_is_not_retried_away() -> None:
    def broken(chunk: Any) -> None:
        if isinstance(chunk, TextDelta):
            raise ZeroDivisionError

    with FakeAnthropic(script({"text": "a"})) as fake:
        asker = Asker(fake.url)
        with pytest.raises(ZeroDivisionError):
            await asker.provider.complete(request(), broken)
        await asker.provider.aclose()
        assert len(fake.requests) == 1


async def test_sizes_of_models() -> None:
    models = {"claude-nova-9": {"context": 300_000, "max_output": 30_000}}
    with FakeAnthropic(script(models=models)) as fake:
        provider = Asker(fake.url).provider
        assert (await provider.limits("claude-opus-5-5")).context == 1_000_000
        assert (await provider.limits("claude-haiku-4-5-20251001")).max_output == 64_000
        assert fake.requests == []
        for _ in range(2):
            found = await provider.limits("claude-nova-9")
            assert (found.context, found.max_output, found.known) == (300_000, 30_000, True)
        assert len(fake.requests) == 1
        with pytest.raises(ProviderError) as caught:
            await provider.limits("claude-opus-55")
        assert caught.value.kind == "not_found"
        assert "claude-opus-5-5" in str(caught.value)
        await provider.aclose()


async def test_sizes_are_guessed_when_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        provider = Asker(f"http://127.0.0.1:{taken.getsockname()[1]}").provider
        found = await provider.limits("house-model")
    assert (found.context, found.max_output, found.known) == (200_000, 8_192, False)


async def test_the_server_refuses_an_unanswered_call() -> None:
    history = [
        user("go"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "run", "input": {}}]},
        user("and?"),
    ]
    error, _, _ = await failed({"text": "no"}, messages=history)
    assert error.kind == "invalid"
    assert "without `tool_result` blocks" in str(error)
