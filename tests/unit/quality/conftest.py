"""A runner without sandbox, and virtual environments made without network."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.evidence import Check, Evidence
from autodev_tui.quality.checks import detect, run_check
from autodev_tui.quality.environment import Environment, prepare
from autodev_tui.quality.running import Ran, Run, RunCommand


async def run_locally(run: Run) -> Ran:
    """Runs a command for real, as the engine would, but without a sandbox."""
    begun = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *run.argv,
            cwd=run.cwd,
            env=dict(run.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return Ran(code=None, output=str(error).encode())
    try:
        output, _ = await asyncio.wait_for(process.communicate(), run.timeout_s)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return Ran(None, 9, timed_out=True, duration_s=time.monotonic() - begun)
    code = process.returncode
    assert code is not None
    return Ran(
        code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        duration_s=time.monotonic() - begun,
        output=output,
    )


@pytest.fixture
def run() -> RunCommand:
    return run_locally


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files by their path, making directories."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


PYTEST_NEEDS = ("pytest", "pluggy", "iniconfig", "packaging", "Pygments", "pytest-xdist", "execnet")


def make_venv(folder: Path, *distributions: str) -> Path:
    """A virtual environment with links to distributions of the running one; returns its site-packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for name in distributions:
        found = metadata.distribution(name)
        tops = {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    return site


def variables_of(venv: Path) -> dict[str, str]:
    """The variables of a user who has activated `venv`."""
    return {"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}


@pytest.fixture
def write() -> Callable[[Path, Mapping[str, str]], Path]:
    return write_files


@pytest.fixture
def venv(tmp_path: Path) -> tuple[Path, Path]:
    """A fresh environment with pytest: its directory and its site-packages."""
    folder = tmp_path / "env"
    return folder, make_venv(folder, *PYTEST_NEEDS)


@pytest.fixture(scope="session")
def bare_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare") / "env"
    make_venv(folder)
    return folder


@pytest.fixture(scope="session")
def tool_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv") / "env"
    make_venv(folder, *PYTEST_NEEDS)
    return folder


Prepared = Callable[..., Awaitable[Environment]]


@pytest.fixture
def prepared(tmp_path: Path, run: RunCommand) -> Prepared:
    """Prepares the environment of a tree as the engine does."""

    async def call(tree: Path, venv: Path, **options: Any) -> Environment:
        given: dict[str, Any] = {
            "checkout": tree,
            "environments": tmp_path / "environments",
            "variables": variables_of(venv),
            "run": run,
            "tracked": lambda path: False,
        }
        return await prepare(tree, **{**given, **options})

    return call


@pytest.fixture
def checked(tmp_path: Path, run: RunCommand, prepared: Prepared) -> Callable[..., Awaitable[Evidence]]:
    """Runs one check on a tree as the engine does, by default the first that is detected."""

    async def call(
        tree: Path,
        venv: Path,
        check: Check | None = None,
        checkout: Path | None = None,
        run: RunCommand = run,
        **options: Any,
    ) -> Evidence:
        environment = await prepared(tree, venv, checkout=checkout or tree, run=run)
        chosen = check or detect(tree, [], environment)[0]
        scratch = tmp_path / "scratch"
        found = await run_check(
            chosen, "t1", tree, environment, run, scratch=scratch, clock=lambda: 7.0, **options
        )
        assert list(scratch.iterdir()) == []
        return found

    return call
