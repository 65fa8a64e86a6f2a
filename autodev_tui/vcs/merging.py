"""Joining two commits as a tree, without a worktree and without any configured merge program."""

from __future__ import annotations

import os
from dataclasses import dataclass

from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from autodev_tui.vcs.repository import Repository


@dataclass(frozen=True)
class MergeResult:
    """The merged tree, or the paths that both sides changed in the same place."""

    tree: str | None
    conflicts: tuple[str, ...] = ()
    marked_tree: str = ""
    """With conflicts: the tree whose conflicting files hold conflict markers, to be mended."""


def merge(repository: Repository, ours: str, theirs: str) -> MergeResult:
    """Merge the commit `theirs` into `ours`. Sync; no ref, index or file changes.

    A path for which `.gitattributes` name a configured merge driver is a conflict when both sides changed it.

    Raises:
        RepositoryError: the two have no common ancestor, or one of them is not there.
    """
    git = repository.git
    try:
        done = git.call(
            "merge-tree", "--write-tree", "-z", "--no-messages", "--name-only", ours, theirs, ok=(0, 1)
        )
    except GitError as error:
        raise RepositoryError(f"cannot merge: {error.stderr}", f"{ours[:12]} and {theirs[:12]}") from error
    if not done.stdout:
        # A missing commit ends with code 1 too, as a conflict does.
        why = done.stderr.decode(errors="replace").strip()
        raise RepositoryError(f"cannot merge: {why}", f"{ours[:12]} and {theirs[:12]}")
    tree, *paths = [os.fsdecode(part) for part in done.stdout.split(b"\0")[:-1]]
    if done.returncode == 0:
        return MergeResult(tree)
    return MergeResult(None, tuple(sorted({path for path in paths if path})), tree)
