"""Environments: found where the user has one, else made once per lock hash after one question."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autodev_tui.domain.evidence import Check
from autodev_tui.quality.interpreter import candidates, inspect
from autodev_tui.quality.running import Ran, Run, quiet_env

PLAIN = {"calc.py": "def add(a, b):\n    return a + b\n"}
CASE = {
    "test_calc.py": "import unittest, calc\nclass T(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(calc.add(1, 1), 2)\n"
}


def make_wheel(folder: Path, name: str, version: str = "1.0") -> None:
    """A wheel with one module, made by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "VALUE = 41\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


async def test_nothing_is_installed_when_nothing_is_missing(tmp_path, write, prepared, bare_venv):
    tree = write(tmp_path / "tree", PLAIN | CASE | {"pyproject.toml": "[project]\nname = 'calc'\n"})
    found = await prepared(tree, bare_venv)
    assert (found.recipe, found.setup, found.missing) == ("nothing to install", None, [])
    assert (found.python, found.path[0]) == (str(bare_venv / "bin" / "python"), str(bare_venv / "bin"))
    assert found.variables(tree, tmp_path)["PYTHONPATH"] == str(tree)
    assert {str(bare_venv), os.path.realpath(sys.base_prefix)} <= {
        *found.readable,
        *map(os.path.realpath, found.readable),
    }
    assert not (tmp_path / "environments").exists()


async def test_a_missing_requirement_is_one_question_and_then_an_environment(
    tmp_path, write, prepared, bare_venv, run, checked
):
    make_wheel(tmp_path / "wheels", "surely_absent")
    files = {
        "requirements.txt": f"--no-index\n--find-links {tmp_path}/wheels\nsurely-absent>=1\n-e .\n",
        "pyproject.toml": (
            "[project]\nname = 'My.Calc'\nversion = '2.5'\n[project.scripts]\nmy-calc = 'calc:main'\n"
        ),
        "calc.py": (
            "from importlib.metadata import version\nimport surely_absent\n"
            "def main():\n    print(surely_absent.VALUE + 1, version('my-calc'))\n"
        ),
    }
    tree = write(tmp_path / "tree", files)
    first = await prepared(tree, bare_venv)
    assert (first.recipe, first.missing) == ("not set up yet", ["surely-absent>=1"])
    ask = first.setup
    assert ask is not None
    assert (ask.recipe, "surely-absent>=1" in ask.why, "surely-absent>=1" in ask.shown) == ("pip", True, True)
    assert ask.writable == [ask.directory]
    assert Path(ask.directory).parent == tmp_path / "environments"

    command = ask.begin()
    assert command.network
    ended = await run(command)
    assert ended.code == 0, ended.output.decode()
    assert (await prepared(tree, bare_venv)).setup == ask, "ready only once it is marked so"
    ask.finish()

    made = await prepared(tree, bare_venv)
    assert (made.recipe, made.setup, made.missing) == ("pip", None, [])
    assert made.python == f"{ask.directory}/venv/bin/python"
    assert made.id != first.id
    other = write(tmp_path / "other", files)
    assert (await prepared(other, bare_venv)).python == made.python, "shared by all worktrees"
    found = await checked(tree, bare_venv, Check(name="c", command="test \"$(my-calc)\" = '42 2.5'"))
    assert (found.result, found.origins) == ("passed", {"calc": "calc.py"}), found

    write(tree, {"requirements.txt": files["requirements.txt"] + "another-one\n"})
    changed = await prepared(tree, bare_venv)
    assert changed.setup is not None
    assert changed.setup.lock_hash != ask.lock_hash


async def test_pytest_is_wanted_by_tests_that_nobody_declared_it_for(
    tmp_path, write, prepared, bare_venv, tool_venv
):
    tree = write(tmp_path / "tree", PLAIN | {"test_calc.py": "import pytest\n"})
    found = await prepared(tree, bare_venv)
    assert found.missing == ["pytest"]
    assert found.setup.files["requirements.txt"] == "pytest\n"
    assert (await prepared(tree, tool_venv)).setup is None


