"""After a review the worktree follows: what the human decided is there, what changed meanwhile stays."""

from __future__ import annotations

import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from autodev_tui.vcs import beneath
from autodev_tui.vcs.diff import RawChange, raw_changes
from autodev_tui.vcs.git import Git
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import set_visible_index

Entry = tuple[str, str] | None
"""Mode and blob of a path; None where nothing is."""
_OTHER = ("other", "")
"""A directory, a pipe, or something behind a link."""


@dataclass(frozen=True)
class FollowResult:
    """What became of the paths in which result and proposal differ."""

    changed: list[str] = field(default_factory=list)
    """Now as the result has them, alone or merged with what changed since the proposal."""
    conflicts: list[str] = field(default_factory=list)
    """Left exactly as they were."""


def follow(repository: Repository, worktree: Path, proposed: str, result: str) -> FollowResult:
    """Move `worktree` from the tree `proposed` to `result`, one file after the other, each in one step. Sync.

    A file that is as proposed becomes the result's; one that changed since is merged (base: proposed); where
    both changed the same place it is a conflict and stays. Running it again after a kill gives the same.
    """
    git = repository.git_for(worktree)
    changes = raw_changes(repository.bare, "diff-tree", "-r", proposed, result)
    changes = [change for change in changes if "160000" not in (change.old_mode, change.new_mode)]
    for change in changes:
        beneath.sweep(worktree, change.path)
    modes_count = git.text("config", "--type=bool", "--default=true", "core.fileMode") == "true"
    done = FollowResult()
    # Deletions first: a directory may take the place of a file, and the other way round.
    for change in sorted(changes, key=lambda one: bool(one.new)):
        try:
            followed = _follow_one(git, worktree, change, modes_count)
        except beneath.InTheWay:
            followed = False
        (done.changed if followed else done.conflicts).append(change.path)
    if worktree.resolve() != repository.root:
        set_visible_index(repository, worktree, result)
    return FollowResult(sorted(done.changed), sorted(done.conflicts))


def _follow_one(git: Git, worktree: Path, change: RawChange, modes_count: bool) -> bool:
    path = change.path
    base: Entry = (change.old_mode, change.old) if change.old else None
    theirs: Entry = (change.new_mode, change.new) if change.new else None
    ours = _present(git, worktree, path, base or theirs, modes_count)
    if ours == theirs:
        return True
    if ours != base:
        theirs = _merged(git, worktree, path, base, ours, theirs)
        if theirs is None:
            return False
        if theirs == ours:
            return True
    if theirs is None:
        beneath.remove(worktree, path)
    else:
        _write(git, worktree, path, theirs)
    return True


def _present(git: Git, worktree: Path, path: str, like: Entry, modes_count: bool) -> Entry:
    """What the worktree has at `path`, its content hashed as git would keep it."""
    found = beneath.state(worktree, path)
    if found is None:
        return None
    if stat.S_ISLNK(found.st_mode):
        target = beneath.read_link(worktree, path)
        return ("120000", git.text("hash-object", "-t", "blob", "--stdin", stdin=target))
    if not stat.S_ISREG(found.st_mode):
        return _OTHER
    mode = "100755" if found.st_mode & 0o100 else "100644"
    if not modes_count and like and like[0] in ("100644", "100755"):
        mode = like[0]
    with beneath.open_file(worktree, path) as file:
        # Kept (-w): if it has to be merged, its content as git sees it is needed.
        return (mode, git.text("hash-object", "-w", f"--path={path}", "--stdin", stdin=file))


def _merged(git: Git, worktree: Path, path: str, base: Entry, ours: Entry, theirs: Entry) -> Entry:
    """Both changes together, or None if that cannot be."""
    if base is None or ours is None or theirs is None:
        return None
    if any(mode not in ("100644", "100755") for mode in (base[0], ours[0], theirs[0])):
        return None
    # Of two modes only one side can have changed it, or both to the same.
    mode = ours[0] if base[0] == theirs[0] else theirs[0]
    if base[1] == theirs[1]:
        return (mode, ours[1])
    with tempfile.TemporaryDirectory(prefix="autodev-merge-") as folder:
        sides = []
        for number, blob in enumerate((ours[1], base[1], theirs[1])):
            side = Path(folder) / str(number)
            with side.open("wb") as out:
                git.call("cat-file", "blob", blob, stdout=out)
            sides.append(str(side))
        # 1-127: that many conflicts; above: binary, or an error.
        done = git.call("merge-file", "-p", "-q", *sides, ok=range(256))
        if done.returncode:
            return None
        return (mode, git.text("hash-object", "-w", "-t", "blob", "--stdin", stdin=done.stdout))


def _write(git: Git, worktree: Path, path: str, entry: tuple[str, str]) -> None:
    mode, blob = entry
    if mode == "120000":
        beneath.replace_link(worktree, path, git.run("cat-file", "blob", blob))
        return

    def content(out: IO[bytes]) -> None:
        # With the line ends that configuration and attributes ask for; programs are overridden.
        git.call("cat-file", "--filters", f"--path={path}", blob, stdout=out)

    beneath.replace_file(worktree, path, mode == "100755", content)
