"""What the fake Messages API refuses, as strictly as the real one or more so.

Signatures carry two digests, one of everything before the block and one of the block itself, and the ids of
tool calls one of the blocks before them in their message. So whether a history was changed after it was sent
can be told without keeping anything, and a restarted server still knows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BODY_FIELDS = {
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "stop_sequences",
    "metadata",
    "service_tier",
    "speed",
    "inference_geo",
    "diagnostics",
    "container",
    "user_profile_id",
    "workspace_id",
    "stream",
}
BLOCK_FIELDS = {
    "text": {"type", "text", "cache_control", "citations"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "image": {"type", "source", "cache_control"},
}
TOOL_FIELDS = {
    *("name", "description", "input_schema", "strict", "cache_control", "type"),
    *("eager_input_streaming", "defer_loading", "input_examples"),
}
ROLE_BLOCKS = {
    "user": {"text", "image", "tool_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
}
NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
CALL_ID = re.compile(r"[A-Za-z0-9_-]+")
OUR_CALL_ID = re.compile(r"toolu_([0-9a-f]{8})_\w+")
BOUND = (
    "`thinking` blocks are bound to a different conversation: an earlier message, tool or system text changed"
)
MODIFIED = "`thinking` or `redacted_thinking` blocks in an assistant message cannot be modified"


@dataclass(frozen=True)
class Model:
    context: int = 1_000_000
    max_output: int = 128_000
    adaptive: bool = True
    can_disable: bool = True
    effort: bool = True
    forced_tools: bool = True


MODELS = {
    **dict.fromkeys(("claude-fable-5-2", "claude-fable-5-1"), Model(can_disable=False, forced_tools=False)),
    "claude-opus-5-5": Model(can_disable=False, forced_tools=False),
    "claude-sonnet-5-5": Model(forced_tools=False),
    **dict.fromkeys(("claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5", "claude-sonnet-4-6"), Model()),
    "claude-haiku-4-5": Model(200_000, 64_000, adaptive=False, effort=False),
    "claude-sonnet-4-5": Model(200_000, 64_000, adaptive=False, effort=False),
    "claude-opus-4-5": Model(200_000, 64_000, adaptive=False),
}


class Refused(Exception):
    """The request is ill-formed: answered with `status` and an error of `kind`."""

    def __init__(self, message: str, status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def check(
    body: Any, models: dict[str, Model] = MODELS, paused: Callable[[Any], bool] = lambda body: False
) -> None:
    """Raises Refused unless the real API could answer `body`; after a pause it may end with the reply."""
    need(isinstance(body, dict), "the body is no object")
    extra = set(body) - BODY_FIELDS
    need(not extra, f"{', '.join(sorted(extra))}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        need(name in body, f"{name}: Field required")
    model = models.get(re.sub(r"-20\d{6}$", "", str(body["model"])))
    if model is None:
        raise Refused(f"model: {body['model']}", 404, "not_found_error")
    _check_options(body, model)
    _check_tools(body)
    messages = merged(body["messages"])
    _check_blocks(messages)
    if messages[-1]["role"] != "user":
        need(paused(body), "This model does not support assistant message prefill.")
    _check_pairs(messages)
    _check_bindings(body, messages)
    markers = json.dumps(body).count('"cache_control":')
    need(markers <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {markers}.")
    tokens = len(json.dumps(body["messages"], ensure_ascii=False)) // 4
    need(tokens <= model.context, f"prompt is too long: {tokens} tokens > {model.context} maximum")


def need(holds: object, message: str) -> None:
    if not holds:
        raise Refused(message)


def merged(messages: Any) -> list[dict[str, Any]]:
    """The messages with lists of blocks, neighbours of one role made one, as the API reads them."""
    need(isinstance(messages, list) and messages, "messages: at least one message is required")
    found: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        fields = set(message) if isinstance(message, dict) else set()
        need(fields == {"role", "content"}, f"messages.{place}: needs exactly role and content")
        need(message["role"] in ROLE_BLOCKS, f"messages.{place}: Unexpected role {message['role']!r}")
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        need(isinstance(blocks, list) and blocks, f"messages.{place}: content must not be empty")
        if found and found[-1]["role"] == message["role"]:
            found[-1]["content"] = found[-1]["content"] + blocks
        else:
            found.append({"role": message["role"], "content": list(blocks)})
    return found


def plain(value: Any) -> Any:
    """The value without cache markers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "cache_control"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def digest(*values: Any) -> str:
    text = json.dumps(plain(list(values)), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def signature(prefix: str, thinking: str) -> str:
    """What a thinking block after everything in `prefix` is signed with."""
    return f"{prefix[:16]}.{digest(thinking)[:16]}"


def prefix_digest(body: dict[str, Any], messages: list[dict[str, Any]], before: list[Any]) -> str:
    """Of everything that stands before a block: tools, system, messages, blocks of the same message."""
    return digest(body.get("tools"), body.get("system"), messages, before)


def _check_options(body: dict[str, Any], model: Model) -> None:
    limit = body["max_tokens"]
    need(isinstance(limit, int) and limit >= 1, "max_tokens: must be at least 1")
    need(limit <= model.max_output, f"max_tokens: {limit} > {model.max_output}, the maximum for this model")
    thinking = body.get("thinking") or {}
    kind = thinking.get("type")
    need(kind in (None, "adaptive", "enabled", "disabled"), f"thinking.type: unknown {kind!r}")
    need(kind != "adaptive" or model.adaptive, "adaptive thinking is not supported on this model")
    need(kind != "enabled" or not model.adaptive, "thinking.type.enabled is not supported for this model")
    need(kind != "disabled" or model.can_disable, "thinking cannot be disabled on this model")
    effort = (body.get("output_config") or {}).get("effort")
    need(effort is None or model.effort, "output_config.effort: this model does not support effort")
    need(effort in (None, "low", "medium", "high", "xhigh", "max"), f"effort: unknown {effort!r}")
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    need(not forced or model.forced_tools, "tool_choice: forced tools are not supported on this model")
    system = body.get("system", "x")
    for block in system if isinstance(system, list) else [{"type": "text", "text": system}]:
        need(block.get("type") == "text" and block.get("text"), "system: text blocks must be non-empty")


def _check_tools(body: dict[str, Any]) -> None:
    names = set()
    for place, tool in enumerate(body.get("tools") or []):
        extra = set(tool) - TOOL_FIELDS
        need(not extra, f"tools.{place}.{', '.join(sorted(extra))}: Extra inputs are not permitted")
        need(NAME.fullmatch(str(tool.get("name"))), f"tools.{place}.name: does not match the pattern")
        need(tool["name"] not in names, "tools: Tool names must be unique.")
        names.add(tool["name"])
        schema = tool.get("input_schema")
        need(
            isinstance(schema, dict) and schema.get("type") == "object",
            f"tools.{place}.input_schema.type: must be object",
        )


def _check_blocks(messages: list[dict[str, Any]]) -> None:
    need(messages[0]["role"] == "user", "messages: first message must use the user role")
    for place, message in enumerate(messages):
        for position, block in enumerate(message["content"]):
            where = f"messages.{place}.content.{position}"
            kind = str(block.get("type")) if isinstance(block, dict) else ""
            need(kind in ROLE_BLOCKS[message["role"]], f"{where}: {kind!r} is not allowed there")
            extra = set(block) - BLOCK_FIELDS[kind]
            need(not extra, f"{where}.{', '.join(sorted(extra))}: Extra inputs are not permitted")
            if kind == "text":
                text = block.get("text")
                need(isinstance(text, str) and text, f"{where}: text content blocks must be non-empty")
                need(text.strip(), f"{where}: text content blocks must contain non-whitespace text")
            if kind == "tool_result":
                _check_result(where, block)
        last = message["content"][-1]["type"]
        need(
            message["role"] == "user" or last not in ("thinking", "redacted_thinking"),
            f"messages.{place}: The final block in an assistant message cannot be `thinking`.",
        )


def _check_result(where: str, block: dict[str, Any]) -> None:
    content = block.get("content", "")
    for part in content if isinstance(content, list) else []:
        need(part.get("type") in ("text", "image"), f"{where}.content: unknown part")
        need(part["type"] != "text" or part.get("text"), f"{where}: text content blocks must be non-empty")
    need(isinstance(content, str | list), f"{where}.content: must be text or blocks")
    need(isinstance(block.get("is_error", False), bool), f"{where}.is_error: must be a boolean")


def _check_pairs(messages: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for place, message in enumerate(messages):
        blocks = message["content"]
        if message["role"] == "user":
            asked = _calls(messages[place - 1]) if place else []
            _check_results(place, blocks, asked)
            continue
        for block in blocks:
            if block["type"] != "tool_use":
                continue
            call = block.get("id")
            need(isinstance(call, str) and CALL_ID.fullmatch(call), f"messages.{place}: id: bad pattern")
            need(call not in seen, f"messages.{place}: `tool_use` ids must be unique")
            seen.add(call)
            need(isinstance(block.get("input"), dict), f"messages.{place}: input: must be an object")
            need(NAME.fullmatch(str(block.get("name"))), f"messages.{place}: name: bad pattern")


def _check_results(place: int, blocks: list[dict[str, Any]], asked: list[str]) -> None:
    answered = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
    missing = [call for call in asked if call not in answered]
    need(
        not missing,
        f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(missing)}",
    )
    for call in answered:
        need(call in asked, f"messages.{place}: unexpected `tool_use_id` found in `tool_result`: {call}")
        need(answered.count(call) == 1, f"messages.{place}: each `tool_use` must have a single result")
    kinds = [block["type"] for block in blocks]
    need(
        all(kind == "tool_result" for kind in kinds[: len(answered)]),
        f"messages.{place}: `tool_result` blocks must come first",
    )


def _calls(message: dict[str, Any]) -> list[str]:
    return [str(block.get("id")) for block in message["content"] if block["type"] == "tool_use"]


def _check_bindings(body: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        for position, block in enumerate(message["content"]):
            before = message["content"][:position]
            if block["type"] == "thinking":
                signed = str(block.get("signature", "")).split(".")
                need(
                    len(signed) == 2 and signed[1] == digest(block.get("thinking"))[:16],
                    f"messages.{place}.content.{position}: {MODIFIED}",
                )
                prefix = prefix_digest(body, messages[:place], before)[:16]
                need(signed[0] == prefix, f"messages.{place}.content.{position}: {BOUND}")
            ours = OUR_CALL_ID.fullmatch(str(block.get("id", ""))) if block["type"] == "tool_use" else None
            if ours:
                same = ours[1] == digest(before)[:8]
                need(same, f"messages.{place}.content.{position}: {MODIFIED}")
