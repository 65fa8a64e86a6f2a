"""The files of a landing: rendered by git, compared by bytes, put in place one by one, each in one step."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from autodev_tui.vcs import beneath
from autodev_tui.vcs.git import Git, GitError
from autodev_tui.vcs.landing_checks import folders_of
from autodev_tui.vcs.landing_plan import LandingPlan, LandingRefused, PathMove

OnPoint = Callable[[str], None]
"""Called between any two effects with the name of the point; tests kill the process in it."""
Signature = tuple[int, int, int, int] | None
"""Inode, size, modification time and mode of what was judged; None for no file."""


def render(git: Git, plan: LandingPlan, folder: Path) -> None:
    """Write the new files into `folder` as git would into a checkout: line ends, encodings, modes, links.

    The attributes are those of the new tree: the folder stands for an empty checkout of it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    index = folder.with_name(folder.name + ".index")
    index.unlink(missing_ok=True)
    staging = git.with_(work_tree=folder, index=index)
    staging.run("read-tree", plan.tree)
    paths = [move.path for move in plan.paths if move.new_blob]
    staging.run(
        "checkout-index", "-f", "-z", "--stdin", stdin=b"".join(os.fsencode(p) + b"\0" for p in paths)
    )
    index.unlink(missing_ok=True)
    for path in paths:
        if not os.path.lexists(folder / path):
            raise LandingRefused([path], "git did not write the new content")


def in_order(moves: Sequence[PathMove]) -> list[PathMove]:
    """Deletions before writes, `.gitattributes` after all others.

    While attributes are the old ones, a file that has not moved can be compared with its old content; one
    that has moved is recognised by its bytes. A folder that becomes a file must be empty first.
    """
    becoming_files = {move.path for move in moves if move.new_blob and not move.old_blob}

    def rank(move: PathMove) -> int:
        late = move.path.rpartition("/")[2] == ".gitattributes"
        if late and not move.new_blob and becoming_files.intersection(folders_of(move.path)):
            late = False
        return 2 * late + bool(move.new_blob)

    return sorted(moves, key=rank)


def signature(root: Path, path: str) -> Signature:
    """What `lstat` says of a path, to notice a change between judging and moving; a folder is nothing."""
    there = beneath.state(root, path)
    if there is None or stat.S_ISDIR(there.st_mode):
        return None
    return there.st_ino, there.st_size, there.st_mtime_ns, there.st_mode


def holds_new(root: Path, move: PathMove, rendered: Path, *, modes: bool) -> bool:
    """Whether a path is as the landing makes it, byte for byte. `modes`: the executable bit counts."""
    there = beneath.state(root, move.path)
    if not move.new_blob:
        return there is None or stat.S_ISDIR(there.st_mode)
    wanted = os.lstat(rendered / move.path)
    if there is None or stat.S_IFMT(there.st_mode) != stat.S_IFMT(wanted.st_mode):
        return False
    if stat.S_ISLNK(wanted.st_mode):
        return beneath.read_link(root, move.path) == beneath.read_link(rendered, move.path)
    if there.st_size != wanted.st_size or (modes and (there.st_mode ^ wanted.st_mode) & stat.S_IXUSR):
        return False
    with beneath.open_file(root, move.path) as left, (rendered / move.path).open("rb") as right:
        while block := left.read(1 << 20):
            if block != right.read(len(block)):
                return False
    return True


def move_files(
    root: Path,
    plan: LandingPlan,
    rendered: Path,
    judged: Mapping[str, Signature],
    moved: list[str],
    on_point: OnPoint,
) -> None:
    """Bring every path that `judged` names to its new state, in order; durable on return.

    Each path is put into `moved` when it has moved.

    Raises:
        LandingRefused: a file was changed after it was judged.
        OSError: a file cannot be written; InTheWay if something has come in its way.
    """
    touched: set[Path] = {root}
    for number, move in enumerate(in_order(plan.paths)):
        if move.path not in judged:
            continue
        on_point(f"file {number} before")
        if signature(root, move.path) != judged[move.path]:
            raise LandingRefused([move.path], "changed while it was landing")
        draft = f".autodev-landing-{plan.new[:16]}-{number}"
        if move.new_blob:
            _clear_empty_folders(root, move.path)
            _place(root, move.path, rendered / move.path, draft, partial(on_point, f"file {number} written"))
        else:
            beneath.remove(root, move.path)
        moved.append(move.path)
        touched.update(root / folder for folder in folders_of(move.path))
        on_point(f"file {number} after")
    for move in plan.paths:
        if not move.new_blob:
            drop_empty_parents(root, move.path)
    for folder in touched:
        _sync_folder(folder)


def take_back(git: Git, root: Path, plan: LandingPlan, moved: Sequence[str], folder: Path) -> list[str]:
    """Put the old content back at the paths that have just moved. Returns those where that failed."""
    back = [
        PathMove(
            path=move.path,
            old_blob=move.new_blob,
            old_mode=move.new_mode,
            new_blob=move.old_blob,
            new_mode=move.old_mode,
        )
        for move in plan.paths
        if move.path in moved
    ]
    undo = plan.but(tree=plan.old, paths=back)
    done: list[str] = []
    try:
        render(git, undo, folder)
        judged = {move.path: signature(root, move.path) for move in back}
        move_files(root, undo, folder, judged, done, lambda _: None)
    except (LandingRefused, GitError, OSError):
        pass
    for move in plan.paths:
        if not move.old_blob:  # its folder may have been made before it failed
            drop_empty_parents(root, move.path)
    return [path for path in moved if path not in done]


def _place(root: Path, path: str, source: Path, draft: str, written: Callable[[], None]) -> None:
    """Copy a rendered file beside its place under a name that a resumed landing finds again, then rename."""
    with beneath.parent_of(root, path, make=True) as (at, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=at)
        try:
            _copy(source, at, draft)
            written()
            os.rename(draft, name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=at)
            raise


def _copy(source: Path, at: int, draft: str) -> None:
    """A file or link with the modes that git gives, under the process's umask; durable."""
    facts = os.lstat(source)
    if stat.S_ISLNK(facts.st_mode):
        os.symlink(os.readlink(source), draft, dir_fd=at)  # noqa: PTH115  Path would tidy the target
        return
    bits = 0o777 if facts.st_mode & stat.S_IXUSR else 0o666
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, bits, dir_fd=at)
    with os.fdopen(fd, "wb") as out, source.open("rb") as content:
        shutil.copyfileobj(content, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def drop_empty_parents(root: Path, path: str) -> None:
    """Of a deleted path; a kill may have come between the file and its folder."""
    for folder in reversed(folders_of(path)):
        try:
            with beneath.parent_of(root, folder) as (at, name):
                os.rmdir(name, dir_fd=at)
        except FileNotFoundError:
            continue
        except OSError:
            return


def _clear_empty_folders(root: Path, path: str) -> None:
    """Empty directories carry nothing that git knows of; `rmdir` spares every other."""
    there = beneath.state(root, path)
    if there and stat.S_ISDIR(there.st_mode):
        for where, _, _ in os.walk(root / path, topdown=False):
            with contextlib.suppress(OSError):
                Path(where).rmdir()


def _sync_folder(folder: Path) -> None:
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # it went away with its last file
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
