"""Whether a repository's configuration still names the same programs as when it was opened."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.user_config import read_user_config

Stats = tuple[tuple[str, int, int, int, int], ...]


class Guard:
    """Made when a repository is opened; `check` before calls that depend on its configuration.

    Agents cannot write there where a sandbox works. Without one, a changed hook, filter or `core.*` program
    is the way from a worktree to the user's own next git command, so it must not go unseen.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._stats = self._look()
        self._facts = self._read()

    def check(self) -> None:
        """Cheap as long as nothing was touched: a stat of each file. Sync.

        Raises:
            RepositoryError: a key that names a program, a hook or info/attributes changed.
        """
        stats = self._look()
        if stats == self._stats:
            return
        facts = self._read()
        changed = sorted(
            name for name in facts.keys() | self._facts.keys() if facts.get(name) != self._facts.get(name)
        )
        if changed:
            raise RepositoryError(
                f"changed since autodev started: {', '.join(changed)}",
                str(self._repository.common_dir),
                "if the change is yours, start autodev again; if not, an agent's command may have made it",
                code=3,
            )
        # Something harmless, such as the upstream of a branch.
        self._stats = stats

    def _files(self) -> list[Path]:
        common = self._repository.common_dir
        hooks = common / "hooks"
        inside = sorted(hooks.iterdir()) if hooks.is_dir() else []
        return [
            common / "config",
            self._repository.git_dir / "config.worktree",
            common / "info" / "attributes",
            common / "objects" / "info" / "alternates",
            hooks,
            *(path for path in inside if path.suffix != ".sample"),
        ]

    def _look(self) -> Stats:
        """Change times among them: they cannot be set back."""
        found = []
        for path in self._files():
            try:
                info = path.lstat()
            except FileNotFoundError:
                continue
            found.append((str(path), info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns))
        return tuple(found)

    def _read(self) -> dict[str, str]:
        user = read_user_config(self._repository.git_dir, self._repository.environ)
        facts = {key: "" for key, _ in user.programs}
        for key, value in user.programs:
            facts[key] += f"{value}\0"
        for path in self._files()[2:]:
            info = path.lstat() if os.path.lexists(path) else None
            if info and stat.S_ISREG(info.st_mode):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                facts[path.relative_to(self._repository.common_dir).as_posix()] = f"{info.st_mode:o} {digest}"
            elif info and stat.S_ISLNK(info.st_mode):
                facts[path.relative_to(self._repository.common_dir).as_posix()] = str(path.readlink())
        return facts
