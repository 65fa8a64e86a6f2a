"""The files of a worktree as agents see them."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import CACHES


def listed_paths(repository: Repository, worktree: Path) -> list[str]:
    """Files that are there, tracked or neither ignored nor caches of known tools, surrogate-escaped. Sync."""
    git = repository.git_for(worktree)
    caches = [f"--exclude={name}" for name in sorted(CACHES)]
    found = git.fields(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", *caches, "--deduplicate"
    )
    gone = set(git.fields("ls-files", "-z", "--deleted"))
    return [path for path in found if path not in gone and not path.endswith("/")]
