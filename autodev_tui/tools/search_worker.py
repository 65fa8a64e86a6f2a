"""Searches files for a regular expression, as a process of its own that ends with its parent and its time.

A pattern can keep Python's matcher busy for ever, deaf to everything but a signal and holding the
interpreter. Started with nothing but the standard library: `python -I -S search_worker.py ROOT SECONDS`.
Reads one JSON line with pattern, paths and limits; writes one JSON line a match, then one with the totals.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import stat
import sys


def main() -> None:
    """Read the request, write the matches."""
    # Ends the process even inside one match.
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
    request = json.loads(sys.stdin.readline())
    if hasattr(os, "O_ASYNC"):
        # SIGIO, which ends the process, comes when the parent's end of the pipe closes.
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    pattern = re.compile(request["pattern"])
    root = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
    total = skipped = 0
    for path in request["paths"]:
        text = content(root, path, request["max_bytes"])
        if text is None:
            skipped += 1
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line.removesuffix("\r")):
                total += 1
                if total <= request["max_matches"]:
                    print(json.dumps({"path": path, "line": number}), flush=True)
    print(json.dumps({"total": total, "skipped": skipped}), flush=True)


def content(root: int, path: str, limit: int) -> str | None:
    """The text of a regular file of at most `limit` bytes, reached without links; None for anything else."""
    directory = root
    try:
        *above, name = path.split("/")
        for part in above:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            if directory != root:
                os.close(directory)
            directory = below
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        return None
    finally:
        if directory != root:
            os.close(directory)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        data = file.read(limit)
    return None if b"\0" in data[:8000] else data.decode(errors="surrogateescape").removeprefix("\ufeff")


if __name__ == "__main__":
    main()
