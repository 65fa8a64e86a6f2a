"""The conversation is a pure, append-only function of the step log, and every call has a result."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.conversation import COMPACTION, TERMINAL, rebuild

READ: dict[str, bytes] = {}


class Log:
    """Makes a step log as the engine would."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.blobs: dict[str, bytes] = {}
        self.turn = 0

    def add(self, kind: StepKind, **fields: Any) -> Step:
        step = Step(
            id=f"s/{len(self.steps)}",
            session="s",
            seq=len(self.steps) + 1,
            task="T1",
            kind=kind,
            created=0,
            **fields,
        )
        self.steps.append(step)
        return step

    def note(self, text: str, name: str = "") -> None:
        self.add(
            StepKind.NOTE, name=name or f"note {len(self.steps)}", state=StepState.DONE, result={"text": text}
        )

    def reply(self, calls: int, *, dropped: bool = False) -> list[str]:
        self.turn += 1
        ids = [f"c{self.turn}_{number}" for number in range(calls)]
        content: list[dict[str, Any]] = [{"type": "text", "text": f"turn {self.turn}"}]
        content += [{"type": "tool_use", "id": one, "name": "read_file", "input": {}} for one in ids]
        blob = f"b{self.turn}"
        self.blobs[blob] = json.dumps(
            {"content": content, "calls": [{"id": one} for one in ids], "text": ""}
        ).encode()
        self.add(
            StepKind.MODEL,
            state=StepState.DONE,
            turn=self.turn,
            result={"calls": [] if dropped else ids, "dropped": "cut" if dropped else ""},
            result_blob=blob,
        )
        if not dropped:
            for one in ids:
                self.add(StepKind.TOOL, name="read_file", turn=self.turn, call_id=one)
        return [] if dropped else ids

    def finish(self, call: str, state: StepState = StepState.DONE) -> None:
        for place, step in enumerate(self.steps):
            if step.call_id == call:
                self.steps[place] = step.but(state=state, result={"text": f"result of {call}"})

    def retry(self, call: str) -> None:
        """The call was interrupted and is run again by a new step."""
        for place, step in enumerate(self.steps):
            if step.call_id == call and step.state is StepState.PLANNED:
                self.steps[place] = step.but(state=StepState.INTERRUPTED)
        self.add(
            StepKind.TOOL,
            name="read_file",
            turn=self.turn,
            call_id=call,
            state=StepState.DONE,
            result={"text": "again"},
        )

    def messages(self, upto: int | None = None) -> tuple[list[dict[str, Any]], list[Step]]:
        conversation, open_calls = rebuild(self.steps[:upto], self.blobs.__getitem__)
        return conversation.messages, open_calls


def paired(messages: list[dict[str, Any]], *, open_calls: bool) -> None:
    """Every tool_use has its result in the next user message, first and in order; none is an orphan."""
    for place, message in enumerate(messages):
        assert message["content"], "an empty message"
        wanted = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        if message["role"] != "assistant" or not wanted:
            continue
        if place == len(messages) - 1:
            assert open_calls
            continue
        following = messages[place + 1]
        assert following["role"] == "user"
        given = [block["tool_use_id"] for block in following["content"] if block["type"] == "tool_result"]
        assert given == wanted
        kinds = [block["type"] for block in following["content"]]
        assert kinds == sorted(kinds, key=lambda kind: kind != "tool_result"), "results come first"
    roles = [message["role"] for message in messages]
    assert all(a != b for a, b in pairwise(roles))


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), st.text(min_size=1, max_size=8)),
        st.tuples(st.just("reply"), st.integers(0, 4)),
        st.tuples(st.just("dropped"), st.integers(0, 2)),
    ),
    max_size=12,
)


@given(ACTIONS, st.sampled_from(sorted(TERMINAL)), st.booleans())
def test_every_call_is_paired_whatever_happened(
    actions: list[Any], end: StepState, interrupted: bool
) -> None:
    log = Log()
    log.note("the task")
    for kind, value in actions:
        if kind == "note":
            log.note(value)
            continue
        ids = log.reply(value, dropped=kind == "dropped")
        for place, one in enumerate(ids):
            if interrupted and place == 0:
                log.retry(one)
            else:
                log.finish(one, end)
    messages, open_calls = log.messages()
    assert open_calls == []
    paired(messages, open_calls=False)


@given(ACTIONS)
def test_the_history_only_grows(actions: list[Any]) -> None:
    log = Log()
    log.note("the task")
    before: list[dict[str, Any]] = []
    for kind, value in actions:
        if kind == "note":
            log.note(value)
        else:
            for one in log.reply(value, dropped=kind == "dropped"):
                log.finish(one)
        messages = json.loads(json.dumps(log.messages()[0]))
        sent = [block for message in before for block in message["content"]]
        now = [block for message in messages for block in message["content"]]
        assert now[: len(sent)] == sent, "what was sent before has changed"
        before = messages


def test_open_calls_are_reported_and_not_answered() -> None:
    log = Log()
    log.note("the task")
    first, second = log.reply(2)
    log.finish(first)
    messages, open_calls = log.messages()
    assert [step.call_id for step in open_calls] == [second]
    assert messages[-1]["role"] == "assistant"


def test_a_note_said_while_a_call_runs_follows_its_result() -> None:
    log = Log()
    log.note("the task")
    (call,) = log.reply(1)
    log.note("use the frozen clock")
    log.finish(call)
    messages, _ = log.messages()
    assert [block["type"] for block in messages[-1]["content"]] == ["tool_result", "text"]
    assert messages[-1]["content"][1]["text"] == "use the frozen clock"


def test_compaction_starts_a_new_conversation() -> None:
    log = Log()
    log.note("the task")
    (call,) = log.reply(1)
    log.finish(call)
    log.note("what is known", name=COMPACTION)
    messages, _ = log.messages()
    assert messages == [{"role": "user", "content": [{"type": "text", "text": "what is known"}]}]
