"""Whether what a question is about is still as it was when it was shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.task import Task
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import snapshot


def moved(repository: Repository, approval: Approval, task: Task | None) -> str:
    """What changed since `approval` was asked, in words; empty when nothing did. Sync."""
    base = approval.base
    if approval.kind is ApprovalKind.EDIT and task is not None:
        path = Path(task.worktree) / base["path"]
        now = (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        )
        return "" if now == base["pre_hash"] else f"{base['path']} is not as it was when this was shown"
    if approval.kind is ApprovalKind.CHANGES and task is not None:
        if repository.tree_of(task.head_commit) != base["base"]:
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
