"""Finds tool calls that a model wrote as text instead of making them.

Local models do that when their template, the server's parser or a long context fails them. A text becomes a
call only if it is one of the known shapes (`tool_text_shapes`), whole, strictly parsed, of a tool that was
offered, and meant: not inside code, thinking or quotes, and not given as an example. What has the marks of a
call but cannot be used is told as a failure, so that the model can be asked again instead of being taken to
have ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autodev_tui.providers.base import ToolSpec
from autodev_tui.providers.strict_json import parse_arguments
from autodev_tui.providers.tool_text_shapes import MARKER, Found, bare_calls, read_marked

FENCE = re.compile(r"(?m)^[ ]{0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)$")
BACKTICKS = re.compile(r"`+")
THINKING = re.compile(r"<(think|thinking)>")
MARK = re.compile(
    rf"(?P<fence>{FENCE.pattern.removeprefix('(?m)')})|(?P<code>{BACKTICKS.pattern})|"
    rf"(?P<thought>{THINKING.pattern})|(?P<call>{MARKER.pattern})",
    re.MULTILINE,
)
"""A fence is backticks too: at the same place it wins."""
FENCE_WORDS = frozenset({"", "json", "json5", "tool_call", "tool_code", "tool"})
"""Languages of a fenced block that may be a call."""
EXAMPLE = re.compile(
    r"\bfor (?:example|instance)\b|\bhalimbawa\b|\b(?:an?|one) example\b|\bhypothetical|"
    r"\b(?:here(?: i|')s|this is|that is|shows?) how\b|"
    r"\b(?:you|one|they|agents?|models?) (?:can|may|must|should|could|would) (?:call|write|use|send)\b|"
    r"\b(?:I|we) (?:could|would|might) (?:call|write|use|send)\b|"
    # What follows is for the end of the sentence alone: elsewhere such words are about the work.
    r"(?:\be\.\s?g\.|\bexample|\busage|\bsyntax(?: is)?|\bformat (?:is|would be|should be)|\blooks? like|"
    r"\blike|\b(?:do not|don't|never|instead of|rather than) "
    r"(?:call(?:ing)?|us(?:e|ing)|writ(?:e|ing)|send(?:ing)?))"
    r"(?: (?:this|that|so|it|the following))?[\s:,]*$",
    re.IGNORECASE,
)
"""Words before a call, in its own sentence, that make it an example."""
AS_EXAMPLE = "the words before it make it an example, so it is not run: if you mean it, make the call alone"
QUOTES = "\"'“‘«"
MOST_BROKEN = 20
"""So many calls that cannot be used, and no more are looked for: each may take a look at the whole rest."""
LOOK_BACK = 300
"""Characters before a call that can make it an example."""


@dataclass(frozen=True)
class TextCall:
    """A call found in a text from `start` to `end`. `args` is None when it is no use, `error` says how."""

    name: str
    args: dict[str, Any] | None
    error: str
    start: int
    end: int
    shape: str


def find_calls(text: str, tools: Sequence[ToolSpec]) -> list[TextCall]:
    """The calls in a whole reply, in order; nothing in a reply without any mark of one."""
    offered = {tool.name: tool for tool in tools}
    if not offered:
        return []
    bare = bare_calls(text, offered)
    if bare:
        return [_checked(one, offered) for one in bare]
    calls: list[TextCall] = []
    place = after = broken = 0
    while broken < MOST_BROKEN and (mark := _next_mark(text, place)) is not None:
        kind, start = mark
        if kind == "fence":
            place, inner = _fence(text, start)
            fenced = bare_calls(text[slice(*inner)], offered, fenced=True) if inner else []
            found = [one.moved(start, place) for one in fenced]
            calls += _meant(text, after, found, offered)
            after = place if fenced else after
        elif kind == "code":
            place = _code(text, start)
        elif kind == "thought":
            place = after = _thinking(text, start)
        else:
            found = read_marked(text, start, offered)
            if not found:
                place = start + 1
                continue
            if not _quoted(text, start):
                calls += _meant(text, after, found, offered)
            place = after = max(one.end for one in found)
            broken += any(one.error for one in found)
    return calls


def without_calls(text: str, calls: Sequence[TextCall]) -> str:
    """The words around the calls."""
    kept, place = [], 0
    for start, end in sorted({(call.start, call.end) for call in calls}):
        kept.append(text[place:start])
        place = max(place, end)
    kept.append(text[place:])
    return "".join(kept).strip()


def coerced(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as its schema wants it, where the text of it says exactly that; else as it is."""
    wanted = schema.get("type")
    if isinstance(value, str):
        if wanted == "string" or value in schema.get("enum", ()):
            return value
        return _from_text(value.strip(), schema)
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if wanted == "object" and isinstance(value, dict):
        inner = schema.get("properties", {})
        return {name: coerced(item, inner.get(name, {})) for name, item in value.items()}
    if wanted == "array" and isinstance(value, list):
        return [coerced(item, schema.get("items") or {}) for item in value]
    return value


