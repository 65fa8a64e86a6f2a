"""Recording: every reply on the disk at once, without secrets, and never over something else."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.providers import recording
from autodev_tui.providers.base import (
    Chunk,
    ProviderError,
    Request,
    Retrying,
    StopReason,
    ThinkingDelta,
    ToolCall,
    Turn,
)
from autodev_tui.providers.recorded import RecordingError, read_recording
from autodev_tui.providers.recording import RecordingProvider, Tape
from autodev_tui.providers.replay import ReplayProvider
from autodev_tui.providers.scripted import FunctionProvider, make_turn

SECRET = "hunter2-hunter2"


def mask(text: str) -> str:
    return text.replace(SECRET, "[[SECRET:variable:0123456789ab]]")


def tape(path: Path, goal: str = "Fix it") -> Tape:
    return Tape.open(path, goal=goal, model="anthropic/m", mask=mask)


def request(turn: int = 1, **meta: Any) -> Request:
    facts = {"role": "development", "task": "T1", "turn": turn, "since": turn, "worktree": "/w/t1", **meta}
    return Request("", (), [], "m", 100, meta=facts)


class Thinking(FunctionProvider):
    """Thinks aloud, once in vain."""

    async def complete(self, request: Request, on_chunk: Any) -> Turn:
        on_chunk(ThinkingDelta("discarded"))
        on_chunk(Retrying(1, 2, 0.0, "cut"))
        on_chunk(ThinkingDelta(f"maybe {SECRET}"))
        return await super().complete(request, on_chunk)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["", "n" * 101, "half \ud800"])
async def test_names_that_a_model_made_up_and_halves_of_characters_are_kept_readable(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "r.jsonl"
    said = make_turn((name, {}), text="half \ud800")
    turn = await RecordingProvider(FunctionProvider(lambda _: said), tape(path)).complete(
        request(), lambda _: None
    )
    assert turn is said
    again = await ReplayProvider(read_recording(path), "r").complete(request(), lambda _: None)
    assert again.text == "half \ufffd" and again.calls[0].name and again.calls[0].args == {}


async def test_what_is_recorded_comes_back_the_same_from_another_worktree(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    call = ("edit_file", {"path": "/w/t1/a.py", "old_text": "", "new_text": "x = 1\n", "n": [1, None]})
    broken = ToolCall("c2", "search", None, "cut JSON")
    said = make_turn(call, text="In /w/t1 then")
    said = Turn(
        said.content, (*said.calls, broken), said.text, said.stop, said.usage, "m", "r1", stop_detail=""
    )
    one = tape(path)
    provider = RecordingProvider(Thinking(lambda _: said), one)
    chunks: list[Chunk] = []
    assert (
        await provider.complete(request(decision="edit", hunks=[1], earlier=["reject"]), chunks.append)
        is said
    )
    one.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == ["r.jsonl"]
    replayed = await ReplayProvider(read_recording(path), "r", pace=0).complete(
        request(decision="edit", hunks=[1], earlier=["reject"], worktree="/else"), chunks.append
    )
    assert replayed.text == "In /else then"
    assert replayed.calls[0].args == {**call[1], "path": "/else/a.py"}
    assert (replayed.calls[1].args, replayed.calls[1].error) == (None, "cut JSON")
    header, entry = lines(path)
    assert header == {"autodev_recording": 1, "goal": "Fix it", "model": "anthropic/m"}
    assert (entry["decision"], entry["hunks"], entry["earlier"], entry["plan"]) == (
        "edit",
        [1],
        ["reject"],
        [],
    )
    assert entry["usage"]["input_tokens"] == said.usage.input_tokens


async def test_what_a_model_makes_up_as_the_name_of_an_argument_is_masked_and_said_again(
    tmp_path: Path,
) -> None:
    """A secret, the worktree's path and half a character: in keys as in values, however deep."""
    path = tmp_path / "r.jsonl"
    args = {SECRET: {"deep": [{f"/w/t1/{SECRET}": "x"}]}, "half \ud800": 1}
    one = tape(path)
    recorder = RecordingProvider(FunctionProvider(lambda _: make_turn(("mystery", args))), one)
    await recorder.complete(request(), lambda _: None)
    one.close()
    assert SECRET not in path.read_text() and "/w/t1" not in path.read_text()
    masked = "[[SECRET:variable:0123456789ab]]"
    player = ReplayProvider(read_recording(path), "r.jsonl")
    (call,) = (await player.complete(request(worktree="/w/t9"), lambda _: None)).calls
    assert call.args == {masked: {"deep": [{f"/w/t9/{masked}": "x"}]}, "half \ufffd": 1}


async def test_no_secret_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    said = make_turn(("write_file", {"path": "a", "content": f"k = '{SECRET}'"}), text=f"It is {SECRET}.")
    one = tape(path, goal=f"Rotate {SECRET}")
    await RecordingProvider(Thinking(lambda _: said), one).complete(request(), lambda _: None)
    one.close()
    assert SECRET not in path.read_text()
    header, entry = lines(path)
    assert header["goal"] == "Rotate [[SECRET:variable:0123456789ab]]"
    assert entry["thinking"] == "maybe [[SECRET:variable:0123456789ab]]"
    assert entry["text"] == "It is [[SECRET:variable:0123456789ab]]."
    # What stands for a secret is another word each time, and the goal is the same all the same.
    other = Tape.open(
        path,
        goal=f"Rotate {SECRET}",
        model="m",
        mask=lambda t: t.replace(SECRET, "[[SECRET:variable:ffffffffffff]]"),
    )
    other.close()


