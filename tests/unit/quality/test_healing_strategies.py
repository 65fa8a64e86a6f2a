"""What the strategies propose, and above all what they do not."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing import dependencies, linting, strategies
from autodev_tui.quality.healing.model import Change, Repair, Unhealed
from autodev_tui.quality.healing.near import near
from autodev_tui.quality.healing.outcome import EVERYTHING, Outcome, compare, read
from autodev_tui.quality.healing.placing import add_import
from autodev_tui.quality.healing.symptoms import Symptom, symptoms
from autodev_tui.quality.healing.tree import Tree

FUTURE = "from __future__ import annotations\n"
PROJECT = '[project]\nname = "a" # mine\n'
LISTED = "[project]\ndependencies = [\n    "


def tree(folder: Path, **files: str) -> Tree:
    for name, text in files.items():
        path = folder / (name.replace("__slash__", "/") + ("" if "." in name else ".py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(folder)


def undefined(name: str, path: str = "app.py", line: int = 1) -> Symptom:
    return Symptom("undefined", "NameError", "", name, places=((path, line),))


@pytest.mark.parametrize(
    ("text", "module", "name", "wanted"),
    [
        ("x = 1\n", "os", "", "import os\n\nx = 1\n"),
        ('"""A."""\n\n\ndef f(): ...\n', "os", "", '"""A."""\n\nimport os\n\n\ndef f(): ...\n'),
        ("import sys\n\nx = 1\n", "os", "", "import os\nimport sys\n\nx = 1\n"),
        ("import os\n\nx = 1\n", "sys", "", "import os\nimport sys\n\nx = 1\n"),
        ("from a import b\n\nx = 1\n", "os", "", "import os\n\nfrom a import b\n\nx = 1\n"),
        ("from pathlib import PurePath\n", "pathlib", "Path", "from pathlib import Path, PurePath\n"),
        (f"{FUTURE}\nx = 1\n", "os", "", f"{FUTURE}\nimport os\n\nx = 1\n"),
        ("import os", "sys", "", "import os\nimport sys\n"),
        ("#!/bin/python3\n# ours\nx = 1\n", "os", "", "#!/bin/python3\n# ours\nimport os\n\nx = 1\n"),
        ("import os\r\n\r\nx = 1\r\n", "sys", "", "import os\r\nimport sys\r\n\r\nx = 1\r\n"),
    ],
)  # fmt: skip
def test_an_import_goes_where_the_file_has_its_own(
    text: str, module: str, name: str, wanted: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_bytes(text.encode())
    assert add_import(Tree(tmp_path), "app.py", module, name) == wanted.encode()


def test_a_name_of_two_modules_is_nobodys(tmp_path: Path) -> None:
    found = strategies.propose(
        tree(tmp_path, a="def clean(): ...\n", b="def clean(): ...\n", app="clean()\n"), undefined("clean")
    )
    assert isinstance(found, Unhealed)
    assert "from a import clean or from b import clean" in found.why


def test_a_module_is_taken_only_if_it_has_what_is_used(tmp_path: Path) -> None:
    assert strategies.propose(tree(tmp_path, app="json.frobnicate()\n"), undefined("json")) is None
    found = strategies.propose(tree(tmp_path, app="json.dumps(1)\n"), undefined("json"))
    assert isinstance(found, Repair)
    assert found.strategy is Strategy.FIX_IMPORTS


def test_a_class_and_a_module_of_one_name_are_told_by_their_use(tmp_path: Path) -> None:
    for text, wanted in (
        ("datetime.now()\n", b"from datetime import datetime\n"),
        ("datetime.datetime.now()\n", b"import datetime\n"),
    ):
        found = strategies.propose(tree(tmp_path, app=text), undefined("datetime"))
        assert isinstance(found, Repair)
        assert found.changes[0].new.startswith(wanted)


def test_a_name_that_the_file_gives_elsewhere_is_another_matter(tmp_path: Path) -> None:
    text = "def f():\n    import os\n\n\ndef g():\n    return os.sep\n"
    assert strategies.propose(tree(tmp_path, app=text), undefined("os", line=6)) is None


def test_names_that_turn_the_meaning_are_not_taken(tmp_path: Path) -> None:
    files = tree(
        tmp_path, app="def is_not_valid(x):\n    return not x\n", test_app="import app\n\napp.is_valid(1)\n"
    )
    symptom = Symptom("module_attribute", "AttributeError", "", "is_valid", "app", (("test_app.py", 3),))
    assert strategies.propose(files, symptom) is None


def test_the_definition_is_mended_where_everybody_else_says_it_right(tmp_path: Path) -> None:
    files = tree(
        tmp_path,
        calc="def caculate(x):\n    return x\n",
        one="from calc import calculate\n\nA = calculate(1)\n",
        test_calc="from calc import calculate\n\n\ndef test_it():\n    assert calculate(1) == 1\n",
    )
    symptom = Symptom("no_name", "ImportError", "", "calculate", "calc", (("one.py", 1),))
    found = strategies.propose(files, symptom)
    assert isinstance(found, Repair)
    assert [one.path for one in found.changes] == ["calc.py"]
    assert found.changes[0].new == b"def calculate(x):\n    return x\n"


@pytest.mark.parametrize(
    "new",
    [
        b"def test_it():\n    assert True\n",
        b"import pytest\n\n\n@pytest.mark.skip\ndef test_it():\n    assert f(1) == 2\n",
        b"def test_it():\n    f(1)\n",
        b"",
    ],
)
def test_no_repair_takes_anything_from_a_test(new: bytes) -> None:
    old = b"def test_it():\n    assert f(1) == 2\n"
    found = strategies.honest(Repair(Strategy.FIX_TESTS, "mend", (Change("tests/test_a.py", old, new),)))
    assert isinstance(found, Unhealed)
    assert "weakening a test" in found.why


@pytest.mark.parametrize(
    ("broken", "ways"),
    [
        ("def f(x)\n    return x\n", 1),
        ("x = 'a\n", 1),
        ("x = foo(1, 2\ny = 3\n", 1),
        ("x = [1, 2))\n", None),
        ("def f():\n", 0),
        ("if x\n", 0),
        ("class A:\n    def f(self):\n    return 1\n", 0),
        ("x = = 1\n", 0),
    ],
)
def test_syntax_is_mended_in_one_way_or_not_at_all(broken: str, ways: int | None, tmp_path: Path) -> None:
    symptom = Symptom("syntax", "SyntaxError", "", places=(("app.py", 1),))
    found = strategies.propose(tree(tmp_path, app=broken), symptom)
    if ways == 1:
        assert isinstance(found, Repair)
        compile(found.changes[0].new, "app.py", "exec")
    elif ways == 0:
        assert not isinstance(found, Repair)


def no_module(name: str, path: str = "app.py") -> Symptom:
    return Symptom("no_module", "ModuleNotFoundError", "", name, places=((path, 1),))


@pytest.mark.parametrize(
    ("manifest", "text", "module", "wanted"),
    [
        ("requirements.txt", "attrs\nclick\n", "yaml", "attrs\nclick\nPyYAML\n"),
        ("requirements.txt", "# ours\r\nclick\r\n", "bs4", "# ours\r\nbeautifulsoup4\r\nclick\r\n"),
        ("requirements.txt", "PIL>=1  # pictures\n", "PIL", "Pillow  # pictures\n"),
        ("pyproject.toml", f"{PROJECT}", "requests", f'{PROJECT}dependencies = ["requests"]\n'),
        ("pyproject.toml", f'{LISTED}"sklearn",  # m\n]\n', "sklearn", f'{LISTED}"scikit-learn",  # m\n]\n'),
    ],
)  # fmt: skip
def test_the_manifest_keeps_its_form(
    manifest: str, text: str, module: str, wanted: str, tmp_path: Path
) -> None:
    (tmp_path / manifest).write_bytes(text.encode())
    found = dependencies.no_module(tree(tmp_path, app=f"import {module}\n"), no_module(module))
    assert isinstance(found, Repair)
    assert found.strategy is Strategy.UPDATE_DEPENDENCIES
    assert found.changes[0].new.decode() == wanted


def test_a_distribution_is_never_guessed(tmp_path: Path) -> None:
    files = tree(tmp_path, app="import yamml\n", **{"requirements.txt": "click\n"})
    assert isinstance(dependencies.no_module(files, no_module("yamml")), Unhealed)


def test_what_is_installed_says_whose_module_it_is(tmp_path: Path) -> None:
    info = tmp_path / "site" / "Odd_Name-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "top_level.txt").write_text("oddmod\n")
    files = tree(tmp_path / "tree", app="import oddmod\n", **{"requirements.txt": "click\n"})
    found = dependencies.no_module(files, no_module("oddmod"), (tmp_path / "site",))
    assert isinstance(found, Repair)
    assert b"Odd-Name" in found.changes[0].new


def test_links_out_of_the_tree_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("KEY = 1\n")
    files = tree(tmp_path / "tree", app="x = 1\n")
    (tmp_path / "tree" / "link.py").symlink_to(tmp_path / "secret.py")
    assert files.read("link.py") is None
    assert files.read("../secret.py") is None
    assert files.local(str(tmp_path / "secret.py")) == ""


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("pytest -q", "pytest"),
        ("python3 -m pytest", "pytest"),
        ("'/opt/my tools/ruff' check .", "ruff check"),
        ("pytest 'open", ""),
        ("/opt/venv/bin/python3.12 -I -m pytest tests", "pytest"),
        ("/opt/my tools/ruff check .", ""),
        ("/opt/tools/ruff check .", "ruff check"),
        ("uv run ruff format --check .", "ruff format"),
        ("A=1 poetry run black --check .", "black"),
        ("coverage run -m unittest discover", "unittest"),
        ("make pytest", ""),
        ("make black", ""),
        ("pytest; rm -rf .", ""),
        ("echo $(pytest)", ""),
        ("pytester", ""),
    ],
)
def test_a_tool_is_known_by_how_it_is_started(command: str, tool: str) -> None:
    assert linting.tool_of(command) == tool
    if not tool:
        assert linting.seen_as(command) == command


def test_a_hostile_output_is_read_in_no_time() -> None:
    text = "1 a" + "11 a" * 5000 + "!\n" + "E" * 200_000 + "\n" + "a:" * 100_000 + "\nFAILED " + "x" * 200_000
    began = time.monotonic()
    read("pytest", f"exit code 1 after 0.1 s\n{text}", text, lambda path: "", lambda *a, **k: [])
    symptoms(text, lambda path: "")
    assert near("x" * 200_000, ["y" * 200_000]) is None
    assert time.monotonic() - began < 5, "some pattern goes back and forth"


# -- comparing runs


def outcome(passed: int | None, *failing: str, hiding: Any = (), text: str = "") -> Outcome:
    code = 1 if failing else 0
    return Outcome(code, text, Counter(failing), passed, frozenset(hiding))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (outcome(1, "a", "b"), outcome(3), "better"),
        (outcome(1, "a", "b"), outcome(2, "a"), "better"),
        (outcome(1, "a"), outcome(1, "a"), "same"),
        (outcome(1, "a"), outcome(1, "b"), "worse"),
        (outcome(2, "a"), outcome(1), "worse"),
        (
            outcome(1, "a", text="E   NameError: name 'x'"),
            outcome(1, "a", text="E   NameError: name 'y'"),
            "other",
        ),
        (outcome(0, "t.py", hiding=["t.py"]), outcome(3, "t.py::one"), "better"),
        (outcome(0, "t.py", hiding=["t.py"]), outcome(0, "t.py::one"), "other"),
        (outcome(0, "t.py", hiding=["t.py"]), outcome(0, "u.py::one"), "worse"),
        (outcome(None, "x", hiding=[EVERYTHING]), outcome(None, "y", hiding=[EVERYTHING]), "other"),
        (outcome(None, "x", hiding=[EVERYTHING]), outcome(4, "y"), "better"),
        (outcome(None, "a: F401"), outcome(None, "a: F401", "b: E501"), "worse"),
        (outcome(None, "a: F401", "a: F401"), outcome(None, "a: F401"), "better"),
        (outcome(1, "a"), Outcome(5, "", absent="no tests"), "worse"),
    ],
)
def test_better_is_better_and_nothing_else(before: Outcome, after: Outcome, verdict: str) -> None:
    assert compare(before, after) == verdict


def test_a_check_without_its_tool_says_nothing() -> None:
    def local(path: str) -> str:
        return path

    said = "/usr/bin/python3: No module named ruff"
    found = read(
        "python3 -m ruff check .", f"exit code 1 after 0.1 s\n{said}", said, local, lambda *a, **k: []
    )
    assert found.absent == "ruff is not installed"
    assert not found.red
    ended = read("make test", "timed out and was ended after 600 s\n", "", local, lambda *a, **k: [])
    assert ended.red
    assert not read("make test", "The human refused this.", "", local, lambda *a, **k: []).red


@pytest.mark.parametrize(
    "line",
    ['assert (total(3) == 3, "wrong"', 'assert (total(3) == 3 "wrong")', "assert [total(3) == 3"],
)
def test_no_mend_makes_an_assertion_that_always_holds(line: str, tmp_path: Path) -> None:
    files = tree(tmp_path, tests__slash__test_a=f"def test_a():\n    {line}\n")
    symptom = Symptom("syntax", "SyntaxError", "", places=(("tests/test_a.py", 2),))
    assert isinstance(strategies.propose(files, symptom), Unhealed)


@pytest.mark.parametrize(
    "text",
    [
        'dependencies = "x"\n',
        "dependencies = {a = 1}\n",
        "optional-dependencies = 3\n",
        "[dependency-groups]\ndev = 3\n",
        '[project.optional-dependencies]\ntest = "y"\n',
        "[tool]\npoetry = 3\n",
    ],
)
def test_a_manifest_whose_lists_are_none_is_left_alone(text: str, tmp_path: Path) -> None:
    files = tree(tmp_path, **{"pyproject.toml": f'[project]\nname = "a"\n{text}'})
    symptom = Symptom("no_module", "ModuleNotFoundError", "", "yaml", places=(("tests/test_a.py", 1),))
    assert isinstance(strategies.propose(files, symptom), Unhealed)
