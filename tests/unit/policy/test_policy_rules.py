"""Remembered approvals: in words what they allow, and never more than the words say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.levels import Level
from autodev_tui.policy.commands import CommandClass, CommandKind, classify
from autodev_tui.policy.rules import action_of, command_pattern, edit_pattern, matches, words
from autodev_tui.policy.table import Action, Facts, decide

HERE = Path(__file__).parent
COMMANDS = [
    "git log -3", "git log --oneline", "git diff", "cat a.txt", "cat b.txt", "cat a.txt | sort",
    "python -m pytest -q", "python -m pytest tests", "make x", "make x y", "make  x", "curl example.test",
    "pip install x", "git push", "cat $(curl example.test)", "cat a.txt; make x",
]  # fmt: skip


def classified(command: str) -> CommandClass:
    return classify(command, ["python -m pytest"], HERE, which=lambda name: f"/usr/bin/{name}")


@given(st.sampled_from(COMMANDS), st.sampled_from(COMMANDS), st.booleans(), st.booleans())
def test_a_rule_answers_only_what_its_words_say(
    saved: str, asked: str, sandboxed: bool, sandboxed_now: bool
) -> None:
    kind, now = classified(saved), classified(asked)
    rule = command_pattern(saved, kind, sandboxed=sandboxed)
    wanted = command_pattern(asked, now, sandboxed=sandboxed_now)
    if not matches(rule, wanted, now.argv):
        assert saved != asked or sandboxed != sandboxed_now
        return
    assert sandboxed == sandboxed_now
    assert action_of(rule) == action_of(wanted) == now.action or kind.action is Action.HARD_GATE
    if "program" not in rule:
        assert saved == asked
        return
    # More than the very same command only where it is known to check or read, in the sandbox.
    assert sandboxed
    assert now.kind in (CommandKind.CHECK, CommandKind.READ_ONLY)
    assert now.argv is not None
    assert " ".join(now.argv).startswith(" ".join(rule["program"]))
    assert " ".join(rule["program"]) in words(rule)["session"]


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("git log -3", ["git", "log"]),
        ("python -m pytest -q", ["python", "-m", "pytest"]),
        ("cat a.txt", ["cat"]),
    ],
)
def test_the_program_of_a_known_command(command: str, program: list[str]) -> None:
    assert command_pattern(command, classified(command), sandboxed=True)["program"] == program
    assert command_pattern(command, classified(command), sandboxed=False)["command"] == command


def test_a_rule_about_an_edit_is_about_that_file_and_that_kind_of_change() -> None:
    rule = edit_pattern("edit_file", "a.py", "")
    assert matches(rule, edit_pattern("write_file", "a.py", ""))
    for other in (
        edit_pattern("write_file", "b.py", ""),
        edit_pattern("delete_file", "a.py", ""),
        edit_pattern("move_file", "a.py", "b.py"),
    ):
        assert not matches(rule, other)
    assert action_of(rule) is Action.EDIT
    told = words(rule)
    assert told["session"] == "In this session, any agent may write a.py in its worktree, without asking."
    assert told["repository"].startswith("In this repository, in every session,")


@given(st.sampled_from(Level), st.sampled_from(Action), st.booleans())
def test_what_is_denied_or_a_hard_gate_is_never_rememberable(
    level: Level, action: Action, sandbox: bool
) -> None:
    ruling = decide(level, action, Facts(sandbox=sandbox))
    if action in (Action.HARD_GATE, Action.FORBIDDEN_PATH, Action.LAND, Action.TASK_CHANGES, Action.PLAN):
        assert not ruling.rememberable
