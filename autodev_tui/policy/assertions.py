"""What a Python test file asserts, skips and tolerates, read from its syntax tree."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field

_SKIPS = frozenset(
    {
        "skip",
        "skipif",
        "xfail",
        "skipIf",
        "skipUnless",
        "skipTest",
        "SkipTest",
        "expectedFailure",
        "importorskip",
    }
    | {
        "collect_ignore",
        "collect_ignore_glob",
        "pytest_ignore_collect",
        "pytest_collection_modifyitems",
        "__test__",
    }
)
_RAISES = frozenset(
    {"raises", "warns", "assertRaises", "assertRaisesRegex", "assertWarns", "deprecated_call"}
)
_BROAD = frozenset({"Exception", "BaseException", "AssertionError"})
_WEAK_METHODS = frozenset(
    {"assertTrue", "assertFalse", "assertIsNotNone", "assertIn", "assertIsInstance", "assert_called"}
)
_TOLERANCES: dict[str, dict[str, float]] = {
    "approx": {"rel": 1e-6, "abs": 1e-12},
    "isclose": {"rel_tol": 1e-9, "abs_tol": 0.0, "rtol": 1e-5, "atol": 1e-8},
    "assert_allclose": {"rtol": 1e-7, "atol": 0.0},
    "allclose": {"rtol": 1e-5, "atol": 1e-8},
    "assertAlmostEqual": {"places": -7.0, "delta": 0.0},
    "assertNotAlmostEqual": {"places": -7.0, "delta": 0.0},
    "assert_almost_equal": {"decimal": -7.0},
    "assert_array_almost_equal": {"decimal": -6.0},
}
"""Tolerance arguments and their defaults; digits are negative, so that greater is always looser."""
_POSITIONAL = {
    "approx": ("rel", "abs"),
    "assertAlmostEqual": ("", "places", "", "delta"),
    "assert_almost_equal": ("", "decimal"),
    "assert_array_almost_equal": ("", "decimal"),
    "assert_allclose": ("", "rtol", "atol"),
    "allclose": ("", "rtol", "atol"),
    "isclose": ("", "rtol", "atol"),
}
"""Names of the arguments after the first."""


@dataclass(frozen=True)
class Mark:
    """One thing found at `line`. `key` identifies it wherever it stands; `weight` is how much it says."""

    line: int
    key: str
    weight: float = 1.0


@dataclass
class Unit:
    """One function, or the module's own statements (`""`)."""

    name: str
    line: int
    end: int
    body: str
    """The syntax without positions and name: the same under another name."""
    empty: bool
    asserts: list[Mark] = field(default_factory=list)
    skips: list[Mark] = field(default_factory=list)
    tolerances: list[Mark] = field(default_factory=list)
    """Key: what is compared by which argument; weight: how loose."""
    cases: int = 0

    @property
    def is_test(self) -> bool:
        """Whether a test runner collects it by its name."""
        return self.name.rpartition(".")[2].startswith("test")


def read_units(source: bytes) -> dict[str, Unit]:
    """The units of a test file by qualified name, the module itself under "".

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if it is no Python that this interpreter knows.
    """
    tree = ast.parse(source)
    lines = source.count(b"\n") + 1
    units: dict[str, Unit] = {"": Unit("", 1, lines, "", empty=False)}
    _read(tree.body, "", units[""], units)
    return units


def _read(body: list[ast.stmt], prefix: str, unit: Unit, units: dict[str, Unit]) -> None:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            for decorator in statement.decorator_list:
                _Reader(unit).visit(decorator)
            _read(statement.body, f"{prefix}{statement.name}.", unit, units)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{statement.name}"
            while name in units:  # a second definition hides the first from the runner, not from us
                name += "'"
            units[name] = _function(name, statement)
        else:
            _Reader(unit).visit(statement)


def _function(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Unit:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    body = "".join(ast.dump(statement) for statement in node.body)
    unit = Unit(name, first, node.end_lineno or node.lineno, body, empty=all(map(_is_nothing, node.body)))
    reader = _Reader(unit)
    if node.name in _SKIPS:
        unit.skips.append(Mark(node.lineno, node.name))
    for decorator in node.decorator_list:
        reader.visit(decorator)
        unit.cases += _cases(decorator)
    reader.block(node.body)
    return unit


def _is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Return):
        return statement.value is None
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _cases(decorator: ast.expr) -> int:
    if isinstance(decorator, ast.Call) and _name(decorator.func) == "parametrize" and len(decorator.args) > 1:
        values = decorator.args[1]
        if isinstance(values, ast.List | ast.Tuple | ast.Set):
            return len(values.elts)
    return 0


