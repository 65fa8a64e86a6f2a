"""Content filters (LFS, encryption): none is run for agents, so a path behind one is refused."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from autodev_tui.vcs.errors import FilteredPath
from autodev_tui.vcs.git import Git
from autodev_tui.vcs.repository import Repository

ATTRIBUTES = ".gitattributes"
NO_FILTER = ("unspecified", "unset", "set", "")


def refuse_filtered(git: Git, paths: Collection[str]) -> None:
    """Raise FilteredPath for the first of `paths` that goes through a content filter. Sync."""
    if not paths:
        return
    given = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
    fields = git.fields("check-attr", "-z", "--stdin", "filter", stdin=given)
    for path, _, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if value not in NO_FILTER:
            raise FilteredPath(path, value)


def check_unfiltered(repository: Repository, worktree: Path, *paths: str) -> None:
    """Raise FilteredPath if one of `paths` goes through a filter; git is asked only where one may. Sync."""
    if any(b"filter" in text for path in paths for text in _attributes(repository, worktree, path)):
        refuse_filtered(repository.git_for(worktree), paths)


def _attributes(repository: Repository, worktree: Path, path: str) -> Iterator[bytes]:
    """The content of every file that may say something of `path`'s attributes."""
    given = dict(repository.user.harmless).get("core.attributesFile", "")
    files = [repository.common_dir / "info/attributes", *([Path(given)] if given else [])]
    files += [worktree / folder / ATTRIBUTES for folder in PurePosixPath(path).parents]
    for file in files:
        try:
            yield file.read_bytes()
        except OSError:
            continue
