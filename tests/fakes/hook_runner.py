"""Runs a hook as git would: a plain process with the variables of the test's user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from autodev_tui.vcs.hooks import HookCall, HookRunner
from autodev_tui.vcs.landing_plan import HookOutput


def plain(environ: Mapping[str, str] = os.environ) -> HookRunner:
    """A runner without sandbox, spool or limits."""

    def run(call: HookCall) -> HookOutput:
        done = subprocess.run(
            call.argv,
            cwd=call.cwd,
            env={**environ, **call.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=call.timeout_s,
            check=False,
        )
        return HookOutput(name=call.name, code=done.returncode, output=done.stdout.decode(errors="replace"))

    return run
