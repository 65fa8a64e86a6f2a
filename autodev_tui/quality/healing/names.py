"""FIX_TESTS: names that are nearly right, on whichever side of a test; never what a test asserts."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.imports import bound_names, imports_of, written
from autodev_tui.quality.healing.known import BUILTINS, RENAMED_METHODS, stdlib_names
from autodev_tui.quality.healing.model import Change, Proposal, Repair, Unhealed
from autodev_tui.quality.healing.near import near
from autodev_tui.quality.healing.source import Source, parse
from autodev_tui.quality.healing.symptoms import Symptom
from autodev_tui.quality.healing.tree import Tree

Span = tuple[int, int, bytes]


def misspelt(tree: Tree, symptom: Symptom) -> Proposal:
    """A name that its file does not know, and one that it knows and that is nearly the same."""
    path, name = symptom.path, symptom.name
    data = tree.read(path)
    parsed = parse(data) if data else None
    if data is None or parsed is None or name in bound_names(parsed):
        return None
    scope = _scope(parsed, symptom.line)
    meant = near(name, scope | {one for one in dir(builtins) if not one[0].isupper() or name[0].isupper()})
    if not isinstance(meant, str):
        return meant
    source = Source(data)
    spans = [
        (*source.span(node), meant.encode())
        for node in ast.walk(parsed)
        if isinstance(node, ast.Name) and node.id == name
    ]
    return _repair(f"{name} is {meant} in {path}", [(path, source, spans)], tree)


def _scope(parsed: ast.Module, line: int) -> set[str]:
    """What can be named at a line: the module's own names, and those of the functions around it."""
    names: set[str] = set()

    def collect(body: list[ast.stmt]) -> None:
        for node in body:
            inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            names.update(_binds(node) if not inner else [node.name])  # type: ignore[attr-defined]
            if inner and node.lineno <= line <= (node.end_lineno or 0):
                if not isinstance(node, ast.ClassDef):
                    names.update(one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg))  # type: ignore[attr-defined]
                collect(node.body)  # type: ignore[attr-defined]

    collect(parsed.body)
    return names


def _binds(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias():
                yield inner.asname or inner.name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)):
                yield name


def no_name(tree: Tree, symptom: Symptom) -> Proposal:
    """`from module import name` where the name moved to another module, or has a nearly equal one there."""
    name, module = symptom.name, symptom.owner
    file = tree.file_of(module)
    if not file:
        return _stdlib_name(tree, symptom)
    if name in tree.summary(file).defines:
        return Unhealed(
            f"{module} defines {name}, but is not loaded far enough: the modules import each other"
        )
    users = [
        path
        for path in tree.mentioning(name)
        if any(_imports(node, name) for node in imports_of(tree, path, module))
    ]
    places = tree.modules_with({name})
    if len(places) > 1:
        return Unhealed(f"{name} may come from {' or '.join(sorted(places)[:3])}")
    if places:
        changes = [(path, *_moved(tree, path, module, places[0], name)) for path in users]
        title = f"{name} is in {places[0]} now: changed in {', '.join(users[:3])}"
        return _repair(title, changes, tree, Strategy.FIX_IMPORTS)
    summary = tree.summary(file)
    return _renamed(tree, name, near(name, summary.defines | set(summary.imports)), file, users, module)


def _imports(node: ast.Import | ast.ImportFrom, name: str) -> bool:
    return isinstance(node, ast.ImportFrom) and any(one.name == name for one in node.names)


def _stdlib_name(tree: Tree, symptom: Symptom) -> Proposal:
    name, module, path = symptom.name, symptom.owner, symptom.path
    if not stdlib_names(module) or not path:
        return None
    if module == "collections" and name in stdlib_names("collections.abc"):
        return _repair(
            f"{name} is in collections.abc: changed in {path}",
            [(path, *_moved(tree, path, module, "collections.abc", name))],
            tree,
            Strategy.FIX_IMPORTS,
        )
    meant = near(name, stdlib_names(module))
    if not isinstance(meant, str):
        return meant
    source, spans = _rename_uses(tree, path, name, meant, module)
    return _repair(f"{name} is {meant} in {path}", [(path, source, spans)], tree, Strategy.FIX_IMPORTS)


