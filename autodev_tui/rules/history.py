"""A repository's commits as a changelog needs them: read only, by our own git calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autodev_tui.vcs.git import Git

_VERSION = re.compile(r"(?:.*[-/@])?v?\d+(?:\.\d+)*.*")


@dataclass(frozen=True)
class Commit:
    """One commit; `message` is whole, as written."""

    id: str
    message: str


@dataclass(frozen=True)
class Tag:
    """A tag with its commit and its day, as `2024-05-31`."""

    name: str
    commit: str
    day: str


class History:
    """The commits that `head` has."""

    def __init__(self, git: Git, head: str = "HEAD") -> None:
        self._git = git
        self._head = head

    def commits(self, since: str, until: str = "") -> list[Commit]:
        """Those after `since` (all for ""), newest first, without merges."""
        wanted = f"{since}..{until or self._head}" if since else until or self._head
        found = self._git.fields("log", "-z", "--no-merges", "--topo-order", "--format=%H%n%B", wanted, "--")
        return [Commit(text[:40], text.partition("\n")[2]) for text in (one.lstrip("\n") for one in found)]

    def tags(self, since: str) -> list[Tag]:
        """The versions after `since`, oldest first; any tags where none looks like a version."""
        shown = "%(refname:short)%00%(*objectname)%00%(objectname)%00%(creatordate:short)%00"
        fields = self._git.fields(
            "for-each-ref", f"--merged={self._head}", f"--format={shown}", "--sort=creatordate", "refs/tags"
        )
        fields = [field.lstrip("\n") for field in fields]
        groups = zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=True)
        tags = [Tag(name, peeled or plain, day) for name, peeled, plain, day in groups]
        versions = [tag for tag in tags if _VERSION.fullmatch(tag.name)] or tags
        placed = [(self._count(since, tag.commit), tag) for tag in versions]
        return [tag for count, tag in sorted(placed, key=lambda one: one[0]) if count]

    def last_change(self, path: str) -> str:
        """The commit that changed `path` last; "" for none."""
        return self._git.text("log", "-1", "--no-merges", "--format=%H", self._head, "--", path)

    def only_in(self, path: str, since: str) -> set[str]:
        """The commits after `since` that changed `path` and nothing else."""
        wanted = f"{since}..{self._head}" if since else self._head
        found = self._git.text("log", "--no-merges", "--format=%H", wanted, "--", path).split()
        return {commit for commit in found if self._paths(commit) == [path]}

    def newer(self, one: str, other: str) -> str:
        """Of two commits the one with fewer commits after it; "" is older than all."""
        if not one or not other:
            return one or other
        return min((one, other), key=lambda commit: self._count(commit, self._head))

    def has(self, commit: str) -> bool:
        """Whether `head` comes after this commit."""
        done = self._git.call("merge-base", "--is-ancestor", commit, self._head, ok=(0, 1, 128))
        return done.returncode == 0

    def _count(self, since: str, until: str) -> int:
        wanted = f"{since}..{until}" if since else until
        return int(self._git.text("rev-list", "--count", wanted, "--"))

    def _paths(self, commit: str) -> list[str]:
        return self._git.fields(
            "diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", "--no-renames", commit
        )
