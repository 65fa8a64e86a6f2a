"""Chooses the scripted reply to a Messages request and writes it as stream events.

A script is a JSON object:

    key             the key to accept (any by default)
    models          more models: id -> {context, max_output, …}, see `Model`
    conversations   [{match, replies, repeat_last}]: the first one whose `match` (a text or list of texts)
                    occurs in the system prompt or the first user message; without `match` it takes all
    replies         answered by the number of assistant messages in the history, so that a request sent again
                    after a kill gets the same reply again

A reply holds, in this order: `thinking` (text, or {"text", "omitted": true}), `redacted` (data), `text` and
`calls` [{name, input | raw: [pieces], id}], or `blocks`, whole block objects, unknown ones too. Further:

    stop, stop_sequence, stop_details     tool_use or end_turn by default
    usage           numbers that replace the computed ones; usage_at: "start", "both" (default) or "none"
    chunk           characters per delta (24); pace_s between events; delay_s before the answer
    faults          [reply, …], each served `times` (1) instead, before the reply itself
    cut             {events | bytes: N, how: "eof" | "drop" | "reset"}
    error           {after: N, type, message}: an error event inside the stream
    hang            {after: N, pings: bool}
    insert          [{after: N, event, data}]: more events
    status, type, message, headers, body  an error instead of a stream; `body` is sent as it is, as HTML
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.anthropic_validation import Refused, digest, merged, prefix_digest, signature

DEFAULT_CHUNK = 24
Event = tuple[str, dict[str, Any]]


@dataclass
class Chooser:
    """Picks replies, and counts only how often each fault was served."""

    script: dict[str, Any]
    served: dict[str, int] = field(default_factory=dict)

    def choose(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A name for conversation and turn, and the reply to give.

        Raises:
            Refused: if the script has none, so that the test sees it at once.
        """
        told = _first_words(body)
        place, conversation = self._conversation(told)
        turn = _replies_in(body)
        replies = conversation["replies"]
        if turn >= len(replies) and not conversation.get("repeat_last"):
            raise Refused(f"the script's conversation {place} has only {len(replies)} replies")
        name = f"{place}:{digest(told)[:8]}:{turn}"
        return name, self._fault_or(name, replies[min(turn, len(replies) - 1)])

    def paused(self, body: dict[str, Any]) -> bool:
        """Whether the last reply in this history was paused, and so may be what a request ends with."""
        _, conversation = self._conversation(_first_words(body))
        given, replies = _replies_in(body), conversation["replies"]
        return 0 < given <= len(replies) and replies[given - 1].get("stop") == "pause_turn"

    def _conversation(self, told: str) -> tuple[int, dict[str, Any]]:
        for place, conversation in enumerate(self.script.get("conversations", [])):
            match = conversation.get("match", [])
            if all(text in told for text in ([match] if isinstance(match, str) else match)):
                return place, conversation
        raise Refused(f"the script has no conversation for: {told[:200]!r}")

    def _fault_or(self, name: str, reply: dict[str, Any]) -> dict[str, Any]:
        nth = self.served.get(name, 0)
        self.served[name] = nth + 1
        for fault in reply.get("faults", []):
            times = fault.get("times", 1)
            if nth < times:
                return dict(fault)
            nth -= times
        return reply


