"""The difference of two trees as numbered hunks, byte for byte.

Git is asked without worktree and index, so that no `.gitattributes` of an agent can hide a file from review.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.vcs.git import NO_ID, Git, Pairs
from autodev_tui.vcs.repository import Repository

SHOWN_BYTES = 1024 * 1024
"""Larger files are decided as a whole; their content is never loaded."""
_LIMIT: Pairs = (("core.bigFileThreshold", str(SHOWN_BYTES)),)
_STATUS: dict[str, Literal["added", "modified", "deleted", "typechange"]] = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "T": "typechange",
}
_KINDS = {"100644": "file", "100755": "executable file", "120000": "link", "160000": "submodule"}
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.S)


class RawChange(NamedTuple):
    """One changed path as git lists it; ids and modes are empty where the side does not exist."""

    path: str
    status: str
    old_mode: str
    new_mode: str
    old: str
    new: str


class _Part(NamedTuple):
    """One hunk of a patch."""

    old_start: int
    new_start: int
    section: str
    diff: list[str]


def raw_changes(git: Git, *args: str) -> list[RawChange]:
    """Changed paths by `git diff-tree`, `diff-index` or `diff-files`; content in worktrees has no id yet."""
    fields = git.fields(*args[:1], "--raw", "-z", "--no-renames", "--no-abbrev", *args[1:])
    changes = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.lstrip(":").split(" ")
        # diff-files and diff-index give no id to content that only the worktree has, but a mode.
        there = new != NO_ID or new_mode != "000000"
        changes.append(
            RawChange(
                path,
                status,
                "" if old_mode == "000000" else old_mode,
                "" if new_mode == "000000" else new_mode,
                "" if old == NO_ID else old,
                new if there else "",
            )
        )
    return changes


def change_set(repository: Repository, base: str, proposed: str) -> ChangeSet:
    """The files and hunks between two trees (or commits). Sync; one git call to list, one for the lines."""
    git = repository.bare
    base, proposed = repository.trees_of(base, proposed)
    raw = raw_changes(git, "diff-tree", "-r", base, proposed) if base != proposed else []
    if not raw:
        return ChangeSet(base=base, proposed=proposed, files=[])
    patch = git.with_(config=git.config + _LIMIT).run(
        "diff-tree", "-r", "-p", "--no-renames", "--full-index", "--no-ext-diff", "--no-textconv",
        "--no-color", "-U3", "--inter-hunk-context=0", "--diff-algorithm=histogram", "--indent-heuristic",
        "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", base, proposed,
    )  # fmt: skip
    sections = _sections(patch)
    parts: list[tuple[RawChange, list[_Part], bool]] = []
    for change in raw:
        # A change of type is shown as a deletion and an addition.
        pieces = [next(sections) for _ in range(2 if change.status == "T" else 1)]
        parts.append((change, [part for piece in pieces for part in piece[0]], any(p[1] for p in pieces)))
    sizes = _sizes(git, [change for change, hunks, _ in parts if not hunks])
    files: list[FileChange] = []
    number = 1
    for change, hunks, binary in parts:
        file = _file(change, hunks, binary, sizes, number)
        number += len(file.hunks)
        files.append(file)
    return ChangeSet(base=base, proposed=proposed, files=files)


def _file(
    change: RawChange, parts: list[_Part], binary: bool, sizes: dict[str, int], number: int
) -> FileChange:
    hunks: list[Hunk] = []

    def whole(header: str, what: str, shown: list[str]) -> None:
        mark = f"{change.path}\0{what}"
        hunks.append(_hunk(change.path, number + len(hunks), header, 0, 0, shown, mark, whole_file=True))

    if change.status == "M" and change.old_mode != change.new_mode:
        whole(f"mode {change.old_mode} → {change.new_mode}", f"mode {change.new_mode}", [])
    modes = {change.old_mode, change.new_mode} - {""}
    lines = [line for part in parts for line in part.diff]
    if not modes <= {"100644", "100755"} or change.status == "T":
        kinds = [_KINDS.get(mode, mode) for mode in (change.old_mode, change.new_mode) if mode]
        whole(" → ".join(dict.fromkeys(kinds)), f"{change.new_mode} {change.new}", lines)
    elif parts:
        for part in parts:
            at = number + len(hunks)
            mark = f"{change.path}\0{_essence(part.diff)}"
            hunks.append(
                _hunk(change.path, at, part.section, part.old_start, part.new_start, part.diff, mark)
            )
    elif change.old != change.new:
        binary = binary or any(sizes.get(blob) for blob in (change.old, change.new))
        whole(_describe(change, sizes), f"{change.new_mode} {change.new}", [])
    return FileChange(
        path=change.path,
        status=_STATUS[change.status],
        old_blob=change.old,
        new_blob=change.new,
        old_mode=change.old_mode,
        new_mode=change.new_mode,
        binary=binary,
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
        hunks=hunks,
    )


def _hunk(
    path: str,
    number: int,
    header: str,
    old_start: int,
    new_start: int,
    diff: list[str],
    mark: str,
    whole_file: bool = False,
) -> Hunk:
    return Hunk(
        number=number,
        path=path,
        header=header,
        old_start=old_start,
        old_lines=[line[1:] for line in diff if line[0] != "+"],
        new_start=new_start,
        new_lines=[line[1:] for line in diff if line[0] != "-"],
        diff=diff,
        fingerprint=hashlib.sha256(os.fsencode(mark)).hexdigest(),
        whole_file=whole_file,
    )


def fingerprint(path: str, diff: list[str]) -> str:
    """How a hunk of lines is known again, wherever it stands: sha256 over its path and what it changes."""
    return hashlib.sha256(os.fsencode(f"{path}\0{_essence(diff)}")).hexdigest()


def _essence(diff: list[str]) -> str:
    """The changed lines without white space; the whole hunk where nothing but white space changes."""

    def bare(lines: list[str]) -> str:
        return "\n".join(line[0] + "".join(line[1:].split()) for line in lines if line[1:].strip())

    changed = [line for line in diff if line[0] != " "]
    old = "".join("".join(line[1:].split()) for line in changed if line[0] == "-")
    new = "".join("".join(line[1:].split()) for line in changed if line[0] == "+")
    return bare(changed) if old != new else "white space\0" + bare(diff)


def _describe(change: RawChange, sizes: dict[str, int]) -> str:
    old, new = sizes.get(change.old, 0), sizes.get(change.new, 0)
    if not old and not new:
        return "empty file"
    there = [f"{size} bytes" for blob, size in ((change.old, old), (change.new, new)) if blob]
    return f"{'too large to show' if max(old, new) > SHOWN_BYTES else 'binary'}, {' → '.join(there)}"


def _sizes(git: Git, changes: list[RawChange]) -> dict[str, int]:
    blobs = {
        blob
        for change in changes
        for blob, mode in ((change.old, change.old_mode), (change.new, change.new_mode))
        if blob and mode != "160000"
    }
    if not blobs:
        return {}
    text = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin="\n".join(blobs).encode())
    return {blob: int(size) for blob, _, size in (line.partition(" ") for line in text.decode().splitlines())}


def _sections(patch: bytes) -> Iterator[tuple[list[_Part], bool]]:
    """Per `diff --git` of a patch: its hunks, and whether git took it for binary.

    Names in the headers are not looked at: the raw listing has them, in the same order.
    """
    lines = patch.split(b"\n")[:-1]
    at = 0
    while at < len(lines):
        parts, binary = [], False
        at += 1
        while at < len(lines) and not lines[at].startswith(b"diff --git "):
            head = _HUNK.fullmatch(lines[at])
            if not head:
                binary = binary or lines[at].startswith(b"Binary files ")
                at += 1
                continue
            old, new = (int(group) if group is not None else 1 for group in (head[2], head[4]))
            diff, at = _body(lines, at + 1, old, new)
            parts.append(_Part(int(head[1]), int(head[3]), os.fsdecode(head[5]), diff))
        yield parts, binary


def _body(lines: list[bytes], at: int, old: int, new: int) -> tuple[list[str], int]:
    """The lines of one hunk with `old` and `new` lines on its sides, and where the next thing begins."""
    diff: list[str] = []
    while old or new or (at < len(lines) and lines[at].startswith(b"\\")):
        line = lines[at]
        at += 1
        if line.startswith(b"\\"):
            # "\ No newline at end of file" speaks of the line before.
            diff[-1] = diff[-1][:-1]
            continue
        old -= line[:1] != b"+"
        new -= line[:1] != b"-"
        diff.append(os.fsdecode(line) + "\n")
    return diff, at
