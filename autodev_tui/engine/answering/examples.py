"""Goals that fit this repository, each from a fact that is there: none is made up."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.requests import GetExamples, RowsAnswer
from autodev_tui.domain.text import visible
from autodev_tui.engine.site import Site
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError

MOST = 3
MOST_FILES, MOST_BYTES = 150, 30_000
"""Files that are parsed, and bytes of one of them: nobody waits for it, and a parser lets no one else run."""
LINTER_S = 5.0
MOST_OUTPUT = 4_000_000
"""Bytes of its findings that are counted."""
_FINDING = re.compile(r"(.+?):\d+:\d+: ([A-Z]+\d+|invalid-syntax)\b")
_MARK = re.compile(r"(?:#|//|/\*|--|;)\s*(TODO|FIXME|XXX)\b[:\s-]*(.*)")
_TEST = re.compile(r"(?:^|/)(?:tests?|docs?|examples?)/|(?:^|/)(?:test_|conftest|setup\.py)")
_IN_TESTS = re.compile(r"(?:^|/)tests?[/_]")
_WORD = re.compile(r"[A-Za-z_]\w*")
Finder = Callable[[Site, "_Tree"], Iterator[dict[str, str]]]


class _Tree:
    """The tracked files of the user's checkout, read once."""

    def __init__(self, root: Path, paths: list[str]) -> None:
        self.root = root
        self.paths = paths
        self.python = [path for path in paths if path.endswith(".py")][:MOST_FILES]
        self._modules: dict[str, ast.Module] | None = None
        self.broken: dict[str, SyntaxError] = {}

    def text(self, path: str) -> str:
        """What stands in a file; "" where that cannot be told, or it is too long."""
        file = self.root / path
        try:
            if file.is_symlink() or file.stat().st_size > MOST_BYTES:
                return ""
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            return ""

    @property
    def modules(self) -> dict[str, ast.Module]:
        """The Python files that can be parsed; the others are in `broken`."""
        if self._modules is None:
            self._modules = {}
            for path in self.python:
                try:
                    self._modules[path] = ast.parse(self.text(path))
                except SyntaxError as error:
                    self.broken[path] = error
                except (ValueError, RecursionError, MemoryError):
                    continue
        return self._modules


async def get_examples(site: Site, request: GetExamples) -> RowsAnswer:
    """At most three goals, what is red first. Nothing of the repository is run."""
    return RowsAnswer(rows=await asyncio.to_thread(_examples, site))


def _examples(site: Site) -> list[dict[str, str]]:
    try:
        paths = sorted(site.repository.tracked_paths("HEAD"))
    except (GitError, RepositoryError):
        return []
    tree = _Tree(site.repository.root, paths)
    found: list[dict[str, str]] = []
    # What is red first, then what somebody has written down, then what is missing.
    finders: tuple[Finder, ...] = (_red, _lint, _syntax, _marks, _undocumented, _untested, _readme)
    for finder in finders:
        for row in finder(site, tree):
            if len(found) < MOST and row["goal"] not in {one["goal"] for one in found}:
                found.append(row)
        if len(found) >= MOST:
            break
    return found


def _row(goal: str, why: str) -> dict[str, str]:
    return {"goal": visible(goal, keep=""), "why": visible(why, keep="")}


