"""Whether what a question is about is still as it was when it was shown."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.task import Task
from autodev_tui.policy.paths import PathDenied, resolve
from autodev_tui.tools.textfile import fingerprint
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import snapshot


def moved(repository: Repository, approval: Approval, task: Task | None) -> str:
    """What changed since `approval` was asked, in words; empty when nothing did. Sync."""
    base = approval.base
    if approval.kind is ApprovalKind.EDIT and task is not None:
        now = _fingerprint(Path(task.worktree), base["path"])
        return "" if now == base["pre_hash"] else f"{base['path']} is not as it was when this was shown"
    if approval.kind is ApprovalKind.CHANGES and task is not None:
        at = repository.head_of(task.branch) if repository.exists(f"refs/heads/{task.branch}") else ""
        if at != task.head_commit or repository.tree_of(at) != base["base"]:
            return f"{task.branch} has moved since this was shown"
        by_products = set(base.get("by_products", ()))
        if snapshot(repository, Path(task.worktree), by_products=by_products) != base["proposed"]:
            return f"files of {task.id} changed since this was shown"
    if approval.kind is ApprovalKind.CHANGES and task is None:
        branch = approval.ask["branch"]
        if repository.head_of(branch) != approval.ask["head"]:
            return f"{branch} has moved since this was shown"
    if (
        approval.kind is ApprovalKind.LAND
        and "old" in base
        and (repository.head_of(approval.ask["branch"]) != base["old"])
    ):
        return f"{approval.ask['branch']} has moved since this was shown"
    return ""


def _fingerprint(worktree: Path, path: str) -> str:
    """What is at `path` now, links not followed; "denied" where no tool may go any more. Sync."""
    try:
        return fingerprint(resolve(worktree, path, follow=False))
    except PathDenied:
        return "denied"