def _from_text(text: str, schema: Mapping[str, Any]) -> Any:
    wanted = schema.get("type")
    if wanted == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if wanted not in ("integer", "number", "array", "object"):
        return text
    parsed, error = parse_arguments(f'{{"value": {text}}}')
    if error or parsed is None or set(parsed) != {"value"}:
        return text
    value = parsed["value"]
    if isinstance(value, bool) or value is None:
        return text
    fits = {"integer": int, "number": (int, float), "array": list, "object": dict}[wanted]
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return coerced(value, schema) if isinstance(value, fits) else text  # type: ignore[arg-type]


def _meant(text: str, after: int, found: Sequence[Found], offered: Mapping[str, ToolSpec]) -> list[TextCall]:
    """The calls that stand together, unless the words before them make them an example.

    An example that the reply ends with may have been meant after all: it is told as a failure, and not run.
    """
    if not found:
        return []
    calls = [_checked(one, offered) for one in found]
    if not _example(text, after, found[0].start):
        return calls
    if text[max(one.end for one in found) :].strip():
        return []
    return [replace(one, args=None, error=AS_EXAMPLE) for one in calls]


def _checked(found: Found, offered: Mapping[str, ToolSpec]) -> TextCall:
    """The found call with values of the right types, or as a failure."""
    args, error = found.args, found.error
    tool = offered.get(found.name)
    if not error and tool is None:
        args, error = None, "no tool of that name is offered"
    if args is not None and tool is not None:
        properties = tool.schema.get("properties", {})
        args = {name: coerced(value, properties.get(name, {})) for name, value in args.items()}
    return TextCall(found.name, args, error, found.start, found.end, found.shape)


def _next_mark(text: str, place: int) -> tuple[str, int] | None:
    """The nearest beginning of a fenced block, of code, of thinking or of a call."""
    match = MARK.search(text, place)
    if match is None:
        return None
    return next(kind for kind in ("fence", "code", "thought", "call") if match[kind]), match.start()


def _fence(text: str, start: int) -> tuple[int, tuple[int, int] | None]:
    """The end of a fenced block, and where its content is if that may be a call. Open ones go to the end."""
    opening = FENCE.match(text, start)
    assert opening
    marks, word = opening[1], opening[2].strip().lower()
    closing = re.compile(rf"(?m)^[ ]{{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$")
    end = closing.search(text, opening.end())
    if end is None:
        return len(text), None
    return end.end(), (opening.end(), end.start()) if word in FENCE_WORDS else None


def _code(text: str, start: int) -> int:
    """The end of code in backticks; of backticks without a partner in their paragraph just these."""
    run = BACKTICKS.match(text, start)
    assert run
    paragraph = text.find("\n\n", run.end())
    for other in BACKTICKS.finditer(text, run.end(), len(text) if paragraph < 0 else paragraph):
        if len(other[0]) == len(run[0]):
            return other.end()
    return run.end()


def _thinking(text: str, start: int) -> int:
    opening = THINKING.match(text, start)
    assert opening
    end = text.find(f"</{opening[1]}>", opening.end())
    return len(text) if end < 0 else end + len(opening[1]) + 3


def _quoted(text: str, start: int) -> bool:
    """Whether the call stands in quotes, or in a quoted line."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line.lstrip().startswith((">", "|", "//", "#")) or line.rstrip()[-1:] in tuple(QUOTES)


def _example(text: str, after: int, start: int) -> bool:
    """Whether the words just before say that it is one: the last sentence of the last line with words."""
    before = text[max(after, start - LOOK_BACK) : start].rstrip()
    sentence = re.split(r"(?<=[.!?;])\s+", before.rpartition("\n")[2])[-1]
    return bool(EXAMPLE.search(sentence))
