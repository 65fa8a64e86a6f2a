"""What an ecosystem beside Python adds to an environment: npm, pnpm, cargo, go, make."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.evidence import Check
from autodev_tui.quality.declared import read_text
from autodev_tui.quality.setup import SetupRequest, digest

__all__ = ["Look", "Part", "digest", "toolchain"]

PROXIES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "LANG",
)
"""What every setup is told of the user's network, in upper and lower case."""
SHARED = ("/", "/usr", "/usr/local", "/bin", "/opt")
"""Places that every command sees, and that are too much to open for one tool."""


class Part(Frozen):
    """What one ecosystem adds. Paths are absolute unless said otherwise."""

    name: str
    """npm, pnpm, cargo, go or make."""
    state: str
    """For people: `nothing to install`, `installed`, `not set up yet`, …"""
    id: str
    """Changes whenever a check could come out differently: versions or packages changed."""
    env: dict[str, str] = {}
    home_env: dict[str, str] = {}
    """Variables that name a directory below the command's own home: caches that it may write."""
    offline: dict[str, str] = {}
    """Variables of a command without network, over all others: what is installed is all that there is."""
    readable: list[str] = []
    modules: dict[str, str] = {}
    """Directories of `node_modules` to be shown in a worktree: where there (relative), and what is shown."""
    root: str = ""
    """Where the packages that `modules` links to beside itself lie: they are the worktree's own instead."""
    checks: list[Check] = []
    missing: list[str] = []
    """What is not there and would have to be installed."""
    setup: SetupRequest | None = None
    """What would make it complete."""


@dataclass(frozen=True)
class Look:
    """What an ecosystem looks at. Sync: everything reads the disk."""

    tree: Path
    checkout: Path
    environments: Path
    """Where made environments are kept."""
    variables: Mapping[str, str]
    """The user's."""
    path: list[str]
    """The user's PATH without relative entries and without any inside the checkout."""
    tracked: Callable[[str], bool]
    """Whether git tracks a path relative to the checkout, or anything below."""
    configured: bool = False
    """The user has a setup of their own: nothing else is installed."""

    def which(self, name: str) -> str:
        """A program of the user's, "" when there is none."""
        return shutil.which(name, path=os.pathsep.join(self.path)) or ""

    def text(self, name: str) -> str:
        """A file of the tree, "" when it is missing or leads out of the tree."""
        path = self.tree / name
        return read_text(path) if path.resolve().is_relative_to(self.tree.resolve()) else ""

    @property
    def home(self) -> Path:
        """The user's home."""
        return Path(self.variables.get("HOME") or "/nonexistent")

    def request(
        self,
        recipe: str,
        lock: list[str],
        script: str,
        *,
        missing: list[str],
        env: Mapping[str, str],
        files: Mapping[str, str],
        readable: list[str],
        shown: str,
    ) -> SetupRequest:
        """The command that installs; in `script`, `env` and `files` @DIR@ is where it installs to and
        @INPUTS@ where its files are."""
        name = digest(recipe, *lock)
        folder = self.environments / name
        inputs = Path(f"{folder}.inputs")

        def place(text: str, quote: Callable[[str], str] = str) -> str:
            return text.replace("@DIR@", quote(str(folder))).replace("@INPUTS@", quote(str(inputs)))

        kept = [one for proxy in PROXIES for one in (proxy, proxy.lower()) if one in self.variables]
        return SetupRequest(
            lock_hash=name,
            recipe=recipe,
            argv=["/bin/sh", "-c", f"set -e\n{place(script, shlex.quote)}"],
            shown=place(shown),
            why=f"not there: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}",
            directory=str(folder),
            cwd=str(folder),
            env={
                **{one: self.variables[one] for one in kept},
                "PATH": os.pathsep.join(self.path),
                "HOME": str(folder),
                "TMPDIR": str(folder),
                **{key: place(value) for key, value in env.items()},
            },
            readable=[*readable, str(inputs)],
            writable=[str(folder)],
            files={key: place(value) for key, value in files.items()},
        )


def toolchain(program: str) -> list[str]:
    """The directories that a program needs to see beside the system's own: it and where it really lies."""
    found = []
    for path in (Path(program), Path(os.path.realpath(program))):
        folder = path.parent
        found.append(str(folder.parent if folder.name == "bin" else folder))
    return [one for one in dict.fromkeys(found) if one not in SHARED]
