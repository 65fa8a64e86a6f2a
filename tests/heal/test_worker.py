"""The worker keeps nothing: a kill at any call changes nothing; what it takes back is back to the byte."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.rules import healing
from autodev_tui.rules.work import Done
from tests.heal.bench import prepared
from tests.heal.case import Case
from tests.heal.cases import ALL
from tests.heal.executor import Executor, fingerprint

BY_NAME = {case.name: case for case in ALL}
UNITTEST = ("python3 -m unittest discover",)
TEST = (
    b"import unittest\n\nimport app\n\n\nclass AppTest(unittest.TestCase):\n"
    b"    def test_run(self):\n        self.assertEqual(app.run(4), %s)\n"
)


def case(app: bytes, wanted: bytes = b"2.0", **more: bytes) -> Case:
    files = {
        "app.py": app,
        "test_app.py": TEST % wanted,
        **{f"{name}.py": data for name, data in more.items()},
    }
    return Case("made here", "names", files, UNITTEST)


def test_asked_again_after_every_call_it_says_the_same(tmp_path: Path) -> None:
    executor = prepared(BY_NAME["an error of a script"], tmp_path)
    turn = 0
    while True:
        turn += 1
        before = list(executor.done)
        move = healing.work(executor.job(turn), before)
        # Another process, with nothing but the calls so far and the files.
        assert healing.work(copy.deepcopy(executor.job(turn)), copy.deepcopy(before)) == move
        for name, args in move.calls:
            executor.done.append(executor.call(name, args))
        if any(name == "finish" for name, _ in move.calls):
            break
    assert "nothing is red any more" in executor.done[-1].args["summary"]


BROKEN = b"def run(x):\n    return math.sqrt(x) + 1"


@pytest.mark.parametrize(
    "app",
    [
        BROKEN,
        BROKEN + b"\n",
        b"\xef\xbb\xbf" + BROKEN.replace(b"\n", b"\r\n"),
        BROKEN.replace(b"\n", b"\r\n") + b"\r\n# \xc3\xa9\r\n",
    ],
    ids=["no line end", "plain", "mark and CRLF", "CRLF"],
)
def test_what_does_not_help_is_taken_back_byte_for_byte(app: bytes, tmp_path: Path) -> None:
    executor = prepared(case(app), tmp_path)
    (executor.worktree / "app.py").chmod(0o755)
    before = fingerprint(executor.worktree)
    summary = executor.run()
    assert executor.edits >= 2, "it was tried"
    assert fingerprint(executor.worktree) == before
    assert "taken back exactly" in summary
    assert "left for a model" in summary


def test_a_file_with_mixed_line_ends_is_left_alone(tmp_path: Path) -> None:
    executor = prepared(case(b"# one\r\n# two\r\n\r\ndef run(x):\n    return math.sqrt(x)\n"), tmp_path)
    before = fingerprint(executor.worktree)
    executor.run()
    # Either healed whole or left as it was: never half.
    if fingerprint(executor.worktree) != before:
        assert b"# one\r\n# two\r\n" in (executor.worktree / "app.py").read_bytes()
        assert executor.call("run_command", {"command": UNITTEST[0]}).result.startswith("exit code 0 ")


class Refusing(Executor):
    """A human who refuses some calls."""

    refuse: Callable[[str, dict[str, Any]], bool] = staticmethod(lambda name, args: False)

    def call(self, name: str, args: dict[str, Any]) -> Done:
        if self.refuse(name, args):
            return Done(name, args, "The human refused this: not now.", True)
        return super().call(name, args)


def refusing(tmp_path: Path, made: Case, refuse: Callable[[str, dict[str, Any]], bool]) -> Refusing:
    executor = Refusing(made.build(tmp_path / "repository"), tmp_path / "scratch", made.checks)
    executor.refuse = refuse
    return executor


def test_a_refused_edit_leaves_nothing_behind(tmp_path: Path) -> None:
    made = case(
        b"import helpers\n\n\ndef run(x):\n    return helpers.half(x)\n",
        helper=b"def half(x):\n    return x / 2\n",
    )
    executor = refusing(tmp_path, made, lambda name, args: name == "edit_file")
    before = fingerprint(executor.worktree)
    summary = executor.run()
    assert fingerprint(executor.worktree) == before
    assert "refused this" in summary


def test_a_repair_of_several_files_is_whole_or_not_at_all(tmp_path: Path) -> None:
    made = case(
        b"import other\nimport helpers\n\n\ndef run(x):\n    return helpers.half(x)\n",
        helper=b"def half(x):\n    return x / 2\n",
        other=b"import helpers\n\nHALF = helpers.half\n",
    )
    executor = refusing(tmp_path, made, lambda name, args: name == "edit_file" and args["path"] == "other.py")
    before = fingerprint(executor.worktree)
    executor.run()
    assert executor.edits
    assert fingerprint(executor.worktree) == before


def test_a_check_that_may_not_run_says_nothing(tmp_path: Path) -> None:
    executor = refusing(tmp_path, case(BROKEN), lambda name, args: name == "run_command")
    summary = executor.run()
    assert summary.startswith("No check could be run.")
    assert "not run" in summary


def test_files_that_somebody_else_changes_end_it_honestly(tmp_path: Path) -> None:
    executor = prepared(case(BROKEN), tmp_path)
    while not executor.edits:
        for name, args in healing.work(executor.job(), executor.done).calls:
            executor.done.append(executor.call(name, args))
    (executor.worktree / "app.py").write_text("def run(x):\n    return x\n")
    move = healing.work(executor.job(), executor.done)
    assert [name for name, _ in move.calls] == ["finish"]
    assert "changed by somebody else" in move.calls[0][1]["summary"]


def test_called_again_after_its_end_it_proposes_nothing_new(tmp_path: Path) -> None:
    executor = prepared(case(b"def run(x):\n    return math.sqrt(x)\n"), tmp_path)
    executor.run()
    before = fingerprint(executor.worktree)
    again = healing.work(executor.job(), executor.done)
    assert [name for name, _ in again.calls] == ["update_todos", "finish"]
    assert "Healed" in again.calls[-1][1]["summary"]
    assert fingerprint(executor.worktree) == before


def test_only_the_given_check_is_healed(tmp_path: Path) -> None:
    made = case(b"import sys\n\n\ndef run(x):\n    return math.sqrt(x)\n")
    ruff = "python3 -m ruff check --isolated ."
    executor = Executor(
        made.build(tmp_path / "repository"), tmp_path / "scratch", (*UNITTEST, ruff), f"heal {UNITTEST[0]}"
    )
    summary = executor.run()
    text = (executor.worktree / "app.py").read_text()
    assert text.startswith("import math\nimport sys\n")
    assert "ruff" not in summary


def test_what_breaks_another_check_is_taken_back(tmp_path: Path) -> None:
    made = case(b"def run(x):\n    return math.sqrt(x)\n")
    # A check of the repository that wants no module but those it knows.
    guard = "! grep -q '^import' app.py"
    executor = Executor(made.build(tmp_path / "repository"), tmp_path / "scratch", (*UNITTEST, guard))
    before = fingerprint(executor.worktree)
    summary = executor.run()
    assert executor.edits
    assert fingerprint(executor.worktree) == before
    assert "something else got worse" in summary


def test_nothing_red_is_nothing_to_do(tmp_path: Path) -> None:
    executor = prepared(case(b"def run(x):\n    return x / 2\n"), tmp_path)
    assert executor.run().startswith("Nothing is red.")
    assert not executor.edits


def test_no_check_is_said(tmp_path: Path) -> None:
    made = case(b"def run(x):\n    return x / 2\n")
    executor = Executor(made.build(tmp_path / "repository"), tmp_path / "scratch", ())
    assert executor.run().startswith("No check was found")
    shutil.rmtree(tmp_path / "repository")
