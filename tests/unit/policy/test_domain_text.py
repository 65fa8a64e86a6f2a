from __future__ import annotations

import sys
import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.text import (
    HIDDEN,
    from_visible,
    show_bytes,
    unshow_bytes,
    visible,
)


def test_what_fools_a_terminal_is_shown():
    assert visible("\x1b]52;c;aGk=\x07") == "‹1B›]52;c;aGk=‹07›"
    assert visible("\x9b2J") == "‹9B›2J"
    assert visible("a\u202eb") == "a‹U+202E›b"
    assert visible("a\u200bb\ufeff\U000e0041") == "a‹U+200B›b‹U+FEFF›‹U+E0041›"
    assert visible("caf\udce9") == "caf‹0xE9›"
    assert visible("p\u0430ypal") == "p‹U+0430›ypal"
    assert visible("a\rb") == "a‹0D›b"


def test_ordinary_text_stays():
    for text in ("plain", "añb\tc\n", "Привет, мир", "日本語", "Δx ≤ 3 µs", "😀", "[red]markup[/]"):
        assert visible(text) == text
    assert visible("a\nb\tc", keep="") == "a‹0A›b‹09›c"


def test_every_invisible_character_of_unicode_is_covered():
    missed = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
        and chr(point) != " "
        and not HIDDEN.match(chr(point))
    ]
    assert missed == []


@given(st.text(alphabet=st.characters(exclude_characters="‹›")))
def test_names_come_back(text):
    assert from_visible(visible(text, keep="")) == text


@given(st.binary())
def test_bytes_come_back(data):
    text = data.decode(errors="surrogateescape")
    if "‹" not in text:
        assert unshow_bytes(show_bytes(text)) == text
    show_bytes(text).encode()


def test_long_words_are_quick():
    began = time.perf_counter()
    visible("a" * 500_000 + "é")
    visible("aя" * 250_000)
    assert time.perf_counter() - began < 2
