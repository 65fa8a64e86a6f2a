"""The environment that checks and agents' commands run in: found, or made once per lock hash."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.evidence import Check
from autodev_tui.quality import poetry
from autodev_tui.quality.declared import Declared, declared, missing, read_text, suits
from autodev_tui.quality.ecosystems import Look, Part, look_at, show
from autodev_tui.quality.interpreter import Interpreter, candidates, inspect
from autodev_tui.quality.own_ruff import own_ruff
from autodev_tui.quality.project import Project, describe
from autodev_tui.quality.running import RunCommand
from autodev_tui.quality.setup import SetupRequest, digest, request

MAX_SAMPLE = 200
"""Test files looked into: enough to meet every style of a project."""
CHECK_TOOLS = ("pytest", "ruff", "mypy", "bandit", "coverage", "black", "isort", "flake8")


class Environment(Frozen):
    """What a command needs to start: interpreter, PATH, variables and what it may read."""

    id: str
    """Changes whenever a check could come out differently: interpreter, version or packages changed."""
    description: str
    recipe: str
    """nothing to install, configured, uv, poetry, pip; not set up yet; none."""
    python: str = ""
    """The interpreter's path, empty without one."""
    python_name: str = "python3"
    """What commands call it."""
    path: list[str]
    """The directories of PATH, the interpreter's first."""
    env: dict[str, str] = {}
    readable: list[str] = []
    tools: list[str] = []
    """Which of the known check tools the interpreter has."""
    missing: list[str] = []
    """Declared requirements that are not there."""
    roots: list[str] = ["."]
    """The source roots for PYTHONPATH, relative to a worktree."""
    checkout: str = ""
    """The user's own checkout, whose code is never that of a tree which is checked."""
    setup: SetupRequest | None = None
    """What would make the Python part complete; None when it is."""
    parts: list[Part] = []
    """What other ecosystems add: npm, pnpm, cargo, go, make."""

    @property
    def setups(self) -> list[SetupRequest]:
        """Everything that would make it complete."""
        return [one for one in (self.setup, *(part.setup for part in self.parts)) if one]

    def variables(self, worktree: Path, home: Path, *, network: bool = False) -> dict[str, str]:
        """The variables for a command in `worktree`: PATH, PYTHONPATH with its own code, and more.

        `home` is the command's own: what tools build and cache goes below it. With `network`, tools may fetch
        more than is installed, into it.
        """
        python_path = os.pathsep.join(os.path.normpath(worktree / root) for root in self.roots)
        found = {"PATH": os.pathsep.join(self.path), "PYTHONPATH": python_path, **self.env}
        for part in self.parts:
            found |= part.env | {name: str(home / folder) for name, folder in part.home_env.items()}
            found |= {} if network else part.offline
        return found

    def show_in(self, worktree: Path) -> None:
        """Let a worktree have what is installed for it. Sync; quick when it has."""
        for part in self.parts:
            if part.modules:
                show(worktree, part.modules, part.root)

    def lacking(self, check: Check) -> list[str]:
        """What is not there of that which a check needs."""
        for part in self.parts:
            if any(one.command == check.command for one in part.checks):
                return part.missing
        return self.missing


async def prepare(
    tree: Path,
    *,
    checkout: Path,
    environments: Path,
    variables: Mapping[str, str],
    run: RunCommand,
    tracked: Callable[[str], bool],
    setup: str = "",
) -> Environment:
    """The environment for the code in the directory `tree`.

    `checkout` is the user's own checkout, where a `.venv` may be; `tracked` tells of a path relative to it
    whether git tracks it or anything below. `environments` is where made ones are kept, shared by all
    worktrees. `variables` are the user's. `setup` is the configured, trusted `[environment] setup`. When
    something has to be installed and was not yet, the result is the best that is there, with `setups` and
    `missing` set.
    """
    path = clean_path(checkout, variables)
    at = Look(tree, checkout, environments, variables, path, tracked, bool(setup))
    parts = await asyncio.to_thread(look_at, at)
    found = await _python(tree, checkout, environments, variables, run, tracked, setup, path)
    return _whole(found, parts)


