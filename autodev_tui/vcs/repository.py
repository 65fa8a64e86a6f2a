"""The user's repository: found once, asked by explicit path ever after."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.vcs.errors import RefMoved, RepositoryError
from autodev_tui.vcs.git import NO_ID, Git, GitError, Pairs
from autodev_tui.vcs.guard import Guard
from autodev_tui.vcs.messages import trailers_of
from autodev_tui.vcs.opening import check_state, find
from autodev_tui.vcs.repository_id import repository_id
from autodev_tui.vcs.user_config import UserConfig, read_user_config

if TYPE_CHECKING:
    from git import Repo

OWN_REFS = ("refs/heads/autodev/", "refs/autodev/")
"""Nobody but us writes these."""
STALE_LOCK_S = 60.0
"""An older lock on one of our refs belongs to a git that was killed: none of our calls takes so long."""
_WORKTREE_CONFIG: Pairs = (
    # Agents and checks get every file, whatever part of it the user has checked out.
    ("core.sparseCheckout", "false"),
    ("core.sparseCheckoutCone", "false"),
    ("index.sparse", "false"),
)


@dataclass
class Repository:
    """One repository as seen from the user's checkout `root`. All methods are synchronous."""

    root: Path
    git_dir: Path
    """The checkout's own git directory: in a linked worktree not the common one."""
    common_dir: Path
    user: UserConfig
    environ: Mapping[str, str] = field(repr=False)
    guard: Guard = field(repr=False)
    """Asked before every call; its hooks before any of them runs."""
    _admin: dict[Path, Path] = field(default_factory=dict, repr=False)
    _tracked: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def id(self) -> str:
        """The id under which its state is kept. Raises RepositoryError if it cannot be written down."""
        return repository_id(self.common_dir)

    @property
    def git(self) -> Git:
        """Git on the user's checkout with its own index. Raises RepositoryError, see Guard.check."""
        return Git(self.git_dir, self.root, None, self._config(), self.user.identity_env())

    def git_for(self, worktree: Path, index: Path | None = None) -> Git:
        """Git on a worktree, by git's own record of it: a `.git` file in there is never believed.

        Raises:
            RepositoryError: if `worktree` is none of this repository's.
        """
        git_dir = self.admin_dir(worktree)
        own = worktree.resolve() == self.root
        config = self._config() + (() if own else _WORKTREE_CONFIG)
        return Git(git_dir, worktree, index, config, self.user.identity_env())

    @property
    def bare(self) -> Git:
        """Git without worktree and index, so that no file anywhere says how content is to be read."""
        return Git(
            self.common_dir,
            None,
            self.common_dir / "autodev" / "no-index",
            (*self._config(), ("core.attributesFile", os.devnull), ("core.bare", "true")),
            self.user.identity_env(),
        )

    def admin_dir(self, worktree: Path) -> Path:
        """The git directory of a worktree. Raises RepositoryError if there is none."""
        path = worktree.resolve()
        if path == self.root:
            return self.git_dir
        known = self._admin.get(path)
        if known and _checkout_of(known) == path:
            return known
        for entry in _entries(self.common_dir / "worktrees"):
            if _checkout_of(entry) == path:
                self._admin[path] = entry
                return entry
        raise RepositoryError("not a worktree of this repository", str(worktree), "`autodev worktree list`")

    def user_variables(self) -> dict[str, str]:
        """The user's variables, without git's own."""
        return {name: value for name, value in self.environ.items() if not name.startswith("GIT_")}

    # -- facts and history

    @property
    def branch(self) -> str:
        """The branch that is checked out, short; empty when detached."""
        # By plumbing: GitPython finds a linked worktree's HEAD only by believing the `.git` file.
        return self.git.text("symbolic-ref", "-q", "--short", "HEAD", ok=(0, 1))

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git.text("rev-parse", "--verify", "HEAD^{commit}")

    def head_of(self, branch: str) -> str:
        """The commit of a branch (short name or whole ref). Raises RepositoryError if there is none."""
        from git import Reference

        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        with self.history() as repo:
            try:
                return str(Reference(repo, ref).commit.hexsha)
            except ValueError as error:
                raise RepositoryError("there is no such branch", branch, "`git branch --list`") from error

    def exists(self, ref: str) -> bool:
        """Whether a whole ref is there."""
        return not self.git.call("show-ref", "--verify", "-q", ref, ok=(0, 1)).returncode

    def tree_of(self, revision: str) -> str:
        """The tree of a commit (or of a tree: itself). Raises RepositoryError if there is none."""
        try:
            return self.git.text("rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{tree}}")
        except GitError as error:
            raise RepositoryError("there is no such commit", revision) from error

    def trees_of(self, *revisions: str) -> list[str]:
        """`tree_of` for several at once."""
        try:
            return self.git.text("rev-parse", *(f"{one}^{{tree}}" for one in revisions)).splitlines()
        except GitError as error:
            raise RepositoryError("there is no such commit", " ".join(revisions)) from error

    def parents_of(self, commit: str) -> list[str]:
        """A commit's parents."""
        with self.history() as repo:
            return [str(parent.hexsha) for parent in repo.commit(commit).parents]

    def find_step(self, revisions: str, step: str) -> str | None:
        """The newest commit reachable from a branch, or in a range `A..B`, whose `Autodev-Step` is `step`."""
        with self.history() as repo:
            # GitPython runs `git rev-list` for this; `history` gave it our own safe environment.
            wanted = f"Autodev-Step: {step}"
            for commit in repo.iter_commits(revisions, grep=wanted, fixed_strings=True):
                message = commit.message
                text = message if isinstance(message, str) else os.fsdecode(message)
                if ("Autodev-Step", step) in trailers_of(text):
                    return str(commit.hexsha)
        return None

    @contextmanager
    def history(self) -> Iterator[Repo]:
        """A GitPython repository whose own calls of git get our safe environment.

        Each use has its own: the git processes that GitPython keeps are not made for several threads.
        """
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        from git import Repo

        repo = Repo(self.common_dir, expand_vars=False)
        try:
            repo.git.update_environment(**self.bare.environment())
            yield repo
        finally:
            repo.close()

    def tracked_paths(self, revision: str) -> frozenset[str]:
        """Every path of a commit's or tree's files."""
        tree = self.tree_of(revision)
        if tree not in self._tracked:
            self._tracked.clear()
            self._tracked[tree] = frozenset(self.bare.fields("ls-tree", "-r", "-z", "--name-only", tree))
        return self._tracked[tree]

    def tracked_count(self, revision: str) -> int:
        """How many files a commit has."""
        return len(self.tracked_paths(revision))

    def blob(self, blob: str) -> bytes:
        """The content of a blob as git keeps it."""
        return self.bare.run("cat-file", "blob", blob)

    # -- writing

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, date: float | None = None
    ) -> str:
        """A new commit as the user, unsigned; no branch moves. `date`: seconds since 1970, None for now."""
        args = [part for parent in parents for part in ("-p", parent)]
        when = {} if date is None else {"GIT_AUTHOR_DATE": f"@{int(date)} +0000"}
        when |= {} if date is None else {"GIT_COMMITTER_DATE": f"@{int(date)} +0000"}
        made = self.bare.run("commit-tree", *args, "-F", "-", tree, stdin=os.fsencode(message), env=when)
        return made.decode().strip()

    def update_ref(self, ref: str, new: str, old: str | None, reason: str = "autodev") -> None:
        """Move a whole ref from `old` to `new`, or not at all.

        `old`: NO_ID or "" when it must not exist yet; None when it may be anywhere. `new`: "" deletes it.
        A ref that is already at `new` counts as moved: the same step may come again after a crash.

        Raises:
            RefMoved: the ref is somewhere else.
        """
        expected = [] if old is None else [old or NO_ID]
        target = ["-d", ref, *expected] if not new else ["-m", reason, "--create-reflog", ref, new, *expected]
        for attempt in (1, 2):
            done = self.git.call("update-ref", "--no-deref", *target, ok=(0, 1, 128))
            if not done.returncode:
                return
            actual = self._resolve(ref)
            if actual == new:
                return
            if old is not None and actual != old.replace(NO_ID, ""):
                raise RefMoved(ref, old.replace(NO_ID, ""), actual)
            if attempt == 2 or not self._broke_stale_lock(ref):
                raise GitError(["update-ref", ref], done.returncode, done.stderr)

    def refs(self, prefix: str) -> dict[str, str]:
        """Whole names and objects of the refs below `prefix`, in version order of their names."""
        lines = self.git.text(
            "for-each-ref", "--sort=version:refname", "--format=%(objectname) %(refname)", prefix
        )
        return {name: value for value, _, name in (line.partition(" ") for line in lines.splitlines())}

    def _resolve(self, ref: str) -> str:
        return self.git.text("rev-parse", "--verify", "-q", "--end-of-options", ref, ok=(0, 1, 128))

    def _broke_stale_lock(self, ref: str) -> bool:
        lock = self.common_dir / f"{ref}.lock"
        try:
            if not ref.startswith(OWN_REFS) or time.time() - lock.stat().st_mtime < STALE_LOCK_S:
                return False
            lock.unlink()
        except OSError:
            return False
        return True

    def _config(self) -> Pairs:
        self.guard.check()
        return (*self.user.harmless, *self.user.neutral())


def open_repository(
    start: Path, *, for_work: bool = True, environ: Mapping[str, str] | None = None
) -> Repository:
    """The repository around `start`. Sync; a handful of git calls.

    `for_work=False` is for looking at what is kept: it opens repositories in any state.

    Raises:
        RepositoryError: it is none, or work cannot begin in it; the error says why and what to do.
    """
    environ = dict(os.environ if environ is None else environ)
    found = find(start, environ)
    try:
        user = read_user_config(found.git_dir, environ)
    except GitError as error:
        raise RepositoryError(error.stderr, str(found.root), "mend git's configuration") from error
    guard = Guard(found.common_dir, found.git_dir, environ, user.programs)
    repository = Repository(found.root, found.git_dir, found.common_dir, user, environ, guard)
    if for_work:
        check_state(found, repository.git, user)
    return repository


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _checkout_of(admin: Path) -> Path | None:
    """The worktree that one of git's records names."""
    try:
        return Path(os.fsdecode((admin / "gitdir").read_bytes()).removesuffix("\n")).parent.resolve()
    except OSError:
        return None
