"""The program when its model fails: the next of the chain, of another kind, carries the goal to its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.program import FIX, Program, agent, bug_fix, git, plan, task

pytestmark = pytest.mark.e2e
OPUS, QWEN = "anthropic/claude-opus-5-5", "ollama/qwen3"
GOAL = ("run", "Fix the discount", "--autonomy", "full", "--land")


def landed(program: Program, *arguments: str) -> str:
    """What it said on the way; it has landed with the fix."""
    result = program(*GOAL, *arguments)
    assert result.code == 0, result.err
    assert "(100 - discount_percent)" in git(program.repository, "show", "main:shop/prices.py")
    return result.err


def test_a_model_that_is_not_there_and_one_whose_money_is_over(tmp_path: Path) -> None:
    broke = {"status": 402, "type": "billing_error", "message": "your credit is used up", "times": 99}
    first, second, *rest = FIX
    script = {
        "conversations": [
            plan(task("fix", "Fix the discount")),
            agent("Fix the discount", first | {"thinking": "hm"}, {**second, "faults": [broke]}, *rest),
        ]
    }
    program = Program(tmp_path)
    program.environment["AUTODEV_FALLBACKS"] = json.dumps([OPUS, QWEN])
    with program.model(script), program.local_model(bug_fix()) as local:
        said = landed(program, "--model", OPUS)
        assert f"! {OPUS} failed: " in said and f"{QWEN} goes on with T1" in said
        assert [one["problem"] for one in local.requests if "problem" in one] == []
        chats = local.chats
        assert len(chats) == len(FIX) - 1, "it goes on where the other one stopped"
        assert "hm" not in json.dumps(chats), "what one thinks is not told to the other"
        document = json.loads(program("usage", "--json").out)
        by_model = {row["model"]: row for row in document["by"]["model"]}
        assert by_model.keys() == {"claude-opus-5-5", "qwen3"}
        assert by_model["qwen3"]["cost_usd"] == 0 and by_model["qwen3"]["cost_known"]
        assert by_model["qwen3"]["local_s"] > 0 == by_model["claude-opus-5-5"]["local_s"]
        text = program("usage", "--by", "model").out
        assert "qwen3" in text and "local" in text and "▕" in text


def test_no_server_of_local_models_and_a_chain(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.environment["AUTODEV_FALLBACKS"] = json.dumps([OPUS])
    with program.model(bug_fix()):
        said = landed(program, "--model", QWEN)
        assert f"! {QWEN} failed: " in said and f"{OPUS} goes on with the plan, which costs more" in said
