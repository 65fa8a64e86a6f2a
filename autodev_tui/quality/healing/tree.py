"""The files of a worktree as repairs see them: modules by name, what each defines, who uses what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autodev_tui.policy.paths import PathDenied, resolve
from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.declared import declared
from autodev_tui.quality.healing.source import parse
from autodev_tui.quality.project import describe, python_files

MAX_FILE = 1_000_000
"""Bytes; nobody writes a larger module by hand."""


@dataclass(frozen=True)
class Summary:
    """What one module has at its top level, and which names it uses."""

    defines: frozenset[str] = frozenset()
    """Functions, classes and assigned names."""
    imports: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)
    """Imported names: local name → (module, name there or "", level)."""
    classes: Mapping[str, ast.ClassDef] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    """Every name, attribute, argument and imported name in it."""


@lru_cache(maxsize=4096)
def summary(data: bytes) -> Summary:
    """The summary of a file; an empty one where it cannot be parsed."""
    tree = parse(data)
    if tree is None:
        return Summary()
    defines: set[str] = set()
    imports: dict[str, tuple[str, str, int]] = {}
    classes: dict[str, ast.ClassDef] = {}
    for node in _top(tree.body):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                defines.add(name)
            case ast.ClassDef(name=name):
                defines.add(name)
                classes[name] = node
            case ast.Import(names=names):
                for one in names:
                    imports[one.asname or one.name.partition(".")[0]] = (one.name, "", 0)
            case ast.ImportFrom(module=module, names=names, level=level):
                for one in names:
                    imports[one.asname or one.name] = (module or "", one.name, level)
            case _:
                defines |= {
                    inner.id
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
                }
    return Summary(frozenset(defines), imports, classes, frozenset(_used(tree)))


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of the top level, those below `if` and `try` too."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            for part in (node.body, node.orelse, getattr(node, "finalbody", [])):
                yield from _top(part)
            for handler in getattr(node, "handlers", []):
                yield from _top(handler.body)
        else:
            yield node


def _used(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case ast.alias(name=name):
                yield from name.split(".")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


class Tree:
    """A worktree with some files as they would be. Reads lazily, follows no link, changes nothing."""

    def __init__(self, root: Path, over: Mapping[str, bytes] | None = None) -> None:
        self.root = root
        self._over = dict(over or {})
        self._paths: list[str] | None = None
        self._read: dict[str, bytes | None] = {}
        self._roots: list[str] | None = None

    def with_files(self, over: Mapping[str, bytes]) -> Tree:
        """The same tree with these files as given."""
        other = Tree(self.root, {**self._over, **over})
        # Repairs make and remove no file, so what is where stays true.
        other._paths, other._roots, other._read = self._paths, self._roots, self._read
        return other

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no regular file of a size that somebody wrote."""
        if path in self._over:
            return self._over[path]
        if path not in self._read:
            self._read[path] = self._from_disk(path)
        return self._read[path]

    def _from_disk(self, path: str) -> bytes | None:
        try:
            file = self.root / resolve(self.root, path).relative
            if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_FILE:
                return None
            return file.read_bytes()
        except (OSError, PathDenied, ValueError):
            return None

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        try:
            return (self.root / resolve(self.root, path).relative).exists()
        except (OSError, PathDenied, ValueError):
            return False

    @property
    def paths(self) -> list[str]:
        """All Python files."""
        if self._paths is None:
            self._paths = list(python_files(self.root))
        return self._paths

    def mentioning(self, *words: str) -> list[str]:
        """The Python files in which all of `words` stand: what need not be parsed is not."""
        wanted = [re.compile(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)") for word in words]
        read = ((path, self.read(path) or b"") for path in self.paths)
        return [path for path, data in read if all(one.search(data) for one in wanted)]

    @property
    def roots(self) -> list[str]:
        """Where imports start, the most special one first."""
        if self._roots is None:
            found = describe(self.root, declared(self.root)).roots
            self._roots = sorted({*found, "."}, key=lambda root: (root == ".", -len(root)))
        return self._roots

    def local(self, path: str) -> str:
        """A path as a tool printed it, relative to the worktree; "" when it is not of this tree."""
        for root in (str(self.root), str(self.root.resolve())):
            if path.startswith(root + "/"):
                path = path[len(root) + 1 :]
                break
        path = path.removeprefix("./")
        if path.startswith("/") or ".." in path.split("/"):
            return ""
        if self.read(path) is not None:
            return path
        # A command that went into a folder first names its files from there.
        inside = [one for one in self.paths if one.endswith(f"/{path}")] if path.endswith(".py") else []
        return inside[0] if len(inside) == 1 else ""

    def summary(self, path: str) -> Summary:
        """What a file has; empty for what is no Python."""
        return summary(self.read(path) or b"")

    def module(self, path: str) -> str:
        """The name that a file is imported by, e.g. `shop.prices`."""
        for root in self.roots:
            prefix = "" if root == "." else root + "/"
            if path.startswith(prefix):
                parts = path.removeprefix(prefix).removesuffix(".py").split("/")
                if parts[-1] == "__init__":
                    parts.pop()
                if all(part.isidentifier() for part in parts):
                    return ".".join(parts)
        return ""

    def file_of(self, module: str) -> str:
        """The file of a module, "" when this tree has none of that name."""
        for root in self.roots:
            base = module.replace(".", "/") if root == "." else f"{root}/{module.replace('.', '/')}"
            for path in (f"{base}.py", f"{base}/__init__.py"):
                if self.read(path) is not None:
                    return path
        return ""

    def is_module(self, module: str) -> bool:
        """Whether it can be imported from this tree, as a file or as a folder of such."""
        if not module:
            return False
        folder = module.replace(".", "/")
        return bool(self.file_of(module)) or any(
            path.startswith(f"{folder}/" if root == "." else f"{root}/{folder}/")
            for root in self.roots
            for path in self.paths
        )

    def package(self, path: str) -> list[str]:
        """The parts of the package that a file belongs to."""
        parts = self.module(path).split(".") if self.module(path) else []
        return parts if path.endswith("/__init__.py") else parts[:-1]

    def absolute(self, path: str, module: str, level: int) -> str:
        """What an import in `path` names; "" when it leaves the top."""
        if not level:
            return module
        package = self.package(path)
        if level - 1 > len(package):
            return ""
        return ".".join([*package[: len(package) - level + 1], *([module] if module else [])])

    def has(self, module: str, name: str) -> bool:
        """Whether `from module import name` works within this tree."""
        path = self.file_of(module)
        found = self.summary(path) if path else Summary()
        return name in found.defines or name in found.imports or self.is_module(f"{module}.{name}")

    def modules_with(self, names: set[str], *, without: str = "") -> list[str]:
        """Modules outside of tests that define all of `names` themselves."""
        return [
            self.module(path)
            for path in self.mentioning(*names)
            if path != without
            and not is_test_file(path)
            and self.module(path)
            and names <= self.summary(path).defines
        ]
