"""The one protocol that every language model is called through, and the values that cross it.

Messages are kept in the shape of the Anthropic Messages API, `{"role": …, "content": [blocks]}`, because it
is the richest of the wire formats; other adapters translate from it. History is append-only: newer models
check the prefix of every thinking block that they get back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from autodev_tui.domain.session import Usage

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}")
"""What the name of a model may be, at every service."""

ErrorKind = Literal[
    "auth",
    "permission",
    "not_found",
    "invalid",
    "too_large",
    "billing",
    "rate_limited",
    "overloaded",
    "server",
    "connection",
    "refused",  # nobody listens at the address
    "cut",
    "idle",
    "config",
    "off",  # a recording has no such turn, or cannot take one
]


class StopReason(StrEnum):
    """Why the model stopped; the values are the API's own words."""

    END = "end_turn"
    TOOL_USE = "tool_use"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    PAUSE = "pause_turn"
    REFUSAL = "refusal"
    CONTEXT_EXCEEDED = "model_context_window_exceeded"


@dataclass(frozen=True)
class ToolSpec:
    """A tool as it is offered to a model; `schema` is the JSON schema of its arguments object."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A call the model asks for. `args` is None when its JSON was unusable, and `error` then says how.

    `recovered` names the shape of a call that the model wrote as text and that was read from there.
    """

    id: str
    name: str
    args: dict[str, Any] | None
    error: str = ""
    recovered: str = ""


@dataclass(frozen=True)
class Turn:
    """One whole reply of a model.

    `content` holds the assistant's blocks to send back unchanged (thinking with its signature). Unless `stop`
    is TOOL_USE, `calls` is empty and `content` ends before the first call, so that a cut call is neither run
    nor left unanswered; it may be empty, and then no assistant message must be stored. `usage` covers the
    turn with all its tries. `stop_detail` is the stop sequence, or category and explanation of a refusal.
    """

    content: list[dict[str, Any]]
    calls: tuple[ToolCall, ...]
    text: str
    stop: StopReason
    usage: Usage
    model: str
    request_id: str
    stop_detail: str = ""

    @classmethod
    def of(
        cls,
        text: str,
        calls: tuple[ToolCall, ...],
        usage: Usage,
        model: str,
        *,
        stop: StopReason | None = None,
        request_id: str = "",
        stop_detail: str = "",
    ) -> Turn:
        """A turn that no service streamed; without `stop` it stops for its calls, or ends."""
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.args or {}} for call in calls
        ]
        stop = stop or (StopReason.TOOL_USE if calls else StopReason.END)
        return cls(content, calls, text, stop, usage, model, request_id, stop_detail)


@dataclass(frozen=True)
class Request:
    """One request for a turn. `max_tokens` counts output tokens, thinking included.

    `meta` (role, task, turn, worktree, and the position between the human's decisions that engine/told.py
    describes) never goes over the wire; providers without a model choose their reply by it.
    """

    system: str
    tools: tuple[ToolSpec, ...]
    messages: list[dict[str, Any]]
    model: str
    max_tokens: int
    effort: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TextDelta:
    """A piece of the visible answer."""

    text: str


@dataclass(frozen=True)
class ThinkingDelta:
    """A piece of the summarised thinking."""

    text: str


@dataclass(frozen=True)
class CallStarted:
    """The model began to write a call of the tool `name`."""

    name: str


@dataclass(frozen=True)
class CallDelta:
    """`chars` more characters of a call's arguments arrived."""

    chars: int


@dataclass(frozen=True)
class Retrying:
    """Try `attempt` of `of` failed because of `why`; the next one starts in `wait_s` seconds.

    What was streamed of the failed try is void: show it as discarded.
    """

    attempt: int
    of: int
    wait_s: float
    why: str


@dataclass(frozen=True)
class UsageSeen:
    """What this call of `complete` used so far, all tries together: the floor to book if it is cancelled."""

    usage: Usage


@dataclass(frozen=True)
class Noted:
    """Something about this call that the human should know: a model is being loaded, a call was recovered."""

    text: str


Chunk = Noted | TextDelta | ThinkingDelta | CallStarted | CallDelta | Retrying | UsageSeen


@dataclass(frozen=True)
class ModelLimits:
    """Tokens of context and of output; `known` is False when they are a careful guess."""

    context: int
    max_output: int
    known: bool
    unbounded: bool = False
    """There is no window: nothing is sent, and nothing need be forgotten."""
    remote: bool = False
    """It works on somebody else's machine, though its name does not say so."""


class Provider(Protocol):
    """A source of turns. `complete` raises ProviderError; cancelling its task closes the connection."""

    name: str

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """One turn, with the provider's own retries; progress is reported through `on_chunk`."""
        ...

    async def limits(self, model: str) -> ModelLimits:
        """The sizes of a model, a careful guess when nobody knows them."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class ProviderError(Exception):
    """A turn that did not come. The message says what happened, where, and what to do.

    `retryable` tells whether the same request may succeed later; `retries` counts those already made and
    `usage_floor` what the failed tries used at least.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        status: int | None = None,
        request_id: str = "",
        retryable: bool = False,
        retries: int = 0,
        usage_floor: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.request_id = request_id
        self.retryable = retryable
        self.retries = retries
        self.usage_floor = usage_floor or Usage()
