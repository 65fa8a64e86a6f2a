"""A stream cut anywhere never becomes a turn with a call that was not complete."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.providers.anthropic import AnthropicProvider
from autodev_tui.providers.anthropic_stream import StreamReader
from autodev_tui.providers.base import StopReason, Turn
from autodev_tui.providers.errors import StreamCut
from tests.fakes.anthropic_script import events
from tests.unit.providers.helpers import MODEL, request

EDITS = [{"path": "a.py", "edits": [{"old": "x = 1", "new": "x = 2"}, {"old": "é", "new": "e"}]}, {}]
REPLY = {
    "thinking": "Both need it.",
    "text": "I edit both.",
    "calls": [{"name": "run", "input": edit} for edit in EDITS],
    "chunk": 7,
}
BODY = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "go"}],
    "thinking": {"type": "adaptive", "display": "summarized"},
}


def wire(reply: dict[str, Any]) -> list[bytes]:
    told = events(reply, BODY, {"input_tokens": 9, "output_tokens": 9})
    return [f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in told]


def read(data: bytes) -> StreamReader:
    """What the reader makes of these bytes, split into events by the SDK's own decoder."""
    reader = StreamReader(lambda chunk: None)
    for event in anthropic.Stream.raw_events(httpx2.Response(200, content=data)):
        try:
            told = json.loads(event.data)
        except ValueError:
            break
        reader.feed(told)
    return reader


def test_a_recorded_stream_cut_at_every_byte() -> None:
    whole = b"".join(wire(REPLY))
    stop, content, calls, _ = read(whole).turn_parts()
    assert stop is StopReason.TOOL_USE
    assert [call.args for call in calls] == EDITS
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use", "tool_use"]
    for cut in range(len(whole)):
        with pytest.raises(StreamCut):
            read(whole[:cut]).turn_parts()


def test_losing_any_one_event_never_yields_half_a_call() -> None:
    frames = wire(REPLY)
    for lost in range(len(frames)):
        try:
            _, _, calls, _ = read(b"".join(frames[:lost] + frames[lost + 1 :])).turn_parts()
        except StreamCut:
            continue
        for call, edit in zip(calls, EDITS, strict=True):
            assert call.args in (edit, {}) or call.args is None


class Cutting(httpx2.AsyncByteStream):
    """Bytes in pieces of some size, ended cleanly or by a lost connection."""

    def __init__(self, data: bytes, piece: int, lost: bool) -> None:
        self._data, self._piece, self._lost = data, piece, lost

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), self._piece):
            yield self._data[start : start + self._piece]
        if self._lost:
            raise httpx2.ReadError("connection lost")


class Local(AnthropicProvider):
    """The adapter with the real SDK on answers from memory."""

    answers: list[Cutting]

    def _build(self) -> Any:
        def answer(_request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(
                200, headers={"content-type": "text/event-stream"}, stream=self.answers.pop(0)
            )

        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        return anthropic.AsyncAnthropic(
            api_key="k", base_url=self._base_url, max_retries=0, http_client=client
        )


async def through_the_sdk(answers: list[Cutting]) -> Turn:
    async def no_wait(seconds: float) -> None:
        pass

    provider = Local(api_key="k", base_url="http://127.0.0.1:9", sleep=no_wait)
    provider.answers = answers
    try:
        return await provider.complete(request(), lambda chunk: None)
    finally:
        await provider.aclose()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    arguments=st.lists(st.dictionaries(st.text(max_size=6), JSON_VALUES, max_size=4), min_size=1, max_size=4),
    chunk=st.integers(1, 40),
    piece=st.integers(1, 4000),
    where=st.floats(0, 1, exclude_max=True),
    lost=st.booleans(),
)
async def test_a_cut_stream_through_the_sdk_is_tried_again(
    arguments: list[dict[str, Any]], chunk: int, piece: int, where: float, lost: bool
) -> None:
    calls = [{"name": "run", "input": value} for value in arguments]
    whole = b"".join(wire({"text": "ok", "calls": calls, "chunk": chunk}))
    cut = whole[: int(where * len(whole))]
    turn = await through_the_sdk([Cutting(cut, piece, lost), Cutting(whole, piece, lost=False)])
    assert [call.args for call in turn.calls] == arguments
    assert turn.usage.retries == 1


async def test_a_connection_lost_after_the_end_does_not_matter() -> None:
    turn = await through_the_sdk([Cutting(b"".join(wire(REPLY)), 50, lost=True)])
    assert len(turn.calls) == 2
    assert turn.usage.retries == 0
