"""Whether a repository's configuration still names the same programs as when it was opened."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import Pairs
from autodev_tui.vcs.user_config import read_user_config

Stats = tuple[tuple[str, int, int, int, int], ...]


class Guard:
    """Remembers what could run something at the time a repository was opened.

    Agents cannot write there where a sandbox works. Without one, a changed filter, hook or `core.*` program
    is the way from a worktree to our next git call, or to the user's own, so it must not go unseen.
    """

    def __init__(self, common_dir: Path, git_dir: Path, environ: Mapping[str, str], programs: Pairs) -> None:
        """`programs`: what the configuration named when it was read, see UserConfig."""
        self._common, self._git_dir, self._environ = common_dir, git_dir, environ
        self._stats = _stats(self._files())
        self._facts = self._read(programs)
        self._hooks = self._read_hooks()

    def check(self) -> None:
        """Refuse if a key that names a program or info/attributes changed. Sync; a few stats if nothing did.

        Raises:
            RepositoryError: with what changed.
        """
        stats = _stats(self._files())
        if stats == self._stats:
            return
        self._compare(self._facts, self._read(read_user_config(self._git_dir, self._environ).programs))
        # Something harmless, such as the upstream of a branch.
        self._stats = stats

    def check_hooks(self) -> None:
        """Refuse if a hook changed, came or went. Sync.

        Raises:
            RepositoryError: with what changed.
        """
        self._compare(self._hooks, self._read_hooks())

    def _compare(self, then: Mapping[str, str], now: Mapping[str, str]) -> None:
        changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
        if changed:
            raise RepositoryError(
                f"changed since autodev started: {', '.join(changed)}",
                str(self._common),
                "if the change is yours, start autodev again; if not, an agent's command may have made it",
                code=3,
            )

    def _files(self) -> list[Path]:
        info = self._common / "info" / "attributes"
        alternates = self._common / "objects" / "info" / "alternates"
        return [self._common / "config", self._git_dir / "config.worktree", info, alternates]

    def _read(self, programs: Pairs) -> dict[str, str]:
        facts = _digests(self._common, self._files()[2:])
        for key, value in programs:
            facts[key] = f"{facts.get(key, '')}{value}\0"
        return facts

    def _read_hooks(self) -> dict[str, str]:
        hooks = self._common / "hooks"
        found = sorted(hooks.iterdir()) if hooks.is_dir() else []
        return _digests(self._common, [path for path in found if path.suffix != ".sample"])


def _stats(paths: Iterable[Path]) -> Stats:
    """Change times among them: they cannot be set back."""
    found = []
    for path in paths:
        try:
            info = path.lstat()
        except FileNotFoundError:
            continue
        found.append((str(path), info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns))
    return tuple(found)


def _digests(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    """What each file or link is, by its name in `folder`."""
    found = {}
    for path in paths:
        if not os.path.lexists(path):
            continue
        info = path.lstat()
        what = str(path.readlink()) if stat.S_ISLNK(info.st_mode) else f"{info.st_mode:o}"
        if path.is_file():
            what += f" {hashlib.sha256(path.read_bytes()).hexdigest()}"
        found[path.relative_to(folder).as_posix()] = what
    return found
