"""Where a branch is checked out, and whether that checkout is in the middle of something."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs.git import Git
from autodev_tui.vcs.landing_plan import LandingRefused
from autodev_tui.vcs.repository import Repository

_UNDERWAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisection",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


@dataclass(frozen=True)
class Checkout:
    """A checkout of the target branch: its root and its own git directory."""

    root: Path
    git_dir: Path
    git: Git


def find_checkout(repository: Repository, branch: str) -> Checkout | None:
    """The checkout of a branch, main or linked worktree; None if it is checked out nowhere.

    Raises:
        LandingRefused: several checkouts have it, a rebase or bisection elsewhere is going to write it, the
            checkout is in the middle of a merge, or it is locked and out of reach.
    """
    ref = f"refs/heads/{branch}"
    found: list[Path] = []
    for record in repository.git.text("worktree", "list", "--porcelain", "-z").split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in record.strip("\0").split("\0"))
        root = Path(facts.get("worktree", ""))
        if facts.get("branch") != ref or "bare" in facts:
            continue
        if root.is_dir():
            found.append(root)
        elif "locked" in facts:
            raise LandingRefused([str(root)], f"{branch} is checked out in a locked worktree out of reach")
    _refuse_rewriting(repository, ref)
    if len(found) > 1:
        raise LandingRefused([str(root) for root in found], f"{branch} is checked out in several places")
    if not found:
        return None
    root = found[0]
    git_dir = repository.common_dir if _is_main(repository, root) else repository.admin_dir(root)
    for name, what in _UNDERWAY.items():
        if (git_dir / name).exists():
            raise LandingRefused([str(root)], f"a {what} is in progress in the checkout of {branch}")
    return Checkout(root, git_dir, repository.git.with_(git_dir=git_dir, work_tree=root, index=None))


def _is_main(repository: Repository, root: Path) -> bool:
    """Whether this is the main checkout: no record among the linked ones names it."""
    for record in (repository.common_dir / "worktrees").glob("*/gitdir"):
        named = Path(os.fsdecode(record.read_bytes().rstrip(b"\n"))).parent
        if named.resolve() == root.resolve():
            return False
    return True


def _refuse_rewriting(repository: Repository, ref: str) -> None:
    """Refuse while a rebase or bisection started from the branch: it would be moved under it."""
    places = [repository.common_dir, *(repository.common_dir / "worktrees").glob("*")]
    for place in places:
        for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
            try:
                text = (place / name).read_text(errors="surrogateescape").strip()
            except OSError:
                continue
            if text in (ref, ref.removeprefix("refs/heads/")):
                what = "bisection" if name == "BISECT_START" else "rebase"
                raise LandingRefused([], f"a {what} of {ref.removeprefix('refs/heads/')} is in progress")
