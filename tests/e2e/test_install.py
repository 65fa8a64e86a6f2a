"""A wheel, an editable install and a plain checkout work; none imports from the folder it is started in."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HOSTILE = ("store", "widgets", "screens", "prompts", "click", "rich", "textual", "git", "pydantic", "tinydb")

pytestmark = pytest.mark.e2e


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def succeed(*command: str | Path, cwd: Path, **variables: str) -> str:
    done = run(*command, cwd=cwd, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_venv(directory: Path) -> Path:
    """An environment without our package, that sees the dependencies of the one the tests run in; its bin."""
    succeed(sys.executable, "-m", "venv", "--without-pip", directory, cwd=ROOT)
    (packages,) = directory.glob("lib/python*/site-packages")
    # A .pth inside that folder is not followed, so an editable install of ours stays out of sight.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return directory / "bin"


def pip_install(binaries: Path, *what: str | Path) -> None:
    python = binaries / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    succeed(sys.executable, "-m", "pip", "--python", python, "install", *options, *what, cwd=ROOT)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    succeed(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, ROOT, cwd=ROOT)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    binaries = make_venv(tmp_path_factory.mktemp("installed") / "venv")
    pip_install(binaries, wheel)
    return [str(binaries / "autodev")]


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    binaries = make_venv(tmp_path_factory.mktemp("editable") / "venv")
    pip_install(binaries, "--editable", ROOT)
    return [str(binaries / "autodev")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with packages of the names that we use; whoever imports one leaves a trace."""
    repository = tmp_path / "repository"
    for folder in (repository, repository / "src"):
        for name in HOSTILE:
            package = folder / name
            package.mkdir(parents=True)
            trace = f"open({str(tmp_path / 'trace')!r}, 'a').write(__file__ + chr(10))"
            (package / "__init__.py").write_text(f"{trace}\nraise SystemExit('hostile {name}')\n")
    succeed("git", "init", "-q", cwd=repository)
    succeed("git", "add", ".", cwd=repository)
    succeed("git", "commit", "-qm", "start", cwd=repository)
    return repository


def works(autodev: list[str], repository: Path, **variables: str) -> None:
    """Commands that load the command line, git, the store and the settings all end well."""
    assert succeed(*autodev, "--version", cwd=repository, **variables).startswith("autodev ")
    assert "Carry out GOAL" in succeed(*autodev, "--help", cwd=repository, **variables)
    status = json.loads(succeed(*autodev, "status", "--json", cwd=repository, **variables))
    assert (status["session"], status["where"]["repository"]) == (None, str(repository))
    succeed(*autodev, "todo", "new", "look at it", cwd=repository, **variables)
    refused = run(
        *autodev, "run", "a goal", "--model", "anthropic/claude-opus-5-5", cwd=repository, **variables
    )
    assert (refused.returncode, "ANTHROPIC_API_KEY" in refused.stderr) == (2, True), refused.stderr
    assert not (repository.parent / "trace").exists()


PATHS = {"dot": ".", "relative": "src", "empty entry": os.pathsep, "absolute": "{repository}/src", "none": ""}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=name, marks=() if name == "dot" else pytest.mark.soak)
        for name, path in PATHS.items()
    ],
)
def test_the_wheel_in_a_hostile_repository(installed: list[str], repository: Path, path: str) -> None:
    works(installed, repository, PYTHONPATH=path.format(repository=repository))


def test_as_a_module_in_a_hostile_repository(installed: list[str], repository: Path) -> None:
    python = Path(installed[0]).with_name("python")
    works([str(python), "-m", "autodev_tui"], repository, PYTHONPATH=".")


def test_the_hostile_repository_is_hostile(installed: list[str], repository: Path) -> None:
    python = Path(installed[0]).with_name("python")
    done = run(python, "-c", "import click", cwd=repository, PYTHONPATH=".")
    assert done.stderr == "hostile click\n"


def test_an_editable_install_in_a_hostile_repository(editable: list[str], repository: Path) -> None:
    works(editable, repository, PYTHONPATH=".")


def test_an_editable_install_runs_the_checkout(editable: list[str], tmp_path: Path) -> None:
    python = Path(editable[0]).with_name("python")
    script = "import autodev_tui, store, prompts; print(*(m.__file__ for m in (autodev_tui, store, prompts)))"
    places = succeed(python, "-c", script, cwd=tmp_path).split()
    assert [Path(place).parent.parent for place in places] == [ROOT, ROOT, ROOT]


def test_a_plain_checkout_works(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("autodev_tui", "screens", "widgets", "store", "prompts"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    python = make_venv(tmp_path / "venv") / "python"
    assert succeed(python, "-m", "autodev_tui", "--version", cwd=checkout).startswith("autodev ")
    succeed("git", "init", "-q", cwd=checkout)
    succeed("git", "commit", "-qm", "start", "--allow-empty", cwd=checkout)
    assert (
        json.loads(succeed(python, "-m", "autodev_tui", "status", "--json", cwd=checkout))["session"] is None
    )


def test_the_wheel_holds_one_top_level_package_and_all_of_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"autodev_tui"}
    expected = set()
    for folder in ("autodev_tui", "screens", "widgets", "store", "prompts"):
        prefix = "" if folder == "autodev_tui" else "autodev_tui/_bundled/"
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(f"{prefix}{path.relative_to(ROOT)}")
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_other_programs_of_the_environment_do_not_see_our_folders(
    installed: list[str], tmp_path: Path
) -> None:
    python = Path(installed[0]).with_name("python")
    names = ("store", "prompts", "screens", "widgets")
    script = f"from importlib.util import find_spec; print([find_spec(name) for name in {names}])"
    assert succeed(python, "-c", script, cwd=tmp_path) == "[None, None, None, None]\n"