class _Reader(ast.NodeVisitor):
    """Collects the marks of one unit; what can never run or fail does not count."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.visit(statement)
            if isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break):
                return

    def visit_Assert(self, node: ast.Assert) -> None:
        strength = _strength(node.test)
        if strength:
            self.unit.asserts.append(Mark(node.lineno, ast.dump(node.test), strength))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if name in _RAISES:
            broad = any(_name(argument) in _BROAD for argument in node.args[:1])
            matched = any(keyword.arg == "match" for keyword in node.keywords) or name.endswith("Regex")
            weight = 2.0 - broad + matched
            self.unit.asserts.append(Mark(node.lineno, ast.dump(node), weight))
        elif name.startswith(("assert_", "assert")) and len(name) > len("assert"):
            constant = bool(node.args) and all(isinstance(argument, ast.Constant) for argument in node.args)
            trivial = constant and name[len("assert")].isupper()  # mocks do assert with constants
            if not trivial:
                weight = 1.0 if name in _WEAK_METHODS else 2.0
                self.unit.asserts.append(Mark(node.lineno, ast.dump(node), weight))
        elif name == "fail" and isinstance(node.func, ast.Attribute):
            self.unit.asserts.append(Mark(node.lineno, ast.dump(node), 2.0))
        if name in _TOLERANCES:
            self._tolerance(node, name)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _SKIPS:
            self.unit.skips.append(Mark(node.lineno, node.attr))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _SKIPS:
            self.unit.skips.append(Mark(node.lineno, node.id))

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        known = node.test.value if isinstance(node.test, ast.Constant) else None
        if not isinstance(node.test, ast.Constant) or known:
            self.block(node.body)
        if not isinstance(node.test, ast.Constant) or not known:
            self.block(node.orelse)

    def visit_Try(self, node: ast.Try) -> None:
        swallowed = any(
            (handler.type is None or any(_name(kind) in _BROAD for kind in _kinds(handler.type)))
            and not any(isinstance(inner, ast.Raise | ast.Call | ast.Assert) for inner in ast.walk(handler))
            for handler in node.handlers
        )
        if not swallowed:
            self.block(node.body)
        for handler in node.handlers:
            self.block(handler.body)
        self.block(node.orelse)
        self.block(node.finalbody)

    def visit_With(self, node: ast.With) -> None:
        swallowed = any(
            isinstance(item.context_expr, ast.Call)
            and _name(item.context_expr.func) == "suppress"
            and any(_name(argument) in _BROAD for argument in item.context_expr.args)
            for item in node.items
        )
        for item in node.items:
            self.visit(item)
        if not swallowed:
            self.block(node.body)

    def _tolerance(self, node: ast.Call, name: str) -> None:
        defaults = _TOLERANCES[name]
        given: dict[str, ast.expr] = {k.arg: k.value for k in node.keywords if k.arg in defaults}
        for argument, value in zip(_POSITIONAL.get(name, ()), node.args[1:], strict=False):
            if argument:
                given[argument] = value
        for argument, default in defaults.items():
            loose, text = default, ""
            if argument in given:
                try:
                    loose = float(ast.literal_eval(given[argument]))
                    loose = -loose if argument in ("places", "decimal") else loose
                except (ValueError, TypeError, SyntaxError):
                    loose, text = default, ast.dump(given[argument])
            self.unit.tolerances.append(Mark(node.lineno, f"{name}.{argument}:{text}", loose))


def _strength(test: ast.expr) -> float:
    """0 for what is always true, 1 for truth and rough comparisons, 2 for equality and identity."""
    if isinstance(test, ast.Constant | ast.JoinedStr | ast.Lambda):
        return 0.0
    if isinstance(test, ast.Tuple | ast.List | ast.Dict | ast.Set):
        return 0.0
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return 0.0 if isinstance(test.operand, ast.Constant) else 1.0
    if isinstance(test, ast.BoolOp):
        strengths = [_strength(value) for value in test.values]
        if isinstance(test.op, ast.Or):
            return 0.0 if any(_always(value) for value in test.values) else min(1.0, *strengths)
        return max(strengths)
    if isinstance(test, ast.Compare):
        sides = [ast.dump(side) for side in (test.left, *test.comparators)]
        if len(set(sides)) == 1 or all(
            isinstance(side, ast.Constant) for side in (test.left, *test.comparators)
        ):
            return 0.0
        exact = all(isinstance(operator, ast.Eq | ast.Is) for operator in test.ops)
        return 2.0 if exact else 1.0
    return 1.0


def _always(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(value.value)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _kinds(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def lost(old: list[Mark], new: list[Mark]) -> list[Mark]:
    """What `old` has more of than `new`, by key."""
    left = Counter(mark.key for mark in new)
    missing = []
    for mark in old:
        if left[mark.key]:
            left[mark.key] -= 1
        else:
            missing.append(mark)
    return missing
