"""Worktrees of our own in one directory: made, found again, rebuilt when missing, cleaned, removed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs import beneath
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import NO_ID, GitError
from autodev_tui.vcs.include import copy_included
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import OWN_INDEX, set_visible_index

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DRAFT = ".new-"
"""How directories begin that are not yet, or no longer, a worktree."""
_REASON = "in use by autodev; remove it with `autodev worktree remove`"


@dataclass(frozen=True)
class Worktree:
    """One worktree as git knows it."""

    name: str
    path: Path
    branch: str
    """Short; empty for a detached one."""
    head: str
    present: bool
    """False when its directory is gone."""


class Worktrees:
    """The worktrees below `directory`, which nobody else can enter. All methods are synchronous."""

    def __init__(self, repository: Repository, directory: Path, *, include: bytes = b"") -> None:
        """`include`: the `.worktreeinclude` by which ignored files come into worktrees that have a branch.

        Never into detached ones: those hold exactly a tree, for checks that must not depend on more.
        """
        self._repository = repository
        self.include = include
        self._lock = threading.RLock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        self.directory = directory.resolve()
        self.rebuilt: dict[str, str] = {}
        """Per name, what a worktree that had gone missing was rebuilt from; uncommitted work was lost."""

    def create(self, name: str, branch: str, start: str) -> Path:
        """The worktree `name` on `branch`; what is there is kept, what is missing is made.

        The branch begins at the commit `start` if it is not there yet. A worktree that went missing
        comes back from its newest checkpoint `refs/<branch>/<n>` upon the branch, else from the branch.

        Raises:
            RepositoryError: the branch is checked out elsewhere, or its name is taken.
        """
        with self._lock:
            path = self._path(name)
            new = self._ensure_branch(branch, start)
            if self._complete(path):
                self._repair(path)
                self._set_head(path, f"ref: refs/heads/{branch}\n")
                return path
            head = self._repository.head_of(branch)
            content = head if new else self._newest_checkpoint(branch, head)
            if path.is_dir() and any(path.iterdir()) and not self._registered(path):
                # `git worktree prune` forgot it, but what was worked on is all there.
                self._register(path, branch)
                set_visible_index(self._repository, path, head)
            else:
                lost = not new and not path.exists()
                self._add(path, branch)
                self._fill(path, content, head)
                if lost:
                    self.rebuilt[name] = content
            copy_included(self._repository, path, self.include)
            return path

    def create_detached(self, name: str, commit: str) -> Path:
        """A worktree with exactly the content of `commit` (or of a tree), on no branch."""
        with self._lock:
            path = self._path(name)
            commit = self._commit(commit)
            if path.exists() or self._registered(path):
                self.remove(path)
            self._add(path, commit, detach=True)
            self._fill(path, commit, commit)
            return path

    def reset_detached(self, path: Path, commit: str) -> Path:
        """Make a detached worktree exactly `commit` (or a tree) again: nothing ignored or untracked stays."""
        with self._lock:
            commit = self._commit(commit)
            if not self._complete(path):
                return self.create_detached(path.name, commit)
            self._repair(path)
            git = self._repository.git_for(path, self._repository.admin_dir(path) / OWN_INDEX)
            try:
                self._drop_locks(path)
                # Removed first: what stands in the way of a file, and what a check left for the next to find.
                git.run("clean", "-ffdxq")
                git.run("read-tree", "--reset", "-u", commit)
                git.run("clean", "-ffdxq")
            except GitError:
                # Directories without permissions, and whatever else a check can leave: start afresh.
                self.remove(path)
                return self.create_detached(path.name, commit)
            self._set_head(path, f"{commit}\n")
            set_visible_index(self._repository, path, commit)
            return path

    def checkout(self, name: str, revision: str) -> Path:
        """A detached worktree with exactly the content of a commit or tree, made or reset."""
        path = self._path(name)
        return self.reset_detached(path, revision)

    def remove(self, worktree: Path | str) -> None:
        """Remove a worktree (path or name) and git's record of it; its branch and checkpoints stay."""
        with self._lock:
            path = self._path(worktree.name if isinstance(worktree, Path) else worktree)
            _delete(path)
            if self._registered(path):
                self._repository.git.run("worktree", "remove", "-f", "-f", str(path))

    def list(self) -> list[Worktree]:
        """Every worktree of ours that git has a record of."""
        found = []
        fields = self._repository.git.fields("worktree", "list", "--porcelain", "-z")
        record: dict[str, str] = {}
        for field in fields:
            key, _, value = field.partition(" ")
            if key:
                record[key] = value
                continue
            path, record = Path(record["worktree"]), {**record}
            if path.parent == self.directory and not path.name.startswith(_DRAFT):
                branch = record.get("branch", "").removeprefix("refs/heads/")
                found.append(Worktree(path.name, path, branch, record.get("HEAD", ""), path.is_dir()))
            record = {}
        return found

    def reap(self, known: Collection[str]) -> Sequence[str]:
        """Remove every worktree in the directory whose name is not in `known`; the names."""
        with self._lock:
            names = {path.name for path in self.directory.iterdir()} | {one.name for one in self.list()}
            orphans = sorted(names - set(known))
            for name in orphans:
                if _NAME.fullmatch(name):
                    self.remove(name)
                elif name.startswith(_DRAFT):
                    _delete(self.directory / name)
            return orphans

    # -- making

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a worktree")
        return self.directory / name

    def _ensure_branch(self, branch: str, start: str) -> bool:
        if self._repository.exists(f"refs/heads/{branch}"):
            return False
        self._repository.update_ref(f"refs/heads/{branch}", start, NO_ID, "autodev: start")
        return True

    def _newest_checkpoint(self, branch: str, head: str) -> str:
        """The last checkpoint made upon the branch as it is now, else the branch's commit."""
        for commit in reversed(list(self._repository.refs(f"refs/{branch}/").values())):
            if self._repository.parents_of(commit) == [head]:
                return commit
        return head

    def _add(self, path: Path, target: str, *, detach: bool = False) -> None:
        """Git's record and an empty worktree."""
        if self._registered(path):
            _delete(path)
            self._repository.git.run("worktree", "remove", "-f", "-f", str(path))
        how = ["--detach"] if detach else []
        try:
            # Locked, so that `git worktree prune` leaves it alone while its directory cannot be seen.
            self._repository.git.run(
                "worktree", "add", "--no-checkout", "--lock", "--reason", _REASON, *how, str(path), target
            )
        except GitError as error:
            raise RepositoryError(
                error.stderr.removeprefix("fatal: "), str(path), "`git worktree list`"
            ) from error

    def _register(self, path: Path, branch: str) -> None:
        """Give git a new record of a worktree that is there."""
        draft = self.directory / f"{_DRAFT}{secrets.token_hex(4)}"
        self._add(draft, branch)
        admin = self._repository.admin_dir(draft)
        _write(admin / "gitdir", f"{path / '.git'}\n")
        _delete(draft)
        self._repair(path)

    def _fill(self, path: Path, content: str, head: str) -> None:
        self._drop_locks(path)
        admin = self._repository.admin_dir(path)
        git = self._repository.git_for(path, admin / OWN_INDEX)
        git.run("read-tree", "--reset", "-u", content)
        # Last: a worktree without it was not finished.
        set_visible_index(self._repository, path, head)

    def _commit(self, revision: str) -> str:
        """`revision` itself if it is a commit, else one with that tree: always the same for the same tree."""
        repository = self._repository
        commit = repository.git.text("rev-parse", "--verify", "-q", f"{revision}^{{commit}}", ok=(0, 1, 128))
        return commit or repository.commit_tree(repository.tree_of(revision), [], "tree to check\n", date=0)

    # -- finding

    def _registered(self, path: Path) -> bool:
        try:
            self._repository.admin_dir(path)
        except RepositoryError:
            return False
        return True

    def _complete(self, path: Path) -> bool:
        return (
            path.is_dir() and self._registered(path) and (self._repository.admin_dir(path) / "index").exists()
        )

    def _repair(self, path: Path) -> None:
        """Point the worktree's `.git` file at git's record, whatever has become of it."""
        text = os.fsencode(f"gitdir: {self._repository.admin_dir(path)}\n")
        try:
            with beneath.open_file(path, ".git") as file:
                if file.read(len(text) + 1) == text:
                    return
        except OSError:
            if (path / ".git").is_dir() and not (path / ".git").is_symlink():
                _delete(path / ".git")
        beneath.replace_file(path, ".git", False, lambda out: out.write(text))

    def _set_head(self, path: Path, text: str) -> None:
        head = self._repository.admin_dir(path) / "HEAD"
        if head.read_text(errors="surrogateescape") != text:
            _write(head, text)

    def _drop_locks(self, path: Path) -> None:
        """Remove what a killed git of ours left: nobody else writes our index, and we hold the lock."""
        for leftover in self._repository.admin_dir(path).glob(f"{OWN_INDEX}.*"):
            leftover.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    draft.write_bytes(os.fsencode(text))
    draft.replace(file)


def _delete(path: Path) -> None:
    """Remove a directory or file for good, without following links, and where permissions were taken away."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    with contextlib.suppress(FileNotFoundError, PermissionError):
        shutil.rmtree(path)
    if path.exists():
        path.chmod(0o700)
        for folder, folders, _ in os.walk(path):
            for inner in (Path(folder) / name for name in folders):
                if not inner.is_symlink():
                    inner.chmod(0o700)
        shutil.rmtree(path)
