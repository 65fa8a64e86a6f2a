"""The result R = B + accepted + edited hunks, as a tree. Nothing in any worktree is touched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.vcs.git import NO_ID
from autodev_tui.vcs.repository import Repository

Rest = Literal["open", "accept", "reject"]
Entry = tuple[str, str]
"""Mode and blob of a path in a tree."""


class DecisionError(ValueError):
    """The decisions do not fit the change set, or together make no tree; the message says which and why."""


def parse_hunks(text: str, total: int) -> list[int]:
    """The hunk numbers that `1,3-5` names, rising, each once.

    Raises:
        DecisionError: if it is no such list, or names a hunk beyond `total`.
    """
    numbers: set[int] = set()
    for part in text.replace(" ", "").split(","):
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part)
        if not found:
            raise DecisionError(f"{part!r} is neither a hunk nor a range of hunks; write for example 1,3-5")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= total:
            raise DecisionError(f"{part} is not within the hunks 1-{total}")
        numbers.update(range(first, last + 1))
    return sorted(numbers)


def build_result(
    repository: Repository,
    changes: ChangeSet,
    decisions: Sequence[HunkDecision],
    rest: Rest,
    *,
    keep_open: bool = False,
) -> str:
    """The tree in which exactly the accepted and edited hunks are applied to the base. Sync.

    Hunks without a decision, and commented ones, follow `rest`; a commented hunk is never accepted. What
    stays open is not in the result, unless `keep_open`: that is the tree which a worktree should follow.

    Raises:
        DecisionError: the decisions name no hunk of the change set, or clash.
    """
    by_hunk = _checked(changes, decisions)
    taken = {
        hunk.number: _lines_taken(hunk, by_hunk.get(hunk.number), rest, keep_open) for hunk in changes.hunks
    }
    entries: dict[str, Entry | None] = {}
    for file in changes.files:
        entry = _entry(repository, file, taken)
        if entry != _base(file):
            entries[file.path] = entry
    _refuse_clash(changes, entries)
    if not entries:
        return changes.base
    with tempfile.TemporaryDirectory(prefix="autodev-index-") as folder:
        git = repository.bare.with_(index=Path(folder) / "index")
        git.run("read-tree", changes.base)
        # Removals first, so that a file may take the place of a directory and the other way round.
        ordered = sorted(entries.items(), key=lambda item: item[1] is not None)
        git.run("update-index", "-z", "--index-info", stdin=b"".join(_info(*item) for item in ordered))
        return git.text("write-tree")


def _checked(changes: ChangeSet, decisions: Sequence[HunkDecision]) -> dict[int, HunkDecision]:
    hunks = {hunk.number: hunk for hunk in changes.hunks}
    found: dict[int, HunkDecision] = {}
    for one in decisions:
        hunk = hunks.get(one.hunk)
        if hunk is None:
            raise DecisionError(f"there is no hunk {one.hunk}; there are {len(hunks)}")
        if one.hunk in found:
            raise DecisionError(f"hunk {one.hunk} is decided twice")
        if one.verdict == "edit" and one.new_lines is None:
            raise DecisionError(f"hunk {one.hunk}: an edit needs the new lines")
        if hunk.whole_file and (one.verdict == "edit" or one.lines is not None):
            raise DecisionError(f"hunk {one.hunk} ({hunk.header}) can only be taken or left as a whole")
        count = sum(line[0] != " " for line in hunk.diff)
        if one.lines and not all(1 <= line <= count for line in one.lines):
            raise DecisionError(f"hunk {one.hunk} has the changed lines 1-{count}")
        found[one.hunk] = one
    return found


def _lines_taken(hunk: Hunk, decision: HunkDecision | None, rest: Rest, keep_open: bool) -> list[str] | bool:
    """True: the hunk as proposed; False: not at all; or the lines of its new side."""
    if decision is None or decision.verdict == "comment":
        stays = rest == "open" and keep_open
        return stays or (rest == "accept" and decision is None)
    if decision.verdict == "reject":
        return False
    if decision.verdict == "edit":
        assert decision.new_lines is not None
        return True if decision.new_lines == hunk.new_lines else decision.new_lines
    if decision.lines is None:
        return True
    return _partial(hunk, set(decision.lines))


def _partial(hunk: Hunk, wanted: set[int]) -> list[str] | bool:
    """The new side with only the `wanted` changed lines (from 1) taken."""
    lines: list[str] = []
    number = 0
    for line in hunk.diff:
        number += line[0] != " "
        # A removal that is not taken keeps its line, an addition that is not taken has none.
        if line[0] == " " or (line[0] == "+") == (number in wanted):
            lines.append(line[1:])
    if lines == hunk.new_lines:
        return True
    return False if lines == hunk.old_lines else lines


def _base(file: FileChange) -> Entry | None:
    return (file.old_mode, file.old_blob) if file.old_mode else None


def _entry(repository: Repository, file: FileChange, taken: Mapping[int, list[str] | bool]) -> Entry | None:
    """What the result has at the path of `file`."""
    hunks = list(file.hunks)
    mode, old_mode = file.new_mode or file.old_mode, file.old_mode
    if file.status == "modified" and file.old_mode != file.new_mode:
        mode = old_mode = file.new_mode if taken[hunks.pop(0).number] is True else file.old_mode
    verdicts = [taken[hunk.number] for hunk in hunks]
    if all(verdict is True for verdict in verdicts):
        return (mode, file.new_blob) if file.new_mode else None
    if all(verdict is False for verdict in verdicts):
        return (old_mode, file.old_blob) if old_mode else None
    content = _content(repository, file, hunks, taken)
    if not content and file.status in ("added", "deleted"):
        return None
    blob = repository.bare.text("hash-object", "-w", "-t", "blob", "--stdin", stdin=content)
    return (mode, blob)


def _content(
    repository: Repository, file: FileChange, hunks: list[Hunk], taken: Mapping[int, list[str] | bool]
) -> bytes:
    base = os.fsdecode(repository.blob(file.old_blob)) if file.old_blob else ""
    old = split_lines(base)
    out: list[str] = []
    at = 0
    for hunk in hunks:
        # A hunk with no old lines stands after the line it names, any other begins with it.
        start = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        end = start + len(hunk.old_lines)
        if start < at or old[start:end] != hunk.old_lines:
            raise DecisionError(f"hunk {hunk.number} of {file.path} does not fit the base")
        verdict = taken[hunk.number]
        side = hunk.new_lines if verdict is True else hunk.old_lines if verdict is False else verdict
        out += [*old[at:start], *side]
        at = end
    out += old[at:]
    return os.fsencode(joined(out))


def joined(lines: list[str]) -> str:
    """The lines as one text; one without an end that is not the last any more gets that of its neighbours."""
    end = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines[:-1]) + "".join(lines[-1:])


def split_lines(text: str) -> list[str]:
    """Lines with their ends, at line feeds only: `splitlines` knows many more."""
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _refuse_clash(changes: ChangeSet, entries: Mapping[str, Entry | None]) -> None:
    """A path cannot be a file and a directory: where a change swaps them, both belong together."""
    final = {file.path: entries.get(file.path, _base(file)) for file in changes.files}
    for path, entry in final.items():
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        for parent in above if entry else ():
            if final.get(parent):
                raise DecisionError(
                    f"{parent} cannot stay a file while {path} is taken: accept or reject both changes"
                )


def _info(path: str, entry: Entry | None) -> bytes:
    mode, blob = entry or ("0", NO_ID)
    return f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0"
