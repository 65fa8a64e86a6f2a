"""How the screen looks by the user's settings and what the terminal says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MEASURE = "\x1b7\x1b[1;1H●\x1b[6n\x1b[1;1H \x1b8"
"""Has the terminal draw a glyph in its first cell and say where the cursor stands; blank again after it."""
NARROW = 1
"""Column, from 0, where the cursor stands after a glyph of one cell."""
LIGHT = frozenset({"7", "15"})
"""Background colours in COLORFGBG that are light."""


def theme_for(setting: str, environment: Mapping[str, str], known: Collection[str]) -> str:
    """The theme that is set, else a light or dark one as the terminal says; "" for an unknown one."""
    if setting and setting != "auto":
        return setting if setting in known else ""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "textual-light" if background in LIGHT else "textual-dark"


def ascii_for(setting: str, environment: Mapping[str, str], *, wide: bool = False) -> bool:
    """Whether glyphs are ASCII: when set so, else where the locale has no other or they take two cells."""
    if setting in ("ascii", "unicode"):
        return setting == "ascii"
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return wide or (bool(locale) and "utf" not in locale.lower())
