"""What a goal names is healed, and no more; what is told of it is told once, and from the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.quality.failures import classify
from autodev_tui.quality.healing import outcome
from autodev_tui.rules.heal_report import Report
from autodev_tui.rules.scope import Scope
from tests.heal.bench import prepared
from tests.heal.case import Case
from tests.heal.executor import Executor

LINT, TEST = "python3 -m ruff check .", "python3 -m unittest discover"
UNTIDY = b"import os\nimport sys\n\nprint(sys.argv)\n"
TIDY = b"import sys\n\nprint(sys.argv)\n"
WRONG = b"def run(x):\n    return math.floor(x)\n"
FILES = {
    "shop/__init__.py": b"",
    "shop/a.py": UNTIDY,
    "shop/b.py": UNTIDY,
    "shop/c.py": WRONG,
    "test_c.py": (
        b"import unittest\n\nfrom shop import c\n\n\nclass CTest(unittest.TestCase):\n"
        b"    def test_run(self):\n        self.assertEqual(c.run(1.5), 1)\n"
    ),
    "test_d.py": (
        b"import unittest\n\n\nclass DTest(unittest.TestCase):\n"
        b"    def test_d(self):\n        self.assertEqual(json.dumps(1), '1')\n"
    ),
}


def healed(
    place: Path, rule: str, files: dict[str, bytes] | None = None, checks: tuple[str, ...] = ()
) -> Executor:
    made = Case("made here", "names", files or FILES, checks or (LINT, TEST), rule=rule)
    executor = prepared(made, place)
    executor.run()
    return executor


def changed(executor: Executor) -> set[str]:
    return {str(one.args["path"]) for one in executor.done if one.name == "edit_file" and not one.failed}


@pytest.mark.parametrize(
    ("rule", "paths"),
    [
        ("heal only lint in shop/a.py", {"shop/a.py"}),
        ("heal only lint in shop/a.py shop/b.py", {"shop/a.py", "shop/b.py"}),
        ("heal only tests", {"shop/c.py", "test_d.py"}),
        ("heal only tests in test_c.py", {"shop/c.py"}),
        ("heal only tests in shop/c.py", {"shop/c.py"}),
        ("heal only in shop/b.py", {"shop/b.py"}),
    ],
)
def test_only_what_is_named_is_healed(rule: str, paths: set[str], tmp_path: Path) -> None:
    executor = healed(tmp_path, rule)
    assert changed(executor) == paths
    summary = str(executor.done[-1].args["summary"])
    assert "nothing is red any more" in summary or "not what was to be healed" in summary, summary


def test_nothing_red_there_is_said_so_and_nothing_else_is_run(tmp_path: Path) -> None:
    executor = healed(tmp_path, "heal only lint in test_c.py")
    assert str(executor.done[-1].args["summary"]).startswith("Nothing is red in the lint of test_c.py.")
    assert [one.name for one in executor.done] == ["run_command", "finish"]


def test_what_is_named_and_not_there_is_said_so(tmp_path: Path) -> None:
    executor = healed(tmp_path, "heal only lint in shop/no.py")
    assert executor.done[-1].args["summary"] == "Nothing was healed: there is no shop/no.py here."
    executor = healed(tmp_path / "types", "heal only types")
    assert str(executor.done[-1].args["summary"]).startswith("No check in types was found")


@pytest.mark.parametrize(
    "rule",
    ["heal", "heal pytest -q", "heal only lint types in 'a b.py' c", "heal only in x.py", "heal only 'x"],
)
def test_a_rule_says_its_scope_and_back(rule: str) -> None:
    assert Scope.of(rule).rule == rule
    assert Scope.of("heal only check").command == "only check"


UNSAFE = b"[lint]\nselect = ['F']\n"


def test_what_a_package_imports_for_others_is_never_removed_and_said_why(tmp_path: Path) -> None:
    files = {
        "ruff.toml": b"unsafe-fixes = true\n" + UNSAFE,
        "shop/__init__.py": b"import os\n\nfrom shop.a import X\n",
        "shop/a.py": b"import os\n\nX = 1\n",
    }
    executor = healed(tmp_path, "heal", files, (LINT,))
    assert changed(executor) == {"shop/a.py"}
    summary = str(executor.done[-1].args["summary"])
    assert "ruff's own fixes in shop/a.py ·" in summary, "no file that was not changed is named"
    assert "shop/__init__.py: others may import X from this package, so it is never removed" in summary


def report(tmp_path: Path, **outputs: str) -> list[str]:
    """The lines of what is left, of checks that said so."""
    commands = {"pytest": "python -m pytest", "ruff": "ruff check .", "mypy": "mypy .", "make": "make test"}
    told = Report(lambda path: path.removeprefix(f"{tmp_path}/"), tmp_path)
    now = {
        command: outcome.read(command, "exit code 1 (0.1 s)", outputs[name], told.local, classify)
        for name, command in commands.items()
        if name in outputs
    }
    told.before = dict(now)
    calls = dict(told.calls(now))
    assert str(tmp_path) not in str(calls)
    assert [one["what"] for one in calls["finish"]["left"]]
    return [one["content"] for one in calls["update_todos"]["todos"]]


TESTED = """============ FAILURES ============
___________ test_read ___________
test_a.py:4: in test_read
    assert read("{root}/x.txt") == ""
{root}/app.py:3: in read
    return open(path).read()
E   FileNotFoundError: [Errno 2] No such file or directory: '{root}/x.txt'
=========== short test summary info ===========
FAILED test_a.py::test_read - FileNotFoundError: [Errno 2] No such file or directory: '{root}/x.txt'
============ 1 failed in 0.01s ============
"""


def test_each_failure_is_told_once_and_from_the_repository(tmp_path: Path) -> None:
    tested = TESTED.format(root=tmp_path)
    left = report(
        tmp_path,
        pytest=tested,
        make=tested + "make: *** [Makefile:2: test] Error 1\n",
        ruff="b.py:7:5: F821 Undefined name `json`\n",
        mypy=(
            'b.py:7: error: Name "json" is not defined  [name-defined]\n'
            "b.py:9: error: Missing return  [return]\n"
        ),
    )
    assert [line.count("x.txt") for line in left if "x.txt" in line] == [1]
    assert sum("json" in line for line in left) == 1
    assert any("b.py:9" in line for line in left)