async def _python(
    tree: Path,
    checkout: Path,
    environments: Path,
    variables: Mapping[str, str],
    run: RunCommand,
    tracked: Callable[[str], bool],
    setup: str,
    path: list[str],
) -> Environment:
    needs, project, tool = await asyncio.to_thread(_look, tree)
    wanted = [*needs.requirements, *tool]
    base = await _choose(checkout, variables, tracked, run, needs.python, wanted)
    if base is None:
        nothing = Environment(id="none", description="no Python found", recipe="none", path=path)
        return nothing.but(roots=project.roots, checkout=str(checkout))
    absent = missing(wanted, base)
    if not setup and not absent:
        return _environment("nothing to install", base, project, path, checkout)
    ask = request(tree, environments, needs, wanted, absent, base, variables, path, setup)
    if ask.ready:
        inner = await inspect(Path(ask.directory) / "venv" / "bin" / "python", variables, run, base)
        if inner is not None:
            found = _environment(ask.recipe, inner, project, path, checkout)
            return found.but(missing=missing(wanted, inner))
    incomplete = _environment("not set up yet", base, project, path, checkout)
    return incomplete.but(missing=absent, setup=ask)


def _whole(python: Environment, parts: list[Part]) -> Environment:
    """The Python part with what other ecosystems add."""
    if not parts:
        return python
    told = " · ".join([python.description, *(f"{part.name}: {part.state}" for part in parts)])
    return python.but(
        id=digest(python.id, *(part.id for part in parts)),
        description=told,
        readable=list(dict.fromkeys([*python.readable, *(one for part in parts for one in part.readable)])),
        parts=parts,
    )


def _environment(
    recipe: str, python: Interpreter, project: Project, path: list[str], checkout: Path
) -> Environment:
    """The environment that is `python`."""
    version = ".".join(map(str, python.version))
    have = {name.lower() for name in python.distributions}
    packages = sorted(f"{name}=={number}" for name, number in python.distributions.items())
    env = {"VIRTUAL_ENV": python.venv} if python.venv else {}
    if python.user_base:
        env["PYTHONUSERBASE"] = python.user_base
    return Environment(
        id=digest(recipe, python.executable, version, *packages),
        description=f"Python {version} at {python.executable}, {recipe}",
        recipe=recipe,
        python=python.executable,
        python_name=python.name,
        path=list(dict.fromkeys([str(Path(python.executable).parent), *path])),
        env=env,
        readable=[*python.readable, *([own_ruff()] if own_ruff() else [])],
        tools=[name for name in CHECK_TOOLS if name in have],
        roots=project.roots,
        checkout=str(checkout),
    )


async def _choose(
    checkout: Path,
    variables: Mapping[str, str],
    tracked: Callable[[str], bool],
    run: RunCommand,
    python: str,
    wanted: list[str],
) -> Interpreter | None:
    """The first interpreter with all that is wanted, else the first that suits `python`, else the first."""
    first = suiting = None
    theirs = await asyncio.to_thread(poetry.environments, checkout, variables)
    for path in candidates(checkout, variables, tracked, theirs):
        found = await inspect(path, variables, run)
        if found is not None and suits(python, found):
            if not missing(wanted, found):
                return found
            suiting = suiting or found
        first = first or found
    return suiting or first


def _look(tree: Path) -> tuple[Declared, Project, list[str]]:
    """What the tree needs and has; the list holds pytest when its tests need it and nobody declared it."""
    needs = declared(tree)
    project = describe(tree, needs)
    undeclared = not any(line.startswith("pytest") for line in needs.requirements)
    return needs, project, ["pytest"] if undeclared and uses_pytest(tree, project) else []


def uses_pytest(tree: Path, project: Project) -> bool:
    """Whether the tests in the directory `tree` are for pytest: configured, or written so."""
    if any((tree / name).is_file() for name in ("pytest.ini", "conftest.py", "tests/conftest.py")):
        return True
    texts = (read_text(tree / name) for name in ("pyproject.toml", "tox.ini", "setup.cfg"))
    if any(mark in text for text in texts for mark in ("[tool.pytest", "[pytest]", "[tool:pytest]")):
        return True
    sample = [read_text(tree / path) for path in project.tests[:MAX_SAMPLE]]
    return any("import pytest" in text or "from pytest" in text for text in sample) or any(
        "\ndef test_" in f"\n{text}" and "unittest" not in text for text in sample
    )


def clean_path(checkout: Path, variables: Mapping[str, str]) -> list[str]:
    """The user's PATH without relative entries and without any inside the checkout."""
    entries = variables.get("PATH", os.defpath).split(os.pathsep)
    root = checkout.resolve()
    return list(
        dict.fromkeys(
            entry
            for entry in entries
            if Path(entry).is_absolute() and not Path(entry).resolve().is_relative_to(root)
        )
    )
