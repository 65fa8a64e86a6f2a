"""How a line of a diff is written: what hides is shown, cuts are by cells, colours change no text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from autodev_tui.domain.changeset import Hunk
from autodev_tui.domain.evidence import CheckKind, Evidence
from tests.fakes.changes import change_set, file_change, mode_change
from widgets.cells import Line, width_of
from widgets.diff_colours import COMPARED_CHARACTERS, changed_words, compare, painted, syntax
from widgets.diff_layout import Kind, Row
from widgets.diff_rows import (
    code,
    evidence_line,
    file_line,
    gap_line,
    gutter,
    gutter_widths,
    heading_line,
    patch,
    rows_of,
    shown,
    skip,
)

TEXTS = st.text(alphabet="ab \t漢é\x1b\u202e[]/\udce9\r", max_size=60)


def plain(line: Line) -> str:
    return "".join(text for text, _ in line)


@given(TEXTS, st.integers(1, 40))
def test_wrapped_parts_are_the_whole_line_and_nothing_else(text: str, width: int) -> None:
    parts = [
        plain(code(text, (), (), left=0, width=max(width, 2), part=at))
        for at in range(rows_of(text, max(width, 2)))
    ]
    assert "".join(parts) == shown(text)
    assert all(cell_len(part) <= max(width, 2) for part in parts)


@given(TEXTS, st.integers(0, 30), st.integers(1, 40))
def test_a_cut_line_never_takes_more_than_its_room(text: str, left: int, width: int) -> None:
    line = code(text, (), (), left=left, width=width)
    assert width_of(line) <= width
    if cell_len(shown(text)) <= width and not left:
        assert plain(line) == shown(text)


@given(TEXTS)
def test_nothing_that_hides_is_drawn(text: str) -> None:
    drawn = plain(code(text, (), (), left=0, width=500))
    assert drawn.isprintable() and "\t" not in drawn


@given(st.text(alphabet="ab漢 ", max_size=20), st.integers(0, 30))
def test_skipped_cells_leave_the_others_where_they_were(text: str, cells: int) -> None:
    rest = plain(skip([(text[:5], "a"), (text[5:], "b")], cells))
    assert cell_len(rest) == max(cell_len(text) - cells, 0)


PLACES = st.tuples(st.integers(0, 20), st.integers(0, 25))
SPANS = st.lists(PLACES.map(lambda ends: (min(ends), max(ends), "x")), max_size=4).map(tuple)


@given(st.text(max_size=20), SPANS, SPANS)
def test_colours_change_no_text(text: str, spans: tuple[()], words: tuple[()]) -> None:
    assert plain(painted(text, spans, words)) == text


@given(st.text(alphabet="def x():\n\"'#\\\t\r1", max_size=80))
def test_syntax_has_one_entry_a_line_within_it(text: str) -> None:
    lines = text.split("\n")
    spans = syntax("a.py", text)
    assert len(spans) == len(lines)
    assert all(end <= len(line) for line, found in zip(lines, spans, strict=True) for _, end, _ in found)


def test_syntax_names_what_it_finds() -> None:
    spans = syntax("a.py", 'def go():\n    return "x"  # why\n')
    assert {role for line in spans for _, _, role in line} == {
        "code-keyword",
        "code-name",
        "code-string",
        "code-comment",
    }
    assert syntax("no-such-language", "text") == []
    assert syntax("a.py", "x = 1\n" * 100_000) == []


def marked(text: str, spans: tuple[tuple[int, int, str], ...]) -> list[str]:
    return [text[start:end] for start, end, _ in spans]


def test_changed_words_are_those_that_differ() -> None:
    before, after = "return encode(user.id, KEY)", "return encode(claims, key_for(now))"
    gone, come = compare(before, after)
    assert "KEY" in marked(before, gone) and "return" not in "".join(marked(before, gone))
    assert any("claims" in word for word in marked(after, come))
    assert compare("alpha beta", "something else entirely") == ((), ())
    assert compare("same", "same") == ((), ())


def hunk(old: str, new: str) -> Hunk:
    return change_set(("a.py", old, new)).hunks[0]


def test_words_are_compared_of_lines_that_stand_for_each_other() -> None:
    there = hunk("keep\nvalue = old\nlast\n", "keep\nvalue = new\nmore = 1\nlast\n")
    words = changed_words(there.diff, 0, len(there.diff))
    assert marked("value = old", words[1]) == ["old"]
    assert marked("value = new", words[2]) == ["new"]
    assert changed_words(there.diff, 2, 3).keys() == words.keys()
    long = "x " * COMPARED_CHARACTERS
    assert changed_words(hunk(long + "a\n", long + "b\n").diff, 0, 2) == {}


def test_a_row_has_its_numbers_sign_and_mark() -> None:
    widths = (4, 5)
    removed = Row(Kind.LINE, 0, 1, old=41, sign="-")
    assert plain(gutter(removed, widths, stands=False)) == "  41      − "
    added = Row(Kind.LINE, 0, 1, new=41, sign="+")
    assert plain(gutter(added, widths, stands=True)) == "       41›+ "
    same = "".join(f"{number}\n" for number in range(12_344))
    assert gutter_widths(file_change("a.py", same + "x\n", same + "y\n")) == (6, 6)


def test_headings_say_where_and_how_far() -> None:
    there = hunk("a\nb\n", "a\nc\n")
    line = plain(heading_line(there, ["asserts −1"], [("○ open", "muted"), (" 1/2", "text")], 60))
    assert line.startswith("@@ lines 1–2") and line.endswith("! asserts −1   ○ open 1/2 ")
    assert len(line) == 60
    assert "mode 100644 → 100755" in plain(heading_line(mode_change("x", 1).hunks[0], [], [], 40))


def test_a_file_keeps_its_name_when_room_is_short() -> None:
    file = file_change("src/very/long/path/to/tokens.py", "a\n", "b\n")
    right: Line = [("✓ verified @1f3c9e2", "done"), ("  pytest -q 41 passed, ruff check", "data")]
    for width in (60, 70, 80, 119):
        line = plain(file_line(file, "file 1 of 3", right, width))
        assert "tokens.py" in line and "✓ verified @1f3c9e2" in line and len(line) == width


def test_evidence_is_the_worst_that_was_found() -> None:
    def made(*results: str) -> list[Evidence]:
        return [
            Evidence(check=f"c{at}", kind=CheckKind.LINT, command=f"run {at}", tree="t", result=one)
            for at, one in enumerate(results)
        ]

    assert plain(evidence_line([], "abcdefghij", wide=False)) == "· not checked"
    assert (
        plain(evidence_line(made("passed", "passed"), "abcdefghij", wide=False))
        == "✓ verified @abcdefg  c0, c1"
    )
    assert plain(evidence_line(made("passed", "failed"), "abcdefghij", wide=True)) == "✗ failing  run 1"
    old = evidence_line(made("passed", "failed"), "abcdefghij", wide=False, before={"c1"})
    assert plain(old) == "✓ verified @abcdefg  c1 red before too"
    assert plain(evidence_line(made("failed", "failed"), "a", wide=False, before={"c1"})).startswith(
        "✗ failing"
    )
    assert plain(evidence_line(made("passed", "unverifiable"), "a", wide=False)) == "⊘ unverifiable  c1"
    assert plain(evidence_line(made("not_run"), "a", wide=False)) == "· not checked"


def test_what_is_proven_gives_way_in_whole_words() -> None:
    file = file_change("shop/prices.py", "a\n", "b\n")
    results = {"unittest": "failed", "ruff format": "failed", "mypy": "passed"}
    evidence = [
        Evidence(check=name, kind=CheckKind.LINT, command=name, tree="t", result=result)
        for name, result in results.items()
    ]
    proven = evidence_line(evidence, "abcdefghij", wide=False, before=("unittest", "ruff format"))
    ends = {
        width: plain(file_line(file, "file 1 of 1", proven, width)).partition("file 1 of 1")[2].strip()
        for width in range(52, 120)
    }
    assert ends[100] == "✓ verified @abcdefg  unittest, ruff format red before too"
    assert ends[79] == "✓ verified  unittest +1 red before too"
    assert set(ends.values()) == {
        "✓ verified @abcdefg  unittest, ruff format red before too",
        "✓ verified @abcdefg  unittest +1 red before too",
        "✓ verified  unittest +1 red before too",
        "✓ verified  2 red before too",
        "✓ verified",
    }


def test_gaps_count_what_they_hide() -> None:
    assert plain(gap_line(14, stands=False, at_end=False)) == "  ··· 14 lines"
    assert plain(gap_line(1, stands=True, at_end=False)) == " ›··· 1 line"
    assert plain(gap_line(0, stands=False, at_end=True)) == "  ··· to the end"


def test_a_patch_says_where_no_line_end_is() -> None:
    there = hunk("a\n", "a\nb")
    assert patch(there) == "--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n a\n+b\n\\ No newline at end of file\n"
