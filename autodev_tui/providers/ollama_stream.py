"""Builds a turn from the parts of a chat stream of Ollama.

Calls come whole, one or more a part, before the last part; they have no ids, so ids are made here. Nothing
counts until the last part has come. Where no call was made, the text is looked at for calls written in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodev_tui.providers.base import (
    CallDelta,
    CallStarted,
    Chunk,
    Noted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolSpec,
)
from autodev_tui.providers.errors import StreamCut, UnknownStop
from autodev_tui.providers.strict_json import parse_arguments, whole_text
from autodev_tui.providers.tool_text import TextCall, coerced, find_calls, without_calls
from autodev_tui.providers.tool_text_stream import Withheld

LONG = 4_000
LARGE = 64_000
"""Characters of a call from which reading it is for a thread: it comes whole, with what it writes."""
MOST = 16_000_000
"""Characters that are kept of a reply, far more than any model writes: a server may send without an end."""
UNREADABLE = "unreadable_call"
"""Stands for the name of a call that nobody could read."""


class StreamReader:
    """Feed it every part as a plain dictionary, then ask for the parts of the turn.

    `ids` begins the ids of this turn's calls; they must differ from those of other turns.
    """

    def __init__(self, on_chunk: Callable[[Chunk], None], tools: Sequence[ToolSpec], ids: str) -> None:
        self._on_chunk = on_chunk
        self._tools = {tool.name: tool for tool in tools}
        self._ids = ids
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[ToolCall] = []
        self._ahead: list[tuple[str, dict[str, Any] | None, str]] = []
        self._withheld = Withheld()
        self._size = 0
        self._reason = ""
        self._found: list[TextCall] | None = None
        self.model = ""
        self.started = False
        self.finished = False
        self.prompt_tokens: int | None = None
        """As the server counted, None if it did not."""
        self.output_tokens: int | None = None
        self.load_s = 0.0

    def feed(self, part: Mapping[str, Any]) -> None:
        """Take one part. Raises StreamCut for one that is no part of a chat, or one too many."""
        message = part.get("message")
        if not isinstance(message, Mapping):
            raise StreamCut("a part of the stream has no message")
        self.started = True
        self.model = str(part.get("model") or self.model)
        if thinking := message.get("thinking"):
            self._thinking.append(str(thinking))
            self._on_chunk(ThinkingDelta(whole_text(self._thinking[-1])))
        if text := message.get("content"):
            self._text.append(str(text))
            self._show(self._withheld.feed(str(text)))
            if self._withheld.holding:
                self._on_chunk(CallDelta(len(str(text))))
        read, self._ahead = self._ahead or [self._read(one) for one in _functions(message)], []
        for function, (raw, args, error) in zip(_functions(message), read, strict=True):
            self._call(str(function.get("name") or ""), raw, args, error)
        self._size += len(str(thinking or "")) + len(str(text or ""))
        if self._size > MOST:
            raise StreamCut("the reply has no end")
        if part.get("done"):
            self.finished = True
            self._reason = str(part.get("done_reason") or "stop")
            self.prompt_tokens = _count(part.get("prompt_eval_count"))
            self.output_tokens = _count(part.get("eval_count"))
            self.load_s = (_count(part.get("load_duration")) or 0) / 1e9

    def _show(self, text: str) -> None:
        if text:
            self._on_chunk(TextDelta(whole_text(text)))

    def read_ahead(self, part: Mapping[str, Any]) -> None:
        """Read the calls of a large part; `feed` does it where this was not called before. Sync."""
        self._ahead = [self._read(one) for one in _functions(part.get("message"))]

    @staticmethod
    def _read(function: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None, str]:
        """Arguments as text, as values (None: they are of no use), and why they are not."""
        # Through text and back: the same strict rules as for every other provider.
        raw = json.dumps(function.get("arguments") or {}, ensure_ascii=True)
        return raw, *parse_arguments(raw)

    def _call(self, name: str, raw: str, args: dict[str, Any] | None, error: str) -> None:
        self._calls.append(ToolCall(f"{self._ids}_{len(self._calls)}", name, self._fit(name, args), error))
        self._on_chunk(CallStarted(name))
        self._on_chunk(CallDelta(len(raw)))
        self._size += len(raw)

    def _fit(self, name: str, args: dict[str, Any] | None) -> dict[str, Any] | None:
        """Small models write numbers and truth values as text, also where the server passes them on."""
        tool = self._tools.get(name)
        if args is None or tool is None:
            return args
        properties = tool.schema.get("properties", {})
        return {key: coerced(value, properties.get(key, {})) for key, value in args.items()}

    @property
    def characters(self) -> int:
        """How much was written so far, as far as it streams."""
        return sum(map(len, self._text)) + sum(map(len, self._thinking))

    @property
    def long(self) -> bool:
        """Whether looking for calls in the text may take a while: then it is for a thread."""
        return not self._calls and sum(map(len, self._text)) > LONG

    def search(self) -> None:
        """Look for calls in the text; `turn_parts` does it where this was not called before."""
        self._found = find_calls(whole_text("".join(self._text)), tuple(self._tools.values()))

    def turn_parts(
        self, *, room: int | None = None
    ) -> tuple[StopReason, list[dict[str, Any]], tuple[ToolCall, ...], str]:
        """Stop reason, content to send back, calls to run and text of the whole turn.

        `room` is how many tokens of output were allowed: a reply that ended by length before it had so many
        ran into the end of the window.

        Raises:
            StreamCut: if the reply is not whole.
            UnknownStop: if it is, but nobody knows why it ended.
        """
        if not self.finished:
            raise StreamCut("the stream ended before the reply did")
        if self._reason in ("load", "unload"):
            raise StreamCut(f"the server says {self._reason!r} instead of a reply")
        if self._reason not in ("stop", "length"):
            raise UnknownStop(self._reason)
        text = whole_text("".join(self._text))
        thinking = whole_text("".join(self._thinking))
        calls = tuple(self._calls)
        found: list[TextCall] = []
        if not calls and self._reason == "stop":
            text, calls, found = self._recovered(text)
        if not (found and self._withheld.holding):
            self._show(self._withheld.rest())
        if self._reason == "length":
            written = self.output_tokens
            # Not to the token: servers count the last one in or out.
            full = room is not None and written is not None and written < 0.9 * room
            stop = StopReason.CONTEXT_EXCEEDED if full else StopReason.MAX_TOKENS
            return stop, self._content(thinking, "" if self._calls else text, ()), (), text.strip()
        stop = StopReason.TOOL_USE if calls else StopReason.END
        return stop, self._content(thinking if calls else "", text, calls), calls, text.strip()

    def unreadable(self, why: str) -> tuple[StopReason, list[dict[str, Any]], tuple[ToolCall, ...], str]:
        """The turn of a reply whose call the server could not read: the model is told, and tries another."""
        call = ToolCall(f"{self._ids}_0", UNREADABLE, None, why)
        text = whole_text("".join(self._text))
        content = self._content(whole_text("".join(self._thinking)), text, (call,))
        return StopReason.TOOL_USE, content, (call,), text.strip()

    def _recovered(self, text: str) -> tuple[str, tuple[ToolCall, ...], list[TextCall]]:
        if self._found is None:
            self.search()
        found, calls = self._found or [], []
        for place, one in enumerate(found):
            name = one.name or UNREADABLE
            error = f"you wrote the call as text, and it cannot be run: {one.error}" if one.error else ""
            calls.append(ToolCall(f"{self._ids}_{place}", name, one.args, error, recovered=one.shape))
            self._on_chunk(CallStarted(name))
            how = f"not usable: {one.error}" if one.error else "recovered"
            self._on_chunk(Noted(f"a call of {name} was written as text ({one.shape}), {how}"))
        return (without_calls(text, found) if found else text), tuple(calls), found

    def _content(self, thinking: str, text: str, calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        if thinking.strip():
            content.append({"type": "thinking", "thinking": thinking, "signature": ""})
        if text.strip():
            content.append({"type": "text", "text": text})
        for call in calls:
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": call.args or {}})
        return content


def is_large(part: Mapping[str, Any]) -> bool:
    """Whether reading the calls of this part takes a while: then `read_ahead` is for a thread."""
    return any(_length(one.get("arguments")) > LARGE for one in _functions(part.get("message")))


def _functions(message: Any) -> list[Mapping[str, Any]]:
    calls = message.get("tool_calls") if isinstance(message, Mapping) else ()
    return [call.get("function") or {} for call in calls or ()]


def _length(value: Any) -> int:
    """About how many characters a JSON value has, however deep it is."""
    length, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            left += one.values()
        elif isinstance(one, list):
            left += one
        else:
            length += len(one) if isinstance(one, str) else 4
    return length


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
