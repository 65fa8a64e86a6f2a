"""FIX_IMPORTS: a name that is nowhere imported, a module or a name that moved, a wrong relative import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.known import ALIASES, CLASSES_LIKE_MODULES, MOVED, SYMBOLS, stdlib_names
from autodev_tui.quality.healing.model import Change, Proposal, Repair, Unhealed
from autodev_tui.quality.healing.near import near
from autodev_tui.quality.healing.placing import add_import
from autodev_tui.quality.healing.source import Source, parse
from autodev_tui.quality.healing.symptoms import Symptom
from autodev_tui.quality.healing.tree import Tree

Import = tuple[str, str, str]
"""module, name ("" for the module itself), alias ("" without)."""


def undefined(tree: Tree, symptom: Symptom) -> Proposal:
    """An import for a name that a file uses and nobody gives it."""
    path, name = symptom.path, symptom.name
    parsed = parse(tree.read(path) or b"")
    if parsed is None or not path or _bound(parsed, name):
        return None
    found = sources(tree, path, parsed, name)
    if not found:
        return None
    if len(found) > 1:
        said = " or ".join(_words(one) for one in sorted(found)[:3])
        return Unhealed(f"{name} in {path} may come by {said}")
    module, wanted, alias = found.pop()
    new = add_import(tree, path, module, wanted, alias)
    old = tree.read(path)
    if new is None or old is None:
        return None
    return Repair(
        Strategy.FIX_IMPORTS, f"added {_words((module, wanted, alias))} to {path}", (Change(path, old, new),)
    )


def sources(tree: Tree, path: str, parsed: ast.Module, name: str) -> set[Import]:
    """The imports that could give a file this name: as other files do it, else wherever it is defined."""
    attributes, alone = uses(parsed, name)
    plain = not alone and bool(attributes) and attributes <= stdlib_names(name)
    if plain and name not in CLASSES_LIKE_MODULES and not tree.is_module(name):
        return {(name, "", "")}
    others = {
        one for other in tree.mentioning(name) if other != path and (one := _as_in(tree, other, path, name))
    }
    if others:
        return others
    found: set[Import] = set()
    if module := SYMBOLS.get(name):
        found.add((module, name, ""))
    if name in CLASSES_LIKE_MODULES:
        module, inner = CLASSES_LIKE_MODULES[name]
        found.add((module, "", "") if plain else (module, inner, ""))
    elif plain:
        found.add((name, "", ""))
    if name in ALIASES and not alone:
        found.add((ALIASES[name], "", name))
    found |= {
        (module, name, "")
        for module in tree.modules_with({name}, without=path)
        if module != tree.module(path)
    }
    if tree.is_module(name) and not alone and not is_test_file(f"{name}.py"):
        found.add((name, "", ""))
    return found


def _as_in(tree: Tree, other: str, path: str, name: str) -> Import | None:
    """How another file gets the name, written so that `path` can do the same."""
    given = tree.summary(other).imports.get(name)
    if given is None:
        return None
    module, wanted, level = given
    absolute = tree.absolute(other, module, level)
    if not absolute or absolute == tree.module(path):
        return None
    if not wanted:
        plain = module.partition(".")[0] == name and "." not in module
        return (module, "", "" if plain else name) if plain or module.rpartition(".")[2] != name else None
    return absolute, wanted, "" if wanted == name else name


def uses(parsed: ast.Module, name: str) -> tuple[set[str], bool]:
    """Attributes that are taken of a name, and whether it is also used by itself."""
    attributes: set[str] = set()
    bases: set[int] = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            attributes.add(node.attr)
            bases.add(id(node.value))
    alone = any(
        isinstance(node, ast.Name) and node.id == name and id(node) not in bases for node in ast.walk(parsed)
    )
    return attributes, alone


def _bound(parsed: ast.Module, name: str) -> bool:
    """Whether the file itself gives the name a meaning somewhere: then its absence is another matter."""
    return name in bound_names(parsed)


def bound_names(parsed: ast.Module) -> set[str]:
    """Every name that a file binds anywhere."""
    names: set[str] = set()
    for node in ast.walk(parsed):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.alias():
                names.add(node.asname or node.name.partition(".")[0])
    return names


def _words(one: Import) -> str:
    module, name, alias = one
    said = f"from {module} import {name}" if name else f"import {module}"
    return f"{said} as {alias}" if alias else said


# -- modules and names that are somewhere else


def no_module(tree: Tree, symptom: Symptom) -> Proposal:
    """An import of a module that moved, was renamed, or is misspelt."""
    missing = symptom.name
    users = [
        (path, node)
        for path in tree.mentioning(missing.rpartition(".")[2])
        for node in imports_of(tree, path, missing)
    ]
    if not users:
        return None
    names = {
        alias.name
        for _, node in users
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "*"
    }
    target = _new_place(tree, missing, names)
    if not isinstance(target, str):
        return target
    changes = []
    for path in dict.fromkeys(path for path, _ in users):
        old = tree.read(path)
        new = retarget(tree, path, missing, target)
        if old is None or new is None:
            return Unhealed(
                f"the imports of {missing} in {path} are written in a way that is not changed by rule"
            )
        changes.append(Change(path, old, new))
    where = ", ".join(change.path for change in changes[:3])
    return Repair(Strategy.FIX_IMPORTS, f"{missing} is {target} now: changed in {where}", tuple(changes))


def _new_place(tree: Tree, missing: str, names: set[str]) -> str | Unhealed | None:
    own = tree.is_module(missing.partition(".")[0])
    modules = sorted({name for path in tree.paths if (name := tree.module(path))})
    said = set(tree.mentioning(*names))
    fitting = [
        one
        for one in modules
        if one != missing
        and (tree.file_of(one) in said or all(tree.is_module(f"{one}.{name}") for name in names))
        and all(tree.has(one, name) for name in names)
    ]
    last = missing.rpartition(".")[2]
    moved = [one for one in fitting if one.rpartition(".")[2] == last]
    siblings = [one for one in fitting if one.rpartition(".")[0] == missing.rpartition(".")[0]]
    renamed = near(last, [one.rpartition(".")[2] for one in siblings])
    defining = [
        one
        for one in fitting
        if names and names <= tree.summary(tree.file_of(one)).defines and not is_test_file(f"{one}.py")
    ]
    for tier in (moved, None, defining if own else []):
        if tier is None:
            if isinstance(renamed, Unhealed):
                return renamed
            if renamed:
                return f"{missing.rpartition('.')[0]}.{renamed}".removeprefix(".")
        elif len(tier) == 1:
            return tier[0]
        elif tier:
            return Unhealed(f"{missing} may be {' or '.join(tier[:3])} now")
    if own:
        return None
    if missing in MOVED and names <= stdlib_names(MOVED[missing]):
        return MOVED[missing]
    if "." in missing:
        return None
    spelt = near(missing, [one for one in sys.stdlib_module_names if not one.startswith("_")])
    if isinstance(spelt, str) and names <= stdlib_names(spelt) and len(missing) > 3:
        return spelt
    return None


def imports_of(tree: Tree, path: str, module: str) -> Iterator[ast.Import | ast.ImportFrom]:
    """The statements of a file that import `module`, by whatever way of writing."""
    parsed = parse(tree.read(path) or b"")
    for node in ast.walk(parsed) if parsed else ():
        if isinstance(node, ast.Import) and any(one.name == module for one in node.names):
            yield node
        elif isinstance(node, ast.ImportFrom):
            whole = tree.absolute(path, node.module or "", node.level)
            if whole == module or any(f"{whole}.{one.name}" == module for one in node.names):
                yield node


def retarget(tree: Tree, path: str, module: str, target: str) -> bytes | None:
    """The file with its imports of `module` naming `target`; None where that is not simple."""
    data = tree.read(path)
    parsed = parse(data) if data else None
    if data is None or parsed is None:
        return None
    source = Source(data)
    spans: list[tuple[int, int, bytes]] = []
    for node in imports_of(tree, path, module):
        start, end = source.span(node)
        text = source.body[start:end]
        if isinstance(node, ast.Import):
            old = module.encode()
            if len(node.names) != 1 or text.count(old) != 1:
                return None
            spans.append((start, end, text.replace(old, target.encode())))
            if not node.names[0].asname:
                spans += rename_chain(source, parsed, module, target)
            continue
        whole = tree.absolute(path, node.module or "", node.level)
        if whole == module:
            _, word, tail = text.partition(b"import")
            spans.append(
                (start, end, f"from {written(tree, path, target, node.level)} ".encode() + word + tail)
            )
            continue
        # from package import module
        package, _, last = target.rpartition(".")
        if len(node.names) != 1 or not package:
            return None
        alias = node.names[0].asname or node.names[0].name
        said = last if alias == last else f"{last} as {alias}"
        spans.append((start, end, f"from {written(tree, path, package, node.level)} import {said}".encode()))
    return source.with_spans(spans) if source.plain else None


def written(tree: Tree, path: str, module: str, level: int) -> str:
    """`module` as an import in `path` names it, relative where the old one was and it is possible."""
    if not level:
        return module
    package, parts = tree.package(path), module.split(".")
    shared = 0
    while shared < min(len(package), len(parts)) and package[shared] == parts[shared]:
        shared += 1
    if not shared:
        return module
    return "." * (len(package) - shared + 1) + ".".join(parts[shared:])


def rename_chain(source: Source, parsed: ast.Module, old: str, new: str) -> list[tuple[int, int, bytes]]:
    """Every use of a dotted name, renamed."""
    spans = []
    for node in ast.walk(parsed):
        if (
            isinstance(node, ast.Name | ast.Attribute)
            and isinstance(node.ctx, ast.Load)
            and _dotted(node) == old
        ):
            spans.append((*source.span(node), new.encode()))
    return spans


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    inner = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def relative(tree: Tree, symptom: Symptom) -> Proposal:
    """A relative import with the wrong number of dots, or in a file that is in no package."""
    path = symptom.path
    data = tree.read(path)
    parsed = parse(data) if data else None
    node = next(
        (
            one
            for one in ast.walk(parsed or ast.Module([], []))
            if isinstance(one, ast.ImportFrom)
            and one.level
            and one.lineno <= symptom.line <= (one.end_lineno or 0)
        ),
        None,
    )
    if data is None or node is None:
        return None
    names = [one.name for one in node.names]
    fitting: set[str] = set()
    if "beyond" in symptom.message:
        for level in range(1, len(tree.package(path)) + 1):
            module = tree.absolute(path, node.module or "", level)
            if module and all(tree.has(module, name) for name in names):
                fitting.add("." * level + (node.module or ""))
    else:
        package = tree.package(path)
        for depth in range(len(package) + 1):
            module = ".".join([*package[:depth], *([node.module] if node.module else [])])
            if module and all(tree.has(module, name) for name in names):
                fitting.add(module)
    if len(fitting) != 1:
        return (
            Unhealed(f"{path}:{node.lineno}: which module the relative import means is not clear")
            if fitting
            else None
        )
    source = Source(data)
    start, end = source.span(node)
    _, word, tail = source.body[start:end].partition(b"import")
    target = fitting.pop()
    new = source.with_spans([(start, end, f"from {target} ".encode() + word + tail)])
    return Repair(Strategy.FIX_IMPORTS, f"from {target} in {path}", (Change(path, data, new),))
