"""The planner under `rules`: what rules can do is theirs, the rest is marked; each plan can be handed in."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from autodev_tui.domain.rule import needs_model, rule_of
from autodev_tui.rules.planning import ORDER, formatter_of, plan, work
from autodev_tui.rules.recognising import parts_of, rule_for
from autodev_tui.rules.work import CannotGoOn, Job
from autodev_tui.tools.arguments import MAX_TASKS, SubmitPlan
from autodev_tui.tools.talking import plan_problems
from tests.unit.planning.goals import GOALS, KNOWN
from tests.unit.planning.test_action_items import TEXTS

HEALED = """heal everything and tell me what needs a model|the build is broken, fix it
run the tests and fix what fails|install missing packages|fix what is red|heal|heal it
fix imports|fix the build|get CI green|make everything green|linisin ang imports|fix errors
fix whatever is broken|fix missing dependencies|resolve import errors
fix the broken build|find what is red and heal it|fix lint, types and tests
kapag bumagsak ang tests, ayusin|if the tests fail, fix them|fix lint and make everything green"""
LINT = """lint errors|fix lint|ayusin ang lint|format the code|run the formatter|i-format ang code|lint
fix the flake8 warnings|remove unused imports|sort imports|lint the code|format|format everything
fix the 3 ruff findings|make ruff check pass|make eslint pass"""
TESTS = """Can you please make sure all tests pass?|siguraduhin na pumapasa ang lahat ng tests
my tests are failing|tests are red|Ayusin mo nga yung mga test na bumabagsak|ayusin ang tests
make the tests pass|fix the failing test|fix failing tests|paki-ayos ang tests
fix the tests until they are green|make pytest pass|make npm test pass|make go test pass"""
WRITTEN = """write the changelog|update the changelog|update CHANGELOG.md|release notes|gumawa ng changelog
i-update ang changelog|write release notes for 2.0|update the changelog, please, it is old"""
DOCUMENTED = "generate API docs|document the API|update docs/api.md|write the API reference"
MODEL = """fix ValueError in shop/cart.py|add a banner when tests are failing|make sure the form works
ensure that the button is green|the login is broken|add error handling|type errors are ugly|run the tests
fix the login bug|add login, logout and reset|add tests|update the docs|format the dates as ISO
fix bugs|fix the test names|test the login|clean up the code|add a changelog entry about login
add an api docs endpoint|fix the types of the API client|make the button green
make the form work again|add missing tests|fix the typo|fix the import of users from csv
refactor the checks module|build the docs|if it is Friday, update the changelog
when the user logs out, clear the session|gumawa ng login page"""


def rules_of(goal: str) -> list[str]:
    return [rule_of(task["description"]) for task in plan(goal, KNOWN)]


@pytest.mark.parametrize(
    ("goals", "rule"),
    [
        (HEALED, "heal"),
        (LINT, "heal only lint"),
        (TESTS, "heal only tests"),
        ("fix the types|fix mypy errors|fix the type errors", "heal only types"),
        ("fix all lint errors and type errors|fix ruff and mypy", "heal only lint types"),
        ("Fix the tests in src/app.py|make the tests of `app.py` pass", "heal only tests in src/app.py"),
        ("fix the lint in src/app.py|ayusin ang lint sa app.py", "heal only lint in src/app.py"),
        ("fix type errors in src|fix mypy in src/", "heal only types in src"),
        ("fix ImportError in src/app.py|fix syntax error in src/app.py", "heal only in src/app.py"),
        ("fix the ruff finding in src|fix the 12 ruff findings in src", "heal only lint in src"),
        ("fix lint in src/app.py and src/auth.py", "heal only lint in src/app.py src/auth.py"),
        ("fix the lint in no/such.py", "heal only lint in no/such.py"),
        (WRITTEN, "changelog"),
        (DOCUMENTED, "api docs"),
        (MODEL, "needs a model"),
    ],
)
def test_what_a_goal_is_for(goals: str, rule: str) -> None:
    wrong = {goal: rules_of(goal) for line in goals.splitlines() for goal in line.split("|")}
    assert {goal: rules for goal, rules in wrong.items() if rules != [rule]} == {}


@pytest.mark.parametrize(
    ("goal", "parts"),
    [
        ("fix lint and add dark mode", [("fix lint", "heal"), ("add dark mode", "needs a model")]),
        ("fix lint and the login bug", [("fix lint", "heal"), ("fix the login bug", "needs a model")]),
        (
            "write the changelog and API docs",
            [("write the changelog", "changelog"), ("write API docs", "api docs")],
        ),
        (
            "fix the red tests, format everything and add a search page",
            [("fix the red tests, format everything", "heal"), ("add a search page", "needs a model")],
        ),
        ("add login, logout and reset", [("add login, logout and reset", "needs a model")]),
    ],
)
def test_a_goal_of_several_kinds_is_parted(goal: str, parts: list[tuple[str, str]]) -> None:
    assert [(part.title, part.rule) for part in parts_of(goal)] == parts


def test_a_check_in_backticks_is_the_one_to_heal() -> None:
    assert rule_for("make `npm test` pass") == "heal npm test"
    assert rule_for("fix `ruff check src`") == "heal ruff check src"
    assert rule_for("fix `parse_date`") == "needs a model"


def test_to_format_is_to_heal_what_the_formatter_says(tmp_path: Path) -> None:
    assert rule_for("format the code", "black --check .") == "heal black --check ."
    assert rule_for("fix lint", "black --check .") == "heal"
    assert formatter_of(tmp_path, ["a.js"]) == ""
    assert formatter_of(tmp_path, ["a.py"]).endswith("ruff format --check .")
    (tmp_path / "pyproject.toml").write_text("[tool.black]\n")
    assert formatter_of(tmp_path, ["a.py"]) == "black --check ."


def test_order_by_words_holds_and_order_by_numbers_holds_no_rule_up() -> None:
    told = plan("add dark mode, then fix lint", KNOWN)
    assert [task["depends_on"] for task in told] == [[], ["T1"]]
    numbered = plan("1. add dark mode\n2. fix lint\n3. make the tests pass\n4. add a page", KNOWN)
    assert [task["depends_on"] for task in numbered] == [[], [], ["T2"], ["T3"]]


def test_one_healing_follows_the_other() -> None:
    tasks = plan("- fix lint\n- make the tests pass\n- fix imports", KNOWN)
    assert [task["depends_on"] for task in tasks] == [[], ["T1"], ["T2"]]


def test_a_condition_is_kept_in_words() -> None:
    (task,) = plan("Add dark mode if the tests pass", KNOWN)
    assert "Only if it holds: if the tests pass" in task["description"]


@settings(max_examples=60, deadline=None)
@given(goal=TEXTS)
def test_every_plan_can_be_handed_in_and_no_word_of_the_goal_is_lost(goal: str) -> None:
    for rules in (True, False):
        tasks = plan(goal, KNOWN, rules=rules)
        handed_in = SubmitPlan.model_validate({"tasks": tasks})
        assert plan_problems(handed_in.tasks) == []
        assert all(bool(rule_of(task["description"])) is rules for task in tasks) or not rules
        said = " ".join(f"{task['title']} {task['description']}" for task in tasks)
        # Words of order may have become what the tasks depend on.
        assert set(re.findall(r"[^\W\d]\w*", goal)) <= {*re.findall(r"[^\W\d]\w*", said), *ORDER}


@pytest.mark.parametrize("goal", GOALS)
def test_the_goals_of_the_corpus_make_plans(goal: str) -> None:
    assert plan_problems(SubmitPlan(tasks=plan(goal, KNOWN)).tasks) == []  # type: ignore[arg-type]


def test_more_tasks_than_a_plan_may_have_become_one_with_all_their_words() -> None:
    tasks = plan("\n".join(f"- fix problem {number}x" for number in range(100)), KNOWN)
    assert len(tasks) == MAX_TASKS
    assert "fix problem 99x" in tasks[-1]["description"] and needs_model(tasks[-1]["description"])


def job(**more: object) -> Job:
    return Job("add a page", "", Path("/nowhere"), 1, **more)  # type: ignore[arg-type]


def test_words_of_the_human_to_the_planner_are_part_of_the_goal() -> None:
    move = work(job(notes=("Also write the changelog",)), [])
    titles = [task["title"] for task in move.calls[0][1]["tasks"]]
    assert titles == ["add a page", "Also write the changelog"] or titles == [
        "add a page",
        "write the changelog",
    ]
    assert move.text == "Planned by rules: 1 task can be done by rules, 1 task needs a model."


def test_a_rejection_without_a_wish_ends_it() -> None:
    note = "The human rejected the plan. Their words: (none)\nHand in another one."
    with pytest.raises(CannotGoOn, match="edit the plan"):
        work(job(notes=(note,)), [])


@pytest.mark.parametrize("blank", [" ", "\t", "\n"])
def test_a_row_of_blanks_holds_up_nobody(blank: str) -> None:
    row = blank * 2000
    began = time.process_time()
    plan(f"{row}!", frozenset())
    assert time.process_time() - began < 1  # seconds; without care it is twenty
