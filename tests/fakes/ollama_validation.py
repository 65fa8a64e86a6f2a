"""What the fake Ollama refuses, as strictly as the real one or more so, and how it sees a conversation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

BODY_FIELDS = {
    *("model", "messages", "tools", "stream", "think", "format", "options", "keep_alive"),
    *("logprobs", "top_logprobs", "truncate", "shift"),
}
MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content", "images"},
    "assistant": {"role", "content", "thinking", "tool_calls"},
    "tool": {"role", "content", "tool_name"},
}
PROPERTY_FIELDS = {"type", "items", "description", "enum"}
TYPES = {"string", "integer", "number", "boolean", "array", "object"}
INTEGERS = {"num_ctx", "num_predict", "seed", "top_k", "num_keep"}
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Refused(Exception):
    """Answered with `status` and the message as an error."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Model:
    """A model that the server has. `allocates` is the most context that it can be loaded with here."""

    context: int = 40_960
    tools: bool = True
    thinking: bool = False
    levels: bool = False
    """Takes levels of thinking, and no yes or no."""
    size: int = 5_200_000_000
    vram: int | None = None
    allocates: int | None = None
    tells_context: bool = True
    """Whether `ps` says how much context was allocated."""
    capabilities: list[str] | None = field(default=None)
    tells_capabilities: bool = True
    tells_info: bool = True
    """Whether `show` has the field that the SDK cannot do without."""
    parameters: str = ""
    family: str = "qwen3"
    remote: bool = False

    def abilities(self) -> list[str]:
        if self.capabilities is not None:
            return self.capabilities
        thinks = ["thinking"] if self.thinking or self.levels else []
        return ["completion", *(["tools"] if self.tools else []), *thinks]


def full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def need(holds: object, message: str) -> None:
    if not holds:
        raise Refused(message)


def check(body: Any, models: dict[str, Model]) -> None:
    """Raises Refused unless the real server could answer `body`."""
    need(isinstance(body, dict), "invalid JSON")
    extra = set(body) - BODY_FIELDS
    need(not extra, f"unknown fields {sorted(extra)}")
    need(isinstance(body.get("model"), str) and body["model"], "model is required")
    model = models.get(full(body["model"]))
    if model is None:
        raise Refused(f"model '{body['model']}' not found", 404)
    _check_options(body.get("options"))
    need(isinstance(body.get("keep_alive"), str | int), "keep_alive must be sent")
    if body.get("tools"):
        if not model.tools:
            raise Refused(f"registry.ollama.ai/library/{full(body['model'])} does not support tools")
        _check_tools(body["tools"])
    think = body.get("think")
    if think is not None:
        need(model.thinking or model.levels, f'"{body["model"]}" does not support thinking')
        if model.levels:
            need(
                think in ("low", "medium", "high", "max"),
                f"think value {think!r} is not supported for this model",
            )
        need(think in (True, False, "low", "medium", "high", "max"), "invalid think value")
    _check_messages(body.get("messages"))


def _check_options(options: Any) -> None:
    need(isinstance(options, dict), "options must be sent: without num_ctx the default window is 4096")
    need("num_ctx" in options, "num_ctx must be sent: the default window is 4096")
    for name, value in options.items():
        if name in INTEGERS:
            need(
                isinstance(value, int) and not isinstance(value, bool),
                f'option "{name}" must be of type integer',
            )
    need(options["num_ctx"] > 0, "num_ctx must be positive")


def _check_tools(tools: Any) -> None:
    need(isinstance(tools, list), "tools must be an array")
    names = []
    for tool in tools:
        need(set(tool) == {"type", "function"} and tool["type"] == "function", f"not a function: {tool}")
        function = tool["function"]
        need(set(function) <= {"name", "description", "parameters"}, f"unknown keys in {sorted(function)}")
        need(NAME.fullmatch(str(function.get("name"))), f"function name {function.get('name')!r}")
        names.append(function["name"])
        parameters = function.get("parameters")
        need(
            isinstance(parameters, dict) and parameters.get("type") == "object",
            "parameters must be an object",
        )
        properties = parameters.get("properties", {})
        for name, one in properties.items():
            extra = set(one) - PROPERTY_FIELDS
            need(not extra, f"{name}: {sorted(extra)} would be dropped")
            need(one.get("type") in TYPES, f"{name}: has no type")
            need(one["type"] != "array" or one.get("items"), f"{name}: an array of what?")
        need(set(parameters.get("required", [])) <= set(properties), "required names no property")
    need(len(set(names)) == len(names), "two tools with one name")


def _check_messages(messages: Any) -> None:
    need(isinstance(messages, list) and messages, "messages must be an array")
    open_calls: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role")
        need(role in MESSAGE_FIELDS, f"message {place}: role {role!r}")
        extra = set(message) - MESSAGE_FIELDS[role]
        need(not extra, f"message {place}: {sorted(extra)} is not known for {role}")
        content = message.get("content", "")
        need(isinstance(content, str), f"message {place}: content must be a string")
        if role == "tool":
            need(open_calls, f"message {place}: a result without a call")
            need(message.get("tool_name") == open_calls[0], f"message {place}: {open_calls[0]} comes first")
            open_calls.pop(0)
            continue
        need(not open_calls, f"message {place}: {open_calls} have no result")
        need(content or message.get("tool_calls"), f"message {place}: it is empty")
        for call in message.get("tool_calls", ()):
            need(set(call) == {"function"}, f"message {place}: a call has keys {sorted(call)}")
            function = call["function"]
            need(
                set(function) == {"name", "arguments"}, f"message {place}: a function has {sorted(function)}"
            )
            need(isinstance(function["arguments"], dict), f"message {place}: arguments must be an object")
            open_calls.append(function["name"])
    need(not open_calls, f"{open_calls} have no result")
    need(messages[-1]["role"] in ("user", "tool"), "the last message is the assistant's")


def tokens_of(body: dict[str, Any]) -> int:
    """Tokens of the whole prompt; four characters each."""
    return len(json.dumps([body["messages"], body.get("tools", [])], ensure_ascii=False)) // 4


def as_conversation(body: dict[str, Any]) -> dict[str, Any]:
    """System prompt and messages, as scripts match them."""
    messages = [one for one in body["messages"] if one["role"] != "system"]
    system = "\n".join(one["content"] for one in body["messages"] if one["role"] == "system")
    # How tools are told does not make it another conversation.
    system = system.partition("\n\nYou have tools.")[0]
    return {
        "system": system,
        "messages": [{"role": one["role"], "content": one.get("content", "")} for one in messages],
    }
