"""Whole replies over the wire: content, calls, stop reasons, usage, what is sent."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

import pytest

from autodev_tui.domain.session import Usage
from autodev_tui.providers import models
from autodev_tui.providers.anthropic_request import build_body
from autodev_tui.providers.anthropic_stream import StreamReader
from autodev_tui.providers.base import (
    CallDelta,
    CallStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    UsageSeen,
)
from tests.fakes.anthropic_server import FakeAnthropic
from tests.unit.providers.helpers import MODEL, Asker, answers, asked, failed, request, script, user

RUN = {"name": "run", "input": {"command": "ls"}}


async def test_text_only() -> None:
    turn, asker, fake = await asked({"text": "All is well.", "chunk": 3})
    assert (turn.text, turn.stop, turn.calls) == ("All is well.", StopReason.END, ())
    assert turn.content == [{"type": "text", "text": "All is well."}]
    assert "".join(chunk.text for chunk in asker.chunks if isinstance(chunk, TextDelta)) == "All is well."
    assert turn.request_id == "req_000000"
    assert fake.requests[0]["auth"] == "test-key"


async def test_summarised_thinking_is_shown_and_kept_with_its_signature() -> None:
    with FakeAnthropic(script({"thinking": "It must be line 3.", "calls": [RUN]}, {"text": "ok"})) as fake:
        asker = Asker(fake.url)
        turn = await asker.provider.complete(request(), asker.chunks.append)
        history = [user("Fix the bug."), {"role": "assistant", "content": turn.content}, answers(turn)]
        second = await asker.turn(request(history))
    assert ThinkingDelta("It must be line 3.") in asker.chunks
    assert turn.content[0]["thinking"] == "It must be line 3."
    assert turn.content[0]["signature"]
    assert second.text == "ok"
    assert fake.requests[0]["body"]["thinking"] == {"type": "adaptive", "display": "summarized"}


async def test_omitted_and_redacted_thinking_are_kept_verbatim() -> None:
    reply = {"thinking": {"text": "", "omitted": True}, "redacted": "c2VjcmV0", "calls": [RUN]}
    with FakeAnthropic(script(reply, {"text": "ok"})) as fake:
        asker = Asker(fake.url)
        turn = await asker.provider.complete(request(), asker.chunks.append)
        history = [user("Fix the bug."), {"role": "assistant", "content": turn.content}, answers(turn)]
        await asker.turn(request(history))
    assert [block["type"] for block in turn.content] == ["thinking", "redacted_thinking", "tool_use"]
    assert turn.content[0]["thinking"] == ""
    assert turn.content[1] == {"type": "redacted_thinking", "data": "c2VjcmV0"}


async def test_what_is_sent_is_what_was_built() -> None:
    """Without the SDK's copy of the whole history, which would be made on the loop before each call."""
    words = user('Die Ä-Tür "klemmt" \u2028 immer.', "and\\n\t so on")
    _, _, fake = await asked({"text": "ok"}, messages=[words])
    known = models.facts(MODEL)
    assert known
    body = {**build_body(request([words]), known), "stream": True}
    sent = fake.requests[0]
    assert sent["body"] == json.loads(json.dumps(body)) and list(sent["body"]) == list(body)
    assert sent["headers"]["content-type"] == "application/json"


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_parallel_calls_with_one_character_deltas(count: int) -> None:
    calls = [{"name": "run", "input": {"command": f'echo {n} "ä" {{}}'}} for n in range(count)]
    turn, asker, _ = await asked({"calls": calls, "chunk": 1})
    assert [call.args for call in turn.calls] == [call["input"] for call in calls]
    assert len({call.id for call in turn.calls}) == count
    assert [block["input"] for block in turn.content] == [call["input"] for call in calls]
    assert asker.chunks.count(CallStarted("run")) == count
    told = sum(chunk.chars for chunk in asker.chunks if isinstance(chunk, CallDelta))
    assert told == sum(len(json.dumps(call["input"])) for call in calls)


async def test_empty_buffer_is_an_empty_object() -> None:
    turn, _, _ = await asked({"calls": [{"name": "run", "raw": []}]})
    assert turn.calls[0].args == {}
    assert turn.calls[0].error == ""


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ('{"command": "rm -rf /tmp/x', "not valid JSON"),
        ('{"command": "a",}', "not valid JSON"),
        ('{"a": 1} {"b": 2}', "Extra data"),
        ('{"command": "a", "command": "b"}', "'command' is given twice"),
        ('{"n": NaN}', "NaN"),
        ('{"n": 1e999}', "too large"),
        ('["a"]', "not list"),
        ('"a"', "not str"),
        ("null", "not NoneType"),
        ('{"s": "\\ud800"}', "surrogate"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
    ids=lambda text: text[:20],
)
async def test_bad_arguments_reach_the_model_as_words(raw: str, says: str) -> None:
    turn, asker, _ = await asked({"calls": [{"name": "run", "raw": [raw]}, RUN]})
    assert turn.calls[0].args is None
    assert says in turn.calls[0].error
    assert turn.content[0]["input"] == {}
    assert turn.calls[1].args == {"command": "ls"}
    assert asker.retries == []


