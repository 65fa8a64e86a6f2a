"""Watches the files of reviews that wait: what changes from outside is proposed anew, decisions and all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import awatch

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.review import ReviewDraft
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.reviewing import moved_paths
from autodev_tui.vcs.diff import change_set

if TYPE_CHECKING:
    from autodev_tui.engine.engine import Engine
    from autodev_tui.engine.services import Services
    from autodev_tui.vcs.repository import Repository

LOOK_EVERY_S = 0.5
"""How soon a review that has just come is watched."""
SETTLES_MS = 300
"""An editor writes a file in several steps: they are taken together."""
BEGUN_MS = 1000
"""By then files are watched."""


class ReviewWatch:
    """Follows the session that an engine shows; `active` with somebody there to decide."""

    def __init__(self, engine: Engine, *, active: bool) -> None:
        self._engine = engine
        self._active = active
        self._running: asyncio.Task[None] | None = None
        self._services: Services

    def show(self, services: Services | None) -> None:
        """From now on it is about this session, or none."""
        if self._running:
            self._running.cancel()
            self._running = None
        if services and self._active:
            self._services = services
            self._running = asyncio.create_task(self._run(), name="reviews")

    async def _run(self) -> None:
        watching: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                reviews = {one.id: one for one in self._services.board.pending() if self._worktree(one)}
                for ended in watching.keys() - reviews.keys():
                    watching.pop(ended).cancel()
                for name in reviews.keys() - watching.keys():
                    await self._carry_over(reviews[name])
                    watching[name] = asyncio.create_task(self._watch(reviews[name]))
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for task in watching.values():
                task.cancel()

    def _worktree(self, approval: Approval) -> Path | None:
        task = self._services.board.tasks.get(approval.task or "")
        if approval.kind is not ApprovalKind.CHANGES or task is None or not task.worktree:
            return None
        return Path(task.worktree)

    async def _watch(self, approval: Approval) -> None:
        worktree = self._worktree(approval)
        if worktree is None or not await asyncio.to_thread(worktree.is_dir):
            return
        begun = False
        async for changes in awatch(
            worktree,
            debounce=SETTLES_MS,
            step=SETTLES_MS // 2,
            rust_timeout=BEGUN_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            # The first time in any case: what came before the watch began tells nothing.
            if (changes or not begun) and await self._look(approval):
                return
            begun = True

    async def _look(self, approval: Approval) -> bool:
        """True when the question has fallen away, or will with the next run."""
        task = self._services.board.tasks.get(approval.task or "")
        repository = self._services.repository
        if not await asyncio.to_thread(moved_paths, repository, approval, task):
            return False
        self._engine.moved(approval.id)
        if self._engine.busy:
            # Whoever waits for the answer proposes what is there now.
            await self._services.broker.withdraw(approval.effect)
        return self._engine.busy

    async def _carry_over(self, approval: Approval) -> None:
        """What was decided on hunks that are as they were holds in the new review too."""
        board = self._services.board
        if board.database.get("drafts", approval.id):
            return
        for old in reversed(board.approvals.values()):
            if old.effect != approval.effect or old.state is not ApprovalState.SUPERSEDED:
                continue
            if document := board.database.get("drafts", old.id):
                draft = await asyncio.to_thread(
                    _carried, self._services.repository, ReviewDraft(**document), old, approval
                )
                await self._engine.keep([("drafts", approval.id, draft.doc()), ("drafts", old.id, None)])
                return


def _carried(repository: Repository, draft: ReviewDraft, old: Approval, new: Approval) -> ReviewDraft:
    """The draft of `old` for `new`. Sync."""
    before = _places(change_set(repository, old.base["base"], old.base["proposed"]))
    after = _places(change_set(repository, new.base["base"], new.base["proposed"]))
    number = {before[place]: after[place] for place in before.keys() & after.keys()}
    texts = {}
    for name, text in draft.texts.items():
        kind, hunk, *rest = name.split(":")
        if hunk.isdigit() and int(hunk) in number:
            texts[":".join([kind, str(number[int(hunk)]), *rest])] = text
    return draft.but(
        approval=new.id,
        shown_hash=new.shown_hash,
        decisions=[one.but(hunk=number[one.hunk]) for one in draft.decisions if one.hunk in number],
        comments=[one.but(hunk=number[one.hunk]) for one in draft.comments if one.hunk in number],
        texts=texts,
    )


def _places(changes: ChangeSet) -> dict[tuple[str, ...], int]:
    """The numbers of hunks by exactly what they show; none of those that show the same as another."""
    found: dict[tuple[str, ...], list[int]] = {}
    for hunk in changes.hunks:
        found.setdefault((hunk.path, hunk.header if hunk.whole_file else "", *hunk.diff), []).append(
            hunk.number
        )
    return {place: numbers[0] for place, numbers in found.items() if len(numbers) == 1}
