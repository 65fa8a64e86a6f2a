"""Recordings: read strictly, answered from by key, streamed, and honest where they end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.cli_errors import explain
from autodev_tui.providers import recorded
from autodev_tui.providers.base import (
    CallStarted,
    Chunk,
    ProviderError,
    Request,
    StopReason,
    TextDelta,
    ThinkingDelta,
    Turn,
    UsageSeen,
)
from autodev_tui.providers.recorded import RecordingError, read_recording
from autodev_tui.providers.registry import make_provider
from autodev_tui.providers.replay import ReplayProvider, whole_spec

HEADER = {"autodev_recording": 1, "goal": "Fix it", "model": "anthropic/claude-opus-5-5"}
READ = {"name": "read_file", "args": {"path": "[[WORKTREE]]/a.py", "limit": 3}}


def file(tmp_path: Path, *lines: dict[str, Any] | str) -> Path:
    path = tmp_path / "words.jsonl"
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines))
    return path


def dev(turn: int = 1, **more: Any) -> dict[str, Any]:
    return {"role": "development", "task": "T1", "turn": turn, **more}


async def ask(provider: ReplayProvider, chunks: list[Chunk] | None = None, **meta: Any) -> Turn:
    facts = {"role": "development", "task": "T1", "turn": 9, "since": 1, "worktree": "/w/t1", **meta}
    request = Request("", (), [], "m", 100, meta=facts)
    return await provider.complete(request, chunks.append if chunks is not None else lambda _: None)


def provider(path: Path, **more: Any) -> ReplayProvider:
    return ReplayProvider(read_recording(path), path.name, pace=0, **more)


# -- answering


async def test_a_reply_is_chosen_by_role_task_turn_and_last_decision(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        HEADER,
        {"role": "planning", "turn": 1, "text": "plan"},
        {"role": "planning", "turn": 1, "decision": "reject", "text": "another plan"},
        dev(text="first"),
        dev(2, text="second"),
        dev(decision="reject", text="without it"),
        dev(decision="edit+reject", text="both"),
        {"role": "development", "task": "T2", "turn": 1, "text": "of T2"},
    )
    one = provider(path)

    async def text(**meta: Any) -> str:
        return (await ask(one, **meta)).text

    assert await text(role="planning", task=None) == "plan"
    assert await text(role="planning", task=None, decision="reject") == "another plan"
    assert [await text(since=2), await text(), await text(task="T2"), await text()] == [
        "second",
        "first",
        "of T2",
        "first",
    ]
    assert await text(decision="reject", hunks=[3], earlier=["edit"]) == "without it"
    assert await text(decision="edit+reject") == "both"


async def test_a_reply_with_conditions_is_for_that_case_only(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        HEADER,
        dev(decision="reject", text="any"),
        dev(decision="reject", hunks=[2], text="hunk 2"),
        dev(decision="reject", hunks=[2], earlier=["comment 1"], text="hunk 2, after a comment"),
        dev(decision="reject", plan=["reject"], text="of the second plan"),
        dev(decision="edit", hunks=[1], text="only hunk 1"),
    )
    one = provider(path)

    async def text(**meta: Any) -> str:
        return (await ask(one, **{"decision": "reject", **meta})).text

    assert await text(hunks=[1]) == "any"
    assert await text(hunks=[2], earlier=["edit"]) == "hunk 2"
    assert await text(hunks=[2], earlier=["comment 1"]) == "hunk 2, after a comment"
    assert await text(hunks=[1], plan=["reject"]) == "of the second plan"
    with pytest.raises(ProviderError, match="turn 1 after edit of hunk 2"):
        await text(decision="edit", hunks=[2])


async def test_a_reply_comes_back_whole_and_costs_nothing(tmp_path: Path) -> None:
    usage = {"requests": 4, "retries": 2, "input_tokens": 70, "output_tokens": 8, "cost_usd": 0.5}
    calls = [READ, {"name": "edit_file", "args": None, "error": "cut JSON"}]
    path = file(tmp_path, HEADER, dev(text="I look", thinking="hm", calls=calls, usage=usage))
    chunks: list[Chunk] = []
    turn = await ask(provider(path), chunks)
    assert chunks[:2] == [ThinkingDelta("hm"), TextDelta("I look")]
    assert [one.name for one in chunks if isinstance(one, CallStarted)] == ["read_file", "edit_file"]
    assert isinstance(chunks[-1], UsageSeen)
    first, second = turn.calls
    assert (first.args, second.args, second.error) == ({"path": "/w/t1/a.py", "limit": 3}, None, "cut JSON")
    assert first.id != second.id and "9" in first.id
    assert turn.stop is StopReason.TOOL_USE and turn.model == "anthropic/claude-opus-5-5"
    assert [block["type"] for block in turn.content] == ["text", "tool_use", "tool_use"]
    assert (turn.usage.requests, turn.usage.retries, turn.usage.input_tokens) == (1, 0, 70)
    assert (turn.usage.cost_usd, turn.usage.cost_known) == (0.0, True)


async def test_why_it_ended_comes_back_too(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        HEADER,
        dev(text="half", stop="max_tokens"),
        dev(2, stop="refusal", detail="bio: no"),
        dev(3, text="done"),
    )
    one = provider(path)
    assert (await ask(one)).stop is StopReason.MAX_TOKENS
    refused = await ask(one, since=2)
    assert (refused.stop, refused.stop_detail, refused.content) == (StopReason.REFUSAL, "bio: no", [])
    assert (await ask(one, since=3)).stop is StopReason.END


async def test_off_the_recording_it_says_what_is_missing_and_what_is_there(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, dev(), dev(2), dev(decision="reject", hunks=[2]))
    one = provider(path)
    with pytest.raises(ProviderError) as caught:
        await ask(one, since=3)
    assert caught.value.kind == "off" and not caught.value.retryable
    assert str(caught.value) == (
        "the recording ends here: nothing is recorded for development T1, turn 3 before any decision"
        " · recorded: turns 1 to 2 before any decision; turn 1 after reject of hunk 2 · words.jsonl"
    )
    with pytest.raises(ProviderError, match="ends here: nothing is recorded of development T7"):
        await ask(one, task="T7")


async def test_it_replays_its_own_goal_only(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, {"role": "planning", "turn": 1, "text": "plan"})
    assert (await ask(provider(path), role="planning", task=None, title="Fix it")).text == "plan"
    with pytest.raises(ProviderError, match="it is of another goal: Fix it"):
        await ask(provider(path), role="planning", task=None, title="Break it")
    path = file(tmp_path, HEADER | {"goal": ""}, {"role": "planning", "turn": 1, "text": "plan"})
    assert (await ask(provider(path), role="planning", task=None, title="Break it")).text == "plan"


# -- streaming


async def test_text_streams_in_pieces_at_its_pace(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER | {"pace": 500}, dev(text="x" * 1000))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    chunks: list[Chunk] = []
    one = ReplayProvider(read_recording(path), path.name, sleep=sleep)
    await ask(one, chunks)
    pieces = [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]
    assert "".join(pieces) == "x" * 1000 and len(pieces) == 100
    assert sum(slept) == pytest.approx(2.0)


async def test_it_can_be_cancelled_in_the_middle_of_a_word(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER | {"pace": 1}, dev(text="a long way"))
    begun = asyncio.Event()
    one = ReplayProvider(read_recording(path), path.name)
    request = Request("", (), [], "m", 1, meta=dev(since=1))
    asked = asyncio.create_task(one.complete(request, lambda _: begun.set()))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


# -- the file


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "is empty"),
        (["{}"], "line 1: this is no recording"),
        (["[1]"], "line 1: must be a JSON object, not list"),
        ([{"autodev_recording": 2}], "line 1: version 2 is not known: this autodev reads version 1"),
        ([{"autodev_recording": True}], "line 1: version True is not known"),
        ([HEADER | {"speed": 3}], "line 1: speed: unknown field"),
        ([HEADER | {"pace": -1}], "line 1: pace: "),
        ([HEADER, "{"], "line 2: not JSON: "),
        ([HEADER, '{"role": "a", "role": "b", "turn": 1}'], "line 2: a field stands twice"),
        ([HEADER, '{"role": "a", "turn": NaN}'], "line 2: NaN is no JSON"),
        (
            [HEADER, '{"role": "a", "turn": ' + "[" * 100_000 + "]" * 100_000 + "}"],
            "line 2: nested too deeply",
        ),
        ([HEADER, "", dev(), dev(text="again")], "line 4 has the key of line 3 again"),
        ([HEADER, dev(0)], "line 2: turn: "),
        ([HEADER, {"role": "development"}], "line 2: turn: "),
        ([HEADER, dev(turn="1")], "line 2: turn: "),
        ([HEADER, dev(words="x")], "line 2: words: unknown field"),
        ([HEADER, dev(decision="maybe")], "line 2: decision must be one of accept"),
        ([HEADER, dev(decision="reject+edit")], "line 2: decision must be one of accept"),
        ([HEADER, dev(hunks=[2, 1])], "line 2: hunks must be sorted"),
        ([HEADER, dev(stop="bored")], "line 2: stop must be one of end_turn"),
        ([HEADER, dev(calls=[READ], stop="max_tokens")], "line 2: a reply that ends by max_tokens has no"),
        ([HEADER, dev(calls=[{"name": "x"}])], "line 2: calls.0: "),
        ([HEADER, dev(calls=[{"name": "x", "args": {}, "id": "1"}])], "line 2: calls.0.id: unknown field"),
        ([HEADER, dev(usage={"tokens": 1})], "line 2: usage.tokens: unknown field"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, lines: list[Any], words: str) -> None:
    path = file(tmp_path, *lines)
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, HEADER, dev(text="x" * 500))
    with monkeypatch.context() as patch:
        patch.setattr(recorded, "MAX_LINE", 400)
        with pytest.raises(RecordingError, match="line 2: the line is too long: at most 400 bytes"):
            read_recording(path)
    with monkeypatch.context() as patch:
        patch.setattr(recorded, "MAX_BYTES", 400)
        with pytest.raises(RecordingError, match=r"too large .* at most 400 bytes"):
            read_recording(path)
    with monkeypatch.context() as patch:
        patch.setattr(recorded, "MAX_LINES", 1)
        with pytest.raises(RecordingError, match=r"too long .* at most 1 lines"):
            read_recording(path)


def test_a_last_line_that_was_cut_off_is_left_out_at_whatever_byte(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, dev(text="first"), dev(2, text="é"))
    path.write_text(path.read_text().replace("\\u00e9", "é"))
    data = path.read_bytes()
    second = data.index(b"\n", data.index(b"\n") + 1) + 1
    for end in range(second, len(data) - 1):
        path.write_bytes(data[:end])
        found = read_recording(path)
        assert (found.count, found.whole_bytes) == (1, second)
    path.write_bytes(data[:-1])
    assert read_recording(path).count == 2, "a whole line without its end is a line"


def test_any_other_broken_line_is_not_left_out(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, dev())
    path.write_text(path.read_text() + '{"role": "development", "turn": 0}')
    with pytest.raises(RecordingError, match="line 3: turn"):
        read_recording(path)
    path.write_text('{"autodev_recor')
    with pytest.raises(RecordingError, match="line 1: not JSON"):
        read_recording(path)


def test_the_specification_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, HEADER, dev())
    monkeypatch.chdir(tmp_path)
    made, name = make_provider("replay:words.jsonl", {})
    assert isinstance(made, ReplayProvider) and name == "replay:words.jsonl"
    assert whole_spec("replay:words.jsonl") == f"replay:{path}"
    assert whole_spec("anthropic/x") == "anthropic/x"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("replay:", "which recording"),
        ("replay:/nowhere/x.jsonl", "cannot be read"),
        ("replay:/", "cannot be read"),
        ("replay:/dev/null", "is empty"),
    ],
)
def test_a_file_that_is_no_recording_is_a_mistake_in_the_configuration(spec: str, words: str) -> None:
    with pytest.raises(ProviderError, match=words) as caught:
        make_provider(spec, {})
    assert explain(caught.value)[1] == 2


async def test_it_has_the_sizes_of_the_model_that_spoke(tmp_path: Path) -> None:
    known = provider(file(tmp_path, HEADER))
    unknown = provider(file(tmp_path, HEADER | {"model": "ollama/x"}))
    assert (await known.limits("")).known
    assert not (await unknown.limits("")).known
