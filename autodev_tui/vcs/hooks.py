"""The user's own git hooks: where they are, and what one run of one of them is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autodev_tui.vcs.landing_plan import HookOutput
from autodev_tui.vcs.repository import Repository

TIMEOUT_S = 600.0
"""A hook may run a whole test suite."""


@dataclass(frozen=True)
class HookCall:
    """One run of a hook, in full. Only `cwd` needs to be writable for it."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    """On top of the user's own variables, of which the runner knows the harmless ones."""
    timeout_s: float = TIMEOUT_S


HookRunner = Callable[[HookCall], HookOutput]
"""Runs a hook to its end, synchronously."""
ENVIRONMENT = {"GIT_EDITOR": ":", "GIT_TERMINAL_PROMPT": "0"}
"""Of every hook: nobody is there to edit or to answer."""


def hooks_folder(repository: Repository, checkout: Path) -> Path:
    """Where the user's hooks are: core.hooksPath, relative to the user's checkout, else git's own folder."""
    configured = repository.user.hooks_path
    return checkout / configured if configured else repository.common_dir / "hooks"


def find_hook(folder: Path, name: str) -> Path | None:
    """The hook if git would run it: a file that is executable."""
    path = folder / name
    return path if path.is_file() and os.access(path, os.X_OK) else None
