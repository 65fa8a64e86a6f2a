"""Whose code a check ran: the origins that its Python processes recorded, judged against the tree."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.quality.findings import records
from autodev_tui.quality.project import Project

PROBE = Path(__file__).parent / "probe"
"""The directory that leads PYTHONPATH while a check runs."""
MAX_OUTSIDE = 20
"""How many origins outside the tree are kept: enough to understand, small in the store."""
_PYTHON = re.compile(
    r"\b(python[\d.]*|pytest|py\.test|tox|nox|unittest|coverage|hatch|poetry|pdm)\b|\buv\s+run\b"
)
_OTHERS = (
    "package.json",
    "Cargo.toml",
    "go.mod",
    "CMakeLists.txt",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "mix.exs",
)


@dataclass(frozen=True)
class Origins:
    """Where modules came from: `inside` relative to the tree and by top-level name, `outside` in full."""

    processes: int
    inside: dict[str, str]
    outside: dict[str, str]

    @property
    def shown(self) -> dict[str, str]:
        """What evidence keeps."""
        return {**self.inside, **dict(list(self.outside.items())[:MAX_OUTSIDE])}


def read_origins(folder: Path, tree: Path, modules: Collection[str], installed: Collection[str]) -> Origins:
    """What was recorded in `folder` by a check in the directory `tree`.

    `modules` are the tree's top-level names. Modules of other names are packages of the environment when they
    lie in one of the `installed` directories, which may be inside the user's checkout.
    """
    root = os.path.realpath(tree) + os.sep
    packages = tuple(os.path.realpath(path) + os.sep for path in installed)
    inside: dict[str, str] = {}
    outside: dict[str, str] = {}
    processes = 0
    for name, data in records(folder, "origins-"):
        if name.endswith(".new"):
            continue
        processes += 1
        parts = [os.fsdecode(part) for part in data.split(b"\0")]
        for module, path in zip(parts[0::2], parts[1::2], strict=False):
            top, real = module.partition(".")[0], os.path.realpath(path)
            if real.startswith(root):
                if top in modules:
                    inside.setdefault(top, real.removeprefix(root))
            elif path and (top in modules or not (path.startswith(packages) or real.startswith(packages))):
                outside[module] = real
    return Origins(processes, dict(sorted(inside.items())), dict(sorted(outside.items())))


def objection(origins: Origins, project: Project, command: str, tree: Path, passed: bool) -> str:
    """Why a check of behaviour says nothing about the tree, empty if it does.

    A failed check may have recorded nothing, because the first import failed; a passed one may not.
    """
    if origins.outside:
        module, path = next(iter(origins.outside.items()))
        more = f" and {len(origins.outside) - 1} more modules" if len(origins.outside) > 1 else ""
        return f"it ran other code than this tree's: {module} came from {path}{more}"
    if not passed or not project.code or not is_python(command, tree):
        return ""
    if not origins.processes:
        return "no Python process of it told where its modules came from"
    if not set(origins.inside) & set(project.code):
        return f"it imported none of the project's modules ({', '.join(project.code[:5])})"
    return ""


def is_python(command: str, tree: Path) -> bool:
    """Whether a command's processes are expected to be Python: it says so, or the tree is of nothing else."""
    return bool(_PYTHON.search(command)) or not any((tree / name).is_file() for name in _OTHERS)
