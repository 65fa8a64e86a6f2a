"""How the screen looks by the user's settings and what the terminal says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping

LIGHT = frozenset({"7", "15"})
"""Background colours in COLORFGBG that are light."""


def theme_for(setting: str, environment: Mapping[str, str], known: Collection[str]) -> str:
    """The theme that is set, else a light or dark one as the terminal says; "" for an unknown one."""
    if setting and setting != "auto":
        return setting if setting in known else ""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "textual-light" if background in LIGHT else "textual-dark"


def ascii_for(setting: str, environment: Mapping[str, str]) -> bool:
    """Whether glyphs are ASCII: when set so, or when the locale says that nothing else can be shown."""
    if setting in ("ascii", "unicode"):
        return setting == "ascii"
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return bool(locale) and "utf" not in locale.lower()
