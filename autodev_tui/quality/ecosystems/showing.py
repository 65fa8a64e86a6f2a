"""Shows installed node packages in a worktree: links to them, and to the worktree's own packages its own."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

MARK = ".autodev"
"""Names what a `node_modules` of ours shows; one without it is somebody else's and stays."""


def show(worktree: Path, modules: dict[str, str], root: str) -> None:
    """Let `worktree` have each `node_modules` of `modules` (by its folder there).

    A directory of links, not one link: tools write caches into it, and a package that is the repository's own
    (a workspace, `file:`) has to be that of the worktree, not the one below `root` that was installed from.
    Sync: some milliseconds for hundreds of packages, nothing when it is there already.
    """
    real = worktree.resolve()
    for folder, source in modules.items():
        parent = worktree / folder
        # A link on the way, which an agent may have put there, is not followed.
        if parent.is_dir() and parent.resolve() == real / folder:
            _show(parent / "node_modules", Path(source), worktree, Path(root))


def _show(target: Path, source: Path, worktree: Path, root: Path) -> None:
    mark = target / MARK
    if target.is_symlink() or (target.exists() and not mark.is_file()):
        return
    if target.exists():
        if mark.read_text(encoding="utf-8", errors="replace") == str(source):
            return
        shutil.rmtree(target)
    # Below a folder of that name it is no part of any change, also when a kill leaves it there.
    folder = target.with_name(f".autodev-{secrets.token_hex(6)}")
    draft = folder / target.name
    draft.mkdir(parents=True)
    try:
        _link(source, draft, worktree, root)
        (draft / MARK).write_text(str(source), encoding="utf-8")
        draft.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, draft: Path, worktree: Path, root: Path) -> None:
    installed = os.path.realpath(root)
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        if entry.name in (MARK, ".cache", ".vite"):
            continue
        there, here = Path(entry.path), draft / entry.name
        if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
            here.mkdir()
            _link(there, here, worktree, root)
            continue
        real = os.path.realpath(there)
        inside = os.path.relpath(real, installed)
        own = not inside.startswith("..") and "node_modules" not in Path(inside).parts
        here.symlink_to(worktree / inside if own and entry.is_symlink() else there)
