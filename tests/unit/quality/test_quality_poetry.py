"""Poetry: by its own command where it is there, else by its lock file; its own environments count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autodev_tui.quality import poetry
from autodev_tui.quality.interpreter import candidates

PYPROJECT = (
    '[tool.poetry]\nname = "My Sums"\nversion = "0.1.0"\n'
    '[tool.poetry.dependencies]\npython = "^3.9"\nsurely-absent = "^1.2"\n'
    "[tool.poetry.group.test]\noptional = true\n"
    '[tool.poetry.group.test.dependencies]\nalso-absent = "*"\n'
    "[tool.poetry.group.docs]\noptional = true\n"
    '[tool.poetry.group.docs.dependencies]\nnot-needed = "*"\n'
)
LOCK = (
    '[[package]]\nname = "surely-absent"\nversion = "1.4.2"\n\n'
    '[[package]]\nname = "twice"\nversion = "1"\n\n[[package]]\nname = "twice"\nversion = "2"\n\n'
    '[[package]]\nname = "from-git"\nversion = "3"\n[package.source]\ntype = "git"\nurl = "https://x"\n'
)
FILES = {"pyproject.toml": PYPROJECT, "poetry.lock": LOCK, "sums.py": ""}


async def test_poetry_installs_as_locked_into_an_environment_of_its_own(
    tmp_path: Path, write: Any, prepared: Any, bare_venv: Path
) -> None:
    tree = write(tmp_path / "tree", FILES)
    program = write(tmp_path / "theirs", {"bin/poetry": "#!/bin/sh\nexit 9\n"}) / "bin" / "poetry"
    program.chmod(0o755)
    variables = {"PATH": f"{bare_venv}/bin:{program.parent}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}
    ask = (await prepared(tree, bare_venv, variables=variables)).setup
    assert (ask.recipe, ask.files) == ("poetry", {})
    assert ask.shown.splitlines()[1] == f"{program} install --no-root --no-interaction --with test"
    assert ask.env["POETRY_VIRTUALENVS_CREATE"] == "false"
    assert ask.env["VIRTUAL_ENV"] == f"{ask.directory}/venv"
    assert ask.env["POETRY_CACHE_DIR"].startswith(ask.directory)
    assert str(tmp_path / "theirs") in ask.readable and str(tmp_path / "home") not in ask.readable
    write(tree, {"poetry.lock": LOCK.replace("1.4.2", "1.4.3")})
    other = (await prepared(tree, bare_venv, variables=variables)).setup
    assert other.lock_hash != ask.lock_hash


async def test_without_poetry_pip_installs_the_versions_that_are_locked(
    tmp_path: Path, write: Any, prepared: Any, bare_venv: Path
) -> None:
    tree = write(tmp_path / "tree", FILES)
    variables = {"PATH": f"{bare_venv}/bin", "HOME": str(tmp_path)}
    ask = (await prepared(tree, bare_venv, variables=variables)).setup
    assert ask.recipe == "pip"
    assert ask.files["requirements.txt"] == "surely-absent\nalso-absent\n"
    assert ask.files["constraints.txt"] == "surely-absent==1.4.2\n"


def test_a_broken_lock_file_constrains_nothing() -> None:
    assert poetry.constraints("[[package") == poetry.constraints("package = 3") == []


def test_an_environment_that_poetry_made_for_this_checkout_is_found(tmp_path: Path, write: Any) -> None:
    checkout = write(tmp_path / "checkout", FILES)
    cache = tmp_path / "home/.cache/pypoetry/virtualenvs"
    variables = {"HOME": str(tmp_path / "home"), "PATH": ""}
    assert poetry.environments(checkout, variables) == []
    # The name that poetry 2 gives was looked at for real: sums-U0qFw1JU-py3.11 for /tmp/eco/poetry/shop.
    mark = poetry.mark_of("/tmp/eco/poetry/shop")
    assert mark == "U0qFw1JU"
    own = poetry.mark_of(os.path.realpath(checkout))
    for name in (
        f"my_sums-{own}-py3.9",
        f"my_sums-{own}-py3.11",
        "my_sums-AAAAAAAA-py3.12",
        f"other-{own}-py3.12",
    ):
        (cache / name / "bin").mkdir(parents=True)
        (cache / name / "bin" / "python").write_text("#!/bin/sh\n")
        (cache / name / "bin" / "python").chmod(0o755)
    found = poetry.environments(checkout, variables)
    assert [folder.parent.name for folder in found] == [f"my_sums-{own}-py3.11", f"my_sums-{own}-py3.9"]
    first = next(candidates(checkout, variables, lambda path: False, found))
    assert first == found[0] / "python"
