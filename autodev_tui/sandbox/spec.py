"""What the engine asks of the spawner and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

IN_COMMAND = "AUTODEV_COMMAND"
"""Set in the environment of every command that the engine starts."""


class Rung(StrEnum):
    """How a command is contained, best first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True)
class Limits:
    """Resource limits of one command; each is lowered to the hard limit that already holds."""

    file_size_bytes: int = 8 * 1024**3
    processes: int = 4096
    """Counted by the kernel over all processes of the user, so it only has to stop a fork bomb."""
    cpu_s: int | None = None


@dataclass(frozen=True)
class Command:
    """One command. Paths are absolute text (surrogate-escaped); `env` is the whole environment.

    `readable` re-opens paths that lie below hidden ones, read-only. `protected` paths lie inside `writable`
    ones and stay as they are, also when they are missing. `spool` receives the output, `exit_file` the
    result; both must lie outside `writable` and `readable`.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    timeout_s: float
    spool: str
    exit_file: str
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    network: bool = False
    sandboxed: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Exited:
    """How a command ended. Exactly one of `code` and `signal` is set.

    Under bubblewrap a command killed by signal n that was not sent by us has code 128 + n, as in a shell.
    `violations` are protected paths that the command changed and that were put back; `problem` says why
    output is missing beyond what the cap elides (a full disk).
    """

    code: int | None
    signal: int | None
    timed_out: bool
    cancelled: bool
    duration_s: float
    output_bytes: int
    spooled_bytes: int
    violations: tuple[str, ...] = ()
    problem: str = ""


class SandboxError(Exception):
    """The command could not be started as asked, or the spawner was lost; the message says which and why."""


class SpawnerLost(SandboxError):
    """The spawner ended while the command ran; only its exit file can tell whether it came to its end."""
