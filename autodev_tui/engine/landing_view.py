"""The last decision as it is shown: what would move and how, and everything that it rests on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import requests
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.services import Services
from autodev_tui.policy.hard_gates import Gate, find_hard_gates
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.landing_plan import LandingPlan
from autodev_tui.vcs.repository import Repository

if TYPE_CHECKING:
    from autodev_tui.engine.site import Site
    from store.database import Database

MERGE, FAST_FORWARD = "merge", "fast-forward"
HOWS = {"ff": FAST_FORWARD, "merge": MERGE}
_DECIDED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)


@dataclass(frozen=True)
class Wishes:
    """What the human wants of the landing before they say yes to it."""

    message: str = ""
    merge: bool = False
    """A merge commit, where a fast-forward would do."""


def land_effect(services: Services) -> str:
    """What the question about the landing is about."""
    return f"land:{services.session.id}"


def wishes(services: Services) -> Wishes:
    """The latest message and the latest way that the human asked for; they outlive a restart."""
    found = Wishes()
    for approval in services.board.approvals.values():
        decision = approval.decision
        if approval.effect != land_effect(services) or not approval.read or decision is None:
            continue
        if not services.broker.is_decided(approval):
            continue
        if decision.verdict == "edit":
            found = Wishes(decision.text, found.merge)
        elif decision.verdict == "choose":
            found = Wishes(found.message, decision.choice == MERGE)
    return found


def other_hows(repository: Repository, plan: LandingPlan) -> list[str]:
    """The ways in which it could land instead. Sync."""
    if plan.mode == "ff":
        return [MERGE] if plan.new != plan.old else []
    call = repository.git.call("merge-base", "--is-ancestor", plan.old, plan.head, ok=(0, 1))
    return [FAST_FORWARD] if call.returncode == 0 and not repository.user.gpgsign else []


async def get_landing(site: Site, request: requests.GetLanding) -> requests.RowsAnswer:
    """Rows: the checks of the tree that lands. Facts: all the rest. Raises LookupError."""
    services = site.engine.services
    approval = services.board.approvals.get(request.approval)
    if approval is None or approval.kind is not ApprovalKind.LAND or "tree" not in approval.ask:
        raise LookupError(f"{request.approval} is no landing of this session")
    rows, facts = await asyncio.to_thread(_view, site, services, approval)
    return requests.RowsAnswer(rows=rows, facts=facts)


def _view(site: Site, services: Services, approval: Approval) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    ask, session, repository = approval.ask, services.session, site.repository
    changes = change_set(repository, ask["old"], ask["tree"])
    count = repository.git.text("rev-list", "--count", f"{ask['old']}..{ask['head']}")
    hits = find_hard_gates(changes, repository.blob, repository.tracked_count(session.base_commit))
    dirty = repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD")
    subject, _, body = ask["message"].partition("\n")
    forward = ask["mode"] == "ff"
    quality = ask["quality"]
    facts = {
        "branch": ask["branch"],
        "session_branch": session.session_branch,
        "old": ask["old"],
        "head": ask["head"],
        "tree": ask["tree"],
        "commits": int(count),
        "files": len(changes.files),
        "added": sum(file.added for file in changes.files),
        "removed": sum(file.removed for file in changes.files),
        "target_moved": ask["old"] != session.base_commit,
        "how": HOWS[ask["mode"]],
        "hows": ask["hows"],
        "quality": quality,
        "needed": services.settings.quality_threshold,
        "reviewed": reviewed(list(services.board.approvals.values())),
        "dependencies": [
            {"path": hit.path, "text": hit.text} for hit in hits if hit.kind is Gate.DEPENDENCIES
        ],
        "dirty": len(dirty),
        "dirty_met": sorted(set(dirty) & set(ask["paths"])),
        "subject": subject,
        "body": body.strip(),
        "message_used": not forward,
        "message_note": "a fast-forward makes no commit, so this message is not used" if forward else "",
        "hooks": ask["hooks"],
    }
    before = quality.get("red_before", [])
    return [_row(one, before) for one in _evidence(site.database, ask["tree"])], facts


def _evidence(database: Database, tree: str) -> list[Evidence]:
    latest: dict[str, Evidence] = {}
    for document in database.all("evidence", tree=tree):
        one = Evidence(**document)
        if one.check not in latest or latest[one.check].at <= one.at:
            latest[one.check] = one
    return list(latest.values())


def _row(one: Evidence, red_before: Collection[str]) -> dict[str, Any]:
    text = f"{one.passed_tests} passed" if one.passed_tests and one.result == "passed" else one.why
    return {
        "check": one.check,
        "command": one.command,
        "result": one.result,
        "before": one.result == "failed" and one.check in red_before,
        "text": text,
        "duration_s": one.duration_s,
    }


def reviewed(approvals: list[Approval]) -> dict[str, int]:
    """How many hunks the human decided on in all reviews, and how. Commented and open ones come again."""
    found: Counter[str] = Counter({"hunks": 0, "accepted": 0, "edited": 0, "rejected": 0})
    words = {"accept": "accepted", "edit": "edited", "reject": "rejected"}
    for approval in approvals:
        decision = approval.decision
        if approval.kind is not ApprovalKind.CHANGES or approval.state not in _DECIDED or decision is None:
            continue
        named = {one.hunk: one.verdict for one in decision.hunks}
        whole = "reject" if approval.state is ApprovalState.REJECTED else "accept"
        rest = decision.rest if named or decision.rest == "open" else whole
        for hunk in approval.ask["hunks"]:
            if word := words.get(named.get(hunk["number"], rest)):
                found[word] += 1
                found["hunks"] += 1
    return dict(found)
