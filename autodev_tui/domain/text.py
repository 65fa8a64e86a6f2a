"""Text that a terminal or a human could be fooled by, made visible; and the way back for names."""

from __future__ import annotations

import re

HIDDEN_RANGES = (
    "\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680"
    "\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Controls, formats, separators other than the space, fillers, variation selectors, tags, lone surrogates."""

HIDDEN = re.compile(f"[{HIDDEN_RANGES}]")
_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"[A-Za-z]")
_LOOK_ALIKE = re.compile(r"[\u0400-\u052f\u0530-\u058f]")
_SHOWN = re.compile(r"‹(?:(?P<byte>0x[89A-F][0-9A-F])|(?P<control>[0-9A-F]{2})|U\+(?P<point>[0-9A-F]{4,6}))›")
_SHOWN_BYTE = re.compile(r"‹0x([89A-F][0-9A-F])›")
_BYTE = re.compile("[\udc80-\udcff]")


def visible(text: str, keep: str = "\n\t") -> str:
    """`text` with every character that hides, moves or disguises shown by its number.

    Controls become `‹1B›`, undecodable bytes (surrogate-escaped) `‹0xE9›`, everything else `‹U+202E›`.
    `keep` names characters that stay; pass "" for names and single lines.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = HIDDEN.sub(lambda match: match[0] if match[0] in keep else _number(match[0]), text)
    return _WORD.sub(_undisguised, shown) if _LOOK_ALIKE.search(shown) else shown


def from_visible(text: str) -> str:
    """What `visible` was given, for names that a model or a human typed back."""

    def restore(match: re.Match[str]) -> str:
        if match["byte"]:
            return chr(0xDC00 + int(match["byte"], 16))
        point = int(match["control"] or match["point"], 16)
        return chr(point) if point <= 0x10FFFF else match[0]

    return _SHOWN.sub(restore, text)


def show_bytes(text: str) -> str:
    """`text` with only its undecodable bytes shown as `‹0xE9›`, so that it can be encoded as UTF-8."""
    return _BYTE.sub(lambda match: _number(match[0]), text)


def unshow_bytes(text: str) -> str:
    """The reverse of `show_bytes`."""
    return _SHOWN_BYTE.sub(lambda match: chr(0xDC00 + int(match[1], 16)), text)


def _undisguised(match: re.Match[str]) -> str:
    # A word that mixes Latin with look-alike scripts is a disguise; one wholly in one script is just a word.
    word = match[0]
    return _LOOK_ALIKE.sub(lambda letter: _number(letter[0]), word) if _LATIN.search(word) else word


def _number(character: str) -> str:
    point = ord(character)
    if point < 0xA0:
        return f"‹{point:02X}›"
    if 0xDC80 <= point <= 0xDCFF:
        return f"‹0x{point - 0xDC00:02X}›"
    return f"‹U+{point:04X}›"
