"""How this area has commands run: the engine supplies one callable over its spawner and sandbox."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Run:
    """One command to be run. Paths are absolute; `env` is the whole environment of the command."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    timeout_s: float
    readable: tuple[str, ...] = ()
    """To be re-opened read-only where they lie in hidden places."""
    writable: tuple[str, ...] = ()
    network: bool = False
    sandboxed: bool = True
    """False only for the user's own interpreter on this program's own code: it reads no repository file."""


@dataclass(frozen=True)
class Ran:
    """How a command ended. `code` and `signal` are both None when it could not be started."""

    code: int | None
    signal: int | None = None
    timed_out: bool = False
    duration_s: float = 0.0
    output: bytes = b""
    """Standard output and error together: whole, or its head and its tail (at least the last 64 KiB)."""
    blob: str = ""
    """Where the whole output is kept, if it is."""


class RunCommand(Protocol):
    """Runs a command to its end; cancelling it leaves no process behind and raises CancelledError."""

    async def __call__(self, run: Run) -> Ran:
        """How `run` ended."""


def quiet_env(scratch: Path) -> dict[str, str]:
    """Variables that keep caches of known Python tools out of the directory a command runs in.

    `scratch` is a directory that the command may write to and that is thrown away. pytest's cache is moved
    rather than switched off: without its plugin the options of a repository that sets `--lf` are unknown.
    """
    return {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": f"-o {shlex.quote(f'cache_dir={scratch}/pytest')}",
        "RUFF_NO_CACHE": "true",
        "MYPY_CACHE_DIR": "/dev/null",
        "COVERAGE_FILE": f"{scratch}/coverage",
        "HYPOTHESIS_STORAGE_DIRECTORY": f"{scratch}/hypothesis",
    }
