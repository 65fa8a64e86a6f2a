"""The shapes in which models write tool calls as text, each read strictly to its end.

A reader gets the text and where its mark begins. It returns what it found, one entry a call, and for a call
that is not whole or not valid one with `error`. The shapes are those of Hermes and Qwen, Qwen Coder, GLM,
Mistral, Llama, DeepSeek, Gemma, and the `invoke` of Anthropic's older models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autodev_tui.providers.base import ToolSpec
from autodev_tui.providers.strict_json import parse_arguments
from autodev_tui.providers.tool_text_scan import (
    NOT_CLOSED,
    closing,
    end_of_value,
    json_value,
    skip,
    string_end,
    without_frame,
)

Offered = Mapping[str, ToolSpec]
NAME = r"[A-Za-z_][\w.-]{0,63}"
ARGUMENT_KEYS = ("arguments", "parameters", "input")
CALL_KEYS = frozenset({"name", "id", "type", "function", *ARGUMENT_KEYS})
"""Keys of a JSON object that is a call; one with any other is data."""
MARKS = (
    *("<tool_call>", "<function=", "[TOOL_CALLS]", "<|python_tag|>", "<|tool_call>", "<start_function_call>"),
    *("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<function_calls>", "<invoke name="),
)
"""What a call begins with."""
MARKER = re.compile("|".join(map(re.escape, MARKS)))


@dataclass(frozen=True)
class Found:
    """A call at `start` to `end` of the text; `args` is None with an `error`."""

    name: str
    args: dict[str, Any] | None
    start: int
    end: int
    shape: str
    error: str = ""

    def moved(self, start: int, end: int) -> Found:
        """The same one at another place."""
        return replace(self, start=start, end=end)


def read_marked(text: str, start: int, offered: Offered) -> list[Found]:
    """The calls whose mark begins at `start`; none where it turns out to be no call at all."""
    for mark, read in _READERS.items():
        if text.startswith(mark, start):
            return read(text, start, offered)
    return []


def bare_calls(text: str, offered: Offered, *, fenced: bool = False) -> list[Found]:
    """The calls of a text that is nothing but one call object of an offered tool, or a list of such."""
    body = text.strip()
    if not body.startswith(("{", "[")):
        return []
    shape = "fenced" if fenced else "bare"
    start = text.find(body[0])
    value, end, error = json_value(text, start)
    if error or text[end:].strip():
        return []
    items = value if isinstance(value, list) else [value]
    found = [_from_object(item, start, end, shape) for item in items]
    # Data that only resembles a call must have nothing more, nothing less, and an offered tool's name.
    sure = [one for one in found if one and not one.error and one.name in offered]
    return sure if items and len(sure) == len(items) else []


# -- readers by mark


def _hermes(text: str, start: int, offered: Offered) -> list[Found]:
    """`<tool_call>` with JSON, with a Qwen Coder function, or with a GLM name and pairs."""
    at = skip(text, start + len("<tool_call>"))
    if text.startswith("<function=", at):
        found = _function(text, at, offered)
        closed = closing(text, found[-1].end, "</tool_call>")
        return [one.moved(start, closed or one.end) for one in found]
    if text.startswith(("{", "["), at):
        return _json_calls(text, start, at, "hermes", "</tool_call>")
    name = re.compile(rf"({NAME})\s*(?=<arg_key>|</tool_call>)").match(text, at)
    return _glm(text, start, name) if name else []


def _glm(text: str, start: int, name: re.Match[str]) -> list[Found]:
    args: dict[str, Any] = {}
    at = name.end()
    pair = re.compile(r"\s*<arg_key>([^<]*)</arg_key>\s*<arg_value>")
    while match := pair.match(text, at):
        end = end_of_value(text, match.end(), "</arg_value>", r"\s*(?:<arg_key>|</tool_call>)")
        key = match[1].strip()
        if end < 0 or key in args:
            return [_broken(text, start, name[1], "glm", NOT_CLOSED if end < 0 else f"{key} is given twice")]
        args[key] = text[match.end() : end]
        at = end + len("</arg_value>")
    closed = closing(text, at, "</tool_call>")
    if closed is None:
        return [_broken(text, start, name[1], "glm", NOT_CLOSED)]
    return [Found(name[1], args, start, closed, "glm")]


def _function(text: str, start: int, offered: Offered) -> list[Found]:
    """`<function=NAME><parameter=K>V</parameter></function>`: values are unescaped text."""
    head = re.compile(rf"<function=\"?({NAME})\"?>").match(text, start)
    if head is None:
        return [_broken(text, start, "", "function", "the call names no tool")]
    return [
        _elements(
            text, start, head, r"\s*<parameter=\"?([\w.-]+)\"?>", "</parameter>", "</function>", "function"
        )
    ]


def _invoke(text: str, start: int, offered: Offered) -> list[Found]:
    """`<invoke name="NAME"><parameter name="K">V</parameter></invoke>`, alone or in `<function_calls>`."""
    wrapped = text.startswith("<function_calls>", start)
    at = skip(text, start + len("<function_calls>")) if wrapped else start
    found: list[Found] = []
    head = re.compile(rf"<invoke name=\"({NAME})\">")
    parameter = r"\s*<parameter name=\"([\w.-]+)\"[^>]*>"
    while match := head.match(text, at):
        one = _elements(text, at, match, parameter, "</parameter>", "</invoke>", "invoke")
        found.append(one)
        at = skip(text, one.end)
        if one.error:
            return found
    if not found:
        return []
    if wrapped:
        end = closing(text, found[-1].end, "</function_calls>")
        if end is None:
            return [replace(one, args=None, error=NOT_CLOSED) for one in found]
        return [one.moved(start, end) for one in found]
    return found


def _elements(
    text: str, start: int, head: re.Match[str], parameter: str, value_end: str, call_end: str, shape: str
) -> Found:
    """A call whose arguments are elements. A value ends where what may come follows its closing mark."""
    args: dict[str, Any] = {}
    at, name = head.end(), head[1]
    pattern = re.compile(parameter)
    follows = rf"(?:{parameter}|\s*{re.escape(call_end)})"
    while match := pattern.match(text, at):
        end = end_of_value(text, match.end(), value_end, follows)
        if end < 0:
            return _broken(text, start, name, shape, NOT_CLOSED)
        if match[1] in args:
            return _broken(text, start, name, shape, f"{match[1]} is given twice")
        args[match[1]] = without_frame(text[match.end() : end])
        at = end + len(value_end)
    closed = closing(text, at, call_end)
    if closed is None:
        body = text[at:].lstrip()
        if body.startswith("{"):
            # Some write JSON into the element.
            value, end, error = json_value(text, skip(text, at))
            closed = closing(text, end, call_end) if not error else None
            if closed is not None and isinstance(value, dict) and not args:
                return Found(name, value, start, closed, shape)
        return _broken(text, start, name, shape, NOT_CLOSED)
    return Found(name, args, start, closed, shape)


def _mistral(text: str, start: int, offered: Offered) -> list[Found]:
    """`[TOOL_CALLS]NAME[ARGS]{…}`, again for each call, or `[TOOL_CALLS][{…}, …]`."""
    at = skip(text, start + len("[TOOL_CALLS]"))
    if text.startswith(("[", "{"), at):
        return _json_calls(text, start, at, "mistral", "")
    head = re.compile(rf"({NAME})(?:\[CALL_ID\]\w+)?\s*(?:\[ARGS\])?\s*(?={{)").match(text, at)
    if head is None:
        return []
    value, end, error = json_value(text, head.end())
    if error or not isinstance(value, dict):
        return [_broken(text, start, head[1], "mistral", error or "the arguments are no object")]
    return [Found(head[1], value, start, end, "mistral")]


def _llama(text: str, start: int, offered: Offered) -> list[Found]:
    """`<|python_tag|>{"name", "parameters"}`, several with semicolons between them."""
    found: list[Found] = []
    at = skip(text, start + len("<|python_tag|>"))
    while text.startswith("{", at):
        value, end, error = json_value(text, at)
        one = None if error else _from_object(value, start, end, "llama")
        if one is None:
            return [*found, _broken(text, start, _name_in(text, at), "llama", error or "it is no call")]
        found.append(one)
        at = skip(text, end)
        at = skip(text, at + 1) if text.startswith(";", at) else len(text)
    last = found[-1].end if found else start
    return [one.moved(start, last) for one in found]


def _deepseek(text: str, start: int, offered: Offered) -> list[Found]:
    """`<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{…}<｜tool▁call▁end｜>`; older ones say `function` first."""
    found: list[Found] = []
    many = text.startswith("<｜tool▁calls▁begin｜>", start)
    at = skip(text, start + len("<｜tool▁calls▁begin｜>")) if many else start
    head = re.compile(
        rf"<｜tool▁call▁begin｜>\s*(?:function<｜tool▁sep｜>({NAME})\s*```(?:json)?|({NAME})\s*<｜tool▁sep｜>)\s*"
    )
    while match := head.match(text, at):
        name = match[1] or match[2]
        value, end, error = json_value(text, match.end())
        if error or not isinstance(value, dict):
            return [*found, _broken(text, at, name, "deepseek", error or "the arguments are no object")]
        if match[1]:
            end = closing(text, end, "```") or end
        closed = closing(text, end, "<｜tool▁call▁end｜>")
        if closed is None:
            return [*found, _broken(text, at, name, "deepseek", NOT_CLOSED)]
        found.append(Found(name, value, at, closed, "deepseek"))
        at = skip(text, closed)
    if many and found:
        last = closing(text, found[-1].end, "<｜tool▁calls▁end｜>") or found[-1].end
        return [one.moved(start, last) for one in found]
    return found


def _gemma(text: str, start: int, offered: Offered) -> list[Found]:
    """`<|tool_call>call:NAME{key:<|"|>text<|"|>,n:1}<tool_call|>`, and the older tags of the same."""
    old = text.startswith("<start_function_call>", start)
    opening, ending, quote = (
        ("<start_function_call>", "<end_function_call>", "<escape>")
        if old
        else ("<|tool_call>", "<tool_call|>", '<|"|>')
    )
    head = re.compile(rf"\s*call:\s*({NAME})\s*(?={{)").match(text, start + len(opening))
    if head is None:
        return []
    plain, place = _gemma_json(text, head.end(), quote)
    args, error = parse_arguments(plain) if place else (None, NOT_CLOSED)
    closed = closing(text, place, ending) if place else None
    if error or closed is None:
        return [_broken(text, start, head[1], "gemma", error or NOT_CLOSED)]
    return [Found(head[1], args, start, closed, "gemma")]


def _gemma_json(text: str, start: int, quote: str) -> tuple[str, int]:
    """The object at `start` as JSON, and its end; 0 for an end that never comes."""
    made: list[str] = []
    depth, at = 0, start
    key = re.compile(r"([A-Za-z_][\w.-]*)\s*:")
    while at < len(text):
        if text.startswith(quote, at):
            end = text.find(quote, at + len(quote))
            if end < 0:
                return "", 0
            made.append(json.dumps(text[at + len(quote) : end], ensure_ascii=False))
            at = end + len(quote)
            continue
        if text[at] == '"':
            end = string_end(text, at)
            made.append(text[at:end])
            at = end
            continue
        match = key.match(text, at)
        if match and made and made[-1].rstrip()[-1:] in ("{", ","):
            made.append(f'"{match[1]}":')
            at = match.end()
            continue
        character = text[at]
        depth += (character in "{[") - (character in "}]")
        made.append(character)
        at += 1
        if depth == 0:
            return "".join(made), at
    return "", 0


_READERS: dict[str, Callable[[str, int, Offered], list[Found]]] = {
    "<tool_call>": _hermes,
    "<function=": _function,
    "[TOOL_CALLS]": _mistral,
    "<|python_tag|>": _llama,
    "<｜tool▁call": _deepseek,
    "<|tool_call>": _gemma,
    "<start_function_call>": _gemma,
    "<function_calls>": _invoke,
    "<invoke name=": _invoke,
}


# -- JSON


def _json_calls(text: str, start: int, at: int, shape: str, ending: str) -> list[Found]:
    """One call object or a list of them at `at`, followed by `ending`."""
    value, end, error = json_value(text, at)
    name = _name_in(text, at)
    if error:
        return [_broken(text, start, name, shape, error, ending)]
    closed = closing(text, end, ending) if ending else end
    if closed is None:
        return [_broken(text, start, name, shape, NOT_CLOSED)]
    items = value if isinstance(value, list) else [value]
    found = [_from_object(item, start, closed, shape, lenient=True) for item in items]
    if not found or None in found:
        return [_broken(text, start, name, shape, "it is no object with a name and arguments", ending)]
    return [one for one in found if one]


def _from_object(value: Any, start: int, end: int, shape: str, *, lenient: bool = False) -> Found | None:
    """The call that a JSON object is; None for any other. `lenient`: a call without arguments is one too."""
    if not isinstance(value, dict) or set(value) - CALL_KEYS:
        return None
    inner = value.get("function")
    if isinstance(inner, dict) and "name" not in value:
        return _from_object(inner, start, end, shape, lenient=lenient)
    name = value.get("name")
    keys = [key for key in ARGUMENT_KEYS if key in value]
    if not isinstance(name, str) or not re.fullmatch(NAME, name) or len(keys) > 1:
        return None
    if not keys:
        return Found(name, {}, start, end, shape) if lenient else None
    args = value[keys[0]]
    if isinstance(args, str):
        args, error = parse_arguments(args)
        if error:
            return Found(name, None, start, end, shape, error)
    if args is None and lenient:
        args = {}
    return Found(name, args, start, end, shape) if isinstance(args, dict) else None


def _name_in(text: str, at: int) -> str:
    match = re.compile(rf'"name"\s*:\s*"({NAME})"').search(text, at)
    return match[1] if match else ""


def _broken(text: str, start: int, name: str, shape: str, error: str, ending: str = "") -> Found:
    """A call that cannot be used; it reaches to its end if that is known, else to the end of the text."""
    place = text.find(ending, start) if ending else -1
    end = place + len(ending) if place >= 0 else len(text)
    return Found(name, None, start, end, shape, error)
