"""Finding the repository that a user stands in, and saying clearly why work cannot begin in it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import TIMEOUT_S, Git
from autodev_tui.vcs.user_config import UserConfig, user_environment

OLDEST_GIT = (2, 38)
"""The first with `git merge-tree --write-tree`."""
NO_REPOSITORY = "not a git repository"
"""What is wrong with a folder that can be made one."""
_IN_PROGRESS = {
    "rebase-merge": ("a rebase is in progress", "git rebase --continue or --abort"),
    "rebase-apply": ("a rebase or `git am` is in progress", "git rebase --continue or --abort"),
    "MERGE_HEAD": ("a merge is in progress", "git merge --continue or --abort"),
    "CHERRY_PICK_HEAD": ("a cherry-pick is in progress", "git cherry-pick --continue or --abort"),
    "REVERT_HEAD": ("a revert is in progress", "git revert --continue or --abort"),
    "BISECT_LOG": ("a bisect is in progress", "git bisect reset"),
}


@dataclass(frozen=True)
class Found:
    """Where a checkout and its git directories are; absolute, links resolved."""

    root: Path
    git_dir: Path
    common_dir: Path


def find(start: Path, environ: Mapping[str, str]) -> Found:
    """The checkout around `start`. Discovery happens here and nowhere else, as the user's own git does it.

    Raises:
        RepositoryError: no git or too old, not a repository, bare, another owner's, a format we cannot read.
    """
    if not start.is_dir():
        raise RepositoryError("no such directory", str(start), "start autodev in a git repository")
    _check_version(_ask(start, environ, "version"))
    if _ask(start, environ, "rev-parse", "--is-bare-repository") == "true":
        raise RepositoryError(
            "the repository is bare: it has no files to work on", str(start), "start autodev in a clone of it"
        )
    if _ask(start, environ, "rev-parse", "--is-inside-work-tree") != "true":
        raise RepositoryError("inside a .git directory", str(start), "start autodev in the checkout itself")
    objects = _ask(start, environ, "rev-parse", "--show-object-format")
    git_dir, common_dir, root = (
        Path(_ask(start, environ, "rev-parse", "--path-format=absolute", what)).resolve()
        for what in ("--git-dir", "--git-common-dir", "--show-toplevel")
    )
    if objects != "sha1" or (common_dir / "reftable").exists():
        kind = "the object format " + objects if objects != "sha1" else "refs kept as reftable"
        raise RepositoryError(
            f"{kind} cannot be read by autodev yet", str(root), "work in a clone with git's default formats"
        )
    return Found(root, git_dir, common_dir)


def create(folder: Path, environ: Mapping[str, str]) -> None:
    """Make `folder` a repository with one empty commit, so that work can begin in it. Sync.

    Raises:
        RepositoryError: git cannot, or does not know who commits.
    """
    for args in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "start")):
        _ask(folder, environ, *args)


def check_state(found: Found, git: Git, user: UserConfig) -> None:
    """Whether commits can be made from here and landed.

    Raises:
        RepositoryError: something in progress, no commits, detached, no identity, or nothing can be written.
    """
    where = str(found.root)
    for name, (what, hint) in _IN_PROGRESS.items():
        if os.path.lexists(found.git_dir / name):
            raise RepositoryError(what, where, f"finish it first: {hint}")
    has_commit = not git.call("rev-parse", "--verify", "-q", "HEAD^{commit}", ok=(0, 1, 128)).returncode
    branch = git.text("symbolic-ref", "-q", "HEAD", ok=(0, 1))
    if not has_commit:
        broken = branch and (found.common_dir / branch).exists()
        if broken or not branch:
            raise RepositoryError("HEAD names no commit that is there", where, "`git fsck` says more")
        raise RepositoryError(
            "the repository has no commits yet", where, "make a first one: git commit --allow-empty -m start"
        )
    if not branch:
        raise RepositoryError(
            "no branch is checked out (detached HEAD), so there is nothing to land on",
            where,
            "git switch BRANCH, or git switch -c NEW",
        )
    for role, identity in (("author", user.author), ("committer", user.committer)):
        if not identity:
            raise RepositoryError(
                f"git does not know who you are (no {role} name or address)",
                where,
                "git config --global user.name NAME and user.email ADDRESS",
            )
    for folder in (found.common_dir, found.common_dir / "objects", found.common_dir / "refs"):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise RepositoryError(
                "the repository cannot be written to", str(folder), "make it writable, or work in a clone"
            )


def _check_version(answer: str) -> None:
    found = re.search(r"(\d+)\.(\d+)", answer)
    if not found or (int(found[1]), int(found[2])) < OLDEST_GIT:
        wanted = ".".join(map(str, OLDEST_GIT))
        raise RepositoryError(f"{answer or 'this git'} is too old", "PATH", f"install git {wanted} or newer")


def _ask(start: Path, environ: Mapping[str, str], *args: str) -> str:
    try:
        done = subprocess.run(
            ["git", *args],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            # The user's own configuration holds here, for `safe.directory`; rev-parse runs no program of it.
            env=user_environment(environ),
            cwd=start,
            timeout=TIMEOUT_S,
            process_group=0,
            check=False,
        )
    except FileNotFoundError as error:
        raise RepositoryError("there is no git", "PATH", "install git") from error
    if done.returncode == 0:
        return os.fsdecode(done.stdout).removesuffix("\n")
    words = done.stderr.decode(errors="replace").strip()
    if "dubious ownership" in words:
        raise RepositoryError(
            "the repository belongs to another user, so git refuses it",
            str(start),
            "if you trust it: git config --global --add safe.directory DIRECTORY",
        )
    if "not a git repository" in words:
        raise RepositoryError(NO_REPOSITORY, str(start), "start autodev in one, or: git init")
    raise RepositoryError(
        words.splitlines()[-1] if words else "git failed", str(start), "`git status` says more"
    )
