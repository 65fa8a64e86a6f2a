"""What every tool is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autodev_tui.policy.paths import PathDenied, SafePath, resolve
from autodev_tui.policy.secrets import Masker
from autodev_tui.tools.base import ToolProblem


@dataclass
class ToolContext:
    """The surroundings of one agent's calls. The engine owns it; tools only read it."""

    worktree: Path
    masker: Masker
    list_paths: Callable[[], list[str]]
    """Files of the worktree that git does not ignore, tracked or not, surrogate-escaped."""
    read_marks: dict[str, str] = field(default_factory=dict)
    """Files the agent has seen: path → sha256 of the bytes it saw."""
    must_read: set[str] = field(default_factory=set)
    """Files that changed under the agent (a review): to be read again before any edit."""
    by_products: set[str] = field(default_factory=set)
    """Paths that checks left behind: not listed, not searched."""
    outputs: Mapping[str, Path] = field(default_factory=dict)
    """Spooled command outputs that `read_file` may read as `@output/<name>`."""

    def place(self, path: str, *, follow: bool = True) -> SafePath:
        """Where `path` leads.

        Raises:
            ToolProblem: if policy denies it.
        """
        try:
            return resolve(self.worktree, path, follow=follow)
        except PathDenied as error:
            raise ToolProblem(str(error), denied=True) from error
