"""No key, no server: what somebody gets in their first minute, on three repositories that differ."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.program import KNOWN_CHECK, NEW, PLANNER, Program, Result, bug_fix, git

pytestmark = pytest.mark.e2e

MINUTE_S = 60.0
UNITTEST = '[[checks]]\nname = "unittest"\ncommand = "python3 -m unittest -q"\n'
RED = {
    "shop/__init__.py": "",
    "shop/cart.py": (
        '"""Carts."""\n\nimport os\nimport sys\n\n\n'
        'def total(prices: list[float]) -> float:\n    """The sum of the prices."""\n'
        "    return math.fsum(prices)\n"
    ),
    "tests/__init__.py": "",
    "tests/test_cart.py": (
        "import unittest\n\nfrom shop.cart import total\n\n\nclass CartTest(unittest.TestCase):\n"
        "    def test_total(self):\n        self.assertEqual(total([1.0, 2.0]), 3.0)\n"
    ),
    "pyproject.toml": '[project]\nname = "shop"\nversion = "0.1"\n\n[tool.ruff]\nline-length = 100\n',
}
MESSY = {
    "messy.py": 'import sys\nimport  os\nx = {  "a":os.sep }\ndef f( a,b ):\n  return  (a,b,sys.argv,x)\n',
    "pyproject.toml": (
        '[project]\nname = "messy"\nversion = "0"\n\n'
        '[tool.ruff]\nline-length = 60\nlint.select = ["E", "F", "I"]\n'
    ),
}
SCRIPT = {
    "index.js": "module.exports = { add: (a, b) => a + b };\n",
    "Makefile": "test:\n\t@grep -q module.exports index.js\n",
}


def first_minute(program: Program, goal: str, *more: str) -> Result:
    """The goal, said yes to as often as it asks, until it is done or nothing is asked any more."""
    began = time.monotonic()
    done = program("run", goal, *more)
    assert "no model: planned by rules" in done.err.splitlines()[0]
    assert "set ANTHROPIC_API_KEY, or start Ollama" in done.err.splitlines()[0]
    # A change that can be read is useful already; what the human takes to read it is theirs.
    useful = time.monotonic() - began
    for _ in range(4):
        if done.code != 3 or not program.approve_all():
            break
        done = program("resume", "--headless")
    assert useful < MINUTE_S
    return done


def session_tree(program: Program) -> str:
    return str(program.status()["head"])


def show(program: Program, path: str) -> str:
    return git(program.repository, "show", f"{session_tree(program)}:{path}") + "\n"


def test_a_red_package_is_green_and_documented_and_what_needs_a_model_can_be_left_out(tmp_path: Path) -> None:
    program = Program(tmp_path, files=RED, settings=UNITTEST)
    goal = "Fix what is red, then write the changelog and API docs; add a search page"
    done = first_minute(program, goal, "--autonomy", "supervised")
    assert done.code == 3, done.err
    assert "T4 needs a model · go on with one: autodev resume" in done.err
    states = {task["id"]: (task["rule"], task["state"]) for task in program.status()["tasks"]}
    assert states == {
        "T1": ("heal", "completed"),
        "T2": ("changelog", "completed"),
        "T3": ("api docs", "completed"),
        "T4": ("needs a model", "planned"),
    }
    assert "import math" in show(program, "shop/cart.py") and "import os" not in show(program, "shop/cart.py")
    assert "- a very small shop" in show(program, "CHANGELOG.md")
    assert "`total(prices: list[float]) -> float`" in show(program, "docs/api.md")
    assert "T4  add a search page                        needs a model" in program("status").out
    assert "add a search page (needs a model" in program("todo", "list").out
    asked = program("land")
    assert asked.code == 3 and "T4 add a search page: not done, it needs a model" in asked.err
    landed = program("land", "--leave-out", "--json")
    assert landed.code == 0, landed.err
    assert landed.json["landed"] == program.head()
    tested = subprocess.run([sys.executable, "-m", "unittest", "-q"], cwd=program.repository, check=False)
    assert tested.returncode == 0
    git(program.repository, "clean", "-fdqx")
    program.clean()


def test_a_messy_repository_is_formatted_by_its_own_settings(tmp_path: Path) -> None:
    program = Program(tmp_path, files=MESSY)
    done = first_minute(program, "i-format ang code at ayusin ang lint", "--autonomy", "full")
    assert done.code == 0, done.err
    text = show(program, "messy.py")
    assert text.startswith('import os\nimport sys\n\nx = {"a": os.sep}\n\n\ndef f(a, b):\n    return (')
    assert program("land").code == 0
    assert (program.repository / "messy.py").read_text() == text


def test_a_repository_without_python_gets_its_changelog(tmp_path: Path) -> None:
    program = Program(tmp_path, files=SCRIPT)
    done = first_minute(program, "update the changelog", "--autonomy", "full")
    assert done.code == 0, done.err
    assert "### Added\n\n- a very small shop" in show(program, "CHANGELOG.md")
    assert program("land").code == 0
    again = program("run", "update the changelog", "--autonomy", "full")
    assert again.code == 0 and "nothing changed, so nothing lands" in again.err
    program.clean()


@pytest.mark.soak  # in one process: tests/unit/rules/test_session.py
def test_with_a_model_the_session_goes_on_exactly_there(tmp_path: Path) -> None:
    program = Program(tmp_path, settings=KNOWN_CHECK)
    done = program("run", "Fix the discount", "--autonomy", "full", "--land")
    assert done.code == 3, done.err
    assert "there is nothing here that rules can do · T1 needs a model" in done.err
    with program.model(bug_fix()) as server:
        landed = program.resume("--model", "anthropic/claude-opus-5-5")
        assert landed.code == 0, landed.err
        assert not [one for one in server.requests if PLANNER in str(one)]
    assert landed.json["landed"] == program.head()
    assert NEW in (program.repository / "shop/prices.py").read_text()
    assert program("todo", "list").out == "Nothing to do.\n"
    program.clean()
