"""Paths that a tool names: resolved inside the worktree, opened without following what moved meanwhile."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.domain.text import HIDDEN, from_visible, visible

PROTECTED = frozenset(
    {".git", ".autodev", ".vscode", ".idea", ".mcp.json", ".claude", ".envrc", ".cursor", ".gemini", ".codex"}
    | {".aider.conf.yml", ".direnv", ".fleet", ".zed", ".windsurf", ".continue", ".roo", ".cline"}
)
"""Names that make the user's own tools run something: denied even where absent."""
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4096
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PathDenied(Exception):
    """A path that no tool may use; the message says why, in words for the model."""


@dataclass(frozen=True)
class SafePath:
    """A place inside `root`. `relative` has no `..`, no links (where followed) and no protected name."""

    root: Path
    relative: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names from the root down; empty for the root itself."""
        return tuple(self.relative.split("/")) if self.relative else ()

    @property
    def name(self) -> str:
        """The last name."""
        return self.relative.rpartition("/")[2]


def resolve(worktree: Path, path: str, *, follow: bool = True) -> SafePath:
    """Where `path`, relative to `worktree`, leads. `follow` says whether a link at its end is followed.

    Names may come as `visible` shows them. Nothing need exist.

    Raises:
        PathDenied: absolute, `..`, a link out of the worktree, a protected or impossible name.
    """
    shown = visible(path, keep="")
    if not path or "\0" in path:
        raise PathDenied(f"{shown or 'an empty path'}: not a path")
    if path.startswith("/"):
        raise PathDenied(f"{shown}: absolute paths are refused; give it relative to the repository's root")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not all(os.path.lexists(worktree / "/".join(parts[: i + 1])) for i in range(len(parts))):
        parts = [part for part in from_visible(path).split("/") if part not in ("", ".")]
    _check_names(parts, shown)
    root = Path(os.path.realpath(worktree))
    try:
        real = Path(os.path.realpath(root.joinpath(*(parts if follow else parts[:-1]))))
    except OSError as error:
        raise PathDenied(f"{shown}: {error.strerror}") from error
    if not real.is_relative_to(root):
        raise PathDenied(f"{shown}: leads outside the worktree through a link")
    inside = list(real.relative_to(root).parts) + ([] if follow else parts[-1:])
    _check_names(inside, shown)
    return SafePath(root, "/".join(inside))


def protected(parts: list[str] | tuple[str, ...]) -> str:
    """The protected name among `parts`, compared the way careless file systems do; "" if there is none."""
    for part in parts:
        folded = unicodedata.normalize("NFKC", HIDDEN.sub("", part)).casefold().rstrip(". ")
        if folded in PROTECTED or folded == "git~1":
            return part
    return ""


def _check_names(parts: list[str], shown: str) -> None:
    if ".." in parts:
        raise PathDenied(f"{shown}: '..' is refused; give it relative to the repository's root")
    if "\0" in "".join(parts):
        raise PathDenied(f"{shown}: not a path")
    encoded = [os.fsencode(part) for part in parts]
    if any(len(name) > MAX_NAME_BYTES for name in encoded) or sum(map(len, encoded)) > MAX_PATH_BYTES:
        raise PathDenied(f"{shown[:80]}…: the name is too long")
    if name := protected(parts):
        raise PathDenied(f"{shown}: {visible(name, keep='')} is protected; only the user changes it")


@contextmanager
def open_parent(path: SafePath, *, create: bool = False) -> Iterator[int]:
    """A descriptor of the directory that holds `path`, reached without following any link.

    Raises:
        PathDenied: if a directory on the way is now a link, a file, or (without `create`) missing.
    """
    descriptor = os.open(path.root, _DIRECTORY)
    try:
        for name in path.parts[:-1]:
            if create:
                try:
                    os.mkdir(name, 0o777, dir_fd=descriptor)
                    os.fsync(descriptor)
                except FileExistsError:
                    pass
            below = os.open(name, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except OSError as error:
        os.close(descriptor)
        raise _denied(path, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(path: SafePath) -> int:
    """A descriptor of the regular file at `path` for reading; the caller closes it.

    Raises:
        PathDenied: if there is no such file, or it is a directory, link, pipe, socket or device.
    """
    with open_parent(path) as parent:
        try:
            # Non-blocking, so that a pipe cannot hold us before it is known to be one.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(path.name or ".", flags, dir_fd=parent)
        except OSError as error:
            raise _denied(path, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise PathDenied(f"{visible(path.relative, keep='') or '.'}: is {what}")
    return descriptor


def _denied(path: SafePath, error: OSError) -> PathDenied:
    shown = visible(path.relative, keep="") or "."
    reasons = {
        "FileNotFoundError": "no such file",
        "NotADirectoryError": "a directory on the way is a file or a link",
    }
    text = reasons.get(type(error).__name__) or (error.strerror or "cannot be opened")
    return PathDenied(f"{shown}: {text}")
