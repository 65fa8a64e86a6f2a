"""Decisions: bound to what was shown, signed by the user, refused where they answer nothing. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.states import ApprovalState

OUTCOME = {
    "approve": ApprovalState.APPROVED,
    "choose": ApprovalState.APPROVED,
    "edit": ApprovalState.EDITED,
    "reject": ApprovalState.REJECTED,
    "defer": ApprovalState.DEFERRED,
}

DECIDED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)
OPEN = (ApprovalState.PENDING, ApprovalState.DEFERRED)


class DecisionRefused(Exception):
    """An answer that does not hold: wrong hash, decided already, unknown choice, forged."""


def canonical(value: Any) -> bytes:
    """The one JSON spelling of `value` that hashes and signatures are made over."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def input_hash(name: str, args: dict[str, Any]) -> str:
    """sha256 of what a tool is called with."""
    return hashlib.sha256(canonical([name, args])).hexdigest()


def shown_hash(ask: dict[str, Any], base: dict[str, Any]) -> str:
    """sha256 of exactly what is shown and the base it applies to."""
    return hashlib.sha256(canonical([ask, base])).hexdigest()


def signature(decision: Decision, secret: bytes) -> str:
    """HMAC of a decision; only somebody who can read the user's client secret can make it."""
    return hmac.new(secret, canonical(decision.but(mac="").doc()), hashlib.sha256).hexdigest()


def sign(decision: Decision, secret: bytes) -> Decision:
    """The decision with its signature."""
    return decision.but(mac=signature(decision, secret))


def decide(approval: Approval, decision: Decision, secret: bytes) -> Approval:
    """The approval with the decision in it.

    Raises:
        DecisionRefused: what was shown is not what is asked now, it is decided already, or this is no answer.
    """
    if approval.state not in OPEN:
        raise DecisionRefused(f"{approval.id} is {approval.state} already")
    if decision.approval != approval.id or decision.shown_hash != approval.shown_hash:
        raise DecisionRefused(f"{approval.id} now asks something else than what was shown: look again")
    if not hmac.compare_digest(decision.mac, signature(decision, secret)):
        raise DecisionRefused(f"{approval.id}: the answer is not signed with the user's client secret")
    _refuse_no_answer(approval, decision)
    state = OUTCOME[decision.verdict]
    if approval.state is ApprovalState.DEFERRED:
        approval = approval.but(state=ApprovalState.PENDING)
    return approval.but(state=state, decision=decision)


def takes_text(approval: Approval) -> bool:
    """Whether an answer in free words says what to do; not where one of several ways must be named."""
    if approval.kind is ApprovalKind.ESCALATION:
        return len(approval.choices) == 1
    return approval.kind is ApprovalKind.QUESTION


def _refuse_no_answer(approval: Approval, decision: Decision) -> None:
    choices = approval.choices or approval.ask.get("hows", [])
    offers = ", ".join(choices)
    if decision.verdict == "choose" and decision.text and not takes_text(approval):
        raise DecisionRefused(f"{approval.id} takes no free answer · it offers: {offers or 'yes or no'}")
    if decision.verdict == "choose" and not decision.text and decision.choice not in choices:
        words = offers or ("a free answer (--text)" if takes_text(approval) else "yes or no")
        raise DecisionRefused(f"{approval.id} offers: {words}")
    named = approval.kind in (ApprovalKind.QUESTION, ApprovalKind.ESCALATION)
    if decision.verdict == "approve" and named and len(approval.choices) > 1:
        raise DecisionRefused(f"{approval.id} needs one of these answers: {offers} · autodev answer")
    if decision.verdict in ("approve", "edit") and approval.kind is ApprovalKind.MERGE:
        _refuse_half_merged(approval, decision)
    if decision.verdict == "edit":
        _refuse_no_edit(approval, decision)
    if decision.remember and (
        approval.hard_gates or decision.remember not in approval.ask.get("remember", {})
    ):
        raise DecisionRefused(f"{approval.id} cannot be remembered: this is asked every time")
    if decision.remember and decision.verdict != "approve":
        raise DecisionRefused(f"{approval.id}: only a yes can be remembered")


def _refuse_no_edit(approval: Approval, decision: Decision) -> None:
    if approval.kind in (ApprovalKind.CHANGES, ApprovalKind.MERGE):
        if not decision.hunks:
            raise DecisionRefused(f"{approval.id}: no hunk was edited")
    elif approval.kind not in (ApprovalKind.COMMAND, ApprovalKind.EDIT, ApprovalKind.LAND):
        raise DecisionRefused(f"{approval.id} is a {approval.kind} question: there is nothing to edit in it")
    elif not decision.text.strip():
        raise DecisionRefused(f"{approval.id}: nothing was written to take its place")
    elif approval.kind is ApprovalKind.COMMAND and "class" not in approval.ask:
        raise DecisionRefused(f"{approval.id}: this is no command of an agent's: it runs as it is, or not")
    elif approval.kind is ApprovalKind.EDIT and "new_text" not in approval.ask:
        raise DecisionRefused(f"{approval.id}: only what is written can be edited, not a deletion or a move")


def _refuse_half_merged(approval: Approval, decision: Decision) -> None:
    places = set(range(1, approval.ask.get("places", 0) + 1))
    if not places or {one.hunk for one in decision.hunks} != places or len(decision.hunks) != len(places):
        raise DecisionRefused(
            f"{approval.id}: every one of its {len(places)} places needs a side or lines of its own"
            f" · without: {', '.join(approval.choices)}"
        )
    lines = len(approval.ask["conflicts"])
    for one in decision.hunks:
        edited = one.verdict == "edit" and one.hunk <= lines and one.new_lines is not None
        if not edited and one.verdict not in ("accept", "reject"):
            raise DecisionRefused(f"{approval.id}: place {one.hunk} needs a side or lines of its own")
