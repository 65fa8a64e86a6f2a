"""Builds a turn from the events of a Messages stream, with a parser of our own.

The SDK's accumulator completes cut JSON to something that looks valid; here the pieces of each block are kept
as text, parsed strictly once at the end of the block, and nothing counts until `message_stop` has come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autodev_tui.providers.base import (
    CallDelta,
    CallStarted,
    Chunk,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCall,
)
from autodev_tui.providers.errors import StreamCut, UnknownStop
from autodev_tui.providers.pricing import TokenCounts
from autodev_tui.providers.strict_json import parse_arguments, whole_text

KNOWN_BLOCKS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
CALL_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass
class _Block:
    start: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    citations: list[Any] = field(default_factory=list)
    closed: bool = False
    call: ToolCall | None = None
    content: dict[str, Any] | None = None
    """The finished block, None while open and for one that must not be sent back."""


class StreamReader:
    """Feed it every event as a plain dictionary, then ask for the parts of the turn."""

    def __init__(self, on_chunk: Callable[[Chunk], None]) -> None:
        self._on_chunk = on_chunk
        self._blocks: dict[int, _Block] = {}
        self._usage: dict[str, Any] = {}
        self._stop: str | None = None
        self.stop_detail = ""
        self.model = ""
        self.request_id = ""
        self.started = False
        self.finished = False

    def feed(self, event: dict[str, Any]) -> bool:
        """Take one event; True if it told more about usage. Unknown events and blocks are passed over.

        Raises:
            StreamCut: if the event contradicts those before it.
        """
        kind = event.get("type")
        if kind == "message_start":
            if self.started:
                raise StreamCut("a second message began in the same stream")
            message = _mapping(event.get("message"))
            self.started, self.model = True, str(message.get("model") or "")
            self._usage.update(_mapping(message.get("usage")))
            return True
        if kind in ("content_block_start", "content_block_delta", "content_block_stop"):
            self._block_event(str(kind), event)
        elif kind == "message_delta":
            delta = _mapping(event.get("delta"))
            self._stop = delta.get("stop_reason") or self._stop
            self.stop_detail = _stop_detail(delta) or self.stop_detail
            # Totals so far, not increments; what is missing keeps its value.
            self._usage.update(_mapping(event.get("usage")))
            return True
        elif kind == "message_stop":
            self.finished = True
        return False

    def _block_event(self, kind: str, event: dict[str, Any]) -> None:
        index = event.get("index")
        if not self.started or not isinstance(index, int):
            raise StreamCut("a block came outside of a message")
        block = self._blocks.get(index)
        if kind == "content_block_start":
            if block is not None:
                raise StreamCut("a block began twice")
            start = _mapping(event.get("content_block"))
            self._blocks[index] = _Block(start)
            if start.get("type") == "tool_use":
                self._on_chunk(CallStarted(str(start.get("name", ""))))
        elif block is None or block.closed:
            raise StreamCut("a piece of a block came without its beginning")
        elif kind == "content_block_delta":
            self._delta(block, _mapping(event.get("delta")))
        else:
            block.closed = True
            _finish(block)

    def _delta(self, block: _Block, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            block.pieces.append(str(delta.get("text", "")))
            self._on_chunk(TextDelta(whole_text(block.pieces[-1])))
        elif kind == "thinking_delta":
            block.pieces.append(str(delta.get("thinking", "")))
            self._on_chunk(ThinkingDelta(whole_text(block.pieces[-1])))
        elif kind == "input_json_delta":
            piece = str(delta.get("partial_json", ""))
            block.pieces.append(piece)
            if piece:
                self._on_chunk(CallDelta(len(piece)))
        elif kind == "signature_delta":
            block.signature.append(str(delta.get("signature", "")))
        elif kind == "citations_delta":
            block.citations.append(delta.get("citation"))

    @property
    def counts(self) -> TokenCounts:
        """Tokens as last told."""
        split = _mapping(self._usage.get("cache_creation"))
        long_lived = _count(split.get("ephemeral_1h_input_tokens"))
        written = _count(self._usage.get("cache_creation_input_tokens"))
        return TokenCounts(
            input=_count(self._usage.get("input_tokens")),
            output=_count(self._usage.get("output_tokens")),
            cache_read=_count(self._usage.get("cache_read_input_tokens")),
            cache_write_5m=max(0, written - long_lived),
            cache_write_1h=long_lived,
        )

    @property
    def usage_told(self) -> bool:
        """Whether the stream said anything about usage."""
        return bool(self._usage)

    def turn_parts(self) -> tuple[StopReason, list[dict[str, Any]], tuple[ToolCall, ...], str]:
        """Stop reason, content to send back, calls to run and text of the whole turn.

        Raises:
            StreamCut: if the reply is not whole.
            UnknownStop: if it is, but its stop reason is not known.
        """
        if not self.finished:
            raise StreamCut("the stream ended before the message did")
        if self._stop is None:
            raise StreamCut("the message ended without a stop reason")
        try:
            stop = StopReason(self._stop)
        except ValueError as error:
            raise UnknownStop(self._stop) from error
        if stop is StopReason.REFUSAL:
            return stop, [], (), ""
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        if stop is StopReason.TOOL_USE:
            calls = _calls(blocks)
        else:
            calls = ()
            blocks = _before_first_call(blocks)
        content = [block.content for block in blocks if block.content is not None]
        if stop not in (StopReason.TOOL_USE, StopReason.PAUSE):
            # A message must not end with thinking.
            while content and content[-1]["type"] in ("thinking", "redacted_thinking"):
                content.pop()
        text = "\n\n".join(block["text"] for block in content if block["type"] == "text")
        return stop, content, calls, text


def _calls(blocks: list[_Block]) -> tuple[ToolCall, ...]:
    if not all(block.closed for block in blocks):
        raise StreamCut("the message ended inside a block")
    calls = tuple(block.call for block in blocks if block.call is not None)
    ids = [call.id for call in calls]
    if not calls:
        raise StreamCut("the reply announces tool calls and has none")
    if len(set(ids)) != len(ids) or not all(CALL_ID.fullmatch(name) for name in ids):
        raise StreamCut("the ids of the tool calls are not usable")
    return calls


def _before_first_call(blocks: list[_Block]) -> list[_Block]:
    for position, block in enumerate(blocks):
        if block.start.get("type") == "tool_use":
            return blocks[:position]
    return blocks


def _finish(block: _Block) -> None:
    kind = block.start.get("type")
    whole = whole_text("".join(block.pieces))
    if kind == "tool_use":
        arguments, error = parse_arguments("".join(block.pieces))
        name, identifier = str(block.start.get("name", "")), str(block.start.get("id", ""))
        block.call = ToolCall(id=identifier, name=name, args=arguments, error=error)
        block.content = {**block.start, "input": arguments if arguments is not None else {}}
    elif kind == "text":
        text = str(block.start.get("text") or "") + whole
        # The API refuses a text without a visible character in a history.
        if text.strip():
            block.content = {**block.start, "text": text}
            if block.citations:
                block.content["citations"] = block.citations
    elif kind == "thinking":
        signature = str(block.start.get("signature") or "") + "".join(block.signature)
        # Without a signature it was cut, and cannot be sent back.
        if signature:
            thinking = str(block.start.get("thinking") or "") + whole
            block.content = {**block.start, "thinking": thinking, "signature": signature}
    elif kind in KNOWN_BLOCKS:
        block.content = block.start


def _stop_detail(delta: dict[str, Any]) -> str:
    details = _mapping(delta.get("stop_details"))
    words = [str(details[key]) for key in ("category", "explanation") if details.get(key)]
    return whole_text(": ".join(words) or str(delta.get("stop_sequence") or ""))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