async def test_a_configured_setup_runs_in_its_own_environment(tmp_path, write, prepared, bare_venv, run):
    tree = write(tmp_path / "tree", PLAIN | CASE)
    found = await prepared(tree, bare_venv, setup='echo "$VIRTUAL_ENV" > "$VIRTUAL_ENV/mark"')
    ask = found.setup
    assert (ask.recipe, ask.shown.splitlines()[-1]) == (
        "configured",
        'echo "$VIRTUAL_ENV" > "$VIRTUAL_ENV/mark"',
    )
    assert (await run(ask.begin())).code == 0
    ask.finish()
    made = await prepared(tree, bare_venv, setup='echo "$VIRTUAL_ENV" > "$VIRTUAL_ENV/mark"')
    assert (made.recipe, made.setup) == ("configured", None)
    assert (Path(ask.directory) / "venv" / "mark").read_text() == f"{ask.directory}/venv\n"
    assert (await prepared(tree, bare_venv, setup="true")).setup is not None


async def test_a_setup_that_fails_is_asked_about_again(tmp_path, write, prepared, bare_venv, run):
    tree = write(tmp_path / "tree", PLAIN | CASE)
    ask = (await prepared(tree, bare_venv, setup="exit 7")).setup
    assert (await run(ask.begin())).code == 7
    assert (await prepared(tree, bare_venv, setup="exit 7")).setup == ask


async def test_uv_installs_from_its_lock_file(tmp_path, write, prepared, bare_venv):
    tools = write(tmp_path / "tools", {"uv": "#!/bin/sh\n"})
    (tools / "uv").chmod(0o755)
    text = (
        "[project]\nname = 'x'\ndependencies = ['surely-absent']\n[dependency-groups]\ndev = []\ndocs = []\n"
    )
    text += "[project.optional-dependencies]\ntest = []\n"
    tree = write(tmp_path / "tree", PLAIN | {"uv.lock": "version = 1\n", "pyproject.toml": text})
    variables = {
        "VIRTUAL_ENV": str(bare_venv),
        "PATH": f"{tools}:/usr/bin:/bin",
        "PIP_INDEX_URL": "https://mirror.test",
    }
    ask = (await prepared(tree, bare_venv, variables={**variables, "SECRET_TOKEN": "x"})).setup
    assert (ask.recipe, ask.shown) == (
        "uv",
        f"{tools}/uv sync --frozen --no-install-workspace --extra test --group dev",
    )
    assert ask.env["UV_PROJECT_ENVIRONMENT"] == f"{ask.directory}/venv"
    assert ask.env["PIP_INDEX_URL"] == "https://mirror.test"
    assert "SECRET_TOKEN" not in ask.env
    assert str(tools) in ask.readable
    without = (await prepared(tree, bare_venv)).setup
    assert without.recipe == "pip"


def test_which_interpreters_are_tried_and_which_never(tmp_path, bare_venv):
    checkout = tmp_path / "checkout"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    (checkout / "bin").mkdir()
    (checkout / "bin" / "python3").symlink_to(sys.executable)
    variables = {"VIRTUAL_ENV": str(bare_venv), "PATH": f"bin:.:{checkout}/bin:/usr/bin"}
    mine = list(candidates(checkout, variables, lambda path: False))
    assert mine[:2] == [bare_venv / "bin" / "python", checkout / ".venv" / "bin" / "python"]
    asked: list[str] = []
    brought = list(candidates(checkout, variables, lambda path: asked.append(path) or True))
    assert brought[0] == bare_venv / "bin" / "python"
    assert not any(path.is_relative_to(checkout) for path in brought)
    assert {".venv", "bin"} <= set(asked)
    assert all(path.is_absolute() for path in mine + brought)


async def test_the_checkouts_own_environment_wins_over_an_incomplete_active_one(
    tmp_path, write, prepared, bare_venv
):
    tree = write(
        tmp_path / "tree", PLAIN | {"pyproject.toml": "[project]\nname='x'\ndependencies=['mine-own']\n"}
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tree / ".venv")], check=True)
    site = next((tree / ".venv").glob("lib/python*/site-packages"))
    write(site, {"mine_own-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine-own\nVersion: 1\n"})
    found = await prepared(tree, bare_venv)
    assert (found.python, found.setup) == (str(tree / ".venv" / "bin" / "python"), None)


