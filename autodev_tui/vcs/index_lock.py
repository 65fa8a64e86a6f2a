"""Git's `index.lock` held by us in a way that a later process of ours can tell, and the index under it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from autodev_tui.vcs.git import NO_ID, Git
from autodev_tui.vcs.landing_plan import LandingPlan, LandingRefused

_TOKEN = "token"


class IndexLock:
    """The lock is a hard link to a token in our folder: made in one step, and ours while it is that link.

    Raises:
        LandingRefused: on entry, if somebody else holds the lock.
    """

    def __init__(self, git_dir: Path, folder: Path) -> None:
        self._git_dir, self._token = git_dir, folder / _TOKEN
        self._lock = git_dir / "index.lock"

    def __enter__(self) -> Self:
        if not self._token.exists():
            self._token.write_bytes(
                b"held by autodev while it lands; `autodev resume` completes the landing\n"
            )
        if self._is_ours():
            return self
        try:
            self._lock.hardlink_to(self._token)
        except FileExistsError as error:
            raise LandingRefused([], lock_holder(self._git_dir) or "index.lock was held just now") from error
        except OSError as error:
            raise LandingRefused([], f"the index cannot be locked: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let go of the lock if it is ours."""
        if self._is_ours():
            self._lock.unlink()

    def _is_ours(self) -> bool:
        try:
            return self._lock.samefile(self._token)
        except FileNotFoundError:
            return False


def lock_holder(git_dir: Path) -> str:
    """Who seems to hold the index and what to do about it; empty if it is free."""
    lock = git_dir / "index.lock"
    try:
        age = max(0, time.time() - lock.stat().st_mtime)
    except FileNotFoundError:
        return ""
    for token in git_dir.glob(f"autodev-landing-*/{_TOKEN}"):
        if token.samefile(lock):
            return "an unfinished landing holds the index; `autodev resume` completes it"
    return f"{lock} is held since {age:.0f} s: another git command is running, or was killed"


def drop_unfinished(git_dir: Path) -> None:
    """Let go of the index where a killed landing of ours holds it and nothing is going to complete it."""
    for token in git_dir.glob(f"autodev-landing-*/{_TOKEN}"):
        IndexLock(git_dir, token.parent).release()
        shutil.rmtree(token.parent, ignore_errors=True)


def write_index(git: Git, plan: LandingPlan, folder: Path, on_point: Callable[[str], None]) -> None:
    """Replace the checkout's index by one with our paths' new entries, in one step, under its lock.

    All other entries stay as they are, staged ones too.
    """
    index, draft = git.git_dir / "index", folder / "index"
    # With its time: git tells by it which entries it must compare by content.
    shutil.copy2(index, draft)
    own = git.with_(index=draft, config=(*git.config, ("core.untrackedCache", "keep")))
    gone = [f"0 {NO_ID}\t{move.path}" for move in plan.paths if not move.new_blob]
    here = [f"{move.new_mode} {move.new_blob}\t{move.path}" for move in plan.paths if move.new_blob]
    lines = b"".join(os.fsencode(line) + b"\0" for line in [*gone, *here])
    own.run("update-index", "-z", "--index-info", stdin=lines)
    own.run("update-index", "-q", "--refresh", ok=(0, 1))
    shutil.copymode(index, draft)
    _sync(draft)
    on_point("index written")
    draft.replace(index)
    _sync(git.git_dir)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
