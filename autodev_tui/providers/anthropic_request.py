"""The body of a Messages request: a copy of the history with cache markers, and what the model supports.

Caching matches the longest byte-equal prefix in the order tools, system, messages, and looks back at most 20
blocks from a marker. At most four markers are allowed: one after the tools, one after the system prompt, and
one on the last block of each of the last two user turns. The older of these two stands exactly where the
previous request wrote its cache entry, so no number of parallel calls in between can outrun the look-back.
"""

from __future__ import annotations

from typing import Any

from autodev_tui.providers.base import Request
from autodev_tui.providers.models import ModelFacts

MARKER = {"type": "ephemeral"}
MARKABLE = frozenset({"text", "image", "document", "search_result", "tool_result"})


def build_body(request: Request, facts: ModelFacts) -> dict[str, Any]:
    """Keyword arguments of `messages.create`; the request itself is left as it is."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": _max_tokens(request, facts),
        "messages": mark_messages(request.messages),
    }
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, "cache_control": MARKER}]
    if request.tools:
        # Sorted, because another order of the same tools would be another prefix.
        tools: list[dict[str, Any]] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
            for tool in sorted(request.tools, key=lambda tool: tool.name)
        ]
        tools[-1]["cache_control"] = MARKER
        body["tools"] = tools
    if facts.thinking:
        body["thinking"] = {"type": facts.thinking}
        if facts.display:
            body["thinking"]["display"] = "summarized"
    if request.effort and facts.effort:
        body["output_config"] = {"effort": request.effort}
    return body


def mark_messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy with a cache marker on the last block of each of the last two runs of user messages."""
    marked = list(messages)
    runs = 0
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        followed_by_user = position + 1 < len(messages) and messages[position + 1]["role"] == "user"
        if message["role"] != "user" or followed_by_user:
            continue
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if blocks and blocks[-1].get("type") in MARKABLE:
            blocks[-1] = {**blocks[-1], "cache_control": MARKER}
            marked[position] = {**message, "content": blocks}
        runs += 1
        if runs == 2:
            break
    return marked


def _max_tokens(request: Request, facts: ModelFacts) -> int:
    if facts.limits.known:
        return min(request.max_tokens, facts.limits.max_output)
    return request.max_tokens