async def test_looking_at_an_interpreter_runs_no_code_of_packages_or_repository(tmp_path, write, venv, run):
    folder, site = venv
    mark = tmp_path / "mark"
    evil = f"open({str(mark)!r}, 'a').write('x')\n"
    write(site, {"evil.pth": f"import os; {evil}", "sitecustomize.py": evil, "json.py": evil})
    tree = write(tmp_path / "tree", {"json.py": evil, "platform.py": evil, "sitecustomize.py": evil})
    variables = {"PATH": "/usr/bin", "PYTHONPATH": str(tree), "PYTHONSTARTUP": str(tree / "json.py")}
    found = await inspect(folder / "bin" / "python", variables, run)
    assert found is not None
    assert found.distributions["pytest"]
    assert not mark.exists()


async def test_a_made_interpreter_is_looked_at_in_the_sandbox_and_not_believed(tmp_path, bare_venv, run):
    base = await inspect(bare_venv / "bin" / "python", {"PATH": "/usr/bin"}, run)
    seen: list[Run] = []

    async def lying(command: Run) -> Ran:
        seen.append(command)
        claims = base.but(
            base_prefix="/root/.ssh", user_base="/root", libraries="/root", distributions={"a": "1"}
        )
        return Ran(0, output=claims.model_dump_json().encode())

    made = await inspect(tmp_path / "made" / "bin" / "python", {}, lying, base)
    assert [command.sandboxed for command in seen] == [True]
    assert made.distributions == {"a": "1"}
    assert made.readable == [
        str(tmp_path / "made"),
        *(path for path in base.readable if path != str(bare_venv)),
    ]


async def test_of_the_users_own_folder_only_packages_and_programs_are_seen(tmp_path, bare_venv, run):
    """Our own state lies there too by default: a command that could see it would be refused."""
    for name in ("bin", "lib", "state/autodev", "share/keyrings"):
        (tmp_path / ".local" / name).mkdir(parents=True)
    base = await inspect(bare_venv / "bin" / "python", {"PATH": "/usr/bin"}, run)
    users = base.but(user_base=str(tmp_path / ".local"))
    more = set(users.readable) - set(base.but(user_base="").readable)
    assert more == {str(tmp_path / ".local/bin"), str(tmp_path / ".local/lib")}
    assert base.but(user_base=str(tmp_path / "absent")).readable == base.but(user_base="").readable


@pytest.mark.parametrize(
    "answer", [Ran(1), Ran(0, output=b""), Ran(0, output=b"[]"), Ran(0, output=b"{}\n"), Ran(None)]
)
async def test_an_interpreter_that_does_not_answer_is_none(tmp_path, answer):
    async def broken(command: Run) -> Ran:
        return answer

    assert await inspect(tmp_path / "python", {}, broken) is None


async def test_without_any_python_it_says_so(tmp_path, write, prepared):
    tree = write(tmp_path / "tree", {"README.md": "x"})
    found = await prepared(tree, tmp_path, variables={"PATH": str(tmp_path)})
    assert (found.python, found.description, found.setup) == ("", "no Python found", None)


def test_quiet_tools_leave_nothing_behind(tmp_path, write, tool_venv):
    tree = write(tmp_path / "a tree", PLAIN | {"test_calc.py": "import calc\ndef test_it(): pass\n"})
    scratch = tmp_path / "a scratch"
    env = {"PATH": os.defpath, **quiet_env(scratch)}
    for command in (["pytest", "--lf"], ["compileall", "-q", "--help"], ["unittest"]):
        subprocess.run([str(tool_venv / "bin" / "python"), "-m", *command], cwd=tree, env=env, check=False)
    for command in (["mypy", "calc.py"], ["ruff", "check", "."]):
        subprocess.run([sys.executable, "-m", *command], cwd=tree, env=env, check=False)
    assert sorted(path.name for path in tree.iterdir()) == ["calc.py", "test_calc.py"]
    assert (scratch / "pytest" / "CACHEDIR.TAG").exists()


@pytest.mark.parametrize("base", sorted({sys.executable, "/usr/bin/python3"}))
async def test_what_an_environment_has_is_seen_whoever_made_its_python(
    base: str, tmp_path: Path, run
) -> None:
    if not Path(base).exists():
        base = sys.executable  # a machine without a Python of its own has the other one only
    venv = tmp_path / "venv"
    subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
    [site] = {path.resolve() for path in venv.glob("lib*/python3*/site-packages")}
    (site / "thing-1.0.dist-info").mkdir()
    (site / "thing-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
    )
    found = await inspect(venv / "bin" / "python", {}, run)
    assert found is not None and found.distributions.get("thing") == "1.0"