async def test_calls_cut_by_max_tokens_are_neither_run_nor_left_unanswered() -> None:
    cut = {"name": "run", "raw": ['{"timeout": 12']}
    turn, _, _ = await asked({"text": "I shall", "calls": [RUN, cut], "stop": "max_tokens"})
    assert turn.stop is StopReason.MAX_TOKENS
    assert turn.calls == ()
    assert turn.content == [{"type": "text", "text": "I shall"}]


async def test_thinking_cut_by_max_tokens_leaves_nothing() -> None:
    turn, _, _ = await asked({"thinking": "hm", "stop": "max_tokens"})
    assert turn.content == []


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "stop_sequence", "model_context_window_exceeded"])
async def test_a_call_counts_only_with_stop_reason_tool_use(stop: str) -> None:
    turn, _, _ = await asked({"text": "a", "calls": [RUN], "stop": stop})
    assert turn.stop == stop
    assert turn.calls == ()
    assert all(block["type"] != "tool_use" for block in turn.content)


async def test_empty_end_turn() -> None:
    turn, _, _ = await asked({"blocks": [], "stop": "end_turn"})
    assert (turn.content, turn.text, turn.stop) == ([], "", StopReason.END)


async def test_empty_text_is_not_kept() -> None:
    turn, _, _ = await asked({"blocks": [{"type": "text", "text": " \n"}, {"type": "text", "text": "a"}]})
    assert turn.content == [{"type": "text", "text": "a"}]


async def test_a_paused_reply_goes_on_when_it_is_sent_back() -> None:
    told = script(
        {"thinking": "hm", "text": "so far", "stop": "pause_turn"},
        {"thinking": "and", "calls": [RUN]},
        {"text": "ok"},
    )
    with FakeAnthropic(told) as fake:
        asker = Asker(fake.url)
        history = [user("Fix the bug.")]
        first = await asker.provider.complete(request(history), asker.chunks.append)
        assert (first.stop, len(first.content)) == (StopReason.PAUSE, 2)
        history.append({"role": "assistant", "content": first.content})
        second = await asker.provider.complete(request(history), asker.chunks.append)
        history += [{"role": "assistant", "content": second.content}, answers(second)]
        assert (await asker.turn(request(history))).text == "ok"


@pytest.mark.parametrize("before", [{}, {"text": "Well, "}, {"calls": [RUN]}])
async def test_refusal_drops_the_partial_reply(before: dict[str, Any]) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "This could harm."}
    turn, asker, _ = await asked(
        {"blocks": [], **_blocks(before), "stop": "refusal", "stop_details": details}
    )
    assert turn.stop is StopReason.REFUSAL
    assert (turn.content, turn.calls, turn.text) == ([], (), "")
    assert turn.stop_detail == "cyber: This could harm."
    assert asker.retries == []


def _blocks(reply: dict[str, Any]) -> dict[str, Any]:
    found = [{"type": "text", "text": reply["text"]}] if "text" in reply else []
    return {"blocks": found + [{"type": "tool_use", **call} for call in reply.get("calls", [])]}


async def test_stop_sequence_is_told() -> None:
    turn, _, _ = await asked({"text": "a", "stop": "stop_sequence", "stop_sequence": "END"})
    assert (turn.stop, turn.stop_detail) == (StopReason.STOP_SEQUENCE, "END")


async def test_unknown_stop_reason_is_a_failed_turn() -> None:
    error, asker, _ = await failed({"calls": [RUN], "stop": "out_of_coffee"})
    assert error.kind == "invalid"
    assert "out_of_coffee" in str(error)
    assert asker.retries == []
    assert error.usage_floor.output_tokens > 0


async def test_unknown_events_blocks_and_deltas_are_passed_over() -> None:
    odd = {"type": "content_block_delta", "index": 0, "delta": {"type": "hum_delta", "hum": 1}}
    reply = {
        "blocks": [{"type": "hologram", "beam": 1}, {"type": "text", "text": "a"}],
        "insert": [
            {"after": 1, "event": "weather", "data": {"type": "weather"}},
            {"after": 2, "event": "content_block_delta", "data": odd},
            {"after": 1, "event": "ping", "data": {"type": "ping"}},
            {"after": 1, "event": "list", "data": [1, 2]},
        ],
    }
    turn, asker, _ = await asked(reply)
    assert turn.content == [{"type": "text", "text": "a"}]
    assert asker.retries == []


