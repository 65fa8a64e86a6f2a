"""The body of a chat request: our messages and tools in the words of Ollama's native API.

The SDK drops ids of calls, empty texts and every key of a tool's schema that it does not know; so results go
by name and order, and schemas are sent flat. A model without tools gets them described in the system prompt,
and writes its calls as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autodev_tui.providers.base import Request, ToolSpec

PROPERTY_KEYS = ("type", "items", "description", "enum")
"""What the SDK keeps of a property; `items` it keeps whole."""
TEXT_PROTOCOL = """

You have tools. To call one, write exactly this, with the arguments as one JSON object, and nothing after it:
<tool_call>
{"name": "NAME", "arguments": {"ARGUMENT": VALUE}}
</tool_call>
Several calls follow each other, each in its own <tool_call>. Write a call only when you want it run now.
The result comes back as <tool_response>. The tools, each with the JSON schema of its arguments:
"""


def build_messages(request: Request, *, as_text: bool) -> list[dict[str, Any]]:
    """The whole conversation; the request itself is left as it is."""
    system = request.system
    if as_text and request.tools:
        lines = (
            json.dumps({"name": tool.name, "description": tool.description, "arguments": tool.schema})
            for tool in _sorted(request.tools)
        )
        system += TEXT_PROTOCOL + "\n".join(lines)
    found = [{"role": "system", "content": system}] if system else []
    loop = _loop_start(request.messages)
    names: dict[str, tuple[int, str]] = {}
    for place, message in enumerate(request.messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message["role"] == "assistant":
            calls = [block for block in blocks if block["type"] == "tool_use"]
            names = {call["id"]: (order, call["name"]) for order, call in enumerate(calls)}
            said = _assistant(blocks, calls, as_text=as_text, thinking=place >= loop)
            if said:
                found.append(said)
        elif message["role"] == "system":
            found.append({"role": "system", "content": _text(blocks)})
        else:
            found += _user(blocks, names, as_text=as_text)
    return found


def build_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools as functions, sorted, their schemas flat."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": flat(tool.schema),
            },
        }
        for tool in _sorted(tools)
    ]


def flat(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of an arguments object with just what arrives at the server; one that is flat stays as it is.

    An optional value written as `anyOf` with null becomes the other type; an object as a property, whose
    parts would be dropped, is described in words.
    """
    properties = {name: _property(value) for name, value in schema.get("properties", {}).items()}
    return {"type": "object", "properties": properties, "required": list(schema.get("required", ()))}


def _property(value: dict[str, Any]) -> dict[str, Any]:
    options = [one for one in value.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        # Several real types: the first one, the others are said.
        value = {**options[0], **{key: item for key, item in value.items() if key != "anyOf"}}
        if len(options) > 1:
            others = " or ".join(str(one.get("type", "any")) for one in options)
            value["description"] = f"{value.get('description', '')} ({others})".strip()
    kept = {key: value[key] for key in PROPERTY_KEYS if key in value}
    if "properties" in value:
        shape = json.dumps({"properties": value["properties"], "required": value.get("required", [])})
        kept["description"] = f"{kept.get('description', '')} An object like this schema: {shape}".strip()
    kept.setdefault("type", "string" if "enum" in kept else "object")
    return kept


def _sorted(tools: Sequence[ToolSpec]) -> list[ToolSpec]:
    return sorted(tools, key=lambda tool: tool.name)


def _loop_start(messages: Sequence[dict[str, Any]]) -> int:
    """Where the present tool loop begins: after the last words of the user that answer no call."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        content = message["content"]
        answers = not isinstance(content, str) and any(block["type"] == "tool_result" for block in content)
        if message["role"] == "user" and not answers:
            return place
    return 0


def _assistant(
    blocks: Sequence[dict[str, Any]], calls: Sequence[dict[str, Any]], *, as_text: bool, thinking: bool
) -> dict[str, Any] | None:
    """None for a reply of which nothing can be sent: it would be an empty message."""
    said: dict[str, Any] = {"role": "assistant"}
    text = _text(blocks)
    if as_text:
        written = (
            f"<tool_call>\n{json.dumps({'name': call['name'], 'arguments': call['input']})}\n</tool_call>"
            for call in calls
        )
        text = "\n".join([*([text] if text else []), *written])
    elif calls:
        said["tool_calls"] = [
            {"function": {"name": call["name"], "arguments": call["input"]}} for call in calls
        ]
    if text:
        said["content"] = text
    thoughts = [block.get("thinking", "") for block in blocks if _ours(block)]
    if thinking and any(thoughts):
        said["thinking"] = "\n".join(thoughts)
    return said if len(said) > 1 else None


def _user(
    blocks: Sequence[dict[str, Any]], names: dict[str, tuple[int, str]], *, as_text: bool
) -> list[dict[str, Any]]:
    """Results first, in the order of their calls, then what the human or the program says."""
    results = [block for block in blocks if block["type"] == "tool_result"]
    results.sort(key=lambda block: names.get(block["tool_use_id"], (len(names), ""))[0])
    found: list[dict[str, Any]] = []
    for block in results:
        _, name = names.get(block["tool_use_id"], (0, ""))
        content = block["content"] if isinstance(block["content"], str) else _text(block["content"])
        if block.get("is_error"):
            content = f"failed: {content}"
        if as_text or not name:
            head = f'<tool_response name="{name}">' if name else "<tool_response>"
            found.append({"role": "user", "content": f"{head}\n{content}\n</tool_response>"})
        else:
            found.append({"role": "tool", "tool_name": name, "content": content or "(no output)"})
    text = _text(blocks)
    if text:
        found.append({"role": "user", "content": text})
    return found


def _text(blocks: Sequence[dict[str, Any]]) -> str:
    return "\n\n".join(block["text"] for block in blocks if block.get("type") == "text")


def _ours(block: dict[str, Any]) -> bool:
    """Whether it is thinking of a model of Ollama: that of another service is signed."""
    return block["type"] == "thinking" and not block.get("signature")
