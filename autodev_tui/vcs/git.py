"""Our own git calls: explicit repository, no hooks, no filters, no program that a repository's config names.

Field measurements behind this: `core.fsmonitor` runs on `git status`, `filter.<x>.clean` runs even with
`--no-ext-diff`, and a replaced `.git` file redirects discovery. So nothing is discovered, the user's global
configuration is read once and only its harmless keys are passed on, and configured filters and merge drivers
are overridden by nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

Pairs = tuple[tuple[str, str], ...]

SAFE_CONFIG: Pairs = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.sshCommand", "false"),
    ("core.askPass", ""),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.quotePath", "false"),
    ("core.safecrlf", "false"),
    # What we say was saved must survive a power cut: git's default leaves loose objects unsynced.
    ("core.fsync", "committed"),
    ("core.fsyncMethod", "batch"),
    ("credential.helper", ""),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("diff.external", ""),
    ("diff.suppressBlankEmpty", "false"),
    ("log.showSignature", "false"),
    ("commit.gpgSign", "false"),
    ("worktree.useRelativePaths", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
)
TIMEOUT_S = 600.0
"""Generous: a checkout of a very large tree; nothing of ours waits for a human or the network."""
NO_ID = "0" * 40
"""Git's id of nothing: as an expected old value, that a ref does not exist."""


class GitError(Exception):
    """A git call failed; `stderr` is git's own words, `returncode` its exit code."""

    def __init__(self, args: Sequence[str], returncode: int, stderr: bytes) -> None:
        self.command = list(args)
        self.returncode = returncode
        self.stderr = stderr.decode(errors="replace").strip()
        super().__init__(f"git {' '.join(args[:3])}: {self.stderr or f'exit code {returncode}'}")


@dataclass(frozen=True)
class Git:
    """Runs git on one repository. All paths are absolute; results are bytes or surrogate-escaped text."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    config: Pairs = ()
    """More (key, value) pairs: the user's own harmless keys, and overrides of configured programs."""
    env: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **changes: object) -> Git:
        """The same with other work tree, index, configuration or environment."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def run(
        self,
        *args: str,
        stdin: bytes | IO[bytes] = b"",
        ok: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Standard output of `git ARGS`.

        Raises:
            GitError: if the exit code is not in `ok`, or git needs longer than TIMEOUT_S.
        """
        return self.call(*args, stdin=stdin, ok=ok, env=env).stdout

    def text(self, *args: str, stdin: bytes | IO[bytes] = b"", ok: Sequence[int] = (0,)) -> str:
        """Standard output as text without its final line end; undecodable bytes are surrogate-escaped."""
        return os.fsdecode(self.run(*args, stdin=stdin, ok=ok)).removesuffix("\n")

    def fields(self, *args: str, stdin: bytes | IO[bytes] = b"") -> list[str]:
        """The NUL-terminated fields that `git ARGS` prints under `-z`."""
        return [os.fsdecode(part) for part in self.run(*args, stdin=stdin).split(b"\0")[:-1]]

    def call(
        self,
        *args: str,
        stdin: bytes | IO[bytes] = b"",
        ok: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """The finished process of `git ARGS`, see `run`. What files give or take never enters our memory."""
        try:
            done = subprocess.run(
                ["git", *args],
                # No pipe where there is nothing to say: that is a third of a short call's time.
                input=(stdin or None) if isinstance(stdin, bytes) else None,
                stdin=(None if stdin else subprocess.DEVNULL) if isinstance(stdin, bytes) else stdin,
                stdout=stdout or subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self.environment(), **(env or {})},
                cwd=self.work_tree or self.git_dir,
                timeout=TIMEOUT_S,
                process_group=0,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitError(args, -1, b"no answer after 10 minutes") from error
        if done.returncode not in ok:
            raise GitError(args, done.returncode, done.stderr)
        return done

    def environment(self) -> dict[str, str]:
        """All the variables that git gets, configuration included: nothing is inherited but PATH and TZ."""
        env = {name: os.environ[name] for name in ("TZ", "TMPDIR") if name in os.environ}
        env |= {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "GIT_DIR": str(self.git_dir),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            # An empty list of transports: no call of ours fetches anything, not even for a partial clone.
            "GIT_ALLOW_PROTOCOL": "",
        }
        if self.work_tree:
            env["GIT_WORK_TREE"] = str(self.work_tree)
        if self.index:
            env["GIT_INDEX_FILE"] = str(self.index)
        pairs = (*SAFE_CONFIG, *self.config)
        # By variables, not by `-c`: a subsection may hold "=" and the command line is seen by everyone.
        env["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (key, value) in enumerate(pairs):
            env[f"GIT_CONFIG_KEY_{number}"] = key
            env[f"GIT_CONFIG_VALUE_{number}"] = value
        return env | dict(self.env)