def events(reply: dict[str, Any], body: dict[str, Any], usage: dict[str, int]) -> list[Event]:
    """All events of the whole reply, without its faults."""
    history = merged(body["messages"])
    usage = {**usage, **reply.get("usage", {})}
    usage_at = reply.get("usage_at", "both")
    first = {"input_tokens": 0, "output_tokens": 1} | {k: v for k, v in usage.items() if k != "output_tokens"}
    name = digest(history)[:12]
    message = {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {} if usage_at == "none" else first if usage_at == "both" else {**first, **usage},
    }
    found: list[Event] = [("message_start", {"type": "message_start", "message": message})]
    # After a pause the reply goes on where the last one ended.
    sent: list[dict[str, Any]] = list(history.pop()["content"]) if history[-1]["role"] == "assistant" else []
    blocks = _blocks(reply)
    for index, block in enumerate(blocks):
        found += _block_events(index, block, reply.get("chunk", DEFAULT_CHUNK), body, history, sent, name)
    has_calls = any(block.get("type") == "tool_use" for block in blocks)
    delta = {
        "stop_reason": reply.get("stop", "tool_use" if has_calls else "end_turn"),
        "stop_sequence": reply.get("stop_sequence"),
    }
    if "stop_details" in reply:
        delta["stop_details"] = reply["stop_details"]
    totals = {"output_tokens": 0} if usage_at != "both" else usage
    last: dict[str, Any] = {"type": "message_delta", "delta": delta, "usage": totals}
    if usage_at != "both":
        del last["usage"]
    return [*found, ("message_delta", last), ("message_stop", {"type": "message_stop"})]


def _blocks(reply: dict[str, Any]) -> list[dict[str, Any]]:
    if "blocks" in reply:
        return list(reply["blocks"])
    found: list[dict[str, Any]] = []
    if "thinking" in reply:
        told = reply["thinking"]
        found.append({"type": "thinking", **({"text": told} if isinstance(told, str) else told)})
    if "redacted" in reply:
        found.append({"type": "redacted_thinking", "data": reply["redacted"]})
    if "text" in reply:
        found.append({"type": "text", "text": reply["text"]})
    return found + [{"type": "tool_use", **call} for call in reply.get("calls", [])]


def _block_events(
    index: int,
    block: dict[str, Any],
    chunk: int,
    body: dict[str, Any],
    history: list[dict[str, Any]],
    sent: list[dict[str, Any]],
    name: str,
) -> list[Event]:
    kind = block["type"]
    deltas: list[dict[str, Any]] = []
    start: dict[str, Any]
    if kind == "text":
        start = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"], chunk)]
        sent.append({"type": "text", "text": block["text"]})
    elif kind == "thinking":
        start = {"type": "thinking", "thinking": "", "signature": ""}
        asked = (body.get("thinking") or {}).get("display") == "summarized"
        text = "" if block.get("omitted") or not asked else block["text"]
        signed = signature(prefix_digest(body, history, sent), text)
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(text, chunk)]
        deltas.append({"type": "signature_delta", "signature": signed})
        sent.append({"type": "thinking", "thinking": text, "signature": signed})
    elif kind == "tool_use":
        call = block.get("id") or f"toolu_{digest(sent)[:8]}_{name}{index:02d}"
        start = {"type": "tool_use", "id": call, "name": block["name"], "input": {}}
        raw = block.get("raw")
        pieces = raw if raw is not None else _pieces(json.dumps(block.get("input", {})), chunk)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces]]
        arguments = block.get("input", {}) if raw is None else _parsed("".join(raw))
        sent.append({"type": "tool_use", "id": call, "name": block["name"], "input": arguments})
    else:
        start = dict(block)
        if kind == "redacted_thinking":
            sent.append(start)
    first = {"type": "content_block_start", "index": index, "content_block": start}
    found: list[Event] = [("content_block_start", first)]
    for delta in deltas:
        event = {"type": "content_block_delta", "index": index, "delta": delta}
        found.append(("content_block_delta", event))
    return [*found, ("content_block_stop", {"type": "content_block_stop", "index": index})]


def _parsed(raw: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _replies_in(body: dict[str, Any]) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def _first_words(body: dict[str, Any]) -> str:
    system = body.get("system") or ""
    parts = [system] if isinstance(system, str) else [block.get("text", "") for block in system]
    content = body["messages"][0]["content"]
    parts += [content] if isinstance(content, str) else [block.get("text", "") for block in content]
    return "\n".join(parts)
