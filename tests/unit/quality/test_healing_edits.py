"""Edits that can be taken back, diffs that fit, names that are near, errors as tools print them."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.quality.healing import edits
from autodev_tui.quality.healing.model import Unhealed
from autodev_tui.quality.healing.near import distance, near
from autodev_tui.quality.healing.symptoms import symptoms

LINE = st.sampled_from(["", "a", "b = 1", "    return x", "def f():", "é = 2", "x  ", "\tindent"])
FILE = st.lists(LINE, max_size=25)
END = st.sampled_from(["\n", "\r\n"])
MARK = st.sampled_from([b"", b"\xef\xbb\xbf"])


def laid(lines: list[str], end: str, mark: bytes, last: bool) -> bytes:
    return mark + (end.join(lines) + (end if last else "")).encode()


@settings(max_examples=150, deadline=None)
@given(FILE, FILE, END, MARK, st.booleans(), st.booleans())
def test_edits_make_the_file_and_take_it_back_to_the_byte(
    old: list[str], new: list[str], end: str, mark: bytes, last: bool, new_last: bool
) -> None:
    before, after = laid(old, end, mark, last), laid(new, end, mark, new_last)
    made = edits.calls("a.py", before, after)
    if made is None:
        return  # said to be impossible is allowed, done wrongly is not
    now: bytes | None = before
    for one in made:
        assert now is not None
        now = edits.apply(now, one["old_text"], one["new_text"])
    assert now == after
    for one in reversed(made):
        assert now is not None
        now = edits.undo(now, one["old_text"], one["new_text"])
    assert now == before


def test_most_changes_can_be_made() -> None:
    old = b"".join(b"line %d\r\n" % n for n in range(100))
    new = old.replace(b"line 7\r\n", b"").replace(b"line 50\r\n", b"line 50\r\nmore\r\n")
    assert len(edits.calls("a.py", old, new) or []) == 2


@pytest.mark.parametrize("data", [b"a\r\nb\nc\r\n", b"\xff\xfe\x00", b"x = '\xe9'\n"])
def test_what_cannot_be_taken_back_exactly_is_not_done(data: bytes) -> None:
    made = edits.calls("a.py", data, data + b"new\n")
    if made is not None:
        now = data
        for one in made:
            now = edits.apply(now, one["old_text"], one["new_text"]) or b""
        assert now == data + b"new\n"


@settings(max_examples=150, deadline=None)
@given(FILE, FILE, st.booleans(), st.booleans())
def test_a_diff_is_applied_as_it_says(old: list[str], new: list[str], last: bool, new_last: bool) -> None:
    before, after = laid(old, "\n", b"", last), laid(new, "\n", b"", new_last)
    lines = list(
        difflib.unified_diff(
            before.decode().splitlines(keepends=True),
            after.decode().splitlines(keepends=True),
            "a.py",
            "a.py",
        )
    )
    text = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    found = edits.read_diff(f"warning: before\n{text}1 file would be reformatted\n", "/tree")
    if not lines:
        assert not found
        return
    assert edits.patched(before, found["a.py"]) == after
    if last and len(before) > 1:
        assert edits.patched(before.replace(b"\n", b"\r\n"), found["a.py"]) in (
            None,
            after.replace(b"\n", b"\r\n"),
        )


def test_a_diff_of_other_lines_does_not_fit() -> None:
    diff = ["@@ -1,2 +1,2 @@", " one", "-two", "+three"]
    assert edits.patched(b"one\ntwo\n", diff) == b"one\nthree\n"
    assert edits.patched(b"one\nzwei\n", diff) is None


@pytest.mark.parametrize(
    ("name", "options", "meant"),
    [
        ("cout", ["count", "other"], "count"),
        ("firstname", ["first_name", "last_name"], "first_name"),
        ("getItems", ["get_item", "set_item"], "get_item"),
        ("factories", ["factory", "other"], "factory"),
        ("discount_pct", ["amount", "discount_percent"], "discount_percent"),
        ("total", ["total_price", "count"], "total_price"),
        ("valeu", ["value", "values"], "value"),
    ],
)
def test_the_one_that_is_meant(name: str, options: list[str], meant: str) -> None:
    assert near(name, options) == meant


@pytest.mark.parametrize(
    ("name", "options"),
    [("total3", ["total1", "total2"]), ("client_c", ["client_a", "client_b"])],
)
def test_two_as_near_are_none(name: str, options: list[str]) -> None:
    assert isinstance(near(name, options), Unhealed)


@pytest.mark.parametrize(
    ("name", "options"),
    [("is_valid", ["is_not_valid"]), ("x", ["y"]), ("frobnicate", ["total"]), ("ab", ["cd"])],
)
def test_nothing_is_near(name: str, options: list[str]) -> None:
    assert near(name, options) is None


def test_letters_apart() -> None:
    assert [distance("abc", other) for other in ("abc", "acb", "abcd", "xbc", "xyz")] == [0, 1, 1, 1, 3]


OUTPUT = """\
_____ ERROR collecting tests/test_a.py _____
tests/test_a.py:1: in <module>
    from shop.prices import total
E   ModuleNotFoundError: No module named 'shop.prices'
_____ test_b _____
tests/test_b.py:5: in test_b
    run()
/elsewhere/lib.py:3: in run
    raise
shop/app.py:7: in run
    return os.sep
E   NameError: name 'os' is not defined
file /tree/tests/test_c.py, line 3
  def test_c(clint):
E       fixture 'clint' not found
>       available fixtures: cache, client
Traceback (most recent call last):
  File "/tree/shop/app.py", line 9, in <module>
    box.size()
TypeError: Box.size() takes 0 positional arguments but 1 was given
shop/app.py:4:8: F821 Undefined name `json`
shop/app.py:2: error: Module "shop" has no attribute "totl"; maybe "total"?  [attr-defined]
"""


def test_errors_are_read_with_their_innermost_place() -> None:
    known = {"tests/test_a.py", "tests/test_b.py", "tests/test_c.py", "shop/app.py"}

    def local(path: str) -> str:
        path = path.removeprefix("/tree/")
        return path if path in known else ""

    found = [(one.kind, one.name, one.owner, one.path, one.line) for one in symptoms(OUTPUT, local)]
    assert found == [
        ("no_module", "shop.prices", "", "tests/test_a.py", 1),
        ("undefined", "os", "", "shop/app.py", 7),
        ("fixture", "clint", "", "tests/test_c.py", 3),
        ("self", "size", "Box", "shop/app.py", 9),
        ("undefined", "json", "", "shop/app.py", 4),
        ("module_attribute", "totl", "shop", "shop/app.py", 2),
    ]
