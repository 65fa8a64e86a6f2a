"""The model's conversation: a pure function of the step log, append-only, every call paired with a result.

Rebuilding it from any prefix of the log gives a prefix of the same messages, which is what the models that
check the history they get back demand. A compaction step starts a new conversation with its summary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind

COMPACTION = "compaction"
SEVERAL = "(several)"
"""The author of a message that more than one model wrote: no model's name."""
Message = dict[str, Any]
_ODD = re.compile(r"[^A-Za-z0-9_-]")

_UNKNOWN = "Interrupted while running; whether it had an effect is not known. Look before you repeat it."
_UNFINISHED = {
    StepState.PLANNED: "Not run yet: the program was interrupted before this call.",
    StepState.AWAITING: "Not run yet: it waits for the human's decision.",
    StepState.APPROVED: "Not run yet: the program was interrupted before this call.",
    StepState.STARTED: _UNKNOWN,
    StepState.INTERRUPTED: "Interrupted before it finished. Look at the present state before you repeat it.",
    StepState.UNKNOWN: _UNKNOWN,
    StepState.SUPERSEDED: "Not run: an earlier call of the same reply was refused or ended by the human.",
    StepState.SKIPPED: "Skipped by the human.",
}

TERMINAL = frozenset(
    {StepState.DONE, StepState.FAILED, StepState.REFUSED, StepState.SUPERSEDED, StepState.SKIPPED}
)
"""States in which a tool call has its final result. An interrupted call is run again by a new step."""
FINAL = "final"
"""Mark in the result of an interrupted call that is not run again: the human ended it."""


def is_answered(step: Step) -> bool:
    """Whether a tool call has its final result."""
    return step.state in TERMINAL or bool(step.result.get(FINAL))


def result_text(step: Step, read_blob: Callable[[str], bytes]) -> str:
    """What the model sees of a tool step; never empty."""
    if step.result_blob:
        return read_blob(step.result_blob).decode(errors="replace")
    text = step.result.get("text") or _UNFINISHED.get(step.state)
    return str(text or "(no output)")


def reply_of(step: Step, read_blob: Callable[[str], bytes]) -> dict[str, Any]:
    """The reply of a model step: its content blocks, calls and text."""
    reply: dict[str, Any] = (
        json.loads(read_blob(step.result_blob)) if step.result_blob else step.result["reply"]
    )
    return reply


def note_text(step: Step, read_blob: Callable[[str], bytes]) -> str:
    """The words of a note."""
    return read_blob(step.result_blob).decode() if step.result_blob else str(step.result["text"])


def latest_calls(steps: Iterable[Step]) -> dict[tuple[int, str], Step]:
    """The latest attempt of each tool call, by (turn, call id)."""
    return {(step.turn, step.call_id): step for step in steps if step.kind is StepKind.TOOL}


class Conversation:
    """Messages that only grow. Feed it each finished step once, in order of `seq`."""

    def __init__(self, read_blob: Callable[[str], bytes]) -> None:
        self._read_blob = read_blob
        self.messages: list[Message] = []
        self._authors: list[str] = []
        """Which model each message is by; empty for ours."""
        self.characters = 0
        """Text sent so far, the base of the token estimate."""
        self.other = 0
        """How much of it is not ASCII: such characters take more tokens."""

    def note(self, step: Step) -> None:
        """Words for the model; a compaction starts over."""
        if step.name == COMPACTION:
            self.messages.clear()
            self._authors.clear()
            self.characters = self.other = 0
        self._append("user", [{"type": "text", "text": note_text(step, self._read_blob)}])

    def turn(self, content: list[dict[str, Any]], model: str = "") -> None:
        """The assistant's content blocks, verbatim, and which model they are by."""
        self._append("assistant", content, model)

    def messages_for(self, model: str) -> list[Message]:
        """The messages as `model` may get them: of other models' turns only what any model understands.

        Thinking is bound to the model that thought it. For one model this is append-only as well.
        """
        if all(author in ("", model) for author in self._authors):
            return self.messages
        return plain(self.messages, [author in ("", model) for author in self._authors])

    def results(self, steps: Iterable[Step]) -> None:
        """The results of one turn's calls, in the order of the calls, all in one user message."""
        blocks = []
        for step in steps:
            block: dict[str, Any] = {
                "type": "tool_result",
                "tool_use_id": step.call_id,
                "content": result_text(step, self._read_blob),
            }
            if step.state is not StepState.DONE or not step.result.get("ok", True):
                block["is_error"] = True
            blocks.append(block)
        self._append("user", blocks)

    def _append(self, role: str, blocks: list[dict[str, Any]], author: str = "") -> None:
        for block in blocks:
            text = json.dumps(block, ensure_ascii=False)
            self.characters += len(text)
            self.other += 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"].extend(blocks)
            if author != self._authors[-1]:
                self._authors[-1] = SEVERAL
        else:
            self._authors.append(author)
            self.messages.append({"role": role, "content": list(blocks)})


