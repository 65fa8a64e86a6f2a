"""The trap of the editable install: a check that ran the user's checkout says nothing about the worktree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autodev_tui.domain.evidence import Check
from autodev_tui.quality.findings import records
from autodev_tui.quality.origins import PROBE, read_origins

TESTS = {"tests/test_mine.py": "from mine.core import value\n\ndef test_value():\n    assert value() == 1\n"}
GOOD = {
    "pyproject.toml": '[project]\nname = "mine"\nversion = "1"\n',
    "src/mine/__init__.py": "",
    "src/mine/core.py": "def value():\n    return 1\n",
}
RAISES = GOOD | {"src/mine/core.py": "raise RuntimeError('only raises')\n"}

FINDER = """
import sys
from importlib.machinery import PathFinder
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "mine":
            return PathFinder.find_spec(name, [{source!r}])
        return None
sys.meta_path.insert({place}, Finder)
"""


def editable(site: Path, checkout: Path, style: str) -> None:
    """Install `checkout` editable by hand, as the build backends of the field do."""
    source = str(checkout / "src")
    if style == "path":
        (site / "__editable__.mine-1.pth").write_text(source + "\n")
    else:
        place = "0" if style == "first finder" else "len(sys.meta_path)"
        (site / "__editable___mine_finder.py").write_text(FINDER.format(source=source, place=place))
        (site / "__editable__.mine-1.pth").write_text("import __editable___mine_finder\n")


STYLES = ["path", "last finder", "first finder"]


@pytest.mark.parametrize("style", STYLES)
async def test_a_worktree_that_only_raises_never_passes(tmp_path, write, checked, venv, style):
    checkout = write(tmp_path / "checkout", GOOD | TESTS)
    worktree = write(tmp_path / "worktree", RAISES | TESTS)
    editable(venv[1], checkout, style)
    found = await checked(worktree, venv[0])
    assert found.result == ("unverifiable" if style == "first finder" else "failed"), found
    if style == "first finder":
        assert str(checkout / "src" / "mine" / "__init__.py") in found.why
        assert found.failures == []


@pytest.mark.parametrize("style", STYLES)
def test_without_our_path_the_trap_is_real(tmp_path, write, venv, style):
    checkout = write(tmp_path / "checkout", GOOD | TESTS)
    worktree = write(tmp_path / "worktree", RAISES | TESTS)
    editable(venv[1], checkout, style)
    command = [str(venv[0] / "bin" / "python"), "-m", "pytest", "-q"]
    assert subprocess.run(command, cwd=worktree, env={"PATH": os.defpath}, check=False).returncode == 0


@pytest.mark.parametrize("style", ["path", "last finder"])
async def test_a_healthy_worktree_passes_with_its_own_code(tmp_path, write, checked, venv, style):
    checkout = write(tmp_path / "checkout", RAISES | TESTS)
    worktree = write(tmp_path / "worktree", GOOD | TESTS)
    editable(venv[1], checkout, style)
    found = await checked(worktree, venv[0])
    assert found.result == "passed", found
    assert found.origins == {"mine": "src/mine/__init__.py"}


@pytest.mark.parametrize("style", STYLES)
async def test_a_module_that_only_the_checkout_has_is_not_the_trees(tmp_path, write, checked, venv, style):
    tests = {
        "tests/test_mine.py": "import mine, mine_old\n\ndef test_it():\n    assert mine_old.VALUE == 1\n"
    }
    checkout = write(tmp_path / "checkout", GOOD | tests | {"src/mine_old.py": "VALUE = 1\n"})
    worktree = write(tmp_path / "worktree", GOOD | tests)
    editable(venv[1], checkout, style)
    found = await checked(worktree, venv[0], checkout=checkout)
    assert found.result == ("failed" if style == "last finder" else "unverifiable")


async def test_code_that_only_a_child_process_ran_counts(tmp_path, write, checked, tool_venv):
    body = (
        "import subprocess, sys\n"
        "def test_child():\n"
        "    code = 'import mine.core, os; os._exit(0)'\n"
        "    assert subprocess.run([sys.executable, '-c', code]).returncode == 0\n"
    )
    tree = write(tmp_path / "tree", GOOD | {"tests/test_mine.py": body})
    found = await checked(tree, tool_venv)
    assert (found.result, found.origins) == ("passed", {"mine": "src/mine/__init__.py"})


async def test_a_child_that_runs_other_code_is_seen(tmp_path, write, checked, tool_venv):
    other = write(tmp_path / "other", {"mine/__init__.py": ""})
    body = (
        "import os, subprocess, sys, mine\n"
        "def test_child():\n"
        f"    env = dict(os.environ, PYTHONPATH={str(PROBE)!r} + ':' + {str(other)!r})\n"
        "    assert subprocess.run([sys.executable, '-c', 'import mine'], env=env).returncode == 0\n"
    )
    tree = write(tmp_path / "tree", GOOD | {"tests/test_mine.py": body})
    found = await checked(tree, tool_venv)
    assert found.result == "unverifiable"
    assert found.origins["mine"] == str(other / "mine" / "__init__.py")


def start(folder: Path, code: str, path: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join([str(PROBE), path]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUTODEV_ORIGINS": str(folder),
            "AUTODEV_MODULES": "mine",
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "raise SystemExit(3)",
        "raise ValueError",
        "import os; os._exit(0)",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.execvp('true', ['true'])",
        "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start(); p.join()",
    ],
)
def test_every_way_to_end_leaves_a_record(tmp_path, write, ending):
    tree = write(tmp_path / "tree", {"mine.py": ""})
    folder = tmp_path / "record"
    folder.mkdir()
    start(folder, f"import mine\n{ending}", str(tree))
    found = read_origins(folder, tree, ["mine"], [])
    assert found.inside == {"mine": "mine.py"}
    assert found.processes == (2 if "Process" in ending else 1)


def test_an_existing_sitecustomize_still_runs(tmp_path, write):
    tree = write(tmp_path / "tree", {"sitecustomize.py": "print('theirs')\n"})
    folder = tmp_path / "record"
    folder.mkdir()
    assert start(folder, "print('main')", str(tree)).stdout.split() == ["theirs", "main"]
    assert len(list(folder.iterdir())) == 1


def test_a_directory_that_cannot_be_written_disturbs_nothing(tmp_path):
    done = start(tmp_path / "absent", "print('main')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "main\n", "")


def test_hostile_records_neither_hang_nor_lead_out(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine\0/etc/passwd\0")
    folder = tmp_path / "record"
    folder.mkdir()
    os.mkfifo(folder / "origins-1")
    (folder / "origins-2").symlink_to(secret)
    (folder / "origins-3").mkdir()
    (folder / "origins-4").write_bytes(b"\xff\xfe" * 9)
    (folder / "origins-5").write_bytes(b"mine\0")
    assert [name for name, _ in records(folder, "origins-")] == ["origins-4", "origins-5"]
    assert read_origins(folder, tmp_path, ["mine"], []).outside == {}


async def test_a_link_that_leads_out_of_the_tree_is_outside(tmp_path, write, checked, tool_venv):
    other = write(tmp_path / "other", {"mine.py": "VALUE = 1\n"})
    tree = write(tmp_path / "tree", {"test_mine.py": "import mine\ndef test_it(): assert mine.VALUE\n"})
    (tree / "mine.py").symlink_to(other / "mine.py")
    found = await checked(tree, tool_venv, Check(name="pytest", command="python -m pytest"))
    assert found.result == "unverifiable"
