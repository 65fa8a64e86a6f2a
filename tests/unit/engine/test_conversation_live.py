"""What is rebuilt from the step log is what the model was shown, after every turn and at every prefix."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.levels import Level
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import agent_loop
from autodev_tui.engine import turns as turns_module
from autodev_tui.engine.agent_loop import work
from autodev_tui.engine.conversation import rebuild
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.limits import StuckDetector
from autodev_tui.providers.base import ModelLimits, ProviderError, StopReason, Turn
from tests.fakes.engine_kit import DONE, Desk, desk, kit, make_turn, turns

Messages = list[dict[str, Any]]
BIG = "\n".join(f"{n} " + "x" * 100 for n in range(150)) + "\n"
SCRIPT: list[Turn | Exception] = [
    make_turn(("read_file", {"path": "a.txt"}), ("list_files", {}), text="I look."),
    make_turn(("read_file", {"path": "big.txt"})),
    make_turn(text="cut in the", stop=StopReason.MAX_TOKENS),
    make_turn(("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "1"})),
    make_turn(text="", stop=StopReason.END),
    make_turn(*[("nonsense", {"n": n}) for n in range(3)], ("read_file", {"path": "none.txt"})),
    *[make_turn(("read_file", {"path": "a.txt", "limit": 1})) for _ in range(4)],
    make_turn(("search", {"pattern": "bee"}), ("update_todos", {"todos": []})),
    make_turn(text="paused", stop=StopReason.PAUSE),
    make_turn(("read_file", {"path": "big.txt", "offset": 20}), text="and again"),
    make_turn(text="", stop=StopReason.CONTEXT_EXCEEDED),
    make_turn(("read_file", {"path": "big.txt", "offset": 40})),
    ProviderError("too_large", "prompt is too long"),
    make_turn(("list_files", {"pattern": "*.txt"})),
    make_turn(("ask_user", {"question": "which?", "options": ["left", "right"]})),
    make_turn(DONE),
]
FILES: dict[str, bytes | str] = {"a.txt": "one\ntwo\n", "b.txt": "bee\n", "big.txt": BIG}


def well_paired(messages: Messages) -> None:
    """Roles alternate, nothing is empty, each call has its result first in the next message, no orphans."""
    for place, message in enumerate(messages):
        assert message["role"] == ("user", "assistant")[place % 2], "roles alternate, the user first"
        assert message["content"]
        assert all(block.get("text", "x") for block in message["content"])
        uses = [b["id"] for b in messages[place - 1]["content"] if b["type"] == "tool_use"] if place else []
        given = [b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"]
        if message["role"] == "user":
            assert given == uses
            assert all(b["type"] == "tool_result" for b in message["content"][: len(given)])
    last = messages[-1]
    assert last["role"] == "user" or not any(b["type"] == "tool_use" for b in last["content"])


async def follow(place: Desk, monkeypatch: pytest.MonkeyPatch) -> list[Messages]:
    """Run to the end; after every turn compare what lives with what the log gives."""
    shown: list[Messages] = []
    real = turns_module.next_turn

    async def compared(agent: Any) -> None:
        lived = copy.deepcopy(agent.conversation.messages)
        built, open_calls = rebuild(agent.steps, agent.services.blobs.get)
        assert lived == built.messages
        assert agent.conversation.characters == built.characters
        assert open_calls == []
        well_paired(lived)
        again = await place.again()
        assert (again.turns, again.context.read_marks) == (agent.turns, agent.context.read_marks)
        assert marks(again.stuck) == marks(agent.stuck)
        shown.append(lived)
        await real(agent)

    monkeypatch.setattr(agent_loop, "next_turn", compared)
    await work(place.agent, place.verifier, place.workspace)
    return shown


def marks(detector: StuckDetector) -> list[str]:
    return list(detector._seen)


async def test_the_rebuilt_conversation_is_the_one_that_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, turns(*SCRIPT), files=FILES) as one:
        place = await desk(one, Level.FULL)
        logs: list[list[Step]] = []  # as a kill after each commit would leave it
        commit = one.board.commit

        async def counted(*records: Any, **more: Any) -> None:
            await commit(*records, **more)
            logs.append(list(one.board.steps("T1")))

        monkeypatch.setattr(one.board, "commit", counted)
        shown = await follow(place, monkeypatch)
        names = {step.name.split()[0] for step in one.board.steps("T1") if step.kind is StepKind.NOTE}
        assert names >= {"task", "cut", "empty", "circle", "compaction"}, (
            "the script meets every kind of note"
        )
        assert len(logs) > 60
        for log in logs:
            built, open_calls = rebuild(log, one.database.blobs.get)
            if open_calls:
                assert built.messages[-1]["role"] == "assistant"
                well_paired(built.messages[:-1])
            else:
                well_paired(built.messages)
        sent = [request.messages for request in one.provider.requests]
        assert [message for message in sent if message in shown] == sent


async def test_history_is_only_ever_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kit(tmp_path, turns(*SCRIPT), files=FILES) as one:
        shown = await follow(await desk(one), monkeypatch)
    starts = 0
    for before, after in pairwise(shown):
        if after[0] != before[0]:
            starts += 1
            continue
        # The last message may get more blocks (a note after results); nothing before it changes.
        assert after[: len(before) - 1] == before[:-1]
        assert after[len(before) - 1]["content"][: len(before[-1]["content"])] == before[-1]["content"]
    assert starts == 2, "two compactions, each a new conversation"


async def test_after_a_compaction_the_task_and_the_humans_words_are_still_there(tmp_path: Path) -> None:
    small = ModelLimits(context=30_000, max_output=5_000, known=True)
    script = [make_turn(("read_file", {"path": "big.txt", "offset": n})) for n in range(1, 7)]
    edit = make_turn(
        ("read_file", {"path": "a.txt"}), ("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "1"})
    )
    async with kit(tmp_path, turns(edit, *script, make_turn(DONE)), files=FILES, limits=small) as one:
        place = await desk(one)
        await place.agent.say("review 1", "Rejected: use the word ZEBRA instead.")
        await work(place.agent, place.verifier, place.workspace)
        first = str(one.provider.requests[-1].messages[0])
        assert any(step.name == "compaction" for step in one.board.steps("T1"))
        assert "Please change a." in first
        assert "ZEBRA" in first
        assert "a.txt" in first, "the files it changed"
        assert all(len(str(r.messages)) < 30_000 * 3.2 * 1.2 for r in one.provider.requests)


async def test_an_open_call_is_answered_once_after_a_restart(tmp_path: Path) -> None:
    reply = turns(
        make_turn(("read_file", {"path": "a.txt"}), ("ask_user", {"question": "which?"})), make_turn(DONE)
    )
    async with kit(tmp_path, reply) as one:
        place = await desk(one, Level.COLLABORATIVE)
        with pytest.raises(Waiting):
            await work(place.agent, place.verifier, place.workspace)
        again = await place.again()
        assert [step.name for step in again.open_calls] == ["ask_user"]
        assert again.conversation.messages[-1]["role"] == "assistant"
        await one.answer(one.board.pending()[0], "choose", text="the left one")
        await work(again, place.verifier, place.workspace)
        well_paired(one.provider.requests[-1].messages)
        assert "the left one" in str(one.provider.requests[-1].messages[-1])
        reads = [step for step in one.board.steps("T1") if step.name == "read_file"]
        assert len(reads) == 1
