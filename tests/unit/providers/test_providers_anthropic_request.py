"""The body of a request: cache markers on a copy, stable bytes, hits however many calls a turn makes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.providers import models
from autodev_tui.providers.anthropic_request import build_body, mark_messages
from autodev_tui.providers.models import ModelFacts
from tests.fakes.anthropic_cache import PromptCache
from tests.fakes.anthropic_validation import check, plain
from tests.unit.providers.helpers import MODEL, request, user

FACTS = models.facts(MODEL) or ModelFacts(models.GUESS)


def exchange(turn: int, calls: int, *, results_of: str = "done") -> list[dict[str, Any]]:
    """One assistant message with some calls, and all results."""
    ids = [f"call_{turn}_{place}" for place in range(calls)]
    blocks = [{"type": "tool_use", "id": name, "name": "run", "input": {"n": turn}} for name in ids]
    results = [{"type": "tool_result", "tool_use_id": name, "content": results_of} for name in ids]
    said = {"type": "text", "text": f"step {turn}"}
    return [
        {"role": "assistant", "content": [said, *blocks]},
        {"role": "user", "content": results or [{"type": "text", "text": "continue"}]},
    ]


histories = st.lists(st.integers(0, 25), max_size=6)


def markers(body: dict[str, Any]) -> int:
    return json.dumps(body).count('"cache_control"')


@settings(max_examples=60, deadline=None)
@given(shape=histories, nudged=st.booleans())
def test_every_request_reads_all_that_the_one_before_wrote(shape: list[int], nudged: bool) -> None:
    cache = PromptCache()
    messages = [user("goal", "notes")]
    written = 0
    for turn, calls in enumerate(shape):
        body = build_body(request(messages), FACTS)
        check(body)
        usage = cache.usage(body, 1)
        assert usage["cache_read_input_tokens"] == written
        assert usage["input_tokens"] == 0
        written += usage["cache_creation_input_tokens"]
        messages += exchange(turn, calls)
        if nudged:
            messages.append(user("note"))


@given(shape=histories)
def test_markers_go_on_a_copy_and_are_at_most_four(shape: list[int]) -> None:
    messages = [user("goal")] + [message for turn, n in enumerate(shape) for message in exchange(turn, n)]
    before = copy.deepcopy(messages)
    body = build_body(request(messages), FACTS)
    assert messages == before
    assert plain(body["messages"]) == before
    assert markers(body) == (3 if not shape else 4)


@given(shape=histories)
def test_what_was_sent_stays_a_prefix(shape: list[int]) -> None:
    messages = [user("goal")]
    sent: list[Any] = []
    fixed = ""
    for turn, calls in enumerate(shape):
        body = plain(build_body(request(messages), FACTS))
        assert body["messages"][: len(sent)] == sent
        head = json.dumps([body["tools"], body["system"]])
        assert fixed in ("", head)
        sent, fixed = body["messages"], head
        messages += exchange(turn, calls)


def test_same_tools_in_another_order_are_the_same_bytes() -> None:
    one = request()
    other = request(tools=tuple(reversed(one.tools)))
    assert json.dumps(build_body(one, FACTS)) == json.dumps(build_body(other, FACTS))


def test_plain_text_content_can_be_marked() -> None:
    assert mark_messages([{"role": "user", "content": "go"}]) == [
        {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": {"type": "ephemeral"}}]}
    ]


def test_no_system_and_no_tools() -> None:
    body = build_body(request(system="", tools=()), FACTS)
    assert not {"system", "tools"} & set(body)
    check(body)


@pytest.mark.parametrize("model", models.known_models())
@pytest.mark.parametrize("effort", [None, "low", "max"])
def test_what_is_sent_suits_every_model(model: str, effort: str | None) -> None:
    facts = models.facts(model)
    assert facts is not None
    body = build_body(request(model=model, effort=effort, max_tokens=10**9), facts)
    if model in ("claude-fable-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6"):
        body["model"] = MODEL  # the fake does not have them, their rules are those of this one
    check(body)
    assert body["max_tokens"] == facts.limits.max_output