def _moved(tree: Tree, path: str, module: str, target: str, name: str) -> tuple[Source, list[Span]]:
    """Imports of one name from another module; what else was imported with it stays."""
    source = Source(tree.read(path) or b"")
    spans: list[Span] = []
    for node in imports_of(tree, path, module):
        if not isinstance(node, ast.ImportFrom) or not _imports(node, name):
            continue
        start, end = source.span(node)
        said = [one.name + (f" as {one.asname}" if one.asname else "") for one in node.names]
        mine = [text for one, text in zip(node.names, said, strict=True) if one.name == name]
        rest = [text for one, text in zip(node.names, said, strict=True) if one.name != name]
        new = f"from {written(tree, path, target, node.level)} import {', '.join(mine)}"
        if rest:
            dots = "." * node.level + (node.module or "")
            lines = sorted([f"from {dots} import {', '.join(rest)}", new], key=lambda text: text.split()[1])
            indent = source.body[source.at(node.lineno) : start].decode()
            new = (source.newline.decode() + indent).join(lines)
        spans.append((start, end, new.encode()))
    return source, spans


def _rename_uses(tree: Tree, path: str, old: str, new: str, module: str) -> tuple[Source, list[Span]]:
    """A file's import of a name from `module`, and its uses, under the new name."""
    source = Source(tree.read(path) or b"")
    parsed = parse(tree.read(path) or b"")
    spans: list[Span] = []
    aliased = False
    for node in imports_of(tree, path, module):
        for one in node.names if isinstance(node, ast.ImportFrom) else ():
            if one.name == old:
                start = source.span(one)[0]
                spans.append((start, start + len(old.encode()), new.encode()))
                aliased = aliased or bool(one.asname)
    for inner in ast.walk(parsed) if parsed and spans and not aliased else ():
        if isinstance(inner, ast.Name) and inner.id == old:
            spans.append((*source.span(inner), new.encode()))
    return source, spans


def _renamed(
    tree: Tree, old: str, meant: str | Unhealed | None, file: str, users: list[str], module: str
) -> Proposal:
    if not isinstance(meant, str):
        return meant
    if _definition_is_wrong(tree, old, meant, file):
        return _rename_definition(tree, meant, old)
    changes = [(path, *_rename_uses(tree, path, old, meant, module)) for path in users]
    return _repair(f"{old} is {meant} in {module}: changed in {', '.join(users[:3])}", changes, tree)


def _definition_is_wrong(tree: Tree, missing: str, present: str, file: str) -> bool:
    """More files speak of the missing name than of the present one: the one who defines it misspelt it."""
    wanting = [
        path for path in tree.mentioning(missing) if path != file and missing in tree.summary(path).uses
    ]
    content = [
        path for path in tree.mentioning(present) if path != file and present in tree.summary(path).uses
    ]
    return len(wanting) >= 2 and not content


def _rename_definition(tree: Tree, old: str, new: str) -> Proposal:
    """A name under another one, everywhere; only where no file uses the new one for something else."""
    changes = []
    for path in tree.mentioning(old):
        if old not in tree.summary(path).uses:
            continue
        if is_test_file(path) or new in _stored(tree, path):
            return Unhealed(f"{old} should be {new}, but {path} has both")
        source, parsed = Source(tree.read(path) or b""), parse(tree.read(path) or b"")
        changes.append((path, source, list(_everywhere(source, parsed, old, new)) if parsed else []))
    return _repair(f"{old} is called {new} everywhere else: renamed", changes, tree)


def _stored(tree: Tree, path: str) -> set[str]:
    parsed = parse(tree.read(path) or b"")
    return bound_names(parsed) if parsed else set()


def _everywhere(source: Source, parsed: ast.Module, old: str, new: str) -> Iterator[Span]:
    for node in ast.walk(parsed):
        match node:
            case ast.Name(id=name) if name == old:
                yield (*source.span(node), new.encode())
            case ast.Attribute(attr=name) if name == old:
                yield attribute_span(source, node, new)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if (
                name == old
            ):
                start = source.body.index(old.encode(), source.span(node)[0])
                yield start, start + len(old.encode()), new.encode()
            case ast.arg(arg=name) | ast.keyword(arg=name) | ast.alias(name=name) if name == old:
                start = source.span(node)[0]
                yield start, start + len(old.encode()), new.encode()


