"""A worktree's content as a git tree: tracked and untracked files, but nothing ignored and no by-products."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from autodev_tui.vcs import beneath
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.filters import refuse_filtered
from autodev_tui.vcs.git import NO_ID, Git, GitError
from autodev_tui.vcs.repository import Repository

__all__ = ["OWN_INDEX", "change_set", "own_index", "set_visible_index", "snapshot", "untracked"]

CACHES = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".coverage", "node_modules"}
)
"""Caches of known tools: never part of a change, ignored or not, unless they are tracked."""
OWN_INDEX = "autodev.index"
"""Our index in a worktree's git directory: no command in the worktree sets flags in it that hide changes."""
_GITLINK = "160000"


def snapshot(repository: Repository, worktree: Path, *, by_products: Collection[str] = ()) -> str:
    """The tree of what is in `worktree` now. Sync; hashes only what changed since the last time.

    Untracked paths in or below `by_products` (relative) are left out. Nested repositories and submodules stay
    as they are in HEAD. Links are kept as links.

    Raises:
        FilteredPath: a changed file goes through a content filter; nothing was written.
        GitError: a file cannot be read.
    """
    try:
        return _snapshot(repository, worktree, by_products)
    except GitError as error:
        own = repository.admin_dir(worktree) / OWN_INDEX
        if "invalid object" not in error.stderr or not own.exists():
            raise
        # The user's `git gc` took objects that only our index still knew of.
        own.unlink()
        return _snapshot(repository, worktree, by_products)


def untracked(repository: Repository, worktree: Path) -> set[str]:
    """Files that HEAD does not have and nothing ignores, without caches of known tools. Sync."""
    with own_index(repository, worktree) as git:
        state = _status(git, by_products=())
    return state.others | {path for path in state.added if beneath.state(worktree, path)}


def _snapshot(repository: Repository, worktree: Path, by_products: Collection[str]) -> str:
    with own_index(repository, worktree, keep=True) as git:
        found = _status(git, by_products)
        # What an earlier snapshot took in must be judged again: it may be ignored or a by-product by now.
        dropped = {path for path in found.added if _left_out(path, by_products)} | _ignored(git, found.added)
        dirty = found.dirty - dropped
        present = {path for path in dirty if _is_content(worktree, path)}
        refuse_filtered(git, present | found.staged - dropped)
        if gone := (dirty - present) | dropped:
            entries = b"".join(b"0 %s\t%s\0" % (NO_ID.encode(), os.fsencode(path)) for path in sorted(gone))
            git.run("update-index", "-z", "--index-info", stdin=entries)
        if present:
            git.run("update-index", "-z", "--add", "--remove", "--replace", "--stdin", stdin=_lines(present))
        return git.text("write-tree")


@contextlib.contextmanager
def own_index(repository: Repository, worktree: Path, *, keep: bool = False) -> Iterator[Git]:
    """Git with a private copy of our index of `worktree`; it becomes our index if `keep` and all went well.

    A copy, so that a kill leaves no lock behind and two readers never wait for each other.
    """
    folder = repository.admin_dir(worktree)
    own, copy = folder / OWN_INDEX, folder / f"{OWN_INDEX}.{secrets.token_hex(6)}"
    git = repository.git_for(worktree, copy)
    try:
        try:
            # With its times: git takes a file as surely unchanged only if it is older than the index.
            shutil.copy2(own, copy)
        except FileNotFoundError:
            git.run("read-tree", "HEAD")
        yield git
        if keep:
            copy.replace(own)
    finally:
        for leftover in (copy, copy.with_name(f"{copy.name}.lock")):
            leftover.unlink(missing_ok=True)


def set_visible_index(repository: Repository, worktree: Path, tree: str) -> None:
    """Let the index that commands in `worktree` see be `tree`; no file changes."""
    folder = repository.admin_dir(worktree)
    copy = folder / f"index.{secrets.token_hex(6)}"
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(folder / OWN_INDEX, copy)
        repository.git_for(worktree, copy).run("read-tree", "--reset", tree)
        copy.replace(folder / "index")
    finally:
        for leftover in (copy, copy.with_name(f"{copy.name}.lock")):
            leftover.unlink(missing_ok=True)


class _Status(NamedTuple):
    """How HEAD, our index and the worktree differ. Submodules and nested repositories are not looked at."""

    added: set[str]
    """In the index, not in HEAD."""
    staged: set[str]
    """In the index with another content or mode than in HEAD."""
    others: set[str]
    """In the worktree alone, neither ignored nor left out."""
    dirty: set[str]
    """The others, and whatever the worktree may have differently from the index."""


def _status(git: Git, by_products: Collection[str]) -> _Status:
    # With the lock on our private copy: what was found to be unchanged need not be read again.
    git = git.with_(env={**git.env, "GIT_OPTIONAL_LOCKS": "1"})
    fields = git.fields("status", "--porcelain=v2", "-z", "-uall", "--no-renames", "--ignore-submodules=all")
    found = _Status(set(), set(), set(), set())
    for field in fields:
        kind, _, rest = field.partition(" ")
        if kind == "?":
            # A trailing slash marks a nested repository: it stays as it is.
            if not rest.endswith("/") and not _left_out(rest, by_products):
                found.others.add(rest)
                found.dirty.add(rest)
            continue
        moves, _, *modes_and_ids, path = rest.split(" ", 7)
        index, work = moves[0], moves[1]
        if _GITLINK in modes_and_ids:
            continue
        if index == "A":
            found.added.add(path)
        if index not in ".D":
            found.staged.add(path)
        # A file that HEAD has and the index lost may be there again, though ignored.
        if work != "." or index == "D":
            found.dirty.add(path)
    return found


def _left_out(path: str, by_products: Collection[str]) -> bool:
    parts = path.split("/")
    if parts[-1].startswith(beneath.TEMPORARY) or not CACHES.isdisjoint(parts):
        return True
    if not by_products:
        return False
    ends = [position for position, letter in enumerate(path) if letter == "/"]
    return path in by_products or any(
        path[:end] in by_products or path[: end + 1] in by_products for end in ends
    )


def _ignored(git: Git, paths: Collection[str]) -> set[str]:
    if not paths:
        return set()
    # This command knows no literal pathspecs; "./" keeps a name such as ":(glob)" from being one with magic.
    git = git.with_(env={**git.env, "GIT_LITERAL_PATHSPECS": "0"})
    given = _lines(f"./{path}" for path in paths)
    # Code 1: none of them.
    found = git.run("check-ignore", "--no-index", "-z", "--stdin", stdin=given, ok=(0, 1))
    return {os.fsdecode(part).removeprefix("./") for part in found.split(b"\0")[:-1]}


def _is_content(worktree: Path, path: str) -> bool:
    """Whether a file or link is there, not behind a link; pipes, sockets and directories are no content."""
    found = beneath.state(worktree, path)
    return found is not None and (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode))


def _lines(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
