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


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)
