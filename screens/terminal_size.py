"""The size that the terminal has, whatever order its changes were told in."""

from __future__ import annotations

import os
import shutil

from textual import events
from textual.geometry import Size


def believe_the_terminal() -> None:
    """From now on its size is what the terminal says: a shell may have exported what it was once."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def as_it_is(event: events.Resize) -> events.Resize:
    """The event with the size that the terminal has now.

    A signal that comes while the one before it is handled is handled first, so that in a storm of them the
    last event may tell an older size.
    """
    size = Size(*shutil.get_terminal_size(fallback=event.size))
    return event if size == event.size else events.Resize(size, size)
