"""Keeps protected paths inside writable ones as they were, whatever the rung can do about them itself.

Mounts make a protected path read-only, but cannot cover a symbolic link, nor stop a parent from being
renamed; Landlock alone knows no read-only island at all. So each path is recorded before a command and put
back after it. A missing path gets an empty stub to mount on, removed afterwards; a stub left by a kill is
known by its stamp. Commands that run at the same time share one record. Imported by the spawner: only `os`
here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from autodev_tui.sandbox.view import below

MAX_BYTES = 8 * 1024 * 1024
"""What is kept of one protected path; beyond it a change is reported but not undone."""

_STUB_MODE, _STUB_TIME_NS = 0o400, 1_000_000_000
_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Record = tuple[str, int, tuple[int, ...], "bytes | None", "dict[str, Record]"]
"""kind (missing, link, file, dir, other), mode, what must not change, content, entries."""
MISSING: Record = ("missing", 0, (), None, {})


class _Kept:
    def __init__(self, root: str, relative: str) -> None:
        self.root, self.relative = root, relative
        self.users = 0
        self.stub = ""
        self.record = MISSING


class Guards:
    """The protected paths of all running commands of one spawner."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def begin(self, protected: Sequence[str], writable: Sequence[str], *, stubs: bool) -> list[str]:
        """Records the paths that lie inside writable ones; what can be mounted read-only is given back.

        Each path given must be passed to `end` once. `stubs`: make a place to mount on where one is missing.
        """
        mounts = []
        for path in protected:
            kept = self._find(path, writable)
            if kept is None:
                continue
            kept.users += 1
            full = os.path.join(kept.root, kept.relative)
            if kept.users == 1:
                first = _first_missing(kept.root, kept.relative)
                if first and is_stub(first):
                    kept.stub = first
                kept.record = MISSING if kept.stub else _record(full, kept.root, [MAX_BYTES])
            if kept.record is MISSING and stubs and not kept.stub:
                kept.stub = _first_missing(kept.root, kept.relative)
                if kept.stub and not is_stub(kept.stub):
                    _make_stub(kept.stub)
            if kept.stub:
                mounts.append(kept.stub)
            elif kept.record[0] in ("file", "dir"):
                mounts.append(full)
        return sorted(set(mounts))

    def end(self, protected: Sequence[str], writable: Sequence[str]) -> list[str]:
        """Puts back what was changed, once no command uses it any more; returns those paths."""
        changed, stubs = [], set()
        for path in protected:
            kept = self._find(path, writable)
            if kept is None:
                continue
            kept.users -= 1
            full = os.path.join(kept.root, kept.relative)
            if kept.users:
                continue
            del self._kept[full]
            if kept.stub and not any(other.stub == kept.stub for other in self._kept.values()):
                stubs.add(kept.stub)
                if is_stub(kept.stub):
                    os.unlink(kept.stub)
            if _differs(kept.record, _record(full, kept.root, [0]), marks=True) and _differs(
                kept.record, _record(full, kept.root, [MAX_BYTES]), marks=False
            ):
                changed.append(path)
                if _whole(kept.record):
                    _restore(kept.root, kept.relative, kept.record)
        return changed

    def _find(self, path: str, writable: Sequence[str]) -> _Kept | None:
        path = os.path.normpath(path)
        for root in sorted(writable, key=len, reverse=True):
            root = os.path.normpath(root)
            real = os.path.realpath(root)
            for base in (root, real):
                if below(path, base):
                    relative = os.path.relpath(path, base)
                    return self._kept.setdefault(os.path.join(real, relative), _Kept(real, relative))
        return None


