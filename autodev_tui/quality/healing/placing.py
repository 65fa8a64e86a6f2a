"""Adding an import where the file's own order wants it."""

from __future__ import annotations

import ast
import sys

from autodev_tui.quality.healing.source import Source, parse
from autodev_tui.quality.healing.tree import Tree


def add_import(tree: Tree, path: str, module: str, name: str = "", alias: str = "") -> bytes | None:
    """The file with `import module [as alias]`, or `from module import name [as alias]`, at its place."""
    data = tree.read(path)
    parsed = parse(data) if data is not None else None
    if data is None or parsed is None:
        return None
    source = Source(data)
    if not source.plain:
        return None
    block = _block(parsed)
    if name and (found := _joined(source, block, module, f"{name} as {alias}" if alias else name)):
        return found
    text = (f"from {module} import {name}" if name else f"import {module}") + (
        f" as {alias}" if alias else ""
    )
    line = text.encode() + source.newline
    at, blank_before, blanks_after = _place(tree, parsed, block, module, bool(name))
    before = source.newline if blank_before and source.line(at - 1).strip() else b""
    present = sum(not source.line(number).strip() for number in (at, at + 1) if number < source.count)
    after = source.newline * max(blanks_after - (present if not source.line(at).strip() else 0), 0)
    offset = source.at(at)
    if offset == len(source.body) and source.body and not source.body.endswith(b"\n"):
        before = source.newline + before
    return source.with_spans([(offset, offset, before + line + after)])


def _block(parsed: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    """The imports at the top of the file, before anything is defined."""
    found: list[ast.Import | ast.ImportFrom] = []
    for node in parsed.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            break
    return found


def _joined(source: Source, block: list[ast.Import | ast.ImportFrom], module: str, name: str) -> bytes | None:
    """`name` among the names of a `from module import …` that stands on one line already."""
    for node in block:
        if not isinstance(node, ast.ImportFrom) or node.level or node.module != module:
            continue
        start, end = source.span(node)
        text = source.body[start:end].decode()
        head, _, tail = text.partition(" import ")
        if node.lineno != node.end_lineno or "(" in tail or "*" in tail or "\\" in tail:
            continue
        names = [one.strip() for one in tail.split(",")]
        if names == sorted(names, key=_member):
            names = sorted([*names, name], key=_member)
        else:
            names.append(name)
        return source.with_spans([(start, end, f"{head} import {', '.join(names)}".encode())])
    return None


def _member(name: str) -> tuple[int, str]:
    """How import sorters order names: constants, classes, then the rest."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return rank, name


def group(tree: Tree, module: str, level: int = 0) -> int:
    """The block that an import belongs to: future, standard library, others, own, relative."""
    top = module.partition(".")[0]
    if level:
        return 4
    if top == "__future__":
        return 0
    if tree.is_module(top):
        return 3
    return 1 if top in sys.stdlib_module_names else 2


def _place(
    tree: Tree, parsed: ast.Module, block: list[ast.Import | ast.ImportFrom], module: str, is_from: bool
) -> tuple[int, bool, int]:
    """(line to insert before, whether a blank line comes before it, how many come after it)."""
    own = group(tree, module)
    if not block:
        first = _after_header(parsed)
        body = [node for node in parsed.body if node.lineno >= first]
        defines = bool(body) and isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        return (
            first,
            _is_docstring(parsed.body[0]) if parsed.body else False,
            2 if defines else 1 if body else 0,
        )
    keys = [_key(tree, node) for node in block]
    mine = (own, is_from, module.lower())
    same = [number for number, key in enumerate(keys) if key[0] == own]
    if same:
        later = [number for number in same if keys[number] > mine]
        if later:
            return block[later[0]].lineno, False, 0
        return (block[same[-1]].end_lineno or 0) + 1, False, 0
    later = [number for number, key in enumerate(keys) if key[0] > own]
    if later:
        node = block[later[0]]
        earlier = later[0] > 0
        return node.lineno, earlier, 1
    return (block[-1].end_lineno or 0) + 1, True, 0


def _key(tree: Tree, node: ast.Import | ast.ImportFrom) -> tuple[int, bool, str]:
    if isinstance(node, ast.ImportFrom):
        return group(tree, node.module or "", node.level), True, (node.module or "").lower()
    return group(tree, node.names[0].name), False, node.names[0].name.lower()


def _after_header(parsed: ast.Module) -> int:
    """The line after the docstring, or of the first statement."""
    if not parsed.body:
        return 1
    first = parsed.body[0]
    if _is_docstring(first):
        return (first.end_lineno or 0) + 1
    decorators = getattr(first, "decorator_list", [])
    return int(min([first.lineno, *(one.lineno for one in decorators)]))


def _is_docstring(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)
