"""What a repository's own automation runs."""

from __future__ import annotations

import re

from autodev_tui.quality.ecosystems.model import Look

FILES = ("Makefile", "makefile", "GNUmakefile", "justfile", ".pre-commit-config.yaml", ".gitlab-ci.yml")
LONGEST_LINE = 2000
"""Characters; nobody writes a longer line by hand, and a search in one takes long."""


def mentions(at: Look, pattern: str) -> bool:
    """Whether a makefile, a hook or a workflow has something like `pattern` in one line. Sync."""
    names = list(FILES)
    workflows = at.tree / ".github" / "workflows"
    if workflows.is_dir():
        names += [f".github/workflows/{path.name}" for path in sorted(workflows.glob("*.y*ml"))]
    lines = (line for name in names for line in at.text(name).splitlines())
    return any(re.search(pattern, line) for line in lines if len(line) <= LONGEST_LINE)
