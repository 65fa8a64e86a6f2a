"""Conditions that checks decide: read out of words, and decided by running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.evidence import Check
from autodev_tui.domain.states import TaskState
from autodev_tui.rules.guards import decide, guard_of, parsed
from autodev_tui.rules.planning import plan
from autodev_tui.rules.provider import RulesProvider
from autodev_tui.rules.work import CannotGoOn, Done, Job
from tests.fakes.engine_kit import kit, turns

CHECKS = [
    {"name": "t", "command": "pytest", "kind": "behaviour"},
    {"name": "l", "command": "ruff check", "kind": "lint"},
]


@pytest.mark.parametrize(
    ("condition", "green", "kinds"),
    [
        ("if the tests pass", True, {"behaviour"}),
        ("kung pumasa ang tests", True, {"behaviour"}),
        ("unless CI is red", True, set()),
        ("if lint fails", False, {"lint", "format"}),
        ("if they pass", True, set()),
        ("otherwise (not: If tests fail)", True, {"behaviour"}),
        ("if the tests do not pass", False, {"behaviour"}),
        ("only if mypy is clean", True, {"types"}),
        ("maliban kung may bumagsak na tests", True, {"behaviour"}),
    ],
)
def test_conditions_about_checks(condition: str, green: bool, kinds: set[str]) -> None:
    guard = parsed(condition)
    assert guard and (guard.green, guard.kinds) == (green, kinds)


@pytest.mark.parametrize(
    "condition",
    ["when the user logs out", "if possible", "kung may oras", "if the tests pass or fail", "otherwise"],
)
def test_other_conditions_are_not_decided(condition: str) -> None:
    assert parsed(condition) is None


def job(description: str, **facts: Any) -> Job:
    return Job("x", description, Path("/nowhere"), 1, facts=facts)


def test_the_checks_that_it_is_about_are_run() -> None:
    guard = guard_of("Do it.\n\nOnly if it holds: if the tests pass\n\nrule: changelog")
    assert guard
    move = decide(guard, job("", checks=CHECKS), [])
    assert move and move.calls == [("run_command", {"command": "pytest"})]
    ran = Done("run_command", {"command": "pytest"}, "exit code 0 after 1 s", False)
    assert decide(guard, job("", checks=CHECKS), [ran]) is None
    red = Done("run_command", {"command": "pytest"}, "exit code 1 after 1 s", True)
    move = decide(guard, job("", checks=CHECKS), [red])
    assert move and move.calls[0][1]["summary"].startswith("Not done, as it does not hold: if the tests pass")


def test_where_no_check_tells_nothing_is_guessed() -> None:
    guard = parsed("if the tests pass")
    assert guard
    with pytest.raises(CannotGoOn, match="no check is known"):
        decide(guard, job("", checks=CHECKS[1:]), [])
    with pytest.raises(CannotGoOn, match="could not be run"):
        decide(guard, job(""), [Done("run_command", {}, "refused by the human", True)])
    with pytest.raises(CannotGoOn, match="could not be run"):
        decide(guard, job(""), [Done("run_command", {}, "exit code 127 after 0.1 s\nx: not found", False)])


@pytest.mark.parametrize(("command", "written"), [("/bin/true", True), ("/bin/false", False)])
async def test_a_guarded_task_is_done_where_its_condition_holds(
    tmp_path: Path, command: str, written: bool
) -> None:
    checks = [Check(name="always", command=command)]
    async with kit(tmp_path, turns(), own_provider=RulesProvider(), spec="rules") as one:
        outcome = await one.run("If the tests pass, write the changelog", checks=checks)
        task = one.board.tasks["T1"]
        assert task.state is TaskState.COMPLETED, outcome.error
        assert ("does not hold" in task.summary) is not written
        assert (one.session.head_commit != one.session.base_commit) is written


def test_what_no_check_decides_needs_a_model() -> None:
    goal = (
        "kung pumasa ang tests, i-update ang changelog; if it is Friday, write the API docs;"
        " if lint fails, format the code"
    )
    rules = [task["description"].rpartition("rule: ")[2] for task in plan(goal, ())]
    assert rules == ["changelog", "needs a model", "heal"]
