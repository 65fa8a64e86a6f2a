"""What a Python project declares that it needs, read from its files without running any of its code."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from autodev_tui.domain.base import Frozen
from autodev_tui.quality.interpreter import Interpreter

GROUPS = ("dev", "develop", "development", "test", "tests", "testing")
"""Names by which projects call what their checks need, as extra or as dependency group."""
REQUIREMENT_FILES = (
    "requirements.txt",
    *(f"requirements{sep}{group}.txt" for group in GROUPS for sep in ("-", "_", "/")),
    *(f"{group}-requirements.txt" for group in GROUPS),
)
MAX_FILE = 2_000_000
"""Bytes; a larger file declares nothing that a human wrote."""


class Declared(Frozen):
    """What the files of one tree declare."""

    files: dict[str, str]
    """The files that were read, by their path in the tree, with their text: they make the lock hash."""
    requirements: list[str]
    """PEP 508 requirements: what can be looked for by name."""
    install: list[str]
    """The lines of a requirements file that installs all of it, as they were written."""
    constraints: list[str]
    """The lines of a constraints file to go with it."""
    local: list[str]
    """Directories of the tree that are required as packages themselves, e.g. by `-e ./libs/core`."""
    extras: list[str] = []
    groups: list[str] = []
    """Which of GROUPS the project has as extras and as dependency groups, spelled as there."""
    python: str = ""
    """`requires-python`."""


def read_text(path: Path) -> str:
    """A file's text, empty when it is missing, too large, no regular file or unreadable."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_FILE:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict, empty when it is missing or broken."""
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def read_ini(path: Path) -> dict[str, dict[str, str]]:
    """An INI file as sections of raw values, empty when it is missing or broken."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(read_text(path))
    except configparser.Error:
        return {}
    return {section: dict(parser[section]) for section in parser.sections()}


def table(value: Any, *names: str) -> dict[str, Any]:
    """The table below `names`, empty where any of them is missing or no table."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """The strings of a list, or nothing."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def declared(tree: Path) -> Declared:
    """What the project in the directory `tree` declares: its own needs and those of its tests."""
    reader = _Reader(tree)
    for name in REQUIREMENT_FILES:
        reader.requirements_file(name)
    listed = list(reader.install)
    project = reader.toml("pyproject.toml")
    reader.pyproject(project)
    reader.setup_cfg()
    reader.keep("uv.lock")
    reader.keep("poetry.lock")
    reader.workspace(table(project, "tool", "uv", "workspace"))
    python = table(project, "project").get("requires-python")
    return Declared(
        files=reader.files,
        requirements=list(dict.fromkeys(reader.requirements)),
        # pip takes hashes for all requirements or for none, and the listed ones are the project's choice.
        install=listed if any("--hash" in line for line in listed) else list(dict.fromkeys(reader.install)),
        constraints=list(dict.fromkeys(reader.constraints)),
        local=list(dict.fromkeys(reader.local)),
        extras=_named(table(project, "project", "optional-dependencies")),
        groups=_named(table(project, "dependency-groups")),
        python=python if isinstance(python, str) else "",
    )


def missing(requirements: list[str], interpreter: Interpreter) -> list[str]:
    """The requirements that hold for `interpreter` and are not installed in it as required."""
    have = {canonicalize_name(name): version for name, version in interpreter.distributions.items()}
    absent = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": "", **interpreter.markers}):
            continue
        version = have.get(canonicalize_name(requirement.name))
        if version is None or not _within(version, requirement.specifier):
            absent.append(text)
    return absent


def suits(python: str, interpreter: Interpreter) -> bool:
    """Whether `interpreter` satisfies a `requires-python`; an unreadable one is satisfied."""
    try:
        return SpecifierSet(python).contains(".".join(map(str, interpreter.version)), prereleases=True)
    except InvalidSpecifier:
        return True


