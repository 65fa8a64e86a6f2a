"""Healing as a session: what asks at which level, what outlives a stop, how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.cli_errors import Failure
from autodev_tui.cli_heal import ended, kind_of, read_report, start
from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState
from autodev_tui.engine.queries import session_view
from autodev_tui.rules.provider import RulesProvider
from tests.fakes.engine_kit import Kit, kit, turns, until

CHECK = "/bin/sh check.sh"
PATH = "PATH=/usr/bin:/bin\n"
TRACE = (
    "echo 'Traceback (most recent call last):'\necho '  File \"%s\", line %d, in run'\necho \"%s\"\nexit 1\n"
)
FILES = {
    # Not only Python, so no Python process is expected to tell of its modules.
    "package.json": "{}\n",
    "app.py": "def run(x):\n    return os.path.join(x, 'a')\n",
    "check.sh": f"{PATH}grep -q '^import os' app.py && exit 0\n"
    + TRACE % ("app.py", 2, "NameError: name 'os' is not defined"),
}
TESTS = {
    "package.json": "{}\n",
    "app.py": "def total(prices):\n    return sum(prices)\n",
    "test_app.py": "import app\n\n\ndef test_total():\n    assert app.totl([1, 2]) == 3\n",
    "check.sh": f"{PATH}grep -q 'app.total(' test_app.py && exit 0\n"
    + TRACE % ("test_app.py", 5, "AttributeError: module 'app' has no attribute 'totl'"),
}
MANIFEST = {
    "package.json": "{}\n",
    "requirements.txt": "click\n",
    "app.py": "import yaml\n",
    "check.sh": f"{PATH}grep -q PyYAML requirements.txt && exit 0\n"
    + TRACE % ("app.py", 1, "ModuleNotFoundError: No module named 'yaml'"),
}
HOPELESS = {**FILES, "check.sh": f"{PATH}echo 'AssertionError: 1 != 2'\nexit 1\n"}


def healing(place: Path, files: dict[str, str], **more: Any) -> Any:
    return kit(place, turns(), own_provider=RulesProvider(), spec="rules", files=files, **more)


async def heal(one: Kit, level: Level | None = Level.FULL, check: str = CHECK) -> tuple[int, dict[str, Any]]:
    await one.engine.submit(start(check, level))
    outcome = await one.engine.wait()
    document = session_view(one.database, one.session)
    report = read_report(document)
    return ended(outcome.code, report), report


async def test_what_is_healed_is_ready_at_full_and_nobody_was_asked(tmp_path: Path) -> None:
    async with healing(tmp_path, FILES) as one:
        code, report = await heal(one)
        assert code == 0, report
        assert len(report["healed"]) == 1 and not report["left"]
        assert "import os" in one.fixture.git("show", f"{one.session.head_commit}:app.py")
        kinds = {approval.kind for approval in one.board.approvals.values()}
        assert kinds <= {"land"}
        assert not one.fixture.status()


@pytest.mark.parametrize("level", [Level.COLLABORATIVE, Level.GUIDED])
async def test_below_full_it_comes_as_a_change_to_review(level: Level, tmp_path: Path) -> None:
    async with healing(tmp_path, FILES) as one:
        code, _ = await heal(one, level)
        assert code == 3
        (asked,) = one.board.pending()
        # Guided asks for each edit first; no plan is asked about, for it was given.
        assert asked.kind == ("changes" if level is Level.COLLABORATIVE else "command")
        assert not any(approval.kind == "plan" for approval in one.board.approvals.values())


@pytest.mark.parametrize(
    ("files", "gate"), [(TESTS, "tests changed by a rule"), (MANIFEST, "dependency manifest")]
)
async def test_tests_and_manifests_are_asked_about_at_every_level(
    files: dict[str, str], gate: str, tmp_path: Path
) -> None:
    async with healing(tmp_path, files) as one:
        code, report = await heal(one, Level.FULL)
        assert code == 3
        assert len(report["healed"]) == 1, report
        (asked,) = one.board.pending()
        assert asked.kind == "changes" and asked.hard_gates == [gate]


async def test_a_check_of_several_commands_is_run_unasked_word_for_word(tmp_path: Path) -> None:
    async with healing(tmp_path, FILES) as one:
        await heal(one, Level.COLLABORATIVE, f"! /bin/false && {CHECK}")
        (asked,) = one.board.pending()
        assert asked.kind == "changes"


async def test_what_rules_cannot_heal_ends_with_3_and_an_untouched_tree(tmp_path: Path) -> None:
    async with healing(tmp_path, HOPELESS) as one:
        code, report = await heal(one)
        assert code == 3
        assert not report["healed"] and len(report["left"]) == 1
        assert one.session.head_commit == one.session.base_commit
        assert not one.fixture.status()


async def test_nothing_red_ends_with_0(tmp_path: Path) -> None:
    async with healing(tmp_path, {**FILES, "check.sh": f"{PATH}exit 0\n"}) as one:
        code, report = await heal(one)
        assert code == 0
        assert report["summary"].startswith("Nothing is red.")


async def test_a_stop_after_the_edit_costs_nothing(tmp_path: Path) -> None:
    async with healing(tmp_path, FILES) as one:
        await one.engine.submit(start(CHECK, Level.FULL))
        await until(
            lambda: any(step.name == "edit_file" and step.state == "done" for step in one.board.steps("T1"))
        )
        outcome = await one.resume()
        assert outcome.code == 0, outcome
        report = read_report(session_view(one.database, one.session))
        assert len(report["healed"]) == 1
        edits = [step for step in one.board.steps("T1") if step.name == "edit_file" and step.state == "done"]
        assert len(edits) == 1
        assert one.session.state is SessionState.REVIEWING


def test_what_a_named_check_measures() -> None:
    assert kind_of("ruff check .") is CheckKind.LINT
    assert kind_of("poetry run mypy src") is CheckKind.TYPES
    assert kind_of("make test") is CheckKind.BEHAVIOUR
    assert start("pytest -q", None).checks == [Check(name="pytest -q", command="pytest -q", source="given")]
    assert not start("", None).checks
    with pytest.raises(Failure):
        start("pytest\nrm -rf .", None)
