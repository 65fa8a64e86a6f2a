"""What the commit of a healing is called: by what was mended, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.healing.model import Repair
from autodev_tui.vcs.wording import common_scope

CHANGELOG, API_DOCS = "docs: changelog", "docs: API"
"""What the commits of the documents are called."""
_ORDER = ("syntax", "imports", "names", "dependencies", "lint", "format", "import order")
_STYLE = frozenset(("lint", "format", "import order"))


def subject_of(repairs: Sequence[Repair]) -> str:
    """A conventional subject, as in `fix: imports and names in cart.py`; "" where nothing was mended."""
    paths = sorted({change.path for one in repairs for change in one.changes})
    mended = {one.mends for one in repairs if one.mends}
    if not paths or not mended:
        return ""
    tools = {one.tool for one in repairs}
    if len(tools) == 1 and mended == {"format"}:
        return f"style: format with {tools.pop()}"
    if len(tools) == 1 and mended == {"import order"}:
        return f"style: sort imports with {tools.pop()}"
    words = [word for word in _ORDER if word in mended]
    said = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    place = PurePosixPath(paths[0]).name if len(paths) == 1 else common_scope(paths)
    return f"{_kind(mended, paths)}: {said}{f' in {place}' if place else ''}"


def _kind(mended: set[str], paths: Sequence[str]) -> str:
    if mended <= _STYLE:
        return "style"
    if mended == {"dependencies"}:
        return "build"
    return "test" if all(is_test_file(path) for path in paths) else "fix"
