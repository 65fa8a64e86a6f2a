"""The bubblewrap rung: the view and the namespaces as arguments of bwrap.

Imported by the spawner. The arguments travel by a descriptor, not on the command line, where every user of
the machine could read the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from autodev_tui.sandbox.view import Entry, nearest


def arguments(
    view: Sequence[Entry],
    protected: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    network: bool,
    filter_fd: int,
    status_fd: int,
) -> bytes:
    """The NUL-separated arguments for `bwrap --args FD`."""
    words = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if network:
        words.append("--share-net")
    words += ["--dev", "/dev", "--proc", "/proc"]
    masks: list[str] = []
    for entry in view:
        if entry.kind == "ro":
            words += ["--ro-bind", entry.source, entry.path]
        elif entry.kind in ("rw", "private"):
            words += ["--bind", entry.source, entry.path]
        elif entry.kind == "link":
            words += ["--symlink", entry.source, entry.path]
        elif nearest(entry.path, view) is not None:  # nothing shows what has no parent in the view
            if os.path.isdir(entry.path):
                words += ["--tmpfs", entry.path]
                masks.append(entry.path)
            else:
                words += ["--ro-bind", "/dev/null", entry.path]
    for path in protected:
        words += ["--ro-bind", path, path]
    for path in [*masks, "/"]:
        words += ["--remount-ro", path]
    for name, value in env.items():
        words += ["--setenv", name, value]
    words += ["--chdir", os.path.realpath(cwd)]
    words += ["--seccomp", str(filter_fd), "--json-status-fd", str(status_fd)]
    return b"".join(os.fsencode(word) + b"\0" for word in words)
