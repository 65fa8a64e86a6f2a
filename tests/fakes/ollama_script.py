"""Writes a scripted reply as the lines of Ollama's chat stream.

Scripts are those of `anthropic_script` (conversations, match, replies, faults), so that one script serves
both servers. At the top further: `models` (name -> `Model`), `pulls` (name -> {layers, cut_after, error}),
`version`, `cold_s` (seconds that loading takes), `get_delay_s`.

A reply holds `thinking`, `text` and `calls` [{name, input}], and:

    as_text         the calls are written in the text, in this shape: hermes, function, glm, mistral, …
    string_args     the arguments are sent as a JSON text, as some servers do
    together        all calls in one line instead of a line each
    done_reason     "stop" by default, also after calls
    counts          {prompt_eval_count, eval_count} instead of the true ones; null leaves one out
    lines           [{after: N, line: text}]: more lines, as they are
    cut             {after: N, how: "eof" | "drop" | "reset"}; hang {after: N}
    delay_s, pace_s, status, error        `error` with `status`: an error instead of a stream
"""

from __future__ import annotations

import json
from typing import Any

CREATED = "2026-11-21T00:00:00.000000Z"
DEFAULT_CHUNK = 24


def lines(reply: dict[str, Any], model: str, counts: dict[str, int]) -> list[str]:
    """All lines of the whole reply, without its faults."""
    found: list[dict[str, Any]] = []
    size = reply.get("chunk", DEFAULT_CHUNK)
    text, calls = reply.get("text", ""), reply.get("calls", [])
    if shape := reply.get("as_text"):
        text = "\n\n".join([*([text] if text else []), written(shape, calls)])
        calls = []
    found += [{"content": "", "thinking": piece} for piece in _pieces(reply.get("thinking", ""), size)]
    found += [{"content": piece} for piece in _pieces(text, size)]
    made = [
        {
            "id": f"call_{place:08d}",
            "function": {"index": place, "name": one["name"], "arguments": _args(one, reply)},
        }
        for place, one in enumerate(calls)
    ]
    groups = [made] if reply.get("together") and made else [[one] for one in made]
    found += [{"content": "", "tool_calls": group} for group in groups]
    told = [_line(model, {"role": "assistant", **message}, done=False) for message in found]
    last = {
        "done_reason": reply.get("done_reason", "stop"),
        "total_duration": 2_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_duration": 1_000_000,
        "eval_duration": 1_000_000,
        **counts,
        **reply.get("counts", {}),
    }
    last = {name: value for name, value in last.items() if value is not None}
    told.append(_line(model, {"role": "assistant", "content": ""}, done=True, **last))
    for more in sorted(reply.get("lines", []), key=lambda one: -one["after"]):
        told.insert(more["after"], more["line"])
    return told


def written(shape: str, calls: list[dict[str, Any]]) -> str:
    """The calls as a model of that family writes them into its text."""
    return "\n".join(_WRITERS[shape](one["name"], one["input"]) for one in calls)


def _line(model: str, message: dict[str, Any], **more: Any) -> str:
    return json.dumps({"model": model, "created_at": CREATED, "message": message, **more}, ensure_ascii=False)


def _args(call: dict[str, Any], reply: dict[str, Any]) -> Any:
    return json.dumps(call["input"]) if reply.get("string_args") else call["input"]


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _hermes(name: str, args: dict[str, Any]) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': args})}\n</tool_call>"


def _function(name: str, args: dict[str, Any]) -> str:
    inner = "".join(f"<parameter={key}>\n{_plain(value)}\n</parameter>\n" for key, value in args.items())
    return f"<tool_call>\n<function={name}>\n{inner}</function>\n</tool_call>"


def _glm(name: str, args: dict[str, Any]) -> str:
    pairs = "".join(
        f"<arg_key>{key}</arg_key>\n<arg_value>{_plain(value)}</arg_value>\n" for key, value in args.items()
    )
    return f"<tool_call>{name}\n{pairs}</tool_call>"


def _deepseek(name: str, args: dict[str, Any]) -> str:
    return (
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{json.dumps(args)}"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    )


def _gemma(name: str, args: dict[str, Any]) -> str:
    def value(one: Any) -> str:
        if isinstance(one, str):
            return f'<|"|>{one}<|"|>'
        if isinstance(one, list):
            return "[" + ",".join(map(value, one)) + "]"
        if isinstance(one, dict):
            return "{" + ",".join(f"{key}:{value(item)}" for key, item in one.items()) + "}"
        return json.dumps(one)

    return f"<|tool_call>call:{name}{value(args)}<tool_call|>"


def _invoke(name: str, args: dict[str, Any]) -> str:
    inner = "".join(f'<parameter name="{key}">{_plain(value)}</parameter>\n' for key, value in args.items())
    return f'<function_calls>\n<invoke name="{name}">\n{inner}</invoke>\n</function_calls>'


_WRITERS = {
    "hermes": _hermes,
    "function": _function,
    "glm": _glm,
    "mistral": lambda name, args: f"[TOOL_CALLS]{name}[ARGS]{json.dumps(args)}",
    "mistral_list": lambda name, args: f"[TOOL_CALLS]{json.dumps([{'name': name, 'arguments': args}])}",
    "llama": lambda name, args: f"<|python_tag|>{json.dumps({'name': name, 'parameters': args})}",
    "deepseek": _deepseek,
    "gemma": _gemma,
    "invoke": _invoke,
    "fenced": lambda name, args: f"```json\n{json.dumps({'name': name, 'arguments': args}, indent=2)}\n```",
    "bare": lambda name, args: json.dumps({"name": name, "arguments": args}),
}
SHAPES = tuple(_WRITERS)
