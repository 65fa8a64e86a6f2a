"""Change sets for tests, made of texts as git would make them."""

from __future__ import annotations

import difflib
import hashlib
from typing import Literal

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.domain.review import HunkInfo, ReviewView

Status = Literal["added", "modified", "deleted", "typechange"]


def split(text: str) -> list[str]:
    """Lines with their ends, at line feeds only."""
    return [line for line in text.replace("\n", "\n\0").split("\0") if line]


def file_change(
    path: str, old: str, new: str, first: int = 1, headers: dict[int, str] | None = None
) -> FileChange:
    """One changed file with hunks numbered from `first`; `headers` names them by place from 0."""
    before, after = split(old), split(new)
    hunks = []
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(3):
        diff = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                diff += [" " + line for line in before[i1:i2]]
            else:
                diff += ["-" + line for line in before[i1:i2]] + ["+" + line for line in after[j1:j2]]
        number = first + len(hunks)
        old_lines = [line[1:] for line in diff if line[0] != "+"]
        new_lines = [line[1:] for line in diff if line[0] != "-"]
        hunks.append(
            Hunk(
                number=number,
                path=path,
                header=(headers or {}).get(len(hunks), ""),
                # A side without lines names the line before it.
                old_start=group[0][1] + bool(old_lines),
                old_lines=old_lines,
                new_start=group[0][3] + bool(new_lines),
                new_lines=new_lines,
                diff=diff,
                fingerprint=hashlib.sha256(f"{path}{number}{diff}".encode(errors="replace")).hexdigest(),
            )
        )
    status: Status = "added" if not old else "deleted" if not new else "modified"
    lines = [line for hunk in hunks for line in hunk.diff]
    return FileChange(
        path=path,
        status=status,
        old_blob="a" * 40 if old else "",
        new_blob="b" * 40 if new else "",
        old_mode="100644" if old else "",
        new_mode="100644" if new else "",
        added=sum(line[0] == "+" for line in lines),
        removed=sum(line[0] == "-" for line in lines),
        hunks=hunks,
    )


def mode_change(path: str, first: int) -> FileChange:
    """A file that became executable, and nothing else."""
    hunk = Hunk(
        number=first, path=path, header="mode 100644 → 100755", old_start=0, old_lines=[], new_start=0,
        new_lines=[], diff=[], fingerprint="m" * 64, whole_file=True,
    )  # fmt: skip
    return FileChange(path=path, status="modified", old_mode="100644", new_mode="100755", hunks=[hunk])


def change_set(*texts: tuple[str, str, str]) -> ChangeSet:
    """A change set of (path, old, new)."""
    files: list[FileChange] = []
    number = 1
    for path, old, new in texts:
        files.append(file_change(path, old, new, number))
        number += len(files[-1].hunks)
    return ChangeSet(base="1" * 40, proposed="2" * 40, files=files)


def review(changes: ChangeSet, **infos: HunkInfo) -> ReviewView:
    """A review of a change set; hunks named `h3=HunkInfo(…)` have what is given."""
    hunks = [infos.get(f"h{hunk.number}") or HunkInfo(number=hunk.number) for hunk in changes.hunks]
    return ReviewView(
        approval="a1", shown_hash="f" * 64, task="T2", title="Token model", changes=changes, hunks=hunks
    )


def seven_hunks() -> ChangeSet:
    """Seven hunks over three files."""
    numbered = [f"line {number}\n" for number in range(1, 81)]

    def changed(*places: int) -> str:
        lines = list(numbered)
        for place in places:
            lines[place - 1] = f"changed {place}\n"
        return "".join(lines)

    old = "".join(numbered)
    return change_set(
        ("src/claims.py", old, changed(5, 40)),
        ("src/keys.py", old, changed(20)),
        ("src/tokens.py", old, changed(3, 30, 55, 78)),
    )
