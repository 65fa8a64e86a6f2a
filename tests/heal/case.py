"""One seeded broken repository: its files, its checks, and whether rules should be able to heal it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PYTEST = "python3 -m pytest"
UNITTEST = "python3 -m unittest discover"
RUFF = "python3 -m ruff check ."
RUFF_FORMAT = "python3 -m ruff format --check ."
MYPY = "python3 -m mypy ."
BLACK = "python3 -m black --check ."
ISORT = "python3 -m isort --check-only ."
FLAKE8 = "python3 -m flake8"

SYNTAX, IMPORTS, FORMAT, DEPENDENCIES, NAMES, MIXED, OUT = (
    "syntax (fix_tests)", "fix_imports", "auto_format", "update_dependencies", "names (fix_tests)", "mixed",
    "out of reach",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`kind` groups the figures. Out of reach: nothing may be healed, and nothing may be changed."""

    name: str
    kind: str
    files: Mapping[str, str | bytes]
    checks: tuple[str, ...]
    holds: Mapping[str, str] = field(default_factory=dict)
    """Text that a file must have in the end: the mend is the right one, not just a green one."""
    held_out: bool = False
    """Written after the strategies were done."""
    site: Mapping[str, str] = field(default_factory=dict)
    """Files of a small index, the first folder is the distribution's name."""
    rule: str = "heal"
    part: bool = False
    """Something out of reach is red as well, and stays so."""

    def build(self, folder: Path) -> Path:
        """The repository in `folder`; what has no line for a docstring needs none."""
        write(folder, self.files)
        return folder


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Lay files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