async def test_surrogate_pairs_split_over_deltas_are_joined() -> None:
    reader = StreamReader(lambda chunk: None)
    reader.feed({"type": "message_start", "message": {}})
    start = {"type": "text", "text": ""}
    reader.feed({"type": "content_block_start", "index": 0, "content_block": start})
    for half in ("\ud83d", "\ude00", "\ud800"):
        delta = {"type": "text_delta", "text": half}
        reader.feed({"type": "content_block_delta", "index": 0, "delta": delta})
    reader.feed({"type": "content_block_stop", "index": 0})
    reader.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    reader.feed({"type": "message_stop"})
    assert reader.turn_parts()[3] == "😀�"


async def test_undecodable_bytes_in_the_history_can_be_sent() -> None:
    turn, _, fake = await asked({"text": "ok"}, messages=[user("name: caf\udce9")])
    assert turn.text == "ok"
    assert fake.requests[0]["body"]["messages"][0]["content"][0]["text"] == "name: caf�"


USAGE = {
    "input_tokens": 1_000,
    "output_tokens": 500,
    "cache_creation_input_tokens": 3_000,
    "cache_read_input_tokens": 10_000,
}


@pytest.mark.parametrize("where", ["both", "start"])
async def test_usage_is_overwritten_not_added(where: str) -> None:
    turn, asker, _ = await asked({"text": "a", "usage": USAGE, "usage_at": where})
    assert turn.usage == Usage(
        requests=1,
        input_tokens=1_000,
        output_tokens=500,
        cache_write_tokens=3_000,
        cache_read_tokens=10_000,
        cost_usd=0.031,
    )
    seen = [chunk.usage for chunk in asker.chunks if isinstance(chunk, UsageSeen)]
    assert all(usage.at_least for usage in seen)
    assert [usage.input_tokens for usage in seen][:2] == [0, 1_000]


async def test_long_lived_cache_writes_cost_their_own_price() -> None:
    split = {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000}
    turn, _, _ = await asked({"text": "a", "usage": {**USAGE, "cache_creation": split}})
    assert turn.usage.cache_write_tokens == 3_000
    expected = 0.001 * 4 + 0.0005 * 20 + 0.001 * 5 + 0.002 * 8 + 0.010 * 0.20
    assert turn.usage.cost_usd == pytest.approx(expected)


async def test_a_reply_that_tells_no_usage_is_only_a_floor() -> None:
    turn, _, _ = await asked({"text": "a", "usage_at": "none"})
    assert turn.usage.at_least


async def test_price_of_an_unknown_model_is_unknown() -> None:
    with FakeAnthropic(script({"text": "a"}, models={"claude-nova-9": {"max_output": 30_000}})) as fake:
        asker = Asker(fake.url)
        turn = await asker.turn(request(model="claude-nova-9"))
    assert not turn.usage.cost_known
    assert turn.usage.output_tokens > 0
    assert fake.requests[-1]["body"]["thinking"] == {"type": "adaptive", "display": "summarized"}


async def test_what_is_sent() -> None:
    _, _, fake = await asked({"text": "a"}, effort="high", max_tokens=1_000_000)
    sent = fake.requests[0]
    body = sent["body"]
    assert not {"temperature", "top_p", "top_k", "tool_choice"} & set(body)
    assert body["output_config"] == {"effort": "high"}
    assert body["max_tokens"] == 128_000
    assert [tool["name"] for tool in body["tools"]] == ["read", "run"]
    assert sent["headers"]["x-stainless-retry-count"] == "0"


async def test_older_models_get_neither_effort_nor_thinking() -> None:
    _, _, fake = await asked({"text": "a"}, model="claude-haiku-4-5-20251001", effort="high")
    assert not {"thinking", "output_config"} & set(fake.requests[0]["body"])


async def test_the_process_environment_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "stolen")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "stolen")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer stolen")
    turn, _, fake = await asked({"text": "a"})
    assert turn.text == "a"
    assert fake.requests[0]["auth"] == "test-key"


async def test_deprecated_models_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        turn, _, _ = await asked({"text": "a"}, model="claude-sonnet-4-5")
    assert turn.text == "a"
    assert capfd.readouterr() == ("", "")


async def test_connection_is_used_again() -> None:
    with FakeAnthropic(script({"text": "a", "chunk": 1})) as fake:
        asker = Asker(fake.url)
        for _ in range(3):
            await asker.provider.complete(request(), asker.chunks.append)
        await asker.provider.aclose()
        assert len({entry["peer"] for entry in fake.requests}) == 1


def test_importing_the_adapter_loads_no_sdk() -> None:
    code = (
        "import sys, autodev_tui.providers.registry as r;"
        "r.make_provider('anthropic/claude-opus-5-5', {'ANTHROPIC_API_KEY': 'k'});"
        "sys.exit(any(n in sys.modules for n in ('anthropic', 'httpx2', 'httpx')))"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
