"""The API documentation: read from the source, with the signatures that `inspect` tells."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

from autodev_tui.rules import documents
from autodev_tui.rules.api_docs import Module, documented, module_name, signature
from autodev_tui.rules.work import CannotGoOn
from tests.fakes.repos import FixtureRepository, make_repository
from tests.unit.rules.kit import carry_out, job

SOURCE = '''"""Carts and what they cost.

More words.
"""
from dataclasses import dataclass, field
from typing import ClassVar, overload


def plain(a, b=1, *rest, c, d="x", **more):
    """Add it up.

    Details.
    """

def typed(a: int, /, b: list[int], *, c: str = "y", d: dict[str, int] = {}) -> tuple[int, str]: ...
async def waiting(x: float = -1.5, y: bytes = b"q") -> None: ...
def only(*, a=None): ...
def star(*args: int, **kw: str): ...
def positional(a, b=(1, 2), /): ...
def _private(): ...
@overload
def over(a: int) -> int: ...
@overload
def over(a: str) -> str: ...
def over(a): return a

@dataclass
class Line:
    """One line."""

    known: ClassVar[int] = 3
    name: str
    count: int = 1
    tags: list[str] = field(default_factory=list)

class Cart:
    """Holds things."""

    def __init__(self, owner: str, size: int = 3) -> None: ...
    def add(self, thing: str, *, count: int = 1) -> int:
        """Put it in."""
    @classmethod
    def empty(cls, owner: str) -> "Cart": ...
    @staticmethod
    def tax(amount: float = 0.1) -> float: ...
    @property
    def total(self) -> int:
        """The sum."""
    @total.setter
    def total(self, value: int) -> None: ...
    def _hidden(self): ...
'''


@pytest.fixture
def repository(tmp_path: Path) -> FixtureRepository:
    files = {
        "src/shop/__init__.py": (
            '"""A shop."""\n__all__ = ["only_this"]\ndef only_this(): ...\ndef other(): ...\n'
        ),
        "src/shop/cart.py": SOURCE,
        "src/shop/_inner.py": "def f(): ...\n",
        "tests/test_cart.py": "def test_it(): ...\n",
        "setup.py": "raise SystemExit(1)\n",
    }
    return make_repository(tmp_path / "repo", files)


def write(repository: FixtureRepository, path: str = "docs/api.md") -> str:
    carry_out(documents.api_docs, job(repository))
    return (repository.root / path).read_text()


def test_the_signatures_are_those_of_inspect(tmp_path: Path) -> None:
    file = tmp_path / "measured_module.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("measured_module", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["measured_module"] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["measured_module"]
    seen = 0
    for node in ast.parse(SOURCE).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (
                signature(node) == str(inspect.signature(getattr(module, node.name))) or node.name == "over"
            )
            seen += 1
    text, _ = documented([Module("m", SOURCE.encode())])
    assert f"`over{inspect.signature(module.over)}`" in text
    assert f"class `Cart{inspect.signature(module.Cart)}`" in text
    assert f"class `Line{inspect.signature(module.Line)}`" in text
    for name in ("add", "empty", "tax"):
        assert f"`{name}{inspect.signature(getattr(module.Cart, name))}`" in text
        seen += 1
    assert seen == 13


def test_what_is_public_is_documented_with_its_first_words(repository: FixtureRepository) -> None:
    text = write(repository)
    assert re.findall(r"^## `(.*)`$", text, re.MULTILINE) == ["shop", "shop.cart"]
    assert "only_this" in text and "other" not in text
    for hidden in ("_private", "_hidden", "_inner", "test_it", "More words", "Details"):
        assert hidden not in text
    for shown in (
        "Carts and what they cost.",
        "Add it up.",
        "Holds things.",
        ": Put it in.",
        "(classmethod)",
    ):
        assert shown in text
    assert "- `total -> int` (property): The sum." in text


def test_the_second_time_nothing_changes(repository: FixtureRepository) -> None:
    first = write(repository)
    assert [one.name for one in carry_out(documents.api_docs, job(repository))] == ["finish"]
    repository.write("src/shop/cart.py", SOURCE.replace("def plain(a, b=1", "def plain(a, b=2"))
    assert write(repository) == first.replace("plain(a, b=1", "plain(a, b=2")


def test_a_readme_with_the_markers_takes_it_in_and_keeps_its_own_words(repository: FixtureRepository) -> None:
    words = "# Shop\n\nBefore.\n\n<!-- autodev:api docs -->\nold\n<!-- /autodev:api docs -->\n\nAfter.\n"
    repository.write("README.md", words)
    text = write(repository, "README.md")
    assert text.startswith("# Shop\n\nBefore.\n\n<!-- autodev:api docs -->\n## `shop`")
    assert text.endswith("<!-- /autodev:api docs -->\n\nAfter.\n") and "\nold\n" not in text
    assert not (repository.root / "docs").exists()


def test_a_page_of_the_users_own_keeps_its_words(repository: FixtureRepository) -> None:
    repository.write("docs/api.md", "# How to call us\n\nBy phone.")
    text = write(repository)
    assert text.startswith("# How to call us\n\nBy phone.\n\n<!-- autodev:api docs -->\n")


def test_broken_modules_are_left_out_and_named(repository: FixtureRepository) -> None:
    repository.write("src/shop/broken.py", "def (:\n")
    move = documents.api_docs(job(repository), [])
    assert "left out: shop.broken" in move.text


def test_nothing_is_imported(repository: FixtureRepository, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    repository.write("src/shop/trap.py", f"open({str(trap)!r}, 'w')\ndef f(): ...\n")
    assert "shop.trap" in write(repository)
    assert not trap.exists()


def test_without_python_it_says_so(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "js", {"a.js": "1\n"})
    with pytest.raises(CannotGoOn, match="no public Python module"):
        carry_out(documents.api_docs, job(repository))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("src/shop/cart.py", "shop.cart"),
        ("shop/__init__.py", "shop"),
        ("shop/__main__.py", ""),
        ("one.py", "one"),
        ("tests/helper.py", ""),
        ("shop/_x.py", ""),
        ("shop/tests/a.py", ""),
        ("my-dir/a.py", ""),
        ("conftest.py", ""),
        ("a.js", ""),
    ],
)
def test_names_of_modules(path: str, name: str) -> None:
    assert module_name(path) == name
