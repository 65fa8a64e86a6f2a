"""A repair: what would be changed, why, and by which of the four strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autodev_tui.quality.failures.model import Strategy


@dataclass(frozen=True)
class Change:
    """One file before and after, byte for byte."""

    path: str
    old: bytes
    new: bytes


@dataclass(frozen=True)
class Repair:
    """One proposal. With `command` its changes are what that command prints as a diff."""

    strategy: Strategy
    title: str
    """What is done, in plain words: `import os in app.py`."""
    changes: tuple[Change, ...] = ()
    command: str = ""
    paths: frozenset[str] = field(default_factory=frozenset)
    """The only files that the diff of `command` may change; empty: any that failed."""
    prints: tuple[tuple[str, str], ...] = ()
    """Or (path, command): each command prints its file whole, as it would be."""
    lead: str = ""
    """What the title of such a repair begins with: the files come after it, once they are known."""
    mends: str = ""
    """What it mends, in a word: imports, names, syntax, dependencies, lint, format, import order."""
    tool: str = ""
    """The tool whose diff it is."""

    @property
    def key(self) -> str:
        """The same for the same proposal."""
        return "\0".join(
            [
                self.title,
                self.command,
                str(self.prints),
                *(f"{one.path}\0{hash(one.new)}" for one in self.changes),
            ]
        )


@dataclass(frozen=True)
class Unhealed:
    """Why no repair is proposed: what is ambiguous, or what nobody can know from the files."""

    why: str


def some(paths: Sequence[str]) -> str:
    """The first files of many."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


Proposal = Repair | Unhealed | None
"""None: the strategy has nothing to do with this failure."""
