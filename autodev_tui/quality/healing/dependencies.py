"""UPDATE_DEPENDENCIES: a module whose distribution the manifest lacks, or names wrongly. Installs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.declared import GROUPS, strings, table
from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.known import DISTRIBUTIONS
from autodev_tui.quality.healing.model import Change, Proposal, Repair, Unhealed
from autodev_tui.quality.healing.source import BOM
from autodev_tui.quality.healing.symptoms import Symptom
from autodev_tui.quality.healing.tree import Tree

_LINE = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)(.*)$")


def no_module(tree: Tree, symptom: Symptom, sites: tuple[Path, ...] = ()) -> Proposal:
    """The manifest with the distribution that has the missing module. `sites` is where packages are."""
    top = symptom.name.partition(".")[0]
    if tree.is_module(top):
        return None
    declared = list(_declared(tree))
    known = DISTRIBUTIONS.get(top)
    installed = _provider(sites, top)
    elsewhere = [line for path, line, main in declared if not main and _same(line, known or installed or top)]
    wanted = elsewhere[0] if elsewhere else known or installed
    if not wanted:
        return Unhealed(f"which distribution has the module {top} is not known: name it in the dependencies")
    if any(main and _same(line, wanted) for _, line, main in declared):
        return Unhealed(f"{wanted} is declared, but not installed where the checks run")
    wrong = (
        next((path for path, line, _ in declared if _same(line, top)), "") if not _same(wanted, top) else ""
    )
    path = wrong or _manifest(tree, is_test_file(symptom.path))
    if not path:
        return Unhealed(f"{wanted} is missing, and there is no list of dependencies to add it to")
    old = tree.read(path) or b""
    new = _edited(old, path, top if wrong else "", wanted, is_test_file(symptom.path))
    if new is None or new == old:
        return Unhealed(f"{wanted} is missing in {path}, whose form rules leave alone")
    title = (
        f"{top} is called {wanted} as a dependency: renamed in {path}"
        if wrong
        else f"added {wanted} to {path}"
    )
    return Repair(Strategy.UPDATE_DEPENDENCIES, title, (Change(path, old, new),))


def _same(line: str, name: str) -> bool:
    try:
        own = Requirement(line).name
        other = Requirement(name).name
    except InvalidRequirement:
        return False
    return canonicalize_name(own) == canonicalize_name(other)


def _text(tree: Tree, path: str) -> str:
    data = tree.read(path)
    return "" if data is None else data.removeprefix(BOM).decode(errors="replace")


def _files(tree: Tree) -> Iterator[tuple[str, bool]]:
    """Requirement files, and whether what they list is always installed."""
    yield "requirements.txt", True
    for group in GROUPS:
        for name in (f"requirements-{group}.txt", f"requirements_{group}.txt", f"{group}-requirements.txt"):
            yield name, False
        yield f"requirements/{group}.txt", False
    yield "requirements/base.txt", True


def _declared(tree: Tree) -> Iterator[tuple[str, str, bool]]:
    """(file, requirement, whether it is one of those that are always installed)."""
    for path, main in _files(tree):
        for line in _text(tree, path).splitlines():
            text = line.partition(" #")[0].strip()
            if text and not text.startswith(("#", "-")):
                yield path, text, main
    document = _toml(tree)
    project = table(document, "project")
    for line in strings(project.get("dependencies")):
        yield "pyproject.toml", line, True
    for section in (table(project, "optional-dependencies"), table(document, "dependency-groups")):
        for lines in section.values():
            for line in strings(lines):
                yield "pyproject.toml", line, False
    poetry = table(document, "tool", "poetry")
    for name in table(poetry, "dependencies"):
        yield "pyproject.toml", name, True
    for group in table(poetry, "group").values():
        for name in table(group, "dependencies"):
            yield "pyproject.toml", name, False


def _toml(tree: Tree) -> dict[str, object]:
    try:
        return tomlkit.parse(_text(tree, "pyproject.toml")).unwrap()
    except (ValueError, RecursionError):
        return {}


def _manifest(tree: Tree, test: bool) -> str:
    if test:
        for path, main in _files(tree):
            if not main and tree.read(path) is not None:
                return path
    document = _toml(tree)
    if table(document, "project") or table(document, "tool", "poetry", "dependencies"):
        return "pyproject.toml"
    return next((path for path, main in _files(tree) if main and tree.read(path) is not None), "")


def _edited(old: bytes, path: str, wrong: str, wanted: str, test: bool) -> bytes | None:
    bom = BOM if old.startswith(BOM) else b""
    text = old[len(bom) :].decode(errors="surrogateescape")
    end = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    try:
        new = (
            _pyproject(plain, wrong, wanted, test)
            if path.endswith(".toml")
            else _requirements(plain, wrong, wanted)
        )
    except (AttributeError, TypeError, LookupError):
        return None  # something in it is not what its name says: a list is a text, a table a number
    return None if new is None else bom + new.replace("\n", end).encode(errors="surrogateescape")


def _requirements(text: str, wrong: str, wanted: str) -> str | None:
    lines = text.split("\n")
    if wrong:
        for number, line in enumerate(lines):
            match = _LINE.match(line)
            if match and canonicalize_name(match[1]) == canonicalize_name(wrong):
                found = re.search(r"\s+#.*", line)
                comment = found[0] if found else ""
                # The version was one of another distribution, so it says nothing of this one.
                lines[number] = wanted + comment
                return "\n".join(lines)
        return None
    tail = len(lines) - 1 if lines[-1] == "" else len(lines)
    names = [line for line in lines[:tail] if line.strip() and not line.lstrip().startswith(("#", "-"))]
    place = tail
    if names and names == sorted(names, key=str.lower):
        later = [
            number
            for number, line in enumerate(lines[:tail])
            if line in names and line.lower() > wanted.lower()
        ]
        place = later[0] if later else tail
    lines.insert(place, wanted)
    return "\n".join(lines)


def _pyproject(text: str, wrong: str, wanted: str, test: bool) -> str | None:
    try:
        document = tomlkit.parse(text)
    except (ValueError, RecursionError):
        return None
    poetry = document.get("tool", {}).get("poetry", {})
    project = document.get("project", {})
    lists = [project.get("dependencies"), *project.get("optional-dependencies", {}).values()]
    lists += list(document.get("dependency-groups", {}).values())
    if wrong:
        for items in lists:
            for number, item in enumerate(items or []):
                if isinstance(item, str) and _same(item, wrong):
                    items[number] = wanted
                    return tomlkit.dumps(document)
        dependencies = poetry.get("dependencies", {})
        found = next((name for name in dependencies if _same(str(name), wrong)), None)
        if found is None:
            return None
        del dependencies[found]
        dependencies[wanted] = "*"
        return tomlkit.dumps(document)
    target = None
    if test:
        named = {**project.get("optional-dependencies", {}), **document.get("dependency-groups", {})}
        target = next((named[group] for group in GROUPS if group in named), None)
    if target is None and "dependencies" in project:
        target = project["dependencies"]
    if target is not None:
        _insert(target, wanted)
        return tomlkit.dumps(document)
    if poetry.get("dependencies") is not None:
        poetry["dependencies"][Requirement(wanted).name] = "*"
        return tomlkit.dumps(document)
    if "project" in document:
        project["dependencies"] = [wanted]
        return tomlkit.dumps(document)
    return None


def _insert(items: tomlkit.items.Array, wanted: str) -> None:
    present = [str(item) for item in items]
    if present and present == sorted(present, key=str.lower):
        place = next((n for n, item in enumerate(present) if item.lower() > wanted.lower()), len(present))
        items.insert(place, wanted)
    else:
        items.append(wanted)


def _provider(sites: tuple[Path, ...], top: str) -> str:
    """The installed distribution that says it has the module `top`. Sync: reads small files."""
    for site in sites:
        for info in sorted(site.glob("*.dist-info")):
            try:
                tops = (info / "top_level.txt").read_text(encoding="utf-8").split()
            except (OSError, UnicodeDecodeError):
                continue
            if top in tops:
                return info.name.split("-")[0].replace("_", "-")
    return ""
