"""The commit of what a rule changed is called by what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.cli_heal import start
from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.evidence import Check
from autodev_tui.domain.levels import Level
from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.model import Change, Repair
from autodev_tui.rules.provider import RulesProvider
from autodev_tui.rules.subjects import subject_of
from tests.fakes.engine_kit import Kit, kit, turns
from tests.unit.rules.test_healing_session import CHECK, FILES


def repair(mends: str, *paths: str, tool: str = "") -> Repair:
    changes = tuple(Change(path, b"", b"x") for path in paths)
    return Repair(Strategy.FIX_TESTS, "done", changes, mends=mends, tool=tool)


@pytest.mark.parametrize(
    ("repairs", "subject"),
    [
        ([repair("format", "a.py", "b.py", tool="ruff")], "style: format with ruff"),
        ([repair("import order", "a.py", tool="isort")], "style: sort imports with isort"),
        ([repair("lint", "pkg/a.py", tool="ruff")], "style: lint in a.py"),
        (
            [repair("lint", "a.py", tool="ruff"), repair("format", "b.py", tool="black")],
            "style: lint and format",
        ),
        (
            [repair("imports", "shop/cart.py"), repair("names", "shop/cart.py")],
            "fix: imports and names in cart.py",
        ),
        (
            [repair("imports", "src/shop/a.py"), repair("lint", "src/shop/b.py", tool="ruff")],
            "fix: imports and lint in shop",
        ),
        ([repair("dependencies", "requirements.txt")], "build: dependencies in requirements.txt"),
        ([repair("names", "tests/test_app.py")], "test: names in test_app.py"),
        ([], ""),
    ],
)
def test_a_healing_is_called_by_what_it_mended(repairs: list[Repair], subject: str) -> None:
    assert subject_of(repairs) == subject


def by_rules(place: Path, **more: Any) -> Any:
    return kit(place, turns(), own_provider=RulesProvider(), spec="rules", **more)


def last(one: Kit) -> str:
    return one.fixture.git("log", "-1", "--format=%s", one.session.head_commit)


async def test_the_commit_of_a_healing_says_what_was_healed(tmp_path: Path) -> None:
    async with by_rules(tmp_path, files=FILES) as one:
        await one.engine.submit(start(CHECK, Level.FULL))
        await one.engine.wait()
        assert last(one) == "fix: imports in app.py"
        # Where the branch has moved on, so does the merge of it.
        one.fixture.write("other.txt", "x\n")
        one.fixture.commit()
        await one.resume(land=True)
        assert one.session.landed_commit == one.fixture.git("rev-parse", "HEAD")
        assert one.fixture.git("log", "-1", "--format=%s") == "fix: imports in app.py"


async def test_of_a_part_it_says_nothing(tmp_path: Path) -> None:
    async with by_rules(tmp_path, files=FILES) as one:
        await one.engine.submit(start(CHECK, Level.COLLABORATIVE))
        await one.engine.wait()
        (asked,) = one.board.pending()
        assert len(asked.ask["hunks"]) == 1
        edited = HunkDecision(hunk=1, verdict="edit", new_lines=["import os  # mine\n", "\n", "\n"])
        await one.answer(asked, "edit", hunks=[edited])
        await one.resume()
        assert "imports in app.py" not in last(one)


async def test_the_documents_are_called_so(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        outcome = await one.run("write the changelog", checks=[Check(name="always", command="true")])
        assert outcome.code == 0
        assert last(one) == "docs: changelog"
