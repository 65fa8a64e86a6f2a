"""The seeded repositories: healed, proven, and otherwise untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.heal.bench import Result, run
from tests.heal.case import OUT, Case
from tests.heal.cases import ALL

SLICE = (
    "ruff format",
    "unused imports",
    "flake8 unused import",
    "an error of a script",
    "a misspelt method",
    "python 2",
    "too many dots",
    "a dependency under a wrong name",
)
BY_NAME = {case.name: case for case in ALL}


def check(result: Result) -> None:
    """What holds of every case."""
    assert not result.wrong, f"{result.case.name}: {result.wrong}\n{result.summary}"
    assert not result.weakened
    if result.case.kind == OUT:
        assert result.unchanged


@pytest.mark.parametrize("name", SLICE)
def test_a_slice_of_the_seeded_repositories(name: str, tmp_path: Path) -> None:
    check(run(BY_NAME[name], tmp_path))


@pytest.mark.soak
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_every_seeded_repository(case: Case, tmp_path: Path) -> None:
    check(run(case, tmp_path))


def test_there_are_enough_of_them() -> None:
    reach = [case for case in ALL if case.kind != OUT]
    assert len(reach) >= 36
    assert len(ALL) - len(reach) >= 8
    assert sum(case.held_out for case in ALL) >= 10
    assert len({case.kind for case in reach}) >= 5
