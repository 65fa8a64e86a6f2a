"""What a human sees of a change set, and what their decision says of each hunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodev_tui.domain.approval import Approval, HunkDecision, LineComment
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.evidence import GateResult
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.step import StepKind
from autodev_tui.engine.board import Board
from autodev_tui.policy.hard_gates import GateHit


def rejected_before(board: Board) -> dict[str, str]:
    """Fingerprints of all hunks that were rejected in this session, and the reasons given."""
    return {
        fingerprint: reason
        for step in board.all_steps()
        if step.kind is StepKind.COMMIT
        for fingerprint, reason in step.result.get("rejected", {}).items()
    }


def rejections(changes: ChangeSet, decisions: list[HunkDecision]) -> dict[str, str]:
    """What a commit's step keeps of the hunks that were left out: fingerprint and reason."""
    hunks = {hunk.number: hunk for hunk in changes.hunks}
    return {hunks[one.hunk].fingerprint: one.reason for one in decisions if one.verdict == "reject"}


def hunk_decisions(changes: ChangeSet, approval: Approval | None) -> list[HunkDecision]:
    """What the human said of each hunk, else what becomes of the rest; nothing of what stays open."""
    decision = approval.decision if approval else None
    if decision is None:
        return [HunkDecision(hunk=hunk.number, verdict="accept") for hunk in changes.hunks]
    whole = "reject" if approval and approval.state is ApprovalState.REJECTED else "accept"
    if decision.rest == "open":
        return sorted(decision.hunks, key=lambda one: one.hunk)
    named = {one.hunk: one for one in decision.hunks}
    rest = decision.rest if named else whole
    return [
        named.get(hunk.number)
        or HunkDecision(
            hunk=hunk.number,
            verdict="accept" if rest == "accept" else "reject",
            reason="" if rest == "accept" else decision.reason,
        )
        for hunk in changes.hunks
    ]


VERDICTS = {"reject": "Rejected", "comment": "Commented", "edit": "Edited", "accept": "Accepted"}


def told_hunks(
    changes: ChangeSet, decisions: list[HunkDecision], comments: Sequence[LineComment]
) -> list[dict[str, Any]]:
    """What an agent is told of each hunk that was not simply accepted, with the lines that were spoken of."""
    by_number = {one.hunk: one for one in decisions}
    told = []
    for hunk in changes.hunks:
        one = by_number.get(hunk.number)
        about = [comment for comment in comments if comment.hunk == hunk.number]
        if not about and (one is None or (one.verdict == "accept" and not one.reason)):
            continue
        told.append(
            {
                "verdict": VERDICTS[one.verdict] if one else "Not decided yet",
                "hunk": hunk.number,
                "path": hunk.path,
                "diff": "".join(hunk.diff),
                "instead": "".join(one.new_lines) if one and one.verdict == "edit" and one.new_lines else "",
                "reason": one.reason if one else "",
                "comments": [
                    {"line": hunk.diff[about_line.line], "text": about_line.text}
                    for about_line in about
                    if 0 <= about_line.line < len(hunk.diff)
                ],
            }
        )
    return told


def show_changes(
    changes: ChangeSet, gate: GateResult, hits: list[GateHit], rejected_before: dict[str, str]
) -> dict[str, Any]:
    """Everything that the human sees of a change set, in full."""
    badges: dict[int, list[str]] = {}
    for hit in hits:
        for number in hit.hunks:
            badges.setdefault(number, []).append(hit.text)
    return {
        "files": [
            {"path": file.path, "status": file.status, "added": file.added, "removed": file.removed}
            for file in changes.files
        ],
        "hunks": [
            {
                "number": hunk.number,
                "path": hunk.path,
                "header": hunk.header,
                "diff": "".join(hunk.diff),
                "badges": [*hunk.badges, *badges.get(hunk.number, [])],
                "rejected_before": rejected_before.get(hunk.fingerprint),
            }
            for hunk in changes.hunks
        ],
        "hard_gates": [f"{hit.kind}: {hit.path}: {hit.text}" for hit in hits],
        "gate": {
            "verdict": gate.verdict,
            "score": round(gate.score, 3),
            "reasons": gate.reasons,
            "ran": gate.ran,
            "not_run": gate.not_run,
            "new_failures": gate.new_failures,
            "old_failures": gate.old_failures,
        },
    }


def gate_passed(gate: GateResult) -> bool | None:
    """The gate's verdict as the table of autonomy takes it: None where it could not decide."""
    return {"pass": True, "fail": False}.get(gate.verdict)