def is_stub(path: str) -> bool:
    """Whether this is an empty file that a guard made, perhaps one that was killed."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    plain = stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == _STUB_MODE
    return plain and found.st_size == 0 and found.st_mtime_ns == _STUB_TIME_NS


def _make_stub(path: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _STUB_MODE)
    try:
        os.fchmod(fd, _STUB_MODE)
        os.utime(fd, ns=(_STUB_TIME_NS, _STUB_TIME_NS))
    finally:
        os.close(fd)


def _first_missing(root: str, relative: str) -> str:
    """The first component that is missing or a stub; empty if there is none or a link is in the way."""
    at = root
    for part in relative.split("/"):
        at = os.path.join(at, part)
        if os.path.islink(at):
            return ""
        if not os.path.lexists(at) or is_stub(at):
            return at
    return ""


def _record(path: str, root: str, budget: list[int]) -> Record:
    at = os.path.dirname(path)
    while below(at, root):
        if os.path.islink(at):
            return MISSING
        at = os.path.dirname(at)
    return _record_one(path, budget)


def _record_one(path: str, budget: list[int]) -> Record:
    try:
        found = os.lstat(path)
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISLNK(found.st_mode):
            return ("link", 0, (), os.fsencode(os.readlink(path)), {})
        if stat.S_ISDIR(found.st_mode):
            entries = {name: _record_one(os.path.join(path, name), budget) for name in os.listdir(path)}
            return ("dir", mode, (), None, entries)
        if not stat.S_ISREG(found.st_mode):
            return ("other", mode, (found.st_ino,), None, {})
        content = None
        if found.st_size <= budget[0]:
            budget[0] -= found.st_size
            with open(path, "rb") as file:
                content = file.read()
        # The change time cannot be forged, so equal marks mean equal content.
        return ("file", mode, (found.st_ino, found.st_size, found.st_ctime_ns), content, {})
    except OSError:
        return MISSING


def _differs(old: Record, new: Record, *, marks: bool) -> bool:
    """Compares by marks, which is quick, or by content, which a mere touch does not change."""
    if old[:2] != new[:2] or old[4].keys() != new[4].keys():
        return True
    if old[0] == "file" and not marks and old[3] is not None:
        return old[3] != new[3]
    if old[2] != new[2] or (old[0] == "link" and old[3] != new[3]):
        return True
    return any(_differs(old[4][name], new[4][name], marks=marks) for name in old[4])


def _whole(record: Record) -> bool:
    """Whether all of it was kept, so that it can be put back."""
    if record[0] == "other" or (record[0] == "file" and record[3] is None):
        return False
    return all(_whole(inner) for inner in record[4].values())


def _restore(root: str, relative: str, record: Record) -> None:
    """Writes a record back, entering no symbolic link on the way."""
    parts = relative.split("/")
    fd = os.open(root, _OPEN_DIR)
    try:
        for part in parts[:-1]:
            try:
                inner = os.open(part, _OPEN_DIR, dir_fd=fd)
            except FileNotFoundError:
                if record[0] == "missing":
                    return
                os.mkdir(part, dir_fd=fd)
                inner = os.open(part, _OPEN_DIR, dir_fd=fd)
            except OSError:  # a link or a file now stands there
                if record[0] == "missing":
                    return
                os.unlink(part, dir_fd=fd)
                os.mkdir(part, dir_fd=fd)
                inner = os.open(part, _OPEN_DIR, dir_fd=fd)
            os.close(fd)
            fd = inner
        _put(fd, parts[-1], record)
    finally:
        os.close(fd)


def _put(folder: int, name: str, record: Record) -> None:
    kind, mode, _, content, entries = record
    _remove(folder, name)
    if kind == "link" and content is not None:
        os.symlink(content, name, dir_fd=folder)
    elif kind == "file" and content is not None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(name, flags, 0o600, dir_fd=folder)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            os.fchmod(fd, mode)
    elif kind == "dir":
        os.mkdir(name, 0o700, dir_fd=folder)
        fd = os.open(name, _OPEN_DIR, dir_fd=folder)
        try:
            for inner, value in entries.items():
                _put(fd, inner, value)
            os.fchmod(fd, mode)
        finally:
            os.close(fd)


def _remove(folder: int, name: str) -> None:
    # Somebody else may tidy up the same: what is gone already is what was wanted.
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError:
        try:
            _remove_folder(folder, name)
        except FileNotFoundError:
            pass


def _remove_folder(folder: int, name: str) -> None:
    fd = os.open(name, _OPEN_DIR, dir_fd=folder)
    try:
        os.fchmod(fd, 0o700)
        for inner in os.listdir(fd):
            _remove(fd, inner)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=folder)


def remove_tree(path: str) -> None:
    """Deletes a directory that a command filled: follows no link and opens what was made unreadable."""
    folder = os.open(os.path.dirname(path), _OPEN_DIR)
    try:
        _remove(folder, os.path.basename(path))
    finally:
        os.close(folder)
