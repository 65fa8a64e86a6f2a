"""The user's own git hooks: where they are, and one run of one of them."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs.landing_plan import HookOutput
from autodev_tui.vcs.repository import Repository

TIMEOUT_S = 600.0
"""A hook may run a whole test suite."""
OUTPUT_LIMIT = 64 * 1024
"""Bytes kept of the end of a hook's output: what it ends on says why it failed."""

_SECRET = re.compile(
    r"(API|AUTH|ACCESS|PRIVATE)?_?(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_.*)?$", re.I
)


@dataclass(frozen=True)
class HookCall:
    """One run of a hook, in full. Only `cwd` needs to be writable for it."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float = TIMEOUT_S


HookRunner = Callable[[HookCall], HookOutput]
"""Runs a hook to its end, synchronously; whoever has a sandbox gives one that uses it."""


def hooks_folder(repository: Repository, checkout: Path) -> Path:
    """Where the user's hooks are: core.hooksPath, relative to the user's checkout, else git's own folder."""
    configured = repository.user.hooks_path
    return checkout / configured if configured else repository.common_dir / "hooks"


def find_hook(folder: Path, name: str) -> Path | None:
    """The hook if git would run it: a file that is executable."""
    path = folder / name
    return path if path.is_file() and os.access(path, os.X_OK) else None


def hook_environment(repository: Repository) -> dict[str, str]:
    """The user's variables for a hook: without git's own, and without what is named like a secret."""
    kept = {name: value for name, value in repository.user_variables().items() if not _SECRET.search(name)}
    return {**kept, "GIT_EDITOR": ":", "GIT_TERMINAL_PROMPT": "0"}


def run_hook(call: HookCall) -> HookOutput:
    """Run a hook as a plain process in a session of its own, without input; nothing of it stays behind."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as spool:
        try:
            code = _run(call, list(call.argv), spool.fileno())
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                return HookOutput(name=call.name, code=126, output=f"cannot be started: {error.strerror}")
            # As git does with a script that has no `#!` line.
            code = _run(call, ["/bin/sh", *call.argv], spool.fileno())
        size = spool.seek(0, os.SEEK_END)
        spool.seek(max(0, size - OUTPUT_LIMIT))
        text = spool.read().decode(errors="replace")
    return HookOutput(name=call.name, code=code, output=text, duration_s=time.monotonic() - began)


def _run(call: HookCall, argv: list[str], output: int) -> int:
    process = subprocess.Popen(
        argv,
        cwd=call.cwd,
        env=dict(call.env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        return process.wait(call.timeout_s)
    except subprocess.TimeoutExpired:
        os.write(output, f"\nno end after {call.timeout_s:g} s\n".encode())
        return 124
    finally:
        # Also what a finished hook left in the background.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
