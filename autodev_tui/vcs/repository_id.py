"""The id under which a repository's state is kept: in the common git directory, so that no clone has it."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from autodev_tui.vcs.errors import RepositoryError

FOLDER = "autodev"
"""Our own folder in the common git directory."""
_ID = re.compile(r"[0-9a-f]{16}")


def repository_id(common_dir: Path, new: Callable[[], str] = lambda: secrets.token_hex(8)) -> str:
    """The repository's id, made on first use.

    A moved repository keeps it; a copy whose original lives gets its own.

    Raises:
        RepositoryError: if the id has to be written and cannot be.
    """
    file = common_dir / FOLDER / "id"
    found = _read(file)
    if found and (_same(Path(found[1]), common_dir)):
        return found[0]
    moved = found is not None and not _lives(found[0], Path(found[1]))
    identity = found[0] if found and moved else new()
    try:
        return _write(file, identity, common_dir, replace=found is not None)
    except OSError as error:
        raise RepositoryError(
            f"cannot write: {error.strerror}",
            str(file),
            "autodev keeps the repository's id there; make it writable",
        ) from error


def _write(file: Path, identity: str, common_dir: Path, replace: bool) -> str:
    """Written whole or not at all; when two begin at once, one id wins."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    draft = file.with_name(f"id.{os.getpid()}.{secrets.token_hex(4)}")
    text = json.dumps({"id": identity, "path": str(common_dir)})
    with draft.open("w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        if replace or (file.exists() and _read(file) is None):
            draft.replace(file)
        else:
            os.link(draft, file)
    except FileExistsError:
        if first := _read(file):
            return first[0]
        raise
    finally:
        draft.unlink(missing_ok=True)
    return identity


def _read(file: Path) -> tuple[str, str] | None:
    try:
        data = json.loads(file.read_text(encoding="utf-8", errors="surrogateescape"))
        identity, path = data["id"], data["path"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (identity, path) if isinstance(path, str) and _ID.fullmatch(str(identity)) else None


def _lives(identity: str, original: Path) -> bool:
    """Whether the repository that wrote the id is still where it was."""
    found = _read(original / FOLDER / "id")
    return found is not None and found[0] == identity and _same(Path(found[1]), original)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
