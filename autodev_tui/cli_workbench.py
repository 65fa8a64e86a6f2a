"""The way into the workbench; it loads nothing that the first picture does not need."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

import click

from autodev_tui.cli_errors import Failure


def on_terminal() -> bool:
    """Whether there is a terminal that a screen can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")


def workbench(directory: Path, session: str | None = None) -> None:
    """Bare `autodev`, and `autodev resume` on a terminal. Raises Failure: there is none."""
    if not on_terminal():
        raise Failure(
            'the workbench needs a terminal · without one: autodev run "GOAL", and autodev status', 2
        )
    # What is loaded for the first picture stays: the collector need not look through it again and again.
    # The app turns it on once there is something to show.
    gc.disable()
    from autodev_tui.app import TO_DEMO, run_workbench

    code = run_workbench(directory, session)
    if code == TO_DEMO:
        from autodev_tui.cli_demo import and_back

        and_back()
    leave(code)


def leave(code: int) -> NoReturn:
    """End with this code.

    An engine that is not gone by then is left at once, as by a kill: it would take the interpreter's shutdown
    for a failure of the session.
    """
    if any(thread.name == "engine" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise click.exceptions.Exit(code)
