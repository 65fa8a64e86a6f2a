"""Fixture repositories in a directory of the test's own, with an identity that is nobody's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME, EMAIL = "Ada Tester", "ada@example.test"


def isolated_environment(home: Path, *, identity: bool = True) -> dict[str, str]:
    """Variables under which git sees no configuration of this machine, only `home`/.gitconfig."""
    home.mkdir(parents=True, exist_ok=True)
    user = f"[user]\n\tname = {NAME}\n\temail = {EMAIL}\n" if identity else ""
    config = home / ".gitconfig"
    if not config.exists():
        config.write_text(f"{user}[init]\n\tdefaultBranch = main\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_"))}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "EMAIL": "",
    }


@dataclass
class FixtureRepository:
    """A checkout with shortcuts for tests."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)

    def git(self, *args: str, ok: tuple[int, ...] = (0,), cwd: Path | None = None) -> str:
        """What `git ARGS` prints, run as the user would."""
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.root, env=dict(self.environ), capture_output=True, check=False
        )
        assert done.returncode in ok, os.fsdecode(done.stderr)
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, path: str, content: bytes | str) -> Path:
        """A file with that content, its directories made."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, message: str = "change") -> str:
        """Everything that is there as a new commit; its id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def status(self) -> str:
        """`git status --porcelain`, as the user sees it."""
        return self.git("status", "--porcelain", "-uall")


def make_repository(
    root: Path, files: Mapping[str, bytes | str] | None = None, *, home: Path | None = None
) -> FixtureRepository:
    """A repository on branch main with one commit of `files` (a README by default).

    `home` is the user's; beside `root` by default.
    """
    root.mkdir(parents=True, exist_ok=True)
    repository = FixtureRepository(root.resolve(), isolated_environment(home or root.parent / "home"))
    repository.git("init", "-q", "-b", "main")
    for path, content in ({"README.md": "fixture\n"} if files is None else files).items():
        repository.write(path, content)
    repository.commit("start")
    return repository
