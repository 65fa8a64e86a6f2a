"""Landing: the user's branch and its checkout move to the session's commit together, or not at all.

The order is: the branch is locked at its old commit, the index is locked, everything is judged, then the
files move, then the index, then the branch. Killed anywhere, the same call again completes it: a path that
holds the new content counts as ours. Until then our `index.lock` keeps the user's own git from building on a
half.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autodev_tui.vcs.checkouts import Checkout, find_checkout
from autodev_tui.vcs.git import Git, GitError
from autodev_tui.vcs.index_lock import IndexLock, lock_holder, write_index
from autodev_tui.vcs.landing_checks import (
    Entry,
    Objections,
    changed_by_user,
    check_index,
    check_paths,
    check_present,
    read_index,
)
from autodev_tui.vcs.landing_files import (
    OnPoint,
    Signature,
    holds_new,
    move_files,
    render,
    signature,
    take_back,
)
from autodev_tui.vcs.landing_hooks import after_landing, prepare_landing
from autodev_tui.vcs.landing_plan import (
    HookOutput,
    LandingConflict,
    LandingGate,
    LandingPlan,
    LandingRefused,
    PathMove,
)
from autodev_tui.vcs.merging import merge
from autodev_tui.vcs.messages import Trailers, with_trailers
from autodev_tui.vcs.ref_lock import RefLock
from autodev_tui.vcs.repository import Repository

__all__ = [
    "HookOutput",
    "LandingConflict",
    "LandingGate",
    "LandingPlan",
    "LandingRefused",
    "PathMove",
    "after_landing",
    "has_landed",
    "perform",
    "plan_landing",
    "prepare_landing",
]


def plan_landing(
    repository: Repository,
    session_head: str,
    target_branch: str,
    message: str,
    trailers: Trailers = (),
    *,
    shown: str | None = None,
    date: float | None = None,
    merge_commit: bool = False,
) -> LandingPlan:
    """What landing `session_head` on a branch would do now; nothing moves. Synchronous.

    Fast-forward where possible and no signature is wanted, else a merge commit with `message` and `trailers`.
    `plan.tree` may be new, then it must be checked before it lands. `shown`: the target's commit as the user
    saw it. `date`: of the merge commit, seconds since 1970. `merge_commit`: make one in any case.

    Raises:
        LandingConflict: the target has moved and the merge with it conflicts.
        LandingRefused: something of the user's is in the way, or the target is not at `shown` any more.
        RepositoryError: there is no such branch.
    """
    git = repository.git
    old = repository.head_of(target_branch)
    if shown is not None and old != shown:
        raise LandingRefused([], f"{target_branch} has moved since it was shown")
    text = with_trailers(message, trailers)
    checkout = find_checkout(repository, target_branch)
    new, mode, tree = session_head, "ff", repository.tree_of(session_head)
    if _is_ancestor(git, session_head, old):
        new, tree = old, repository.tree_of(old)
    elif not _is_ancestor(git, old, session_head):
        merged = merge(repository, old, session_head)
        if merged.tree is None:
            raise LandingConflict(target_branch, merged.conflicts)
        mode, tree = "merge", merged.tree
    elif merge_commit or repository.user.gpgsign:
        mode = "merge"
    if mode == "merge":
        new = repository.commit_tree(tree, [old, session_head], text, date=date)
    plan = LandingPlan(
        target=target_branch,
        old=old,
        new=new,
        head=session_head,
        tree=tree,
        mode="merge" if mode == "merge" else "ff",
        message=text,
        paths=_moves(git, old, tree),
        checkout=str(checkout.root) if checkout else None,
        date=date,
    )
    if checkout:
        if holder := lock_holder(checkout.git_dir):
            raise LandingRefused([], holder)
        index = read_index(checkout.git)
        check_paths(checkout.git, plan, index)
        with _workspace(checkout, plan) as workspace:
            _judge(checkout, plan, index, workspace, rendered=None)
    return plan


def perform(repository: Repository, plan: LandingPlan, on_point: OnPoint = lambda _: None) -> None:
    """Do what the plan says, or complete it after a kill; done already, it only clears up. Synchronous.

    `on_point` is called between any two effects.

    Raises:
        LandingRefused: the branch, its checkout or the user's files are not as the plan needs them. What
            this call had moved is put back. If `moved` is not empty (a kill came before, or putting back
            failed), only this same plan can go on: call again with it, do not plan anew.
        ValueError: the plan has not been through `prepare_landing`.
    """
    if not plan.ready:
        raise ValueError("a landing is performed after its hooks, see prepare_landing")
    checkout = _same_checkout(repository, plan)
    if has_landed(repository, plan):
        if checkout:
            IndexLock(checkout.git_dir, _workspace_path(checkout, plan)).release()
            shutil.rmtree(_workspace_path(checkout, plan), ignore_errors=True)
        return
    git = checkout.git if checkout else repository.git
    reason = f"autodev: land {plan.head[:12]} ({plan.mode})"
    with ExitStack() as stack:
        on_point("start")
        branch = stack.enter_context(RefLock(git, f"refs/heads/{plan.target}", plan.new, plan.old, reason))
        on_point("branch locked")
        if checkout:
            workspace = stack.enter_context(_workspace(checkout, plan))
            stack.enter_context(IndexLock(checkout.git_dir, workspace))
            on_point("index locked")
            _follow(checkout, plan, workspace, on_point)
        on_point("branch before")
        branch.commit([move.path for move in plan.paths] if checkout else [])
        on_point("branch after")
    on_point("end")


def has_landed(repository: Repository, plan: LandingPlan) -> bool:
    """Whether the target has the plan's commit already, with or without newer ones on top."""
    return _is_ancestor(repository.git, plan.new, f"refs/heads/{plan.target}")


