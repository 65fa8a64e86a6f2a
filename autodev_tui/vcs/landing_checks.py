"""Everything that can stand in the way of a landing in the user's checkout, found before anything moves."""

from __future__ import annotations

import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs import beneath
from autodev_tui.vcs.git import Git, GitError
from autodev_tui.vcs.landing_plan import LandingPlan, LandingRefused, PathMove

SUBMODULE = "160000"


@dataclass(frozen=True)
class Entry:
    """One entry of the user's index; `tag` is git's letter for its flags and its unmerged stages."""

    tag: str
    mode: str
    blob: str


class Objections:
    """Collects what stands in the way, so that one refusal names all of it."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def add(self, why: str, *paths: str) -> None:
        """One more reason, with the paths it is about."""
        self._found.setdefault(why, []).extend(paths)

    def refuse(self, moved: Sequence[str] = ()) -> None:
        """Raises LandingRefused if anything was added."""
        if self._found:
            paths = sorted({path for found in self._found.values() for path in found})
            raise LandingRefused(paths, "; ".join(self._found), moved)


def read_index(git: Git) -> dict[str, Entry]:
    """The entries of the checkout's index by path."""
    entries: dict[str, Entry] = {}
    for line in git.fields("ls-files", "-s", "-v", "-z"):
        facts, _, path = line.partition("\t")
        tag, mode, blob, stage = facts.split(" ")
        entries[path] = Entry("M" if stage != "0" else tag, mode, blob)
    return entries


def check_paths(git: Git, plan: LandingPlan, index: dict[str, Entry]) -> None:
    """Refuse what could never be written: submodules, filtered files, names that clash on this file system.

    Raises:
        LandingRefused: with every such path.
    """
    objections = Objections()
    if modules := [move.path for move in plan.paths if SUBMODULE in (move.old_mode, move.new_mode)]:
        objections.add("submodules are not landed", *modules)
    paths = [move.path for move in plan.paths]
    for name, filtered in filtered_paths(git, (plan.old, plan.tree), paths).items():
        objections.add(f"these files go through the content filter {name!r}, which is not run", *filtered)
    if git.text("config", "--type=bool", "--get", "core.ignoreCase", ok=(0, 1)) == "true":
        clashing = clashes([move.path for move in plan.paths if not move.old_blob], index)
        if clashing:
            objections.add("names differ only in case, and this file system ignores case", *clashing)
    objections.refuse()


def check_index(plan: LandingPlan, index: dict[str, Entry], objections: Objections, *, lenient: bool) -> None:
    """Object to entries that are neither as the target has them nor, if `lenient`, as they will be."""
    removed = {move.path for move in plan.paths if not move.new_blob}
    folders = {folder for path in index if path not in removed for folder in folders_of(path)}
    for move in plan.paths:
        entry = index.get(move.path)
        if entry and entry.tag == "M":
            objections.add("unresolved merge conflicts", move.path)
        elif entry and entry.tag != "H":
            objections.add("marked skip-worktree or assume-unchanged (a sparse checkout?)", move.path)
        else:
            now = (entry.blob, entry.mode) if entry else ("", "")
            if now != (move.old_blob, move.old_mode) and not (
                lenient and now == (move.new_blob, move.new_mode)
            ):
                objections.add("changes of yours are staged", move.path)
        if move.new_blob and not move.old_blob:
            blocking = [
                folder for folder in folders_of(move.path) if folder in index and folder not in removed
            ]
            if move.path in folders:
                blocking.append(move.path)
            if blocking:
                objections.add("staged files of yours are in the way", *blocking)


def check_present(root: Path, plan: LandingPlan, moves: Iterable[PathMove], objections: Objections) -> None:
    """Object to what stands where a new path goes: untracked or ignored files, links, repositories."""
    vanishing = {move.path for move in plan.paths if move.old_blob and not move.new_blob}
    seen: dict[str, bool] = {}
    for move in moves:
        blocked = False
        if not _writable_folder(root, move.path):
            objections.add("the folder cannot be written to", move.path)
        for folder in folders_of(move.path):
            if folder not in seen:
                seen[folder] = _blocks(root, folder, vanishing, objections)
            if seen[folder]:
                blocked = True
                break
        if blocked or move.old_blob:
            continue
        there = beneath.state(root, move.path)
        if there is None:
            continue
        if stat.S_ISDIR(there.st_mode):
            strangers = [path for path in _files_below(root, move.path) if path not in vanishing]
            if strangers:
                objections.add("files of yours are in the way", *strangers[:20])
        else:
            objections.add("untracked files of yours would be overwritten", move.path)