def plain(messages: Sequence[Message], own: Sequence[bool]) -> list[Message]:
    """Those that are `own` as they are; of the others text and tool calls, with ids all services take."""
    made: list[Message] = []
    foreign: set[str] = set()
    for message, as_it_is in zip(messages, own, strict=True):
        if as_it_is:
            blocks = [_sound(block, foreign) for block in message["content"]]
        else:
            foreign |= {str(block["id"]) for block in message["content"] if block.get("type") == "tool_use"}
            blocks = [one for one in map(_understood, message["content"]) if one]
        if not blocks:
            continue  # a turn of thoughts alone
        if made and made[-1]["role"] == message["role"]:
            made[-1] = {**made[-1], "content": [*made[-1]["content"], *blocks]}
        else:
            made.append({"role": message["role"], "content": blocks})
    return made


def _understood(block: dict[str, Any]) -> dict[str, Any] | None:
    match block.get("type"):
        case "text" if block["text"].strip():
            return {"type": "text", "text": block["text"]}
        case "tool_use":
            kept = {name: block[name] for name in ("type", "id", "name", "input")}
            return kept | {"id": _ODD.sub("_", str(kept["id"]))}
    return None


def _sound(block: dict[str, Any], foreign: set[str]) -> dict[str, Any]:
    """The result of another model's call under the id that the call is shown with."""
    if block.get("tool_use_id") in foreign:
        return {**block, "tool_use_id": _ODD.sub("_", block["tool_use_id"])}
    return block


def rebuild(steps: Sequence[Step], read_blob: Callable[[str], bytes]) -> tuple[Conversation, list[Step]]:
    """The conversation of a task, and the last turn's calls that have no final result yet.

    `steps` are the task's steps in order. While calls are open, the conversation ends with the assistant's
    turn; notes that came after it follow the results once these are there.
    """
    conversation = Conversation(read_blob)
    calls = latest_calls(steps)
    waiting: list[Step] = []
    held: list[Step] = []
    open_calls: list[Step] = []

    def close_turn() -> None:
        nonlocal waiting, held
        if waiting:
            conversation.results(waiting)
        for note in held:
            conversation.note(note)
        waiting, held = [], []

    for step in steps:
        if step.kind is StepKind.NOTE and step.state is StepState.DONE:
            if open_calls or waiting:
                held.append(step)
            else:
                conversation.note(step)
        elif step.kind is StepKind.MODEL and step.state is StepState.DONE and not step.result.get("dropped"):
            close_turn()
            turn = reply_of(step, read_blob)
            conversation.turn(turn["content"], step.name)
            wanted = [calls[step.turn, call["id"]] for call in turn["calls"]]
            open_calls = [call for call in wanted if not is_answered(call)]
            waiting = wanted if not open_calls else []
    if not open_calls:
        close_turn()
    return conversation, open_calls