def _within(version: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


class _Reader:
    """Collects declarations file by file."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.files: dict[str, str] = {}
        self.requirements: list[str] = []
        self.install: list[str] = []
        self.constraints: list[str] = []
        self.local: list[str] = []

    def keep(self, name: str) -> str:
        """The text of a file of the tree, remembered; links out of the tree are not followed."""
        path = self.tree / name
        if not path.resolve().is_relative_to(self.tree.resolve()):
            return ""
        text = read_text(path)
        if text:
            self.files[name] = text
        return text

    def toml(self, name: str) -> dict[str, Any]:
        return read_toml(self.tree / name) if self.keep(name) else {}

    def add(self, line: str, at: str = "") -> None:
        """One requirement as written in a file of the directory `at`."""
        text = re.split(r"\s--\w", line)[0].strip()
        if _is_local(text):
            self._add_local(text, at)
            return
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            # An address without a name: pip knows what to do with it, we cannot look for it.
            self.install.append(line)
            return
        if not (requirement.url or "").startswith("file:"):
            self.install.append(line)
            self.requirements.append(text)

    def _add_local(self, text: str, at: str) -> None:
        match = re.fullmatch(r"([^\[\];]+?)\s*(?:\[([^\]]*)\])?\s*(?:;.*)?", text)
        folder = Path(at, match[1].removeprefix("file:") if match else text)
        root, inside = self.tree.resolve(), (self.tree / folder).resolve()
        if inside.is_dir() and inside.is_relative_to(root) and inside != root:
            self.local.append(str(inside.relative_to(root)))

    def requirements_file(self, name: str) -> None:
        """Every line of a requirements file, nested ones too, each once."""
        if name in self.files:
            return
        for line in _lines(self.keep(name)):
            at = str(Path(name).parent)
            match = re.match(r"(-[rce]|--(?:requirement|constraint|editable)(?=[=\s]))[=\s]*(.*)", line)
            option, value = (match[1].lstrip("-")[0], match[2]) if match else ("", line)
            if option == "r":
                self.requirements_file(os.path.normpath(Path(at, value)))
            elif option == "c":
                self.constraints += _lines(self.keep(os.path.normpath(Path(at, value))))
            elif line.startswith("-") and not option:
                self.install.append(line)
            else:
                self.add(value, at)

    def pyproject(self, project: Mapping[str, Any]) -> None:
        """PEP 621 dependencies, extras and PEP 735 groups that checks need, and Poetry's own tables."""
        main = table(project, "project")
        own = canonicalize_name(str(main.get("name", "")))
        extras = table(main, "optional-dependencies")
        wanted = _named(extras)
        done: set[str] = set()
        items = strings(main.get("dependencies"))
        while wanted:
            extra = wanted.pop()
            if extra not in done:
                done.add(extra)
                items += strings(extras.get(extra))
                # A project names its own extras by itself: `dev = ["mine[test]"]`.
                wanted += [name for item in items for name in _own_extras(item, own)]
        groups: dict[str, Any] = {}
        for name, value in table(project, "dependency-groups").items():
            groups[canonicalize_name(name)] = value
        for name in GROUPS:
            items += _group(groups, name, frozenset())
        for item in items:
            if not _own_extras(item, own):
                self.add(item)
        self._poetry(table(project, "tool", "poetry"))

    def _poetry(self, poetry: Mapping[str, Any]) -> None:
        tables = [table(poetry, "dependencies"), table(poetry, "dev-dependencies")]
        tables += [table(poetry, "group", name, "dependencies") for name in GROUPS]
        for name in [name for part in tables for name in part]:
            # Poetry's own version language is not PEP 440's; the name alone says whether it is there.
            if name != "python" and re.fullmatch(r"[\w.-]+", name):
                self.add(name)

    def workspace(self, settings: Mapping[str, Any]) -> None:
        """The other packages of a uv workspace, which are used from the tree and never installed."""
        for pattern in strings(settings.get("members")):
            if not pattern.startswith("/") and ".." not in Path(pattern).parts:
                for folder in sorted(self.tree.glob(pattern)):
                    self._add_local(f"./{folder.relative_to(self.tree)}", "")

    def setup_cfg(self) -> None:
        """setuptools' declarative file."""
        if not self.keep("setup.cfg"):
            return
        sections = read_ini(self.tree / "setup.cfg")
        blocks = [sections.get("options", {}).get("install_requires", "")]
        extras = sections.get("options.extras_require", {})
        blocks += [text for name, text in extras.items() if canonicalize_name(name) in GROUPS]
        for block in blocks:
            for line in _lines(block):
                self.add(line)


def _named(names: Mapping[str, Any]) -> list[str]:
    return [name for name in names if canonicalize_name(name) in GROUPS]


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line:
            yield line


def _is_local(text: str) -> bool:
    return text.startswith((".", "/", "file:.", "file:/"))


def _own_extras(item: str, own: str) -> list[str]:
    try:
        requirement = Requirement(item)
    except InvalidRequirement:
        return []
    return sorted(requirement.extras) if own and canonicalize_name(requirement.name) == own else []


def _group(groups: Mapping[str, Any], name: str, above: frozenset[str]) -> list[str]:
    if name in above:
        return []
    items = groups.get(name)
    found = strings(items)
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(item.get("include-group"), str):
            found += _group(groups, canonicalize_name(item["include-group"]), above | {name})
    return found
