"""A branch held by git's own lock while its checkout follows, then moved or let go."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from autodev_tui.vcs.git import TIMEOUT_S, Git
from autodev_tui.vcs.landing_plan import LandingRefused

_WAIT_FOR_LOCK_MS = 3000
"""Long enough for a git that was told to end with its killed owner."""


class RefLock:
    """`git update-ref --stdin` with a prepared transaction: it ends, unlocked, when its owner dies.

    Raises:
        LandingRefused: on entry, if the ref is not at `old` or somebody holds its lock.
    """

    def __init__(self, git: Git, ref: str, new: str, old: str, reason: str) -> None:
        self._git, self._ref, self._new, self._old, self._reason = git, ref, new, old, reason
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        wait = str(_WAIT_FOR_LOCK_MS)
        git = self._git.with_(config=(*self._git.config, ("core.filesRefLockTimeout", wait)))
        self._process = subprocess.Popen(
            ["git", "update-ref", "--create-reflog", "-m", self._reason, "--stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=git.environment(),
            cwd=git.work_tree or git.git_dir,
            process_group=0,
        )
        if not self._say(f"start\nupdate {self._ref} {self._new} {self._old}\nprepare\n", b"prepare: ok"):
            said = self._end().splitlines() or ["git gave no reason"]
            raise LandingRefused([], f"the branch has moved or is locked: {said[0]}")
        return self

    def commit(self, moved: Sequence[str]) -> None:
        """Move the ref, after the paths that have moved.

        Raises:
            LandingRefused: git could not.
        """
        if not self._say("commit\n", b"commit: ok"):
            raise LandingRefused([], f"the branch could not be moved: {self._end()}", moved)
        self._end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _say(self, words: str, answer: bytes) -> bool:
        process = self._process
        assert process and process.stdin and process.stdout
        try:
            process.stdin.write(words.encode())
            process.stdin.flush()
        except BrokenPipeError:
            return False
        # Ends with the awaited answer or, git having failed, with the end of its output.
        return any(line.strip() == answer for line in iter(process.stdout.readline, b""))

    def _end(self) -> str:
        """End of input: git drops what was not committed. Returns git's words."""
        process, self._process = self._process, None
        if process is None:
            return ""
        try:
            _, stderr = process.communicate(timeout=TIMEOUT_S)
        except BrokenPipeError:
            stderr = b""
        return stderr.decode(errors="replace").strip()