def _follow(checkout: Checkout, plan: LandingPlan, workspace: Path, on_point: OnPoint) -> None:
    """Files, then the index, under both locks."""
    # Once more under the lock: the user may have switched branches before it.
    if checkout.git.text("symbolic-ref", "-q", "HEAD", ok=(0, 1)) != f"refs/heads/{plan.target}":
        raise LandingRefused([], f"the checkout {checkout.root} has left {plan.target}")
    index = read_index(checkout.git)
    check_paths(checkout.git, plan, index)
    rendered = workspace / "files"
    render(checkout.git, plan, rendered)
    judged = _judge(checkout, plan, index, workspace, rendered)
    on_point("judged")
    moved: list[str] = []
    try:
        move_files(checkout.root, plan, rendered, judged, moved, on_point)
        on_point("index before")
        if any(_entry(index, move) != (move.new_blob, move.new_mode) for move in plan.paths):
            write_index(checkout.git, plan, workspace, on_point)
    except (LandingRefused, GitError, OSError) as error:
        left = take_back(checkout.git, checkout.root, plan, moved, workspace / "back")
        paths = error.paths if isinstance(error, LandingRefused) else []
        why = error.why if isinstance(error, LandingRefused) else f"the files could not be written ({error})"
        raise LandingRefused(paths, why, left) from error
    on_point("index after")


def _judge(
    checkout: Checkout, plan: LandingPlan, index: dict[str, Entry], workspace: Path, rendered: Path | None
) -> dict[str, Signature]:
    """The paths still to move, each with what stands there now, or a refusal naming all that is in the way.

    With `rendered`, paths and entries that are as the landing makes them are ours; without, nothing may be.
    """
    objections, root = Objections(), checkout.root
    check_index(plan, index, objections, lenient=rendered is not None)
    todo = {move.path: signature(root, move.path) for move in plan.paths}
    if rendered is not None:
        modes = checkout.git.text("config", "--type=bool", "--get", "core.fileMode", ok=(0, 1)) != "false"
        todo = {
            move.path: todo[move.path]
            for move in plan.paths
            if not holds_new(root, move, rendered, modes=modes)
        }
    remaining = [move for move in plan.paths if move.path in todo]
    check_present(root, plan, remaining, objections)
    if dirty := changed_by_user(checkout.git, remaining, index, workspace / "judging.index"):
        objections.add("your uncommitted changes would be overwritten", *dirty)
    moved = sorted({move.path for move in plan.paths} - set(todo)) if rendered is not None else []
    objections.refuse(moved)
    return todo


def _same_checkout(repository: Repository, plan: LandingPlan) -> Checkout | None:
    checkout = find_checkout(repository, plan.target)
    if (str(checkout.root) if checkout else None) != plan.checkout:
        where = f"in {checkout.root}" if checkout else "nowhere"
        raise LandingRefused([], f"{plan.target} is now checked out {where}; plan the landing again")
    return checkout


@contextmanager
def _workspace(checkout: Checkout, plan: LandingPlan) -> Iterator[Path]:
    """A folder of ours in the checkout's git directory; a kill leaves it to the next try."""
    folder = _workspace_path(checkout, plan)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise LandingRefused([], f"{checkout.git_dir} cannot be written: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _workspace_path(checkout: Checkout, plan: LandingPlan) -> Path:
    return checkout.git_dir / f"autodev-landing-{plan.new[:16]}"


def _entry(index: dict[str, Entry], move: PathMove) -> tuple[str, str]:
    entry = index.get(move.path)
    return (entry.blob, entry.mode) if entry else ("", "")


def _is_ancestor(git: Git, older: str, newer: str) -> bool:
    return not git.call("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).returncode


def _moves(git: Git, old: str, new: str) -> list[PathMove]:
    fields = git.fields("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    moves = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_blob, new_blob, _ = facts.removeprefix(":").split(" ")
        before = {"old_blob": old_blob, "old_mode": old_mode} if old_mode != "000000" else {}
        after = {"new_blob": new_blob, "new_mode": new_mode} if new_mode != "000000" else {}
        moves.append(PathMove(path=path, **before, **after))
    return moves
