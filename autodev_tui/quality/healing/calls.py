"""FIX_TESTS: an argument, a fixture or a `self` that is nearly right."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.model import Change, Proposal, Repair, Unhealed
from autodev_tui.quality.healing.near import near
from autodev_tui.quality.healing.source import Source, parse
from autodev_tui.quality.healing.symptoms import Symptom
from autodev_tui.quality.healing.tree import Tree

Function = ast.FunctionDef | ast.AsyncFunctionDef


def keyword(tree: Tree, symptom: Symptom) -> Proposal:
    """`f(name=…)` where the one function of that name has a nearly equal argument."""
    path, name = symptom.path, symptom.name
    data = tree.read(path)
    parsed = parse(data) if data else None
    if data is None or parsed is None:
        return None
    options = _arguments(tree, symptom.owner)
    if isinstance(options, Unhealed):
        return options
    meant = near(name, options)
    if not isinstance(meant, str):
        return meant
    called = symptom.owner.rpartition(".")[2]
    called = symptom.owner.split(".")[-2] if called == "__init__" and "." in symptom.owner else called
    source = Source(data)
    spans = []
    for node in ast.walk(parsed):
        if not (isinstance(node, ast.Call) and node.lineno <= symptom.line <= (node.end_lineno or 0)):
            continue
        given = [one.arg for one in node.keywords]
        for one in node.keywords:
            if one.arg == name and meant not in given and _called(node) in (called, "cls"):
                start = source.span(one)[0]
                spans.append((start, start + len(name.encode()), meant.encode()))
    return _one(
        path,
        data,
        source,
        spans,
        f"the argument {name} of {called} is {meant}: changed in {path}:{symptom.line}",
    )


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _arguments(tree: Tree, owner: str) -> set[str] | Unhealed:
    """The arguments of the one function or class that is called so."""
    parts = [part for part in owner.split(".") if part != "<locals>"]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    found: list[set[str]] = []
    for path in tree.mentioning(parts[-1]):
        parsed = parse(tree.read(path) or b"")
        for node, holder in _definitions(parsed) if parsed else ():
            if node.name != parts[-1] or (len(parts) > 1 and holder != parts[-2]):
                continue
            if isinstance(node, ast.ClassDef):
                made = [one for one in node.body if isinstance(one, Function) and one.name == "__init__"]
                fields = {
                    one.target.id
                    for one in node.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                }
                found.append(_names(made[0]) if made else fields)
            else:
                found.append(_names(node))
    if len(found) > 1:
        return Unhealed(f"{len(found)} things are called {owner}")
    return found[0] if found else set()


def _definitions(parsed: ast.Module) -> Iterator[tuple[Function | ast.ClassDef, str]]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Module | ast.ClassDef):
            holder = node.name if isinstance(node, ast.ClassDef) else ""
            for inner in node.body:
                if isinstance(inner, Function | ast.ClassDef):
                    yield inner, holder


def _names(node: Function) -> set[str]:
    arguments = [*node.args.args, *node.args.kwonlyargs]
    return {one.arg for one in arguments if one.arg not in ("self", "cls")}


def missing_self(tree: Tree, symptom: Symptom) -> Proposal:
    """A method that was called on an object, and whose definition has no place for it."""
    found = []
    wanted = (symptom.name, symptom.owner) if symptom.kind == "self" else ("self",)
    for path in tree.mentioning(*wanted):
        parsed = parse(tree.read(path) or b"")
        for node, holder in _definitions(parsed) if parsed else ():
            if isinstance(node, Function) and holder and _fits(node, holder, path, symptom):
                found.append((path, node))
    if len(found) != 1:
        return Unhealed(f"{len(found)} methods may lack their self") if found else None
    path, node = found[0]
    data = tree.read(path) or b""
    source = Source(data)
    start = source.span(node)[0]
    if node.decorator_list:
        start = source.at(node.lineno, node.col_offset)
    at = source.body.index(b"(", start) + 1
    arguments = node.args
    more = bool(
        arguments.args or arguments.vararg or arguments.kwonlyargs or arguments.kwarg or arguments.posonlyargs
    )
    spans = [(at, at, b"self, " if more else b"self")]
    return _one(path, data, source, spans, f"added self to {node.name} in {path}")


def _fits(node: Function, holder: str, path: str, symptom: Symptom) -> bool:
    marks = {
        one.id
        for one in ast.walk(ast.Module(list(map(ast.Expr, node.decorator_list)), []))
        if isinstance(one, ast.Name)
    }
    if marks & {"staticmethod", "classmethod"}:
        return False
    first = [one.arg for one in [*node.args.posonlyargs, *node.args.args]][:1]
    if first in (["self"], ["cls"], ["mcs"]):
        return False
    if symptom.kind == "self":
        return node.name == symptom.name and holder == symptom.owner
    return path == symptom.path and node.lineno <= symptom.line <= (node.end_lineno or 0)


def fixture(tree: Tree, symptom: Symptom) -> Proposal:
    """A test that asks for a fixture under a name that one of the repository's own fixtures nearly has."""
    path, name = symptom.path, symptom.name
    data = tree.read(path)
    parsed = parse(data) if data else None
    if data is None or parsed is None:
        return None
    own = {one for other in tree.mentioning("fixture") for one in _fixtures(tree, other)}
    available = set(symptom.options) or own
    meant = near(name, own & available)
    if not isinstance(meant, str):
        return meant
    source = Source(data)
    spans = []
    for node in ast.walk(parsed):
        if isinstance(node, Function) and name in [one.arg for one in node.args.args]:
            for inner in ast.walk(node):
                if isinstance(inner, ast.arg) and inner.arg == name:
                    start = source.span(inner)[0]
                    spans.append((start, start + len(name.encode()), meant.encode()))
                elif isinstance(inner, ast.Name) and inner.id == name:
                    spans.append((*source.span(inner), meant.encode()))
    return _one(path, data, source, spans, f"the fixture {name} is {meant}: changed in {path}")


def _fixtures(tree: Tree, path: str) -> Iterator[str]:
    parsed = parse(tree.read(path) or b"")
    for node in ast.walk(parsed) if parsed else ():
        if isinstance(node, Function) and any("fixture" in ast.unparse(one) for one in node.decorator_list):
            yield node.name


def _one(path: str, data: bytes, source: Source, spans: list[tuple[int, int, bytes]], title: str) -> Proposal:
    if not spans or not source.plain:
        return None
    return Repair(Strategy.FIX_TESTS, title, (Change(path, data, source.with_spans(spans)),))
