"""The ruff that came with this program: for repositories whose own environment has no linter at all."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

from autodev_tui.domain.evidence import Check, CheckKind

SELECTED = "E9,F401,F63,F7,F82"
"""What is wrong in any style: code that cannot be read, names that nobody gives, imports that nobody uses."""


@lru_cache(maxsize=1)
def own_ruff() -> str:
    """The absolute path of its program, "" when it is not there. Nothing of the repository is looked at."""
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        path = folder / "ruff"
        if path.is_file():
            return str(path)
    return ""


def own_commands() -> list[str]:
    """Commands of it that only look, for any file."""
    ruff = shlex.quote(own_ruff())
    return [f"{ruff} check --isolated", f"{ruff} format --isolated --check"] if own_ruff() else []


def own_check() -> Check | None:
    """The check of a repository that has no linter: none of its settings, and no question of style."""
    if not own_ruff():
        return None
    # What a package only passes on is no mistake there.
    words = [own_ruff(), "check", "--isolated", "--select", SELECTED]
    words += ["--per-file-ignores", "__init__.py:F401", "."]
    return Check(name="ruff (autodev's own)", command=shlex.join(words), kind=CheckKind.LINT)