async def test_each_reply_is_there_before_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    provider = RecordingProvider(
        FunctionProvider(lambda asked: make_turn(text=f"t{asked.meta['turn']}")), one
    )
    for turn in (1, 2, 3):
        await provider.complete(request(turn), lambda _: None)
        assert read_recording(path).count == turn
    one.close()


async def test_what_is_recorded_already_is_not_asked_again_and_branches_are_added(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for decision, asked in (("reject", 3), ("comment", 1), ("reject", 0)):
        one = tape(path)
        model = FunctionProvider(lambda request: make_turn(text=f"{request.meta['turn']}"))
        provider = RecordingProvider(model, one)
        for turn, told in ((1, ""), (2, ""), (1, decision)):
            said = await provider.complete(request(turn, decision=told), lambda _: None)
            assert said.text == str(turn)
        assert len(model.requests) == asked
        one.close()
    assert [line["decision"] for line in lines(path)[1:]] == ["", "", "reject", "comment"]


async def test_agents_side_by_side_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    provider = RecordingProvider(FunctionProvider(lambda _: make_turn(text="x" * 20_000)), one)
    asked = [
        provider.complete(request(turn, task=f"T{task}"), lambda _: None)
        for turn in range(1, 6)
        for task in range(1, 6)
    ]
    await asyncio.gather(*asked)
    one.close()
    assert read_recording(path).count == 25


async def test_a_line_that_a_kill_cut_off_is_taken_out_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    provider = RecordingProvider(FunctionProvider(lambda asked: make_turn(text="said")), one)
    await provider.complete(request(1), lambda _: None)
    await provider.complete(request(2), lambda _: None)
    one.close()
    whole = path.read_bytes()
    first_ends = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for end in (first_ends, first_ends + 1, len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        again = tape(path)
        assert again.found == (2 if end == len(whole) - 1 else 1)
        await RecordingProvider(provider.inner, again).complete(request(2), lambda _: None)
        again.close()
        assert path.read_bytes() == whole


async def test_a_reply_that_was_cut_off_by_a_cancellation_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    began, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    write = one._write

    def slowly(data: bytes) -> None:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        write(data)

    one._write = slowly  # type: ignore[method-assign]
    provider = RecordingProvider(FunctionProvider(lambda _: make_turn(text="said")), one)
    asked = asyncio.create_task(provider.complete(request(), lambda _: None))
    await began.wait()
    asked.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert read_recording(path).count == 1
    assert one._unwritten == b""
    one.close()


async def test_a_full_disk_loses_no_reply_and_stops_before_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    model = FunctionProvider(lambda asked: make_turn(text=f"t{asked.meta['turn']}"))
    provider = RecordingProvider(model, one)
    real = os.write

    def half(file: int, data: Any) -> int:
        if file == one._file and len(data) > 10:
            return real(file, bytes(data)[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recording.os, "write", half)
        assert (await provider.complete(request(1), lambda _: None)).text == "t1"
        assert read_recording(path).count == 0
        with pytest.raises(ProviderError, match=r"cannot be written .*No space left") as caught:
            await provider.complete(request(2), lambda _: None)
        assert caught.value.kind == "off", "no other model is asked in its place"
        assert len(model.requests) == 1, "nothing is paid for that would not be recorded"
    await provider.complete(request(2), lambda _: None)
    one.close()
    assert [line["text"] for line in lines(path)[1:]] == ["t1", "t2"]


async def test_a_provider_that_fails_records_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)

    def fail(_: Request) -> Turn:
        raise ProviderError("server", "down")

    with pytest.raises(ProviderError, match="down"):
        await RecordingProvider(FunctionProvider(fail), one).complete(request(), lambda _: None)
    one.close()
    assert read_recording(path).count == 0


async def test_replies_that_were_cut_are_recorded_as_such(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    cut = make_turn(text="half", stop=StopReason.MAX_TOKENS)
    await RecordingProvider(FunctionProvider(lambda _: cut), one).complete(request(), lambda _: None)
    one.close()
    found = await ReplayProvider(read_recording(path), "r", pace=0).complete(request(), lambda _: None)
    assert found.stop is StopReason.MAX_TOKENS and found.calls == ()


# -- what is there already


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"my diary\n", "nothing is written over a file that is no recording"),
        (b'{"autodev_recording": 3}\n', "version 3 is not known"),
        (b'{"autodev_recording": 1, "goal": "Break it"}\n', "records another goal: Break it"),
    ],
)
def test_nothing_else_is_written_over(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        tape(path)
    assert path.read_bytes() == content
    assert [child.name for child in tmp_path.iterdir()] == ["r.jsonl"]


def test_it_must_be_a_file_that_can_be_written(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "cannot be written"),
        (tmp_path / "no" / "r.jsonl", "cannot be written"),
        (Path(os.devnull), "is no file that a recording can be kept in"),
    ):
        with pytest.raises(RecordingError, match=words):
            tape(path)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere" / "r")
    with pytest.raises(RecordingError, match="cannot be written"):
        tape(dangling)


def test_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.touch()
    tape(path).close()
    assert read_recording(path).header.goal == "Fix it"


def test_one_at_a_time_records_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    one = tape(path)
    with pytest.raises(RecordingError, match="another autodev records into"):
        tape(path)
    one.close()
    tape(path).close()
