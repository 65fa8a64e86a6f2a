"""Takes the values of secret variables out of files that a command's output was written to."""

from __future__ import annotations

import contextlib
import mmap
import re
from collections.abc import Iterable
from pathlib import Path

from autodev_tui.policy.secrets import MIN_VALUE


class Blanker:
    """Overwrites secrets in place, each with as many stars, so that no place in the file moves."""

    def __init__(self, values: Iterable[str]) -> None:
        found = sorted({value.encode() for value in values if len(value) >= MIN_VALUE}, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, found))) if found else None

    def blank(self, spool: Path) -> None:
        """Clean a spooled output and its further segments. Sync; missing files are fine.

        Raises:
            OSError: a file is there and cannot be written.
        """
        if self._pattern is None:
            return
        for path in [spool, *spool.parent.glob(f"{spool.name}.[0-9]*")]:
            with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
                self._clean(file.fileno())

    def _clean(self, descriptor: int) -> None:
        assert self._pattern is not None
        try:
            content = mmap.mmap(descriptor, 0)
        except ValueError:
            return  # empty
        with content:
            for start, end in [match.span() for match in self._pattern.finditer(content)]:
                content[start:end] = b"*" * (end - start)
