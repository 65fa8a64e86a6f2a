"""Trust: the repository's own configuration and rules count for nothing until the user has trusted them.

Trust is bound to content: it holds for exactly the bytes that were shown, and ends when one of them changes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.database import Database

from autodev_tui.vcs.include import INCLUDE_FILE

RULE_FILES = ("AGENTS.md", "CLAUDE.md")
CONFIG_FOLDER = ".autodev"
MAX_FILE, MAX_FILES = 256 * 1024, 200
"""Bytes a file and files in all; a larger one is no configuration, and is named as left out."""
_KEY = "repository"


def trust_files(root: Path) -> dict[str, bytes]:
    """The files that trust is about, by path in the checkout; symlinks are not followed."""
    found: dict[str, bytes] = {}
    for name in (*RULE_FILES, INCLUDE_FILE):
        _read(root, root / name, found)
    for folder, folders, names in os.walk(root / CONFIG_FOLDER, followlinks=False):
        folders.sort()
        for name in sorted(names):
            _read(root, Path(folder) / name, found)
    return found


def _read(root: Path, path: Path, found: dict[str, bytes]) -> None:
    if path.is_symlink() or not path.is_file() or len(found) >= MAX_FILES:
        return
    if path.stat().st_size <= MAX_FILE:
        found[str(path.relative_to(root))] = path.read_bytes()


def trust_hash(files: dict[str, bytes]) -> str:
    """sha256 over names and contents; empty without any file."""
    if not files:
        return ""
    digest = hashlib.sha256()
    for name in sorted(files):
        encoded = os.fsencode(name)
        digest.update(b"%d:%b%d:" % (len(encoded), encoded, len(files[name])) + files[name])
    return digest.hexdigest()


def is_trusted(database: Database, files: dict[str, bytes]) -> bool:
    """Whether the user trusted exactly these files; nothing to trust counts as trusted."""
    record = database.get("trust", _KEY)
    return not files or (record is not None and record["hash"] == trust_hash(files))


def trust(database: Database, digest: str, at: float) -> None:
    """Record that the user trusts what has this hash. Sync, durable on return."""
    database.commit([("trust", _KEY, {"hash": digest, "at": at})])


def revoke(database: Database) -> bool:
    """Take trust back; False if there was none."""
    if database.get("trust", _KEY) is None:
        return False
    database.commit([("trust", _KEY, None)])
    return True


def rules(files: dict[str, bytes]) -> tuple[tuple[str, str], ...]:
    """The repository's rules for agents, as (file name, text)."""
    return tuple((name, files[name].decode(errors="replace")) for name in RULE_FILES if name in files)
