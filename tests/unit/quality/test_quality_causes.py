"""A red check says where and what: in its evidence, in the gate's reasons, and to the agent."""

from __future__ import annotations

from autodev_tui.domain.evidence import Cause, CheckKind, Evidence
from autodev_tui.engine.verify import explain_failure
from autodev_tui.quality.gate import score
from store.blobs import Blobs


def red(*failures: str, causes: list[Cause], check: str = "pytest", tree: str = "t") -> Evidence:
    return Evidence(
        check=check,
        kind=CheckKind.BEHAVIOUR,
        command=check,
        tree=tree,
        result="failed",
        exit_code=1,
        failures=list(failures),
        causes=causes,
        passed_tests=3,
    )


OLD = Cause(type="test_failure", message="assert 1 == 2", path="t.py", line=4, name="t.py::test_old")
NEW = Cause(
    type="test_failure",
    message="KeyError: 'price'",
    path="cart.py",
    line=9,
    name="t.py::test_new",
    suggestion="Look there.",
)


async def test_evidence_names_the_line_that_failed(tmp_path, write, checked, tool_venv):
    files = {
        "calc.py": "def add(a, b):\n    return a - b\n",
        "tests/test_calc.py": "import calc\n\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n",
    }
    tree = write(tmp_path / "tree", files)
    found = await checked(tree, tool_venv)
    cause = found.causes[0]
    assert (cause.type, cause.path, cause.line) == ("test_failure", "tests/test_calc.py", 5)
    assert cause.words.startswith("tests/test_calc.py:5: assert -1 == 3")
    assert cause.name == found.failures[0] == "tests/test_calc.py::test_add"
    (tree / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    assert (await checked(tree, tool_venv)).causes == []


async def test_a_module_that_is_missing_is_the_cause(tmp_path, write, checked, tool_venv):
    files = {"calc.py": "import absent\n", "tests/test_calc.py": "import calc\n\n\ndef test_a():\n    pass\n"}
    found = await checked(write(tmp_path / "tree", files), tool_venv)
    cause = found.causes[0]
    assert (cause.type, cause.path, cause.line, cause.name) == ("import_error", "calc.py", 1, "absent")


def test_the_gate_names_the_place_of_what_is_new():
    names = ("t.py::test_new", "t.py::test_old")
    base = [red("t.py::test_old", causes=[OLD])]
    told = score("t", [red(*names, causes=[OLD, NEW])], base).reasons
    assert told[0] == "pytest: t.py::test_new · cart.py:9: KeyError: 'price'"
    # What is only known of the old failure explains nothing new.
    assert score("t", [red(*names, causes=[OLD])], base).reasons[0] == "pytest: t.py::test_new"
    unnamed = score("t", [red(causes=[NEW])]).reasons
    assert unnamed[0] == "pytest: failed · cart.py:9: KeyError: 'price'"


def test_what_cannot_be_told_from_before_names_its_place_too():
    reasons = score("t", [red("t.py::test_old", causes=[OLD])], [red(causes=[])]).reasons
    assert reasons[0].endswith("cannot be told:  · t.py:4: assert 1 == 2")


def test_a_long_message_stays_one_short_line():
    assert len(Cause(type="", message="x" * 900, path="a.py", line=1).words) < 180


async def test_the_agent_hears_the_cause_and_what_to_do(tmp_path):
    told = await explain_failure(Blobs(tmp_path), score("t", [red("t.py::test_new", causes=[NEW])]))
    assert told[0]["causes"] == ["cart.py:9: KeyError: 'price' → Look there."]
