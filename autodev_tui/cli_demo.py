"""The verb `demo`, and the way to it from the workbench and back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import NoReturn

from autodev_tui.cli_errors import Failure
from autodev_tui.cli_workbench import leave, on_terminal
from autodev_tui.demo.place import DemoError, Place, opened

RECORDED = "Only the model's words are recorded. Repository, worktrees, sandbox, checks and commits are real."
NEXT = "Next: autodev, in a repository of your own."


def demo(*, headless: bool) -> None:
    """Run the demo: in the workbench on a terminal, else by itself. Raises Failure."""
    try:
        with opened() as place:
            code = _alone(place) if headless or not on_terminal() else _workbench(place)
    except DemoError as error:
        raise Failure(str(error), 1) from error
    leave(code)


def _workbench(place: Place) -> int:
    from autodev_tui.app import run_app
    from autodev_tui.demo.app import Demo

    before = place.git("rev-parse", "main")
    app = Demo(place)
    code = run_app(app)
    place.kept = place.git("rev-parse", "main") != before
    if place.kept:
        print(f"The sample stays at {place.repository}")
        print("What landed is in its git log; remove the folder when you like.")
    else:
        print("Nothing was landed, so the sample repository was removed.")
    print(NEXT)
    return code


def _interrupt(*_: object) -> NoReturn:
    """A signal ends it as ctrl+c does: the temporary folder goes, whoever wants the end."""
    raise KeyboardInterrupt


def _alone(place: Place) -> int:
    from autodev_tui.demo.alone import Stopped, run_alone
    from autodev_tui.demo.telling import Story, checks

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    story = Story(lambda line: print(line, flush=True))
    story.line(RECORDED)
    story.line()
    commits, files = place.git("rev-list", "--count", "main"), place.git("ls-files").splitlines()
    story.say("sample", f"{place.repository} · {commits} commits, {len(files)} files")
    for name, words in checks(place).items():
        story.say(name, words)
    before = place.git("rev-parse", "main")
    try:
        asyncio.run(run_alone(place, story))
    except Stopped as stopped:
        raise Failure(f"the demo did not come to its end · {stopped}", 1) from stopped
    story.line()
    for name, words in checks(place).items():
        story.say(name, words)
    story.line()
    story.line(place.git("diff", "--stat=80", before, "main"))
    story.line()
    story.line(place.git("log", "--oneline", "--no-decorate", "-n", "8", "main"))
    story.line()
    story.line("The sample repository was removed. autodev demo in a terminal is the same in the workbench.")
    story.line(NEXT)
    return 0


def and_back() -> NoReturn:
    """The demo as a program of its own; then this program begins again as it was called."""
    own = len(sys.orig_argv) - len(sys.argv[1:])
    start = [sys.executable, *sys.orig_argv[1:own]]
    subprocess.run([*start, "demo"], check=False)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
