"""What a landing is going to do, as data, and how it can be turned down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from autodev_tui.domain.base import Frozen


class PathMove(Frozen):
    """One path that the landing changes. Blobs and modes are git's, empty where the side does not exist."""

    path: str
    old_blob: str = ""
    old_mode: str = ""
    new_blob: str = ""
    new_mode: str = ""


class LandingPlan(Frozen):
    """A landing in full; the intent of its step. Everything that `perform` needs is in here."""

    target: str
    """Short name of the branch."""
    old: str
    """The commit that the target is at."""
    new: str
    """The commit that the target gets. Equal to `old` if everything has landed already."""
    head: str
    """Head of the session branch, an ancestor of `new`."""
    tree: str
    """The tree of `new`: what must be checked before it lands."""
    mode: Literal["ff", "merge"]
    message: str
    """Of the merge commit; with `ff` only used if a hook's edit makes one necessary."""
    paths: list[PathMove] = Field(default_factory=list)
    checkout: str | None = None
    """Root of the checkout of the target branch; None if it is checked out nowhere."""
    date: float | None = None
    """Date of the merge commit, seconds since 1970; None for the time of its making."""
    ready: bool = False
    """True once hooks and signing are through (`prepare_landing`); only then it may be performed."""


class HookOutput(Frozen):
    """What one hook, or the signing, said."""

    name: str
    code: int
    output: str
    duration_s: float = 0.0


class LandingRefused(Exception):
    """The landing cannot go on as the user's checkout or branch stands; exit code 3.

    Nothing has moved, unless `moved` names paths that hold the new content already (after an earlier kill):
    then only the same plan can go on.
    """

    code = 3

    def __init__(self, paths: Sequence[str], why: str, moved: Sequence[str] = ()) -> None:
        self.paths, self.why, self.moved = list(paths), why, list(moved)
        shown = ", ".join(printable(path) for path in self.paths[:10])
        more = f" and {len(self.paths) - 10} more" if len(self.paths) > 10 else ""
        done = f" · {len(self.moved)} paths have landed already" if self.moved else ""
        super().__init__(f"{why}: {shown}{more}{done}" if shown else why + done)


class LandingConflict(Exception):
    """The target has moved and the merge with it has conflicts; nothing has moved; exit code 3."""

    code = 3

    def __init__(self, target: str, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        shown = ", ".join(printable(path) for path in self.paths[:10])
        super().__init__(f"{target} has moved, and the merge with it conflicts: {shown}")


class LandingGate(Exception):
    """A hook of the user's, or the signing, said no; nothing has moved; exit code 3."""

    code = 3

    def __init__(
        self, why: str, outputs: Sequence[HookOutput], tree: str = "", paths: Sequence[str] = ()
    ) -> None:
        self.why, self.outputs, self.paths = why, list(outputs), list(paths)
        self.tree = tree
        """The tree as the hook changed it (a formatter that stages its work), else empty."""
        super().__init__(why)


def printable(text: str) -> str:
    """For messages: undecodable bytes and control characters escaped."""
    clean = text.encode(errors="backslashreplace").decode()
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in clean)
