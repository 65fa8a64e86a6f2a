"""Where tests kill the engine: at the n-th of the points between two things that must both survive a crash.

`AUTODEV_CRASH_AT=n` ends the process by SIGKILL at point n (a text in place of n: at the first point whose
name begins so); with `n:FILE` FILE gets each point's name.
Unset, a point is a look at a variable.
"""

from __future__ import annotations

import os
import signal
from typing import Any

VARIABLE = "AUTODEV_CRASH_AT"

_armed = VARIABLE in os.environ
_reached = 0


def arm() -> None:
    """Look at the environment anew and count from the start: for tests that fork the loaded program."""
    global _armed, _reached
    _armed, _reached = VARIABLE in os.environ, 0


def reached(name: str, *records: Any) -> None:
    """The point `name`, about these records; a test's kill may come here."""
    if _armed:
        _count(" · ".join([name, *(_said(record) for record in records)]))


def _said(record: Any) -> str:
    what = f"{record.kind} {record.name}" if hasattr(record, "name") else type(record).__name__
    return f"{what} {record.state}"


def _count(name: str) -> None:
    global _reached
    _reached += 1
    number, _, log = os.environ[VARIABLE].partition(":")
    if log:
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{name}\n")
    if number == str(_reached) or (not number.isdigit() and name.startswith(number)):
        os.kill(os.getpid(), signal.SIGKILL)
