"""What the composer's text means, and what fits at its cursor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.completion import SLICE, Begun, Typed, as_mention, begun, best, best_of_many, parse
from widgets.history import CHARACTERS, KEPT, History

PATHS = ["src/auth/tokens.py", "tests/test_tokens.py", "docs/token.md", "src/table.py", "README.md"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", Typed("nothing")),
        (" \n ", Typed("nothing")),
        ("/level guided", Typed("command", "guided", "level")),
        ("/goal add\nlogin", Typed("command", "add\nlogin", "goal")),
        ("/etc/hosts is wrong", Typed("words", "/etc/hosts is wrong")),
        (" /level guided", Typed("words", "/level guided")),
        ("!git status", Typed("shell", "git status")),
        ("@T4 use scopes", Typed("words", "use scopes", target="T4")),
        ("@all stop", Typed("words", "stop", target="all")),
        ("@src/a.py is odd", Typed("words", "@src/a.py is odd")),
        ("~. stays", Typed("words", "~. stays")),
    ],
)
def test_what_a_text_is(text: str, typed: Typed) -> None:
    assert parse(text) == typed


@given(st.text())
def test_no_word_is_lost(text: str) -> None:
    typed = parse(text)
    kept = f"{typed.name} {typed.target or ''} {typed.text}"
    for word in text.split():
        assert word.lstrip("/!@") in kept


@pytest.mark.parametrize(
    ("before", "row", "found"),
    [
        ("/le", 0, Begun("command", "le", first=True)),
        ("/level gu", 0, Begun("argument", "gu", "level")),
        ("/goal @sr", 0, Begun("name", "sr")),
        ("/le", 1, None),
        ("@T", 0, Begun("name", "T", first=True)),
        ("see @src/a", 0, Begun("name", "src/a")),
        ("mail a@b", 0, None),
        ("@src/a.py ", 0, None),
    ],
)
def test_what_is_begun_at_the_cursor(before: str, row: int, found: Begun | None) -> None:
    assert begun(before, row) == found


def test_names_come_before_folders_and_scattered_letters() -> None:
    assert best("tok", PATHS, 9) == ["docs/token.md", "src/auth/tokens.py", "tests/test_tokens.py"]
    assert best("auth", PATHS, 9) == ["src/auth/tokens.py"]
    assert best("srtab", PATHS, 9) == ["src/table.py"]
    assert best("", PATHS, 2) == ["README.md", "src/table.py"]


@given(st.text(max_size=6), st.lists(st.text(max_size=20), max_size=20), st.integers(0, 8))
def test_what_fits_is_among_the_candidates_and_has_the_letters(
    needle: str, candidates: list[str], most: int
) -> None:
    found = best(needle, candidates, most)
    assert len(found) <= most and set(found) <= set(candidates)
    for one in found:
        letters = iter(one.casefold())
        assert all(letter in letters for letter in needle.casefold())


@settings(max_examples=10)
@given(st.text("ab/", max_size=3), st.integers(1, 5))
async def test_many_are_ranked_as_few(needle: str, most: int) -> None:
    many = [f"{'ab/'[one % 3]}{one}/b{one % 7}a" for one in range(3 * SLICE // 2)]
    assert await best_of_many(needle, many, most) == best(needle, many, most)


def test_a_path_with_blanks_is_quoted() -> None:
    assert as_mention("a b.txt") == '"a b.txt"' and as_mention("a.txt") == "a.txt"


@given(st.lists(st.text(min_size=1), max_size=8, unique=True), st.text())
def test_there_and_back_gives_the_draft(entries: list[str], draft: str) -> None:
    history = History(entries)
    seen = []
    while (found := history.earlier(draft)) is not None:
        seen.append(found)
    assert seen == entries[::-1]
    back = draft
    while (found := history.later()) is not None:
        back = found
    assert back == draft


def test_history_keeps_the_latest_and_each_once() -> None:
    history = History(str(one) for one in range(KEPT + 5))
    history.add("7")
    history.add("7")
    assert len(history.entries) == KEPT and history.entries[-2:] == [str(KEPT + 4), "7"]
    assert history.search("19 8", 3) == ["198"]
    assert history.search("19", 3) == ["199", "198", "197"]


def test_history_never_grows_without_bounds() -> None:
    history = History(["old", "x" * 60_000])
    history.add("y" * 60_000)
    assert [one[0] for one in history.entries] == ["y"]
    history.add("z" * (CHARACTERS + 1))
    assert [one[0] for one in history.entries] == ["z"]
