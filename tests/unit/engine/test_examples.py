"""Example goals: each rests on a fact of the repository, and where there is none there is no goal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.domain.evidence import CheckKind, Evidence
from autodev_tui.engine.answering import examples
from autodev_tui.engine.answers import answer
from tests.fakes.engine_kit import Kit, kit, turns

RUFF = "[tool.ruff]\nline-length = 100\n"
CART = (
    '"""Carts."""\n\nimport os\nimport sys\n\n\ndef total(items):\n'
    "    # TODO: handle refunds.\n    return sum(items)\n"
)
README = {"README.md": "# shop\n"}


async def goals(one: Kit) -> list[str]:
    found = await answer(one.engine.site, requests.GetExamples())
    assert isinstance(found, requests.RowsAnswer), found
    assert all(row["why"] for row in found.rows)
    return [str(row["goal"]) for row in found.rows]


async def test_goals_come_from_what_is_there(tmp_path: Path) -> None:
    files = {"pyproject.toml": RUFF, "src/cart.py": CART, "tests/test_other.py": "import other\n"} | README
    async with kit(tmp_path, turns(), files=files) as one:
        assert await goals(one) == [
            "fix the 2 ruff findings in src",
            "handle refunds (src/cart.py:8)",
            "write tests for src/cart.py",
        ]


async def test_what_failed_on_this_very_tree_comes_first(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(), files={"src/cart.py": CART} | README) as one:
        head = one.fixture.git("rev-parse", "HEAD^{tree}")
        for tree, check in ((head, "pytest"), ("0" * 40, "mypy")):
            evidence = Evidence(
                check=check, kind=CheckKind.BEHAVIOUR, command=check, tree=tree, result="failed", at=5.0
            )
            one.database.commit([("evidence", check, evidence.doc())])
        assert (await goals(one))[0] == "make pytest pass"
        assert "make mypy pass" not in await goals(one)
        passed = Evidence(
            check="pytest", kind=CheckKind.BEHAVIOUR, command="pytest", tree=head, result="passed", at=6.0
        )
        one.database.commit([("evidence", "later", passed.doc())])
        assert "make pytest pass" not in await goals(one)


async def test_where_nothing_is_to_be_done_nothing_is_made_up(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(), files={"notes.txt": "TODO\n"} | README) as one:
        assert await goals(one) == []


async def test_code_that_cannot_be_parsed_is_named_and_hostile_words_are_visible(tmp_path: Path) -> None:
    files = {"a.py": "def f(:\n", "b.py": "# FIXME: off by \u202eone\x1b[2J\n"}
    async with kit(tmp_path, turns(), files=files) as one:
        first, second, third = await goals(one)
        assert first == "fix the syntax error in a.py"
        assert second == "mend what a FIXME says: off by ‹U+202E›one‹1B›[2J (b.py:1)"
        assert third.startswith("write a README")


async def test_nothing_of_the_repository_is_run(tmp_path: Path, monkeypatch: Any) -> None:
    """A `ruff` of the repository's own, also one that comes first on the PATH, stays what it is: a file."""
    ran = tmp_path / "ran"
    program = f"#!/bin/sh\ntouch {ran}\n"
    files = {"pyproject.toml": RUFF, "ruff": program, "ruff.py": f"open({str(ran)!r}, 'w')\n", "a.py": CART}
    async with kit(tmp_path, turns(), files=files | README) as one:
        (one.fixture.root / "ruff").chmod(0o755)
        monkeypatch.setenv("PATH", f"{one.fixture.root}:{Path('/usr/bin')}")
        assert "fix the 2 ruff findings in a.py" in await goals(one)
    assert not ran.exists()


async def test_a_linter_that_takes_too_long_is_left_out(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(examples, "LINTER_S", 0.0001)
    async with kit(tmp_path, turns(), files={"pyproject.toml": RUFF, "src/cart.py": CART} | README) as one:
        assert await goals(one) == ["handle refunds (src/cart.py:8)"]
