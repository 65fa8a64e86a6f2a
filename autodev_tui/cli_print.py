"""What people read on stdout: coloured on a terminal, plain and uncut everywhere else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from autodev_tui.domain.text import visible

if TYPE_CHECKING:
    from rich.console import Console

STATES = {
    "in_progress": "cyan",
    "blocked": "yellow",
    "in_review": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
}
"""Colour repeats what glyph and word say already; nothing is told by it alone."""
DIFF = {"+": "green", "-": "red"}


def line(text: str, style: str = "") -> None:
    """Exactly one line, whatever is in it: everything hidden made visible, and nothing markup."""
    from rich.text import Text

    _console().print(Text(visible(text, keep="\t"), style=style), soft_wrap=True)


def money(usd: float, known: bool = True) -> str:
    """An amount in USD; small ones with the digits that tell them apart."""
    digits = 2 if usd == 0 or usd >= 0.1 else 4
    return f"${usd:.{digits}f}" + ("" if known else " and unknown prices")


def count(number: int, what: str) -> str:
    """`1 hunk`, `3 hunks`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)