def _red(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """Checks that failed on the very tree that agents start from."""
    try:
        head = site.repository.git.text("rev-parse", "HEAD^{tree}")
    except (GitError, RepositoryError):
        return
    stored = [Evidence(**one) for one in site.database.all("evidence", tree=head)]
    last = {one.check: one for one in sorted(stored, key=lambda one: one.at)}
    for name, one in last.items():
        if one.result == "failed":
            yield _row(f"make {name} pass", f"it failed when it last ran: {one.command}")


def _syntax(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """Python that cannot be parsed."""
    if tree.modules or tree.broken:
        for path, error in tree.broken.items():
            yield _row(f"fix the syntax error in {path}", f"line {error.lineno}: {error.msg}")
            return


def _lint(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """What the repository's own ruff settings find; ruff reads files and runs none of them."""
    if not _declares_ruff(tree):
        return
    tracked = set(tree.paths)
    places: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for line in _ruff(tree.root):
        if (match := _FINDING.match(line)) and match[1] in tracked:
            places[match[1].partition("/")[0]] += 1
            codes[match[2]] += 1
    if places:
        where, count = places.most_common(1)[0]
        what = "the ruff finding" if count == 1 else f"the {count} ruff findings"
        often = ", ".join(code for code, _ in codes.most_common(3))
        yield _row(f"fix {what} in {where}", f"ruff check finds {often}")


def _ruff(root: Path) -> list[str]:
    """The lines that ruff prints of this folder; none where it takes too long or finds too much to count."""
    program = shutil.which("ruff", path=sysconfig.get_path("scripts"))
    if program is None:
        return []
    command = [program, "check", "--no-cache", "--quiet", "--output-format", "concise", "."]
    environment = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=LINTER_S,
                check=False,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            return []
        if output.tell() > MOST_OUTPUT:
            return []
        output.seek(0)
        return output.read().decode(errors="replace").splitlines()


def _declares_ruff(tree: _Tree) -> bool:
    names = set(tree.paths)
    return bool({"ruff.toml", ".ruff.toml"} & names) or (
        "pyproject.toml" in names and "[tool.ruff" in tree.text("pyproject.toml")
    )


def _marks(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """What somebody has left to do in a comment."""
    search = ("grep", "-z", "-n", "-I", "--no-color", "-E", r"(TODO|FIXME)\b", "HEAD", "--")
    try:
        told = site.repository.git.run(*search)
    except (GitError, RepositoryError):
        return
    found = []
    for path, number, text in _grepped(told[:MOST_OUTPUT].decode(errors="replace")):
        if (match := _MARK.search(text)) and match[2].strip(" .:"):
            found.append((match[1] != "FIXME", path, int(number), match[2].strip()))
    for todo, path, line, words in sorted(found)[:MOST]:
        wanted = _sentence(words) if todo else f"mend what a FIXME says: {_sentence(words)}"
        yield _row(f"{wanted} ({path}:{line})", "a comment there says so")


def _grepped(told: str) -> Iterator[tuple[str, str, str]]:
    """(path, line, text) of what `git grep -z -n` printed: NUL parts the three, a line end the rows."""
    for row in told.split("\n"):
        parts = row.split("\0")
        if len(parts) == 3 and parts[1].isdigit():
            yield parts[0].removeprefix("HEAD:"), parts[1], parts[2]


def _sentence(words: str) -> str:
    words = words.removesuffix("*/").strip().rstrip(".")
    words = words if len(words) <= 60 else words[:59].rstrip() + "…"
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def _undocumented(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """The file with the most public functions and classes that say nothing of themselves."""
    missing: Counter[str] = Counter()
    for path, module in tree.modules.items():
        if not _TEST.search(path):
            missing[path] = sum(_silent(node) for node in _public(module))
    if missing and (most := missing.most_common(1)[0])[1] > 1:
        path, count = most
        yield _row(f"write docstrings in {path}", f"{count} public functions and classes have none")


def _public(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in module.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if not node.name.startswith("_"):
                yield node


def _silent(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return ast.get_docstring(node) is None


def _untested(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """The module with the most public names that no test mentions."""
    tests = [path for path in tree.python if _IN_TESTS.search(path)]
    if not tests:
        return
    told = {word for path in tests for word in _WORD.findall(f"{path} {tree.text(path)}")}
    sizes = {}
    for path, module in tree.modules.items():
        name, public = Path(path).stem, sum(1 for _ in _public(module))
        of_tests = name.startswith("__") or _TEST.search(path)
        if public and not of_tests and not {name, f"test_{name}"} & told:
            sizes[path] = public
    if sizes:
        path = max(sizes, key=lambda one: (sizes[one], one))
        yield _row(f"write tests for {path}", "no test mentions it")


def _readme(site: Site, tree: _Tree) -> Iterator[dict[str, str]]:
    """A repository that says nothing of itself."""
    names = {path.lower().partition(".")[0] for path in tree.paths if "/" not in path}
    if tree.paths and "readme" not in names:
        yield _row("write a README that says what this is and how to start it", "there is none")
