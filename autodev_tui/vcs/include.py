"""`.worktreeinclude`: ignored files that an agent needs, copied into its worktree."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from autodev_tui.vcs import beneath
from autodev_tui.vcs.repository import Repository

INCLUDE_FILE = ".worktreeinclude"
"""Patterns in gitignore syntax, in the root of the user's checkout."""


def copy_included(repository: Repository, worktree: Path, patterns: bytes) -> list[str]:
    """Copy the ignored files that `patterns`, a `.worktreeinclude`, name; the paths that were copied.

    Only files that git ignores: what is tracked comes by git, what is neither is the user's work in progress.
    Nothing that is there is overwritten. A link is copied as a link, and only one that stays inside.
    """
    if not patterns.strip():
        return []
    from pathspec import GitIgnoreSpec

    wanted = GitIgnoreSpec.from_lines(os.fsdecode(patterns).splitlines())
    ignored = repository.git.fields("ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    copied = []
    for path in ignored:
        new = wanted.match_file(path) and beneath.state(worktree, path) is None
        if new and _copy(repository.root, worktree, path):
            copied.append(path)
    return copied


def _copy(root: Path, worktree: Path, path: str) -> bool:
    source = root / path
    if source.is_symlink():
        target = source.readlink()
        if target.is_absolute() or not source.resolve().is_relative_to(root):
            return False
        beneath.replace_link(worktree, path, os.fsencode(target))
        return True
    try:
        with (
            beneath.open_file(root, path) as file,
            beneath.parent_of(worktree, path, make=True) as (at, name),
        ):
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=at)
            with os.fdopen(fd, "wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
                os.fchmod(out.fileno(), os.fstat(file.fileno()).st_mode & 0o777)
    except beneath.InTheWay:
        return False
    return True
