"""The places where two commits changed the same lines, and the tree that decisions on them make.

Everything is computed from blobs: the same three sides give the same places, in the same order.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.review import ConflictHunk
from autodev_tui.vcs.decisions import joined, split_lines
from autodev_tui.vcs.git import NO_ID
from autodev_tui.vcs.proposals import Change, Place, places, propose
from autodev_tui.vcs.repository import Repository

SHOWN_BYTES = 1024 * 1024
"""Larger files are taken as a whole, from one side."""
CONTEXT = 3
"""Lines shown above and below a place."""
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)

Entry = tuple[str, str]
"""Mode and blob of a path."""


@dataclass(frozen=True)
class Sides:
    """What a path is on each side; None where it does not exist."""

    base: Entry | None
    left: Entry | None
    right: Entry | None


@dataclass(frozen=True)
class Conflicted:
    """A merge with conflicts: the tree of what merged by itself, and the sides of each path that did not."""

    tree: str
    sides: Mapping[str, Sides]


@dataclass(frozen=True)
class ConflictFile:
    """One file in pieces: lines that hold whatever is decided, and places that wait for a decision."""

    path: str
    mode: str
    pieces: Sequence[list[str] | ConflictHunk]


@dataclass(frozen=True)
class Conflict:
    """All places of a merge, numbered over all files; then the files that can only be taken whole."""

    files: Sequence[ConflictFile]
    whole_files: Sequence[str]

    @property
    def hunks(self) -> list[ConflictHunk]:
        """Every place, in order."""
        return [piece for file in self.files for piece in file.pieces if isinstance(piece, ConflictHunk)]

    @property
    def count(self) -> int:
        """How many decisions make it a tree."""
        return len(self.hunks) + len(self.whole_files)

    def proposals(self) -> list[HunkDecision] | None:
        """The decisions that take every proposal; None where a place has none."""
        hunks = self.hunks
        if self.whole_files or any(hunk.proposal is None for hunk in hunks):
            return None
        return [HunkDecision(hunk=hunk.number, verdict="edit", new_lines=hunk.proposal) for hunk in hunks]


def conflicted(repository: Repository, ours: str, theirs: str) -> Conflicted:
    """What of merging the commit `theirs` into `ours` does not merge by itself. Sync; no ref changes."""
    done = repository.git.call("merge-tree", "--write-tree", "-z", "--no-messages", ours, theirs, ok=(0, 1))
    tree, *entries = [os.fsdecode(part) for part in done.stdout.split(b"\0")[:-1]]
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        head, _, path = entry.partition("\t")
        if path:
            mode, blob, stage = head.split(" ")
            found.setdefault(path, {})[stage] = (mode, blob)
    sides = {path: Sides(*(stages.get(one) for one in "123")) for path, stages in sorted(found.items())}
    return Conflicted(tree, sides)


def conflict(repository: Repository, sides: Mapping[str, Sides]) -> Conflict:
    """The places of all paths that did not merge by themselves. Sync; two git calls a file."""
    files: list[ConflictFile] = []
    whole: list[str] = []
    number = 1
    for path, one in sorted(sides.items()):
        file = _file(repository, path, one, number)
        if file is None:
            whole.append(path)
        else:
            files.append(file)
            number += sum(isinstance(piece, ConflictHunk) for piece in file.pieces)
    return Conflict(files, whole)


def resolved(
    repository: Repository, merged: Conflicted, conflict: Conflict, decisions: Sequence[HunkDecision]
) -> str:
    """The tree of what merged by itself, and of one decision for each place. Sync.

    Raises:
        KeyError: a place has no decision.
    """
    chosen = {one.hunk: one for one in decisions}
    lines: list[tuple[str, Entry | None]] = []
    for file in conflict.files:
        parts = [
            piece if isinstance(piece, list) else _taken(piece, chosen[piece.number]) for piece in file.pieces
        ]
        content = os.fsencode(joined([line for part in parts for line in part]))
        blob = repository.bare.text("hash-object", "-w", "-t", "blob", "--stdin", stdin=content)
        lines.append((file.path, (file.mode, blob)))
    for number, path in enumerate(conflict.whole_files, len(conflict.hunks) + 1):
        side = merged.sides[path]
        lines.append((path, side.right if chosen[number].verdict == "accept" else side.left))
    with tempfile.TemporaryDirectory(prefix="autodev-index-") as folder:
        git = repository.bare.with_(index=Path(folder) / "index")
        git.run("read-tree", merged.tree)
        # Removals first, so that a file may take the place of a directory and the other way round.
        ordered = sorted(lines, key=lambda line: line[1] is not None)
        git.run("update-index", "-z", "--index-info", stdin=b"".join(_info(*line) for line in ordered))
        return git.text("write-tree")


def _taken(hunk: ConflictHunk, decision: HunkDecision) -> list[str]:
    if decision.verdict == "edit":
        return decision.new_lines or []
    return hunk.right if decision.verdict == "accept" else hunk.left


def _info(path: str, entry: Entry | None) -> bytes:
    mode, blob = entry or ("0", NO_ID)
    return f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0"


def _file(repository: Repository, path: str, sides: Sides, number: int) -> ConflictFile | None:
    """The file in pieces; None where no lines can be shown."""
    left, right = sides.left, sides.right
    if left is None or right is None:
        return None
    modes = {entry[0] for entry in (sides.base, left, right) if entry}
    texts = [_lines(repository, entry) for entry in (sides.base, left, right)]
    if not modes <= {"100644", "100755"} or texts[1] is None or texts[2] is None:
        return None
    new_on_both = sides.base is None
    base = texts[0]
    if new_on_both:
        # Without a common past, what both have in common stands for it.
        changes = _changes(repository, left[1], right[1])
        base, at = [], 0
        for change in changes:
            base += texts[1][at : change.start]
            at = change.end
        base += texts[1][at:]
        found = _apart(texts[1], texts[2], changes)
    elif base is None or sides.base is None:
        return None
    else:
        found = places(
            base,
            texts[1],
            texts[2],
            _changes(repository, sides.base[1], left[1]),
            _changes(repository, sides.base[1], right[1]),
        )
    if not any(place.both for place in found):
        return None
    old_mode = sides.base[0] if sides.base else ""
    mode = right[0] if left[0] == old_mode else left[0]
    return ConflictFile(path, mode, _pieces(path, base, found, number, new_on_both))


def _apart(left: list[str], right: list[str], changes: Sequence[Change]) -> list[Place]:
    """Where two files without a common past differ; `changes` lead from the left to the right one."""
    found, shift = [], 0
    for change in changes:
        at = change.start - shift
        shift += change.end - change.start
        found.append(
            Place(
                at,
                at,
                change.start,
                left[change.start : change.end],
                right[change.side_start : change.side_end],
                True,
            )
        )
    return found


def _pieces(
    path: str, base: list[str], found: Sequence[Place], number: int, new_on_both: bool
) -> list[list[str] | ConflictHunk]:
    pieces: list[list[str] | ConflictHunk] = []
    at = 0
    for index, place in enumerate(found):
        if base[at : place.start]:
            pieces.append(base[at : place.start])
        following = found[index + 1].start if index + 1 < len(found) else len(base)
        if not place.both:
            pieces.append(place.left if place.left != base[place.start : place.end] else place.right)
        else:
            old = base[place.start : place.end]
            proposal, why = propose(place, old, new_on_both=new_on_both)
            pieces.append(
                ConflictHunk(
                    number=number,
                    path=path,
                    start=place.left_start + 1,
                    before=base[max(at, place.start - CONTEXT) : place.start],
                    base=old,
                    left=place.left,
                    right=place.right,
                    after=base[place.end : min(following, place.end + CONTEXT)],
                    proposal=proposal,
                    why=why,
                )
            )
            number += 1
        at = place.end
    if base[at:]:
        pieces.append(base[at:])
    return pieces


def _lines(repository: Repository, entry: Entry | None) -> list[str] | None:
    """A file's lines; None where they cannot be shown."""
    if entry is None:
        return None
    size = int(repository.bare.text("cat-file", "-s", entry[1])) if entry[0] in ("100644", "100755") else -1
    if not 0 <= size <= SHOWN_BYTES:
        return None
    content = repository.blob(entry[1])
    return None if b"\0" in content else split_lines(os.fsdecode(content))


def _changes(repository: Repository, old: str, new: str) -> list[Change]:
    patch = repository.bare.run(
        "diff", "-U0", "--no-ext-diff", "--no-textconv", "--no-color", "--text",
        "--diff-algorithm=histogram", "--inter-hunk-context=0", old, new,
    )  # fmt: skip
    found = []
    for match in _HUNK.finditer(patch):
        start, end = _range(match[1], match[2])
        side_start, side_end = _range(match[3], match[4])
        found.append(Change(start, end, side_start, side_end))
    return found


def _range(first: bytes, count: bytes | None) -> tuple[int, int]:
    """Half-open and from 0; an empty one stands after the line that git names."""
    start, length = int(first), int(count) if count is not None else 1
    return (start - 1, start - 1 + length) if length else (start, start)
