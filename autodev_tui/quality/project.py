"""Where a tree keeps its Python code, and by which names that code is imported."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autodev_tui.domain.base import Frozen
from autodev_tui.quality.declared import Declared, read_ini, read_toml, strings, table

SKIPPED = frozenset(
    {"node_modules", "__pycache__", "venv", "env", "site-packages", "build", "dist", "target", "vendor"}
)
"""Directories that hold no code of the project, beside all hidden ones."""
MAX_ENTRIES = 50_000
"""Directory entries looked at: keeps a huge tree below about 0.3 s."""
NOT_IMPORTED = re.compile(r"(setup|conftest|noxfile|tasks|fabfile|__init__|__main__)$")
TEST_NAME = re.compile(r"(tests?|testing|test_.*|.*_tests?|conftest)$")
BESIDE = frozenset({"docs", "doc", "examples", "example", "scripts", "benchmarks", "tools"})
"""Directories that may be imported from, but are not what a project is about."""


class Project(Frozen):
    """A tree's Python code. Directories are relative to the tree, "." is the tree itself."""

    roots: list[str]
    """What must be on PYTHONPATH, first one first."""
    modules: list[str]
    """The top-level names that can be imported from there, tests included."""
    code: list[str]
    """Those of them that are not tests: what a check of behaviour is expected to import."""
    tests: list[str]
    """Files that look like tests, sorted."""

    def python_path(self, tree: Path) -> str:
        """PYTHONPATH for the tree at `tree`."""
        return os.pathsep.join(str(tree / root) if root != "." else str(tree) for root in self.roots)


def python_files(tree: Path) -> Iterator[str]:
    """The Python files of a tree, relative to it; links are not followed, caches and environments skipped."""
    seen = 0
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        seen += len(files) + len(folders)
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.relpath(Path(folder, name), tree)
        if seen > MAX_ENTRIES:
            return


def has_python(tree: Path) -> bool:
    """Whether the tree has any Python file of its own."""
    return next(python_files(tree), None) is not None


def describe(tree: Path, needs: Declared) -> Project:
    """Where the tree in the directory `tree` keeps its code; `needs` names packages kept beside it."""
    files = list(python_files(tree))
    tests = [path for path in files if re.fullmatch(r"test_.*\.py|.*_test\.py|tests?\.py", Path(path).name)]
    roots = _configured_roots(tree) + [_package_root(tree, path) for path in needs.local]
    if any(path.startswith("src/") for path in files) and not (tree / "src" / "__init__.py").exists():
        roots.append("src")
    at_root = _importable(tree, ".", files) - BESIDE - {"src"}
    if not roots or any(not TEST_NAME.match(name) for name in at_root):
        roots.append(".")
    roots = list(dict.fromkeys(roots))
    # The tree's own directory is always searched too: the working directory of the check.
    modules = sorted({name for root in [*roots, "."] for name in _importable(tree, root, files)})
    return Project(
        roots=roots,
        modules=modules,
        code=[name for name in modules if not TEST_NAME.match(name) and name not in BESIDE],
        tests=sorted(tests),
    )


def _importable(tree: Path, root: str, files: list[str]) -> set[str]:
    prefix = "" if root == "." else root + "/"
    names = set()
    for path in files:
        if not path.startswith(prefix):
            continue
        first, *rest = path.removeprefix(prefix).split("/")
        name = first if rest else first.removesuffix(".py")
        package = (tree / prefix / first / "__init__.py").exists()
        if not name.isidentifier() or (not rest and NOT_IMPORTED.match(name)):
            continue
        # Below a source root a directory without `__init__.py` is a namespace package; at the tree's root it
        # may be anything, and one that is called like a standard module is not what is imported by that name.
        plain = root != "." or (len(rest) == 1 and name not in sys.stdlib_module_names)
        if not rest or package or plain:
            names.add(name)
    return names


def _configured_roots(tree: Path) -> list[str]:
    tool = table(read_toml(tree / "pyproject.toml"), "tool")
    found: list[Any] = strings(table(tool, "setuptools", "packages", "find").get("where"))
    found += [path for name, path in table(tool, "setuptools", "package-dir").items() if name == ""]
    packages = table(tool, "poetry").get("packages")
    listed = packages if isinstance(packages, list) else []
    found += [entry.get("from") for entry in listed if isinstance(entry, dict)]
    found += strings(table(tool, "pytest", "ini_options").get("pythonpath"))
    pytest_ini = read_ini(tree / "pytest.ini").get("pytest", {})
    found += pytest_ini.get("pythonpath", "").split()
    root = tree.resolve()
    inside = []
    for path in found:
        if isinstance(path, str) and (tree / path).is_dir() and (tree / path).resolve().is_relative_to(root):
            inside.append(os.path.relpath((tree / path).resolve(), root))
    return inside


def _package_root(tree: Path, path: str) -> str:
    return f"{path}/src" if (tree / path / "src").is_dir() else path