def changed_by_user(git: Git, moves: Sequence[PathMove], index: dict[str, Entry], scratch: Path) -> set[str]:
    """Which of the paths do not hold their old content, by git's own comparison of content (never of times).

    The checkout's `.gitattributes` decide about line ends, as in every git command of the user's.
    """
    wanted = [move for move in moves if move.old_blob]
    if not wanted:
        return set()
    lines = [f"{move.old_mode} {move.old_blob}\t{move.path}" for move in wanted]
    # Where the file itself was deleted, git reads attributes from the index.
    lines += [
        f"{entry.mode} {entry.blob}\t{path}"
        for path, entry in index.items()
        if path.rpartition("/")[2] == ".gitattributes" and entry.tag != "M"
    ]
    fresh = git.with_(index=scratch)
    scratch.unlink(missing_ok=True)
    fresh.run("update-index", "-z", "--index-info", stdin=_nul(lines))
    fresh.run("update-index", "-q", "--refresh", ok=(0, 1))
    differing = set(fresh.fields("diff-files", "-z", "--name-only", "--no-ext-diff"))
    scratch.unlink(missing_ok=True)
    return differing & {move.path for move in wanted}


def filtered_paths(git: Git, trees: Iterable[str], paths: Sequence[str]) -> dict[str, list[str]]:
    """Paths that either tree's attributes send through a content filter, by the filter's name."""
    found: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="autodev-") as folder:
        for number, tree in enumerate(trees):
            # Attributes from the tree alone: neither from the checkout nor from a worktree.
            bare = git.with_(index=Path(folder, f"index{number}"), work_tree=Path(folder))
            try:
                bare.run("read-tree", tree)
            except GitError as error:
                raise LandingRefused([], f"git refuses the tree: {error.stderr}") from error
            fields = bare.fields("check-attr", "--cached", "-z", "--stdin", "filter", stdin=_nul(paths))
            for path, _, value in zip(*[iter(fields)] * 3, strict=True):
                if value not in ("unspecified", "unset", "set"):
                    found.setdefault(value, set()).add(path)
    return {name: sorted(paths) for name, paths in found.items()}


def clashes(added: Sequence[str], existing: Iterable[str]) -> list[str]:
    """Added paths that a case-insensitive, normalising file system takes for another path or its folder."""
    files: dict[str, str] = {}
    folders: set[str] = set()
    for path in [*existing, *added]:
        files.setdefault(_folded(path), path)
        folders.update(_folded(folder) for folder in folders_of(path))
    return [
        path
        for path in added
        if files[_folded(path)] != path
        or _folded(path) in folders
        or any(_folded(folder) in files for folder in folders_of(path))
    ]


def folders_of(path: str) -> list[str]:
    """The folders above a path, outermost first: `a`, `a/b` for `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _writable_folder(root: Path, path: str) -> bool:
    """Whether the innermost folder that is there lets us make, replace and delete in it."""
    for folder in reversed(folders_of(path)):
        there = beneath.state(root, folder)
        if there and stat.S_ISDIR(there.st_mode):
            return os.access(root / folder, os.W_OK | os.X_OK)
    return os.access(root, os.W_OK | os.X_OK)


def _blocks(root: Path, folder: str, vanishing: set[str], objections: Objections) -> bool:
    there = beneath.state(root, folder)
    if there is None:
        return False
    if stat.S_ISDIR(there.st_mode):
        if os.path.lexists(root / folder / ".git"):
            objections.add("another repository is in the way", folder)
            return True
        return False
    if folder not in vanishing:
        objections.add("files of yours are in the way", folder)
    return True


def _files_below(root: Path, folder: str) -> list[str]:
    """Everything below a directory but directories, links not followed."""
    found = []
    for where, folders, names in os.walk(root / folder):
        links = [name for name in folders if Path(where, name).is_symlink()]
        found += [str(Path(where, name).relative_to(root)) for name in names + links]
    return sorted(found)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _nul(lines: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(line) + b"\0" for line in lines)
