"""Local models through the real program: the scripted Ollama server refuses every ill-formed conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ollama_server import FakeOllama
from tests.fakes.program import NEW, Program, bug_fix

pytestmark = pytest.mark.e2e

SHAPES = ("hermes", "function", "glm", "mistral", "fenced", "gemma")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def well_formed(server: FakeOllama) -> None:
    assert [entry["problem"] for entry in server.requests if "problem" in entry] == []


def landed(program: Program, server: FakeOllama, *more: str) -> dict[str, Any]:
    """The bug fix, from the goal to the landed commit."""
    ended = program("run", "Fix the discount", *more, "--autonomy", "full", "--land", "--json")
    well_formed(server)
    assert ended.code == 0, ended.err
    document: dict[str, Any] = ended.json
    assert document["landed"] == program.head()
    assert NEW in (program.repository / "shop/prices.py").read_text()
    program.clean()
    return document


def test_a_bug_fix_lands_with_a_local_model_and_costs_nothing(program: Program) -> None:
    with program.local_model(bug_fix()) as server:
        document = landed(program, server, "--model", "ollama/qwen3", "--budget", "1")
        again = program("models").out
    usage = document["usage"]
    assert usage["requests"] == len(server.chats) == 5
    assert usage["cost_usd"] == 0 and usage["cost_known"] and usage["local_s"] > 0
    assert usage["input_tokens"] > 1_000
    assert len(server.loads) == 1, "one window for the whole session: the model is loaded once"
    assert "ollama/qwen3:latest" in again and "loaded" in again


def test_calls_that_all_come_as_text_land_as_well_and_nobody_has_to_name_the_model(program: Program) -> None:
    script = bug_fix()
    replies = [reply for one in script["conversations"] for reply in one["replies"]]
    for reply, shape in zip(replies, SHAPES, strict=False):
        reply["as_text"] = shape
    script["models"] = {"tiny": {"tools": False}}
    with program.local_model(script) as server:
        document = landed(program, server)
    assert document["usage"]["requests"] == len(replies)
    assert not any(body.get("tools") for body in server.chats)
    assert {body["model"] for body in server.chats} == {"tiny"}