def attribute_span(source: Source, node: ast.Attribute, new: str) -> Span:
    """Where the attribute's own name stands, to be replaced."""
    end = source.span(node)[1]
    return end - len(node.attr.encode()), end, new.encode()


def module_attribute(tree: Tree, symptom: Symptom) -> Proposal:
    """`module.name` where the module has a nearly equal one."""
    name, module, path = symptom.name, symptom.owner, symptom.path
    file = tree.file_of(module)
    summary = tree.summary(file) if file else None
    options = summary.defines | set(summary.imports) if summary else stdlib_names(module)
    meant = near(name, options)
    if not isinstance(meant, str) or not path:
        return meant if isinstance(meant, Unhealed) else None
    if file and _definition_is_wrong(tree, name, meant, file):
        return _rename_definition(tree, meant, name)
    local = {
        key for key, (whole, inner, level) in tree.summary(path).imports.items()
        if tree.absolute(path, whole, level) + (f".{inner}" if inner else "") == module
    }  # fmt: skip
    source, parsed = Source(tree.read(path) or b""), parse(tree.read(path) or b"")
    spans = [
        attribute_span(source, node, meant)
        for node in (ast.walk(parsed) if parsed else ())
        if isinstance(node, ast.Attribute)
        and node.attr == name
        and (ast.unparse(node.value) == module or ast.unparse(node.value) in local)
    ]
    return _repair(f"{module}.{name} is {module}.{meant}: changed in {path}", [(path, source, spans)], tree)


def attribute(tree: Tree, symptom: Symptom) -> Proposal:
    """`thing.name` where the thing's class has a nearly equal attribute."""
    name, owner, path = symptom.name, symptom.owner, symptom.path
    if not path:
        return None
    options, file = members(tree, owner)
    if (owner, name) in RENAMED_METHODS:
        meant: str | Unhealed | None = RENAMED_METHODS[owner, name]
    else:
        meant = near(name, options)
    if not isinstance(meant, str) or not meant:
        return meant or None
    if file and _definition_is_wrong(tree, name, meant, file):
        return _rename_definition(tree, meant, name)
    source, parsed = Source(tree.read(path) or b""), parse(tree.read(path) or b"")
    spans = [
        attribute_span(source, node, meant)
        for node in (ast.walk(parsed) if parsed else ())
        if isinstance(node, ast.Attribute) and node.attr == name and _at(node, symptom.line)
    ]
    return _repair(
        f".{name} is .{meant} of {owner}: changed in {path}:{symptom.line}", [(path, source, spans)], tree
    )


def _at(node: ast.AST, line: int) -> bool:
    return bool(node.lineno <= line <= (node.end_lineno or 0))  # type: ignore[attr-defined]


def members(tree: Tree, owner: str) -> tuple[set[str], str]:
    """The attributes of a class by its name, and its file; nothing when several are called so."""
    if owner in BUILTINS:
        return {one for one in dir(BUILTINS[owner]) if not one.startswith("_")}, ""
    found = [
        (path, tree.summary(path).classes[owner])
        for path in tree.mentioning(owner)
        if owner in tree.summary(path).classes
    ]
    if len(found) != 1:
        return set(), ""
    path, node = found[0]
    names: set[str] = set()
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id != owner:
            names |= members(tree, base.id)[0]
    for inner in ast.walk(node):
        match inner:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if inner in node.body:
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) if inner in node.body:
                names.add(name)
            case ast.Assign(targets=targets) if inner in node.body:
                names |= {one.id for one in targets if isinstance(one, ast.Name)}
    return names, path


def _repair(
    title: str,
    changes: list[tuple[str, Source, list[Span]]],
    tree: Tree,
    strategy: Strategy = Strategy.FIX_TESTS,
) -> Proposal:
    """A repair of the files that really change; nothing where a file's places cannot be told."""
    made = []
    for path, source, spans in changes:
        old = tree.read(path)
        if old is None or not source.plain:
            return Unhealed(f"{path} has line ends or an encoding that rules leave alone")
        new = source.with_spans(spans)
        if new != old:
            made.append(Change(path, old, new))
    return Repair(strategy, title, tuple(made)) if made else None
