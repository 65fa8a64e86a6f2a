"""Checks as they really end: passed, failed, not run, unverifiable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.checks import applicable, detect, evidence_key
from autodev_tui.quality.environment import Environment

GOOD = {"calc.py": "def add(a, b):\n    return a + b\n", "tests/__init__.py": ""}
TESTS = {"tests/test_calc.py": "import calc\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n"}
CASES = {
    "tests/test_calc.py": "import unittest\nimport calc\n\n"
    "class Adding(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(calc.add(1, 2), 3)\n"
}
HERE = Environment(id="e", description="", recipe="", path=["/usr/bin", "/bin"])


async def test_a_green_suite_passes_with_its_origins_inside(tmp_path, write, checked, tool_venv):
    tree = write(tmp_path / "tree", GOOD | TESTS)
    found = await checked(tree, tool_venv, wanted=["tests/test_calc.py::test_add", "tests/test_x.py::test_y"])
    assert (found.check, found.result, found.exit_code, found.passed_tests) == ("pytest", "passed", 0, 1)
    assert found.origins["calc"] == "calc.py"
    assert found.tests == {"tests/test_calc.py::test_add": "passed"}
    assert (found.tree, found.at) == ("t1", 7.0)


async def test_nothing_is_left_behind_in_the_checkout(tmp_path, write, checked, tool_venv):
    tree = write(tmp_path / "tree", GOOD | TESTS)
    before = sorted(tree.rglob("*"))
    await checked(tree, tool_venv)
    assert sorted(tree.rglob("*")) == before


async def test_failing_tests_are_named_exactly(tmp_path, write, checked, tool_venv):
    body = (
        "import calc, pytest\n"
        "@pytest.mark.parametrize('word', ['a - b', 'c\\nd'])\n"
        "def test_word(word):\n    assert calc.add(1, 2) == word\n"
        "def test_fine():\n    assert calc.add(1, 2) == 3\n"
        "@pytest.fixture\ndef broken():\n    yield\n    raise OSError\n"
        "def test_teardown(broken):\n    pass\n"
    )
    tree = write(tmp_path / "tree", GOOD | {"tests/test_calc.py": body})
    found = await checked(tree, tool_venv, wanted=["tests/test_calc.py::test_word"])
    assert found.result == "failed"
    assert found.failures == [
        "tests/test_calc.py::test_teardown",
        "tests/test_calc.py::test_word[a - b]",
        "tests/test_calc.py::test_word[c\\nd]",
    ]
    assert found.tests == {"tests/test_calc.py::test_word": "failed"}
    assert found.passed_tests == 1


async def test_one_broken_file_does_not_hide_the_failures_of_the_others(tmp_path, write, checked, tool_venv):
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-x'\n",
        "tests/test_a.py": "import absent\n",
        "tests/test_b.py": "import calc\ndef test_b(): assert calc.add(1, 1) == 3\n",
        "tests/test_c.py": "import calc\ndef test_c(): assert calc.add(1, 1) == 2\n",
    }
    found = await checked(write(tmp_path / "tree", GOOD | files), tool_venv)
    assert found.failures == ["tests/test_a.py", "tests/test_b.py::test_b"]


async def test_a_session_that_is_cut_off_names_nothing(tmp_path, write, checked, tool_venv):
    body = "import calc, os\ndef test_a(): assert 0\ndef test_b(): os._exit(3)\ndef test_c(): pass\n"
    found = await checked(write(tmp_path / "tree", GOOD | {"tests/test_calc.py": body}), tool_venv)
    assert (found.result, found.exit_code, found.failures) == ("failed", 3, [])
    assert "named" in found.why


async def test_workers_of_xdist_tell_their_origins(tmp_path, write, checked, tool_venv):
    tree = write(tmp_path / "tree", GOOD | TESTS)
    check = Check(name="pytest", command="python -m pytest -n 2")
    found = await checked(tree, tool_venv, check)
    assert (found.result, found.passed_tests) == ("passed", 1)
    assert found.origins["calc"] == "calc.py"


async def test_a_source_layout_is_found_without_being_installed(tmp_path, write, checked, tool_venv):
    files = {
        "pyproject.toml": '[project]\nname = "mine"\n',
        "src/mine/__init__.py": "VALUE = 1\n",
        "tests/test_mine.py": "import mine\ndef test_value(): assert mine.VALUE == 1\n",
    }
    found = await checked(write(tmp_path / "tree", files), tool_venv)
    assert found.result == "passed"
    assert found.origins["mine"] == "src/mine/__init__.py"


@pytest.mark.parametrize("layout", ["root", "package", "plain"])
async def test_unittest_is_run_where_there_is_no_pytest(tmp_path, write, checked, bare_venv, layout):
    case = CASES["tests/test_calc.py"]
    files = {"calc.py": GOOD["calc.py"]}
    if layout == "root":
        files["test_calc.py"] = case
    else:
        files["tests/test_calc.py"] = case
    if layout == "package":
        files["tests/__init__.py"] = ""
    tree = write(tmp_path / "tree", files)
    found = await checked(tree, bare_venv)
    assert (found.check, found.result, found.passed_tests) == ("unittest", "passed", 1)
    (tree / "calc.py").write_text("def add(a, b):\n    return 0\n")
    red = await checked(tree, bare_venv)
    assert red.result == "failed"
    assert [name.endswith("test_calc.Adding.test_add") for name in red.failures] == [True]


async def test_tests_that_do_not_run_are_not_run(tmp_path, write, checked, tool_venv):
    none = write(tmp_path / "none", {"calc.py": "", "tests/test_calc.py": "", "pytest.ini": "[pytest]\n"})
    found = await checked(none, tool_venv)
    assert (found.result, found.why) == ("not_run", "no tests")
    body = "import pytest, calc\n@pytest.mark.skip\ndef test_add(): assert 0\n"
    skipped = write(tmp_path / "skipped", GOOD | {"tests/test_calc.py": body})
    found = await checked(skipped, tool_venv)
    assert (found.result, found.why) == ("not_run", "every test was skipped")


async def test_a_missing_tool_is_not_run_never_passed(tmp_path, write, checked, bare_venv):
    config = "[tool.mypy]\n[tool.black]\n[tool.isort]\n"
    tree = write(tmp_path / "tree", GOOD | TESTS | {"pyproject.toml": config, ".flake8": "[flake8]\n"})
    checks = detect(tree, [], HERE)
    assert [check.name for check in checks][1:] == ["mypy", "flake8", "black", "isort"]
    for check in checks:
        command = check.command.replace("python3", "python")
        found = await checked(tree, bare_venv, check.but(command=command))
        assert found.result == "not_run", found
        assert "is not installed" in found.why


async def test_where_a_repository_lacks_its_ruff_ours_does_its_settings(tmp_path, write, checked, bare_venv):
    code = GOOD | {"pyproject.toml": "[tool.ruff.lint]\nselect = ['F']\n", "more.py": "import os\n"}
    tree = write(tmp_path / "tree", code)
    (check,) = [one for one in detect(tree, [], HERE) if one.kind is CheckKind.LINT]
    found = await checked(tree, bare_venv, check)
    assert (found.result, found.failures) == ("failed", ["more.py: F401"])


@pytest.mark.parametrize(
    ("command", "result", "why"),
    [
        ("no-such-program --x", "unverifiable", "command not found"),
        ("/etc/passwd", "unverifiable", "not executable"),
        ("sleep 60", "failed", "did not end within"),
        ("kill -9 $$", "failed", "killed by signal 9"),
        ("python -m pytest --no-such-option", "unverifiable", "plugin"),
        ("exit 3", "failed", "exit code 3"),
        ("true", "unverifiable", "no Python process"),
        ("python -c 1", "unverifiable", "imported none"),
        (
            "python -I -c 'import sys; sys.path.insert(0, \".\"); import calc'",
            "unverifiable",
            "no Python process",
        ),
        ("python -c 'import calc'", "passed", ""),
    ],
)
async def test_how_configured_commands_end(tmp_path, write, checked, tool_venv, command, result, why):
    tree = write(tmp_path / "tree", GOOD | TESTS)
    check = Check(name="mine", command=command, source="configured")
    limit = 0.3 if "sleep" in command else 60
    found = await checked(tree, tool_venv, check, timeout_s=limit)
    assert (found.result, why in found.why) == (result, True), found
    assert found.failures == []


async def test_checks_of_other_languages_need_no_origins(tmp_path, write, checked, tool_venv):
    tree = write(tmp_path / "tree", GOOD | {"package.json": "{}"})
    found = await checked(tree, tool_venv, Check(name="node", command="true", source="configured"))
    assert found.result == "passed"


async def test_a_failure_is_not_the_trees_when_a_requirement_is_missing(tmp_path, write, checked, tool_venv):
    files = {"requirements.txt": "surely-absent\n", "tests/test_calc.py": "import calc, surely_absent\n"}
    found = await checked(write(tmp_path / "tree", GOOD | files), tool_venv)
    assert (found.result, found.why) == ("unverifiable", "not installed: surely-absent")


async def test_lint_and_types_name_file_and_code_but_no_position(tmp_path, write, checked):
    files = {"calc.py": "import os\nimport sys\n\ndef add(a: int) -> str:\n    return a\nx=1\n"}
    config = "[tool.ruff.lint]\nselect = ['F']\n[tool.ruff.format]\n[tool.mypy]\nstrict = true\n"
    tree = write(tmp_path / "tree", files | {"pyproject.toml": config})
    environment = Environment(id="e", description="", recipe="", python_name="python", path=[])
    names = {}
    for check in detect(tree, [], environment):
        found = await checked(tree, Path(sys.prefix), check)
        assert found.result == "failed", found
        names[check.name] = found.failures
    assert names == {
        "mypy": ["calc.py: return-value"],
        "ruff check": ["calc.py: F401", "calc.py: F401"],
        "ruff format": ["calc.py: unformatted"],
    }


def test_what_is_configured_replaces_what_is_detected_of_its_kind(tmp_path, write):
    config = "[tool.ruff]\n[tool.mypy]\n"
    tree = write(tmp_path / "tree", GOOD | TESTS | {"pyproject.toml": config})
    mine = Check(name="all", command="make test", source="configured")
    names = [(check.name, check.kind) for check in detect(tree, [mine], HERE)]
    assert names == [("all", CheckKind.BEHAVIOUR), ("mypy", CheckKind.TYPES), ("ruff check", CheckKind.LINT)]


def test_tools_that_a_repository_is_not_set_up_for_are_left_out(tmp_path, write):
    everything = Environment(id="e", description="", recipe="", path=[], tools=["pytest", "ruff", "mypy"])
    tree = write(tmp_path / "tree", GOOD | TESTS)
    assert [check.name for check in detect(tree, [], everything)] == ["pytest"]
    assert detect(write(tmp_path / "docs", {"README.md": "x"}), [], everything) == []


def test_a_check_with_paths_runs_when_one_of_them_changed():
    check = Check(name="c", command="true", paths=["src/**", "*.toml"])
    assert applicable(check, ["src/a/b.py"])
    assert applicable(check, ["docs/x.md", "sub/a.toml"])
    assert not applicable(check, ["docs/x.md"])
    assert applicable(check.but(paths=[]), [])


def test_evidence_is_used_again_only_for_the_same_question():
    check = Check(name="c", command="true")
    key = evidence_key(check, "t", HERE)
    assert key == evidence_key(check, "t", HERE)
    others = [
        evidence_key(check.but(command="false"), "t", HERE),
        evidence_key(check, "u", HERE),
        evidence_key(check, "t", HERE.but(id="f")),
        evidence_key(check, "t", HERE, ["a"]),
    ]
    assert len({key, *others}) == 5
