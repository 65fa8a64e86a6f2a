"""What can go wrong at an Ollama server: every failure said, none retried that would fail again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from autodev_tui.providers.base import CallStarted, StopReason
from autodev_tui.providers.errors import StreamCut
from autodev_tui.providers.ollama import OllamaProvider
from autodev_tui.providers.ollama_address import address_of
from autodev_tui.providers.ollama_stream import MOST, UNREADABLE, StreamReader
from tests.fakes.ollama_server import FakeOllama
from tests.unit.providers.helpers import answers, script, user
from tests.unit.providers.ollama_helpers import READ, RUN, Asker, asked, failed, request

LONG = [user("word " * 8_000)]
"""About 12,500 tokens by our estimate."""


# -- replies without an end


async def test_a_line_without_an_end_is_not_kept() -> None:
    error, asker, fake = await failed({"calls": [{"name": "read", "input": {"path": "x" * 5_000_000}}]})
    assert error.kind == "cut" and "a line has no end" in str(error)
    assert len(fake.chats) == 1 + len(asker.retries) == 2


def test_a_reply_without_an_end_is_not_kept() -> None:
    reader = StreamReader(lambda _: None, (), "t")
    piece = "x" * (MOST // 10)
    with pytest.raises(StreamCut, match="has no end"):
        for _ in range(12):
            reader.feed({"message": {"content": piece}})


# -- the window


@pytest.mark.parametrize(
    ("facts", "setting", "window"),
    [
        ({}, None, 32_768),
        ({"context": 262_144}, None, 32_768),
        ({"context": 16_384}, None, 16_384),
        ({"context": 262_144}, 65_536, 65_536),
        ({"context": 16_384}, 65_536, 16_384),
        ({"context": 0}, None, 8_192),
        (
            {"context": 131_072, "parameters": 'stop "<|im_end|>"\nnum_ctx                        65536'},
            None,
            65_536,
        ),
        ({"context": 131_072, "parameters": "num_ctx 65536"}, 8_192, 8_192),
    ],
)
async def test_the_window_is_chosen_sent_and_verified(facts: Any, setting: Any, window: int) -> None:
    with FakeOllama(script({"text": "ok"}, {"text": "ok"}, models={"m": facts})) as fake:
        async with Asker(fake, window=setting) as asker:
            limits = await asker.provider.limits("m")
            await asker.turn(request(model="m"))
        paths = [entry["path"] for entry in fake.requests]
    assert fake.chats[0]["options"]["num_ctx"] == window
    assert paths == ["/api/show", "/api/ps", "/api/chat", "/api/ps"]
    assert limits.context < window * 0.9 and limits.max_output <= window // 4
    assert limits.known == bool(facts.get("context", 1))


async def test_a_model_that_is_loaded_with_more_is_not_loaded_anew() -> None:
    with FakeOllama(script({"text": "ok"}, models={"m": {"context": 131_072}})) as fake:
        fake.loaded["m:latest"] = 65_536
        async with Asker(fake) as asker:
            await asker.turn(request(model="m"))
        assert fake.loads == [] and fake.chats[0]["options"]["num_ctx"] == 65_536


async def test_less_than_was_asked_for_is_told_and_counts() -> None:
    models = {"m": {"context": 131_072, "allocates": 8_192, "vram": 1_300_000_000}}
    with FakeOllama(script({"text": "ok"}, {"text": "ok"}, models=models)) as fake:
        async with Asker(fake) as asker:
            before = await asker.provider.limits("m")
            await asker.turn(request(model="m"))
            after = await asker.provider.limits("m")
            error = await asker.error(request(LONG, model="m"))
    assert after.context < 8_192 < before.context
    assert "window of 8,192 tokens, 32,768 were asked for" in asker.notes[0]
    assert "25% of it" in asker.notes[1]
    assert error.kind == "too_large" and "window of 8,192" in str(error)
    assert [body["options"]["num_ctx"] for body in fake.chats] == [32_768], "the long one was never sent"


async def test_a_prompt_that_does_not_fit_is_never_sent() -> None:
    with FakeOllama(script({"text": "ok"})) as fake:
        async with Asker(fake, window=8_192) as asker:
            error = await asker.error(request(LONG))
        assert fake.chats == []
    assert error.kind == "too_large"
    assert "about 12," in str(error) and "limits.local_context_tokens" in str(error)


async def test_text_beyond_ascii_is_not_underestimated() -> None:
    with FakeOllama(script({"text": "ok"})) as fake:
        async with Asker(fake, window=8_192) as asker:
            error = await asker.error(request([user("語" * 7_000)]))
    assert error.kind == "too_large"


@pytest.mark.parametrize("told", [True, False])
async def test_a_count_that_collapsed_says_that_the_window_overflowed(told: bool) -> None:
    models = {"m": {"context": 32_768, "tells_context": told}}
    size = LONG if told else None
    reply = {"text": "ok", "counts": {"prompt_eval_count": 60}}
    with FakeOllama(script(reply, models=models)) as fake:
        async with Asker(fake, window=20_000) as asker:
            error = await asker.error(request(size, model="m"))
    assert error.kind == "too_large" and "window overflowed: the server read 60 tokens" in str(error)
    assert error.usage_floor.input_tokens == 60, "what it used is counted all the same"


async def test_a_count_that_falls_while_the_conversation_grew_says_so_too() -> None:
    models = {"m": {"tells_context": False}}
    replies = [
        {"calls": [READ]},
        {"calls": [READ], "counts": {"prompt_eval_count": 130}},
    ]
    with FakeOllama(script(*replies, models=models)) as fake:
        async with Asker(fake) as asker:
            turn = await asker.turn(request(model="m"))
            assert turn.usage.input_tokens > 130
            history = [user("Fix the bug."), {"role": "assistant", "content": turn.content}, answers(turn)]
            error = await asker.error(request(history, model="m"))
    assert "window overflowed" in str(error)


async def test_a_server_that_counts_without_its_cache_is_no_overflow_when_the_prompt_surely_fits() -> None:
    """0.30 builds: the loaded window is known from `ps`, and twice the prompt would fit into it."""
    turn, _, _ = await asked({"text": "ok", "counts": {"prompt_eval_count": 3}})
    assert turn.text == "ok"


# -- the stream

PART = json.dumps({"model": "qwen3", "message": {"role": "assistant", "content": "x"}, "done": False})
BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("no JSON", {"lines": [{"after": 1, "line": "<html>"}]}, "garbled"),
    ("too deep", {"lines": [{"after": 1, "line": "[" * 200_000}]}, "garbled"),
    ("no object", {"lines": [{"after": 1, "line": "[1]"}]}, "garbled"),
    ("no message", {"lines": [{"after": 1, "line": '{"done": false}'}]}, "odd"),
    ("end before done", {"cut": {"after": 2}}, "ended before"),
    ("dropped", {"cut": {"after": 2, "how": "drop"}}, "connection failed"),
    ("reset", {"cut": {"after": 2, "how": "reset"}}, "connection failed"),
    (
        "error line",
        {"lines": [{"after": 2, "line": '{"error": "llama runner process has terminated"}'}]},
        "terminated",
    ),
]


@pytest.mark.parametrize(("fault", "says"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
async def test_a_stream_that_breaks_is_no_reply(fault: Any, says: str) -> None:
    error, _asker, fake = await failed({"text": "All is well.", "chunk": 4, "calls": [RUN], **fault})
    assert says in str(error), str(error)
    assert error.usage_floor.at_least and error.usage_floor.requests == len(fake.chats)
    assert len(fake.chats) == (1 if fault.get("lines", [{}])[0].get("line", "").startswith('{"error') else 2)


async def test_blank_lines_and_odd_line_ends_inside_of_text_are_no_harm() -> None:
    text = "a\u0085b\u2028c\x1cd é"
    blank = [{"after": 0, "line": ""}, {"after": 2, "line": "   "}]
    turn, _, fake = await asked({"text": text, "chunk": 2, "lines": blank})
    assert turn.text == text and len(fake.chats) == 1


async def test_a_stream_that_broke_once_is_read_again_and_the_retry_is_visible() -> None:
    reply = {"text": "ok", "faults": [{"text": "o", "cut": {"after": 1}}]}
    turn, asker, _ = await asked(reply)
    assert turn.text == "ok" and (turn.usage.requests, turn.usage.retries) == (2, 1)
    assert [retry.attempt for retry in asker.retries] == [1]


async def test_arguments_as_text_are_asked_for_again_then_as_text_of_the_model() -> None:
    odd = {"calls": [RUN], "string_args": True}
    turn, asker, fake = await asked({"calls": [RUN], "as_text": "hermes", "faults": [odd, odd]})
    assert turn.calls[0].args == RUN["input"] and turn.calls[0].recovered == "hermes"
    assert [bool(body.get("tools")) for body in fake.chats] == [True, True, False]
    assert all("arguments as text" in retry.why for retry in asker.retries) and len(asker.retries) == 2


async def test_a_server_that_never_does_it_right_is_given_up() -> None:
    error, _asker, fake = await failed({"calls": [RUN], "string_args": True})
    assert error.kind == "cut" and "update the server" in str(error)
    assert len(fake.chats) <= 4


@pytest.mark.parametrize("inside", [True, False])
async def test_a_call_that_the_server_cannot_read_is_told_to_the_model_and_not_sent_again(
    inside: bool,
) -> None:
    said = "XML syntax error on line 7: element <parameter> closed by </function>"
    fault = (
        {"lines": [{"after": 1, "line": json.dumps({"error": said})}]}
        if inside
        else {"status": 500, "error": said}
    )
    turn, _, fake = await asked({"text": "I write it.", "chunk": 20, **fault})
    [call] = turn.calls
    assert call.name == UNREADABLE and call.args is None and "XML syntax error" in call.error
    assert turn.stop is StopReason.TOOL_USE and len(fake.chats) == 1
    assert turn.usage.requests == 1 and turn.usage.at_least == inside


# -- statuses

STATUSES: list[tuple[dict[str, Any], str, list[str], int]] = [
    (
        {"status": 500, "error": "model requires more system memory (9.1 GiB) than is available"},
        "server",
        ["more system memory", "smaller model", "local_context_tokens"],
        1,
    ),
    ({"status": 500, "error": "llama runner terminated"}, "server", ["status 500"], 1),
    (
        {"status": 503, "error": "server busy, please try again. maximum pending requests exceeded"},
        "overloaded",
        ["after 5 tries", "the service is overloaded: resume later"],
        5,
    ),
    ({"status": 429, "error": "too many"}, "rate_limited", ["after 5 tries"], 5),
    ({"status": 502, "error": "bad gateway"}, "server", ["after 5 tries"], 5),
    ({"status": 400, "error": "invalid option"}, "invalid", ["invalid option"], 1),
    (
        {"status": 400, "error": "the input length exceeds the context length"},
        "too_large",
        ["context length"],
        1,
    ),
    ({"status": 401, "error": "unauthorized"}, "auth", ["OLLAMA_API_KEY"], 1),
    ({"status": 404, "error": "404 page not found"}, "not_found", ["check OLLAMA_HOST"], 1),
]


@pytest.mark.parametrize(("reply", "kind", "says", "tries"), STATUSES)
async def test_statuses(reply: Any, kind: str, says: list[str], tries: int) -> None:
    error, asker, fake = await failed(reply)
    assert error.kind == kind
    for words in [*says, "qwen3 at 127.0.0.1"]:
        assert words in str(error), str(error)
    assert len(fake.chats) == tries and len(asker.retries) == tries - 1
    assert asker.slept == [1.0, 2.0, 4.0, 8.0][: tries - 1]


async def test_a_full_queue_is_waited_for() -> None:
    reply = {"text": "ok", "faults": [{"status": 503, "error": "server busy", "times": 2}]}
    turn, asker, _ = await asked(reply)
    assert turn.text == "ok" and turn.usage.retries == 2 and len(asker.slept) == 2
    assert "server busy" in asker.retries[0].why


async def test_an_unknown_model_says_how_to_get_it() -> None:
    error, _, fake = await failed({"text": "ok"}, model="qwen9")
    assert error.kind == "not_found" and "autodev models --pull qwen9" in str(error)
    assert fake.chats == []


async def test_a_model_that_is_hardly_described_is_asked_carefully() -> None:
    turn, _, fake = await asked({"text": "ok"}, models={"m": {"tells_info": False}}, model="m")
    assert turn.text == "ok" and fake.chats[0]["options"]["num_ctx"] == 8_192


async def test_a_model_of_the_cloud_is_not_looked_for_in_memory_and_its_price_is_unknown() -> None:
    models = {"big:120b-cloud": {"remote": True, "tells_context": False}}
    turn, _, _ = await asked(
        {"text": "ok", "counts": {"prompt_eval_count": 3}}, models=models, model="big:120b-cloud"
    )
    assert turn.text == "ok" and not turn.usage.cost_known


async def test_a_model_that_only_embeds_is_refused() -> None:
    error, _, _ = await failed({}, models={"nomic": {"capabilities": ["embedding"]}}, model="nomic")
    assert error.kind == "config" and "no model to talk to" in str(error)


@pytest.mark.parametrize(
    ("host", "says"),
    [("127.0.0.1:1", "ollama serve"), ("http://127.0.0.1", "write http://127.0.0.1:11434")],
)
async def test_nobody_there(host: str, says: str) -> None:
    provider = OllamaProvider(address_of({"OLLAMA_HOST": host}))
    with pytest.raises(Exception) as caught:
        await provider.complete(request(), lambda _: None)
    await provider.aclose()
    assert getattr(caught.value, "kind", "") == "refused" and says in str(caught.value)


async def test_a_server_that_stops_during_the_session_is_said() -> None:
    with FakeOllama(script({"text": "ok"})) as fake:
        asker = Asker(fake)
        await asker.turn()
    error = await asker.error()
    await asker.provider.aclose()
    assert error.kind == "refused" and "ollama serve" in str(error)


# -- time


async def test_silence_is_ended_and_said() -> None:
    with FakeOllama(script({"text": "x" * 100, "hang": {"after": 1}})) as fake:
        async with Asker(fake, idle_s=0.1) as asker:
            error = await asker.error()
    assert error.kind == "idle" and "smaller model" in str(error) and len(fake.chats) == 1


async def test_a_cold_model_is_said_to_be_loading() -> None:
    with FakeOllama(script({"text": "ok"}, cold_s=0.6)) as fake:
        async with Asker(fake, look_s=0.02) as asker:
            turn = await asker.turn()
    assert turn.text == "ok"
    assert "qwen3 is being loaded into memory" in asker.notes[0]
    assert "still waiting" in asker.notes[1] and len(asker.notes) == 2


async def test_a_busy_server_is_not_said_to_be_loading() -> None:
    with FakeOllama(script({"text": "ok"}, {"text": "ok", "delay_s": 0.4})) as fake:
        async with Asker(fake, look_s=0.02) as asker:
            turn = await asker.turn()
            asker.chunks.clear()
            await asker.turn(
                request([user("Fix the bug."), {"role": "assistant", "content": turn.content}, user("x")])
            )
    assert [note[:13] for note in asker.notes] == ["still waiting"]


@pytest.mark.parametrize("hang", [{"after": 0}, {"after": 2}])
async def test_cancelling_closes_the_connection_so_that_the_server_stops(hang: Any) -> None:
    with FakeOllama(script({"text": "x" * 100, "calls": [RUN], "hang": hang})) as fake:
        async with Asker(fake) as asker:
            task = asyncio.create_task(asker.turn())
            await asyncio.to_thread(
                fake.wait_for,
                lambda: any(one.get("status") == 200 and one["path"] == "/api/chat" for one in fake.requests),
            )
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(fake.wait_for, lambda: fake.requests[-1].get("ended") == "client_closed")
    assert CallStarted("run") not in asker.chunks
