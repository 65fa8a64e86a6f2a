"""API documentation from Python source by reading it: nothing is imported, nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autodev_tui.rules.sections import harmless

NAME = "api docs"
_LEFT_OUT = frozenset(
    (
        "tests",
        "test",
        "testing",
        "docs",
        "doc",
        "examples",
        "example",
        "benchmarks",
        "build",
        "dist",
        "scripts",
    )
)
_NO_MODULE = frozenset(("setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py", "__main__.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One module: its dotted name and its source."""

    name: str
    source: bytes


def module_name(path: str) -> str:
    """The dotted name of a source file that others import; "" for tests, scripts and private modules."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    if (
        not name.endswith(".py")
        or name in _NO_MODULE
        or name.startswith("test_")
        or name.endswith("_test.py")
    ):
        return ""
    folders = list(parts[:-1])
    if folders[:1] in (["src"], ["lib"]):
        folders = folders[1:]
    dotted = [*folders] if name == "__init__.py" else [*folders, name.removesuffix(".py")]
    if not dotted or any(part in _LEFT_OUT or part.startswith(("_", ".")) for part in dotted):
        return ""
    return ".".join(dotted) if all(part.isidentifier() for part in dotted) else ""


def documented(modules: Iterable[Module]) -> tuple[str, list[str]]:
    """The documentation in Markdown, and the modules that are no valid Python."""
    parts: list[str] = []
    broken: list[str] = []
    for module in modules:
        try:
            tree = ast.parse(module.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            broken.append(module.name)
            continue
        if text := _module(module.name, tree):
            parts.append(text)
    return "\n\n".join(parts), broken


def _module(name: str, tree: ast.Module) -> str:
    public = _all(tree)
    parts = [
        text for node in _definitions(tree.body) if _shown(node.name, public) and (text := _definition(node))
    ]
    said = _first_line(tree)
    if not parts and not said:
        return ""
    return "\n\n".join([f"## `{name}`", *([said] if said else []), *parts])


def _definition(node: ast.ClassDef | Function) -> str:
    said = _first_line(node)
    if not isinstance(node, ast.ClassDef):
        head = f"### `{_called(node)}`"
        return "\n\n".join([head, *([said] if said else [])])
    head = f"### class `{node.name}{_made(node)}`"
    bases = ", ".join(f"`{ast.unparse(base)}`" for base in node.bases)
    lines = [line for one in _definitions(node.body) if isinstance(one, Function) and (line := _method(one))]
    about = [*([said] if said else []), *([f"Extends {bases}."] if bases else [])]
    return "\n\n".join([head, *about, *(["\n".join(lines)] if lines else [])])


def _method(node: Function) -> str:
    if node.name.startswith("_"):
        return ""
    marks = _decorators(node)
    if any(mark.endswith((".setter", ".deleter")) for mark in marks):
        return ""
    said = _first_line(node)
    after = f": {said}" if said else ""
    if {"property", "cached_property", "functools.cached_property"} & marks:
        returns = f" -> {_annotation(node.returns)}" if node.returns else ""
        return f"- `{node.name}{returns}` (property){after}"
    kind = next((f" ({mark})" for mark in ("classmethod", "staticmethod") if mark in marks), "")
    return f"- `{_called(node, without_first='classmethod' in marks)}`{kind}{after}"


def _made(node: ast.ClassDef) -> str:
    """How an object of the class is made, where the class itself says so."""
    for one in _definitions(node.body):
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return signature(one, without_first=True)
    return _dataclass(node) if _decorators(node) & {"dataclass", "dataclasses.dataclass"} else ""


def _dataclass(node: ast.ClassDef) -> str:
    """The signature that a dataclass gets; "" where its source alone does not tell."""
    if node.bases or any(isinstance(one, ast.Call) and one.keywords for one in node.decorator_list):
        return ""
    shown: list[str] = []
    for one in node.body:
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        annotation = _annotation(one.annotation)
        if re.match(r"(?:typing\.)?ClassVar\b", annotation):
            continue
        if annotation.endswith("KW_ONLY"):
            return ""
        text = f"{one.target.id}: {annotation}"
        value = one.value
        if isinstance(value, ast.Call) and ast.unparse(value.func) in ("field", "dataclasses.field"):
            given = {word.arg: word.value for word in value.keywords}
            if set(given) & {"init", "kw_only"}:
                return ""
            default = "<factory>" if "default_factory" in given else ""
            default = _code(given["default"]) if "default" in given else default
        else:
            default = _code(value) if value else ""
        shown.append(f"{text} = {default}" if default else text)
    return f"({', '.join(shown)}) -> None"


def _called(node: Function, *, without_first: bool = False) -> str:
    kind = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{kind}{node.name}{signature(node, without_first=without_first)}"


def signature(node: Function, *, without_first: bool = False) -> str:
    """The signature as `inspect` writes it, annotations and defaults as in the source."""
    arguments = node.args
    shown: list[str] = []
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    pairs = list(zip(plain, [*defaults, *arguments.defaults], strict=True))
    for place, (one, default) in enumerate(pairs):
        if not (without_first and place == 0):
            shown.append(_parameter(one, default))
        if place + 1 == len(arguments.posonlyargs) and shown:
            shown.append("/")
    if arguments.vararg:
        shown.append(f"*{_parameter(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        shown.append("*")
    shown += [
        _parameter(one, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        shown.append(f"**{_parameter(arguments.kwarg, None)}")
    returns = f" -> {_annotation(node.returns)}" if node.returns else ""
    return f"({', '.join(shown)}){returns}"


def _parameter(one: ast.arg, default: ast.expr | None) -> str:
    text = one.arg + (f": {_annotation(one.annotation)}" if one.annotation else "")
    if default is None:
        return text
    return f"{text}{' = ' if one.annotation else '='}{_code(default)}"


def _annotation(node: ast.expr | None) -> str:
    return _code(node) if node else ""


def _code(node: ast.expr) -> str:
    return ast.unparse(node).replace("`", "'").replace("\n", " ")


def _definitions(body: Iterable[ast.stmt]) -> Iterator[ast.ClassDef | Function]:
    """Classes and functions, in the order of the source, the last of each name; overloads left out."""
    found: dict[str, ast.ClassDef | Function] = {}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            marks = _decorators(node)
            if marks & {"overload", "typing.overload"} or any(mark.endswith(".setter") for mark in marks):
                continue
            found[node.name] = node
    yield from found.values()


def _decorators(node: ast.ClassDef | Function) -> set[str]:
    return {ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}


def _all(tree: ast.Module) -> frozenset[str] | None:
    """The names in a plain `__all__`; None where there is none."""
    for node in tree.body:
        targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            try:
                return frozenset(ast.literal_eval(node.value))  # type: ignore[attr-defined]
            except (ValueError, TypeError, SyntaxError):
                return None
    return None


def _shown(name: str, public: frozenset[str] | None) -> bool:
    return name in public if public is not None else not name.startswith("_")


def _first_line(node: ast.Module | ast.ClassDef | Function) -> str:
    text = ast.get_docstring(node) or ""
    return harmless(text.strip().partition("\n\n")[0])[:300]


def modules_of(sources: Mapping[str, bytes]) -> list[Module]:
    """The modules among the files, by name."""
    named = {name: source for path, source in sources.items() if (name := module_name(path))}
    return [Module(name, named[name]) for name in sorted(named)]
