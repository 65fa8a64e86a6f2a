"""The goal as the command line takes it."""

from __future__ import annotations

import sys

from autodev_tui.cli_errors import LONGEST_GOAL, Failure


def goal_words(goal: str | None) -> str:
    """The goal as it was given, `-` from stdin. Raises Failure: none, empty, or too long."""
    if goal is None:
        raise Failure('no goal · autodev run "GOAL", or autodev run - to read it from stdin', 2)
    text = read_stdin() if goal == "-" else goal
    if not text.strip():
        raise Failure("the goal is empty · say what you want in a sentence or two", 2)
    if len(text) > LONGEST_GOAL:
        raise Failure(
            f"the goal has more than {LONGEST_GOAL:,} characters"
            " · put the long part in a file and name it: --requirements FILE (autodev plan)",
            2,
        )
    return text.strip()


def read_stdin() -> str:
    """What stands on stdin, no more of it than is needed to see that it is too long."""
    data = sys.stdin.buffer.read(4 * LONGEST_GOAL + 4)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # A character cut by the limit above is none of the user's doing.
        if error.reason == "unexpected end of data" and len(data) > 4 * LONGEST_GOAL:
            return data.decode(errors="replace")
        raise Failure("the goal on stdin is not UTF-8 · save it as UTF-8", 2) from error
