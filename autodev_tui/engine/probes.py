"""Looking at the same interpreter again: its answer is kept until something is installed into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from autodev_tui.quality.running import Ran, Run, RunCommand

Stamp = tuple[tuple[str, int], ...]


class Probes:
    """Runs probes of interpreters; one that was asked already answers from memory.

    A probe takes up to a second, and every command of an agent needs the environment. Installing a package
    changes the directory it goes to, and replacing an interpreter changes its file: then it is asked again.
    """

    def __init__(self, run: RunCommand) -> None:
        self._run = run
        self._known: dict[tuple[tuple[str, ...], bool], tuple[Stamp, Ran]] = {}

    async def __call__(self, run: Run) -> Ran:
        """How the probe ended, now or before."""
        key = (run.argv, run.sandboxed)
        known = self._known.get(key)
        if known and known[0] == _stamp([path for path, _ in known[0]]):
            return known[1]
        ran = await self._run(run)
        if ran.code is not None:
            self._known[key] = (_stamp([run.argv[0], *_sites(ran)]), ran)
        return ran


def _sites(ran: Ran) -> list[str]:
    """The directories that packages are installed to, as the probe says."""
    try:
        found = json.loads(ran.output.decode(errors="replace").strip().splitlines()[-1])["sites"]
    except (ValueError, LookupError, TypeError):
        return []
    return [str(path) for path in found]


def _stamp(paths: Sequence[str]) -> Stamp:
    def changed(path: str) -> int:
        try:
            return Path(path).stat().st_mtime_ns
        except OSError:
            return 0

    return tuple((path, changed(path)) for path in paths)
