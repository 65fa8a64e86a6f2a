"""Local models as the engine's side tells them: rows, the doctor, notes of a call, too small a window."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.engine import flow
from autodev_tui.engine.answers import answer
from autodev_tui.engine.doctor import Surroundings, examine
from autodev_tui.providers.ollama import OllamaProvider
from autodev_tui.providers.ollama_address import address_of
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import Kit, kit, seen, turns
from tests.fakes.ollama_server import FakeOllama

MODELS: dict[str, Any] = {"qwen3": {"thinking": True}, "tiny": {"tools": False}}


async def rows(one: Kit) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found = await answer(one.engine.site, requests.GetModels())
    assert isinstance(found, requests.RowsAnswer), found
    found = requests.RowsAnswer.model_validate_json(found.model_dump_json())
    return found.rows, found.facts


async def test_models_are_rows_of_both_sides(tmp_path: Path) -> None:
    with FakeOllama({"models": MODELS}) as fake:
        async with kit(tmp_path, turns(), environment={"OLLAMA_HOST": fake.url}) as one:
            found, facts = await rows(one)
    assert [row["model"] for row in found if row["provider"] == "ollama"] == [
        "ollama/qwen3:latest",
        "ollama/tiny:latest",
    ]
    assert [row["model"] for row in found if row["default"]] == ["ollama/qwen3:latest"]
    assert facts["ollama_problem"] == ""


async def test_a_server_that_does_not_answer_is_said_and_never_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        async with kit(tmp_path, turns(), environment={"OLLAMA_HOST": host}) as one:
            began = time.monotonic()
            found, facts = await rows(one)
            assert time.monotonic() - began < 4
    assert facts["ollama_problem"] == f"no Ollama answers at {host}"
    assert {row["provider"] for row in found} == {"anthropic", "rules"}


def findings(host: str, **settings: Any) -> dict[str, Any]:
    here = Surroundings(environment={"OLLAMA_HOST": host}, settings=Settings(**settings))
    return {one.name: one for one in examine(here)}


def test_the_doctor_looks_at_the_server() -> None:
    with FakeOllama({"models": MODELS}) as fake:
        found = findings(fake.url)
        assert found["ollama"].state == "ok" and "0.33.0 at 127.0.0.1" in found["ollama"].text
        assert "2 models, 1 with tools" in found["ollama"].text
        assert "ollama/qwen3; nothing else is set" in found["model"].text
    with FakeOllama({"models": {}}) as fake:
        found = findings(fake.url)
        assert (found["ollama"].state, found["ollama"].todo) == ("warn", "autodev models --pull qwen3")
    found = findings("127.0.0.1:1")
    assert found["ollama"].state == "ok" and "needed only for local models" in found["ollama"].text
    assert findings("127.0.0.1:1", model="ollama/qwen3")["ollama"].state == "bad"
    assert findings("box:99999")["ollama"].state == "warn"


NAME = "claude-opus-5"
"""What the kit calls its model."""
FINISH = {"name": "finish", "input": {"summary": "It is done."}}
READ = {"name": "read_file", "input": {"path": "a.txt"}}
EDIT = {"name": "edit_file", "input": {"path": "a.txt", "old_text": "one", "new_text": "1"}}
TASK = {"id": "T1", "title": "Change a", "description": "x", "files": ["a.txt"], "acceptance_criteria": []}
PLAN = {"calls": [{"name": "submit_plan", "input": {"tasks": [TASK]}}], "as_text": "hermes"}


async def ran(place: Path, *developer: Any, after: Any = (), **facts: Any) -> tuple[Any, ...]:
    """A goal with a model of the scripted server: how it ended, what was told, and the server."""
    conversations = [
        {"match": "This conversation was continued", "replies": list(after)},
        {"match": "You plan software work", "replies": [PLAN]},
        {"match": "You are a software developer", "replies": list(developer)},
    ]
    with FakeOllama({"models": {NAME: facts}, "conversations": conversations}) as fake:
        provider = OllamaProvider(address_of({"OLLAMA_HOST": fake.url}))
        async with kit(place, turns(), own_provider=provider) as one:
            outcome = await one.run()
            told = [event.text for event in await seen(one, "ended") if event.kind == "noticed"]
            kinds = [approval.kind for approval in one.board.pending()]
            return outcome, told, kinds, one.fixture, fake


async def test_a_recovered_call_goes_the_usual_way_and_is_told(tmp_path: Path) -> None:
    outcome, told, kinds, _, fake = await ran(
        tmp_path, {"calls": [READ]}, {"calls": [EDIT], "as_text": "function"}, {"calls": [FINISH]}
    )
    assert (outcome.code, kinds) == (flow.WAITING_CODE, ["changes"]), outcome
    assert "a call of submit_plan was written as text (hermes), recovered" in told
    assert "a call of edit_file was written as text (function), recovered" in told
    assert [entry.get("problem") for entry in fake.requests if "problem" in entry] == []


async def test_calls_in_text_that_cannot_be_read_are_answered_and_then_given_up(tmp_path: Path) -> None:
    broken = {"text": '<tool_call>{"name": "read_file", "arguments": {"path": '}
    outcome, _, _, _, fake = await ran(tmp_path, broken, broken, broken, broken)
    assert outcome.code == flow.FAILED and "no usable tool call" in outcome.error
    answered = [one["content"] for one in fake.chats[-1]["messages"] if one["role"] == "tool"]
    assert len(answered) == 2 and all("not closed" in text for text in answered)


async def test_a_window_that_overflowed_is_compacted_and_the_work_goes_on(tmp_path: Path) -> None:
    """The server cut the prompt in silence: its reply is not used, and a shorter conversation begins."""
    cut = {"calls": [EDIT], "counts": {"prompt_eval_count": 20}}
    outcome, _, kinds, _, fake = await ran(
        tmp_path,
        {"calls": [READ]},
        cut,
        after=[{"calls": [READ]}, {"calls": [EDIT]}, {"calls": [FINISH]}],
        tells_context=False,
    )
    assert (outcome.code, kinds) == (flow.WAITING_CODE, ["changes"]), outcome
    assert len(fake.chats) == 1 + 2 + 3
    assert {body["options"]["num_ctx"] for body in fake.chats} == {32_768}


async def test_a_window_too_small_for_the_task_alone_says_so(tmp_path: Path) -> None:
    outcome, _, _, _, fake = await ran(tmp_path, {"calls": [READ]}, context=2_048)
    assert outcome.code == flow.FAILED
    assert "window of 2,048" in outcome.error and "larger window" in outcome.error
    assert fake.chats == []
