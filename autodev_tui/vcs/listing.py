"""The files of a worktree as agents see them."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.vcs.repository import Repository


def listed_paths(repository: Repository, worktree: Path) -> list[str]:
    """Files that are there and that git does not ignore, tracked or not, surrogate-escaped. Sync."""
    git = repository.git_for(worktree)
    found = git.fields("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    gone = set(git.fields("ls-files", "-z", "--deleted"))
    return [path for path in found if path not in gone and not path.endswith("/")]
