"""A change set: two immutable git trees and the hunks between them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autodev_tui.domain.base import Frozen


class Hunk(Frozen):
    """One place where a file changes. Lines keep their line ends; bytes are surrogate-escaped text."""

    number: int
    """From 1, over the whole change set: what `--hunks` names."""
    path: str
    header: str = ""
    """The section heading after `@@`."""
    old_start: int
    old_lines: list[str]
    new_start: int
    new_lines: list[str]
    """Old and new side including context lines."""
    diff: list[str]
    """The lines as a unified diff shows them: ' ', '-' or '+' first, line end kept."""
    fingerprint: str
    """Ignores position and white space."""
    badges: list[str] = Field(default_factory=list)
    whole_file: bool = False
    """True where no lines can be shown (binary, mode, symlink, submodule, rename): all or nothing."""


class FileChange(Frozen):
    """One changed path. Blob ids are git's, empty where the side does not exist."""

    path: str
    status: Literal["added", "modified", "deleted", "typechange"]
    old_blob: str = ""
    new_blob: str = ""
    old_mode: str = ""
    new_mode: str = ""
    binary: bool = False
    added: int = 0
    removed: int = 0
    hunks: list[Hunk] = Field(default_factory=list)


class ChangeSet(Frozen):
    """What lies between the trees `base` and `proposed`."""

    base: str
    proposed: str
    files: list[FileChange]

    @property
    def hunks(self) -> list[Hunk]:
        """All hunks in order."""
        return [hunk for file in self.files for hunk in file.hunks]
