"""Why a check is red, in few words for people and agents: read out of its output (S35)."""

from __future__ import annotations

import os
from pathlib import Path

from autodev_tui.domain.evidence import Cause
from autodev_tui.quality.failures import classify
from autodev_tui.quality.running import Ran

MAX_CAUSES = 5
"""Causes of one red check that are kept: the first ones explain the rest."""


def causes_of(command: str, check_dir: Path, ran: Ran, text: str) -> list[Cause]:
    """The causes that `text`, the output of `command` in `check_dir`, tells of; none when it ended well."""
    code = ran.code if ran.signal is None else -ran.signal
    if code == 0 and not ran.timed_out:
        return []
    found = classify(text, command=command, exit_code=code, timed_out=ran.timed_out)
    causes = []
    for failure in found[:MAX_CAUSES]:
        inside = failure.within(str(check_dir)).within(os.path.realpath(check_dir))
        causes.append(
            Cause(
                type=inside.type or "",
                message=inside.message,
                path=inside.path or "",
                line=inside.line,
                code=inside.code,
                name=inside.symbol,
                suggestion=inside.suggestion,
            )
        )
    return causes
