"""A change set while the human decides on it: what it shows, its draft, whether it still holds."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.commands import SaveDraft
from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.requests import GetReview, ReviewAnswer
from autodev_tui.domain.review import HunkInfo, ReviewView
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.task import Task
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.services import Services
from autodev_tui.engine.site import Site
from autodev_tui.engine.world import moved
from autodev_tui.vcs.decisions import DecisionError, build_result
from autodev_tui.vcs.diff import change_set, raw_changes
from autodev_tui.vcs.git import NO_ID
from autodev_tui.vcs.repository import Repository
from autodev_tui.vcs.trees import snapshot

WAITING = (ApprovalState.PENDING, ApprovalState.DEFERRED)


def review_of(services: Services, approval_id: str) -> Approval:
    """The question about a change set. Raises LookupError."""
    approval = services.board.approvals.get(approval_id)
    if approval is None or approval.kind is not ApprovalKind.CHANGES:
        raise LookupError(f"{approval_id} is no review of this session")
    return approval


async def get_review(site: Site, request: GetReview) -> ReviewAnswer:
    """Everything that is known about a change set."""
    services = site.engine.services
    approval = review_of(services, request.approval)
    task = services.board.tasks.get(approval.task or "")
    return ReviewAnswer(review=await asyncio.to_thread(_view, site, approval, task))


def _view(site: Site, approval: Approval, task: Task | None) -> ReviewView:
    base, proposed = approval.base["base"], approval.base["proposed"]
    changes = change_set(site.repository, base, proposed)
    latest: dict[str, Evidence] = {}
    for document in site.database.all("evidence", tree=proposed):
        one = Evidence(**document)
        if one.check not in latest or latest[one.check].at <= one.at:
            latest[one.check] = one
    return ReviewView(
        approval=approval.id,
        shown_hash=approval.shown_hash,
        task=approval.task,
        title=task.title if task else approval.title,
        changes=changes,
        hunks=_hunks(changes, approval),
        evidence=list(latest.values()),
        gate=approval.ask.get("gate", {}),
        criteria=approval.ask.get("criteria", []),
        moved=moved_paths(site.repository, approval, task) if approval.state in WAITING else [],
    )


def _hunks(changes: ChangeSet, approval: Approval) -> list[HunkInfo]:
    asked = {hunk["number"]: hunk for hunk in approval.ask["hunks"]}
    return [
        HunkInfo(
            number=hunk.number,
            badges=asked[hunk.number]["badges"],
            # What the change set itself does not say comes from the hard gates.
            hard_gates=asked[hunk.number]["badges"][len(hunk.badges) :],
            rejected_before=asked[hunk.number]["rejected_before"],
        )
        for hunk in changes.hunks
    ]


def moved_paths(repository: Repository, approval: Approval, task: Task | None) -> list[str]:
    """Paths of the task's worktree that are not what `approval` proposes any more. Sync."""
    if task is None or not task.worktree or not Path(task.worktree).is_dir():
        return []
    by_products = set(approval.base.get("by_products", ()))
    now = snapshot(repository, Path(task.worktree), by_products=by_products)
    proposed = approval.base["proposed"]
    if now == proposed:
        return []
    return [change.path for change in raw_changes(repository.bare, "diff-tree", "-r", proposed, now)]


def _file_moved(repository: Repository, approval: Approval, task: Task | None, path: str) -> bool:
    """Whether one file of the worktree is not what `approval` proposes. Sync; two short git calls."""
    if task is None:
        return False
    listed = repository.bare.fields("ls-tree", "-z", approval.base["proposed"], "--", path)
    wanted = listed[0].partition("\t")[0].split(" ")[2] if listed else NO_ID
    file = Path(task.worktree) / path
    if file.is_symlink():
        content = os.fsencode(file.readlink())
        return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest() != wanted
    if not file.is_file():
        return wanted != NO_ID and not file.is_dir()
    return repository.git_for(Path(task.worktree)).text("hash-object", "--", path) != wanted


async def save_draft(site: Site, command: SaveDraft) -> None:
    """Keep a draft, unless what it decides on is not there any more. Raises Refusal."""
    services, draft = site.engine.services, command.draft
    approval = review_of(services, draft.approval)
    if approval.state not in WAITING:
        raise Refusal(f"this review is {approval.state} already · nothing was recorded")
    if draft.shown_hash != approval.shown_hash:
        raise Refusal("this review shows something else by now · look again")
    task = services.board.tasks.get(approval.task or "")
    moved_on = command.path != "" and await asyncio.to_thread(
        _file_moved, site.repository, approval, task, command.path
    )
    if moved_on:
        raise Refusal(f"{command.path} changed since it was shown · look again", [command.path])
    await site.engine.keep([("drafts", approval.id, draft.doc())])


async def decide(site: Site, decision: Decision) -> None:
    """Take an answer, if what it is about is as it was shown. Its draft has served then.

    Raises:
        DecisionRefused: it does not hold.
        Refusal: the world moved, or the decisions make no tree.
    """
    services = site.engine.services
    approval = services.board.approvals.get(decision.approval)
    if approval and approval.state in WAITING and decision.verdict != "defer":
        task = services.board.tasks.get(approval.task or "")
        await asyncio.to_thread(_refuse_moved, site.repository, approval, task)
        if decision.hunks and approval.kind is ApprovalKind.CHANGES:
            await asyncio.to_thread(_refuse_impossible, site.repository, approval, decision)
    await services.broker.decide(decision)
    if decision.verdict != "defer" and site.database.get("drafts", decision.approval):
        await site.engine.keep([("drafts", decision.approval, None)])


def _refuse_moved(repository: Repository, approval: Approval, task: Task | None) -> None:
    changed = moved(repository, approval, task)
    if changed:
        paths = moved_paths(repository, approval, task) if approval.kind is ApprovalKind.CHANGES else []
        raise Refusal(f"{changed} · look again", paths)


def _refuse_impossible(repository: Repository, approval: Approval, decision: Decision) -> None:
    changes = change_set(repository, approval.base["base"], approval.base["proposed"])
    try:
        build_result(repository, changes, decision.hunks, decision.rest)
    except DecisionError as error:
        raise Refusal(f"{error} · nothing was decided") from error


ANSWERS: dict[type[Any], Any] = {GetReview: get_review}
COMMANDS: dict[type[Any], Any] = {SaveDraft: save_draft}
