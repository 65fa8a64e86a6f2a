"""Which checks a repository has: the configured ones, and those whose tools it is set up for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.declared import declared, read_ini, read_text, read_toml, table
from autodev_tui.quality.environment import Environment, uses_pytest
from autodev_tui.quality.own_ruff import own_ruff
from autodev_tui.quality.project import Project, describe


def detect(tree: Path, configured: Sequence[Check], environment: Environment) -> list[Check]:
    """The checks of the code in the directory `tree`, those of behaviour first.

    What is configured replaces everything detected of the same kind. A detected check whose tool is not
    installed is kept, so that it is named as not run. Sync: reads the tree; call it in a thread.
    """
    decided = {check.kind for check in configured}
    found = [check for check in _detected(tree, environment) if check.kind not in decided]
    order = list(CheckKind)
    return sorted([*configured, *found], key=lambda check: order.index(check.kind))


def _detected(tree: Path, environment: Environment) -> list[Check]:
    """Of Python and of every other ecosystem; a makefile's only where nothing else says how."""
    found = _python(tree, environment)
    for part in environment.parts:
        kinds = {check.kind for check in found} if part.name == "make" else set()
        found += [check for check in part.checks if check.kind not in kinds]
    return found


def _python(tree: Path, environment: Environment) -> list[Check]:
    project = describe(tree, declared(tree))
    if not (project.modules or project.tests):
        return []
    python = environment.python_name
    settings = table(read_toml(tree / "pyproject.toml"), "tool")
    return [
        *_tests(tree, project, environment),
        *_types(tree, project, settings, python),
        *_lint(tree, settings, environment),
        *_formatters(tree, settings, python),
        *_security(tree, project, settings, python),
    ]


def _tests(tree: Path, project: Project, environment: Environment) -> list[Check]:
    python = environment.python_name
    pytest = Check(name="pytest", command=f"{python} -m pytest")
    if project.tests and ("pytest" in environment.tools or uses_pytest(tree, project)):
        return [pytest]
    cases = [path for path in project.tests if "unittest" in read_text(tree / path)]
    if not cases:
        return [pytest] if project.tests else []
    # unittest finds files by `test*.py` below one directory and wants packages on the way there.
    folders = sorted({path.partition("/")[0] for path in cases if "/" in path})
    start = f" -s {shlex.quote(folders[0])}" if len(folders) == 1 and len(cases) == len(project.tests) else ""
    if start and (tree / folders[0] / "__init__.py").exists():
        start += " -t ."
    if any("/" not in path for path in cases):
        start = ""
    return [Check(name="unittest", command=f"{python} -m unittest discover -v{start}")]


def _types(tree: Path, project: Project, settings: dict[str, Any], python: str) -> list[Check]:
    own = next((section for section in _mypy_sections(tree, settings) if section is not None), None)
    if own is None:
        return []
    command = f"{python} -m mypy"
    if not any(key in own for key in ("files", "packages", "modules")):
        targets = [root for root in project.roots if root != "."] or project.code or ["."]
        paths = [name if (tree / name).exists() else f"{name}.py" for name in targets]
        command += " " + shlex.join([path for path in paths if (tree / path).exists()] or ["."])
    return [Check(name="mypy", command=command, kind=CheckKind.TYPES)]


def _mypy_sections(tree: Path, settings: dict[str, Any]) -> list[dict[str, Any] | None]:
    """mypy's own settings in the order in which it looks for them, None where there are none."""
    files = [read_ini(tree / name).get("mypy") for name in ("mypy.ini", ".mypy.ini")]
    inside = settings.get("mypy")
    return [*files, inside if isinstance(inside, dict) else None, read_ini(tree / "setup.cfg").get("mypy")]


def _lint(tree: Path, settings: dict[str, Any], environment: Environment) -> list[Check]:
    files = [tree / name for name in ("ruff.toml", ".ruff.toml")]
    own = next((read_toml(path) for path in files if path.is_file()), settings.get("ruff"))
    if not isinstance(own, dict):
        return []
    if "ruff" in environment.tools or not own_ruff():
        ruff = f"{environment.python_name} -m ruff"
    else:
        # The repository's settings with our program: nothing has to be installed for it.
        ruff = shlex.quote(own_ruff())
    checks = [Check(name="ruff check", command=f"{ruff} check .", kind=CheckKind.LINT)]
    if "format" in own or _mentions(tree, r"ruff[ -]format"):
        checks.append(Check(name="ruff format", command=f"{ruff} format --check .", kind=CheckKind.LINT))
    return checks


def _formatters(tree: Path, settings: dict[str, Any], python: str) -> list[Check]:
    """Other linters and formatters, where the repository has settings for them."""
    flake8 = (tree / ".flake8").is_file() or any(
        "flake8" in read_ini(tree / name) for name in ("setup.cfg", "tox.ini")
    )
    isort = (tree / ".isort.cfg").is_file() or isinstance(settings.get("isort"), dict)
    wanted = (
        (flake8, "flake8", ""),
        (isinstance(settings.get("black"), dict), "black", " --check ."),
        (isort, "isort", " --check-only ."),
    )
    return [
        Check(name=name, command=f"{python} -m {name}{rest}", kind=CheckKind.LINT)
        for there, name, rest in wanted
        if there
    ]


def _security(tree: Path, project: Project, settings: dict[str, Any], python: str) -> list[Check]:
    config = next((name for name in (".bandit", "bandit.yaml", "bandit.yml") if (tree / name).is_file()), "")
    inside = isinstance(settings.get("bandit"), dict)
    if not (config or inside):
        return []
    option = ["-c", config or "pyproject.toml"] if config != ".bandit" else ["--ini", config]
    roots = [root for root in project.roots if root != "."] or ["."]
    shown = ["-f", "custom", "--msg-template", "{relpath}:{line}: {test_id}"]
    command = f"{python} -m bandit {shlex.join(['-q', '-r', *option, *shown, *roots])}"
    return [Check(name="bandit", command=command, kind=CheckKind.SECURITY)]


def _mentions(tree: Path, pattern: str) -> bool:
    """Whether the repository's own automation runs a tool."""
    files = [
        tree / name for name in ("Makefile", ".pre-commit-config.yaml", "tox.ini", "noxfile.py", "justfile")
    ]
    workflows = tree / ".github" / "workflows"
    files += sorted(workflows.glob("*.y*ml")) if workflows.is_dir() else []
    return any(re.search(pattern, read_text(path)) for path in files)
