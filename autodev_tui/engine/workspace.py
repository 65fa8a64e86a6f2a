"""A task's workspace: its worktree and branch, its private home, and the trees made of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.effects import once
from autodev_tui.engine.services import Services
from autodev_tui.quality.environment import Environment
from autodev_tui.quality.running import quiet_env
from autodev_tui.vcs.trees import snapshot, untracked

SHOWN_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""All that a command sees of the user's own variables, beside PATH."""


class Workspace:
    """One task's worktree. It survives crashes; `open` makes or finds it."""

    def __init__(self, services: Services, task: str, path: Path) -> None:
        self._services = services
        self.task = task
        self.path = path
        self.home = services.session_directory() / "home" / task
        self.by_products: set[str] = set()

    @classmethod
    async def open(cls, services: Services, task: Task) -> Workspace:
        """The workspace of `task`, made from the session's head if it is not there yet."""
        name = f"{services.session.id}-{task.id}"
        branch = task.branch or f"autodev/{services.session.id}/{task.id}"
        start = task.head_commit or task.base_commit or services.session.head_commit
        path = await asyncio.to_thread(services.worktrees.create, name, branch, start)
        if not task.branch:
            task = task.but(branch=branch, worktree=str(path), base_commit=start, head_commit=start)
            await services.board.commit(task)
        workspace = cls(services, task.id, path)
        (workspace.home / "tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
        for step in services.board.steps(task.id):
            workspace.by_products.update(step.result.get("by_products", ()))
        return workspace

    async def base_tree(self, task: Task) -> str:
        """The tree that the next proposal is compared with: what was decided so far."""
        return await asyncio.to_thread(self._services.repository.tree_of, task.head_commit)

    async def propose(self, task: Task) -> str:
        """The worktree's present content as a tree, kept alive by a checkpoint ref."""
        repository = self._services.repository
        tree = await asyncio.to_thread(snapshot, repository, self.path, by_products=self.by_products)
        name = f"tree {tree[:16]}"

        async def do(step: Step) -> dict[str, str]:
            number = sum(one.kind is StepKind.CHECKPOINT for one in self._services.board.steps(task.id))
            ref = f"refs/autodev/{task.session}/{task.id}/{number}"
            commit = await asyncio.to_thread(
                repository.commit_tree, tree, [task.head_commit], f"checkpoint\n\nAutodev-Step: {step.id}\n"
            )
            await asyncio.to_thread(repository.update_ref, ref, commit, None)
            return {"tree": tree, "ref": ref, "commit": commit}

        await once(self._services.board, StepKind.CHECKPOINT, task.id, name, do)
        return tree

    def tracked_count(self) -> int:
        """How many files the repository tracks, the base of what mass deletion means. Sync."""
        return self._services.repository.tracked_count(self._services.session.base_commit)

    async def untracked(self) -> set[str]:
        """Files that are neither tracked nor ignored."""
        return await asyncio.to_thread(untracked, self._services.repository, self.path)

    def environment(self, environment: Environment, *, network: bool = False) -> dict[str, str]:
        """All the variables of a command: few, known, and none of them secret."""
        kept = {name: os.environ[name] for name in SHOWN_VARIABLES if name in os.environ}
        return {
            "LANG": "C.UTF-8",
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "TERM": "dumb",
            "NO_COLOR": "1",
            "PAGER": "cat",
            "GIT_TERMINAL_PROMPT": "0",
            **quiet_env(self.home / "tmp"),
            **environment.variables(self.path, self.home, network=network),
        }
