"""The approvals broker: questions are records, answers are bound to what was shown, and none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Literal

from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.board import Board, Record
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.masking import Mask, masked, unmasked
from autodev_tui.engine.stopwatch import Stopwatch

OUTCOME = {
    "approve": ApprovalState.APPROVED,
    "choose": ApprovalState.APPROVED,
    "edit": ApprovalState.EDITED,
    "reject": ApprovalState.REJECTED,
    "defer": ApprovalState.DEFERRED,
}

_DECIDED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)


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
    if approval.state not in (ApprovalState.PENDING, ApprovalState.DEFERRED):
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
    offers = ", ".join(approval.choices)
    if decision.verdict == "choose" and decision.text and not takes_text(approval):
        raise DecisionRefused(f"{approval.id} takes no free answer · it offers: {offers or 'yes or no'}")
    if decision.verdict == "choose" and not decision.text and decision.choice not in approval.choices:
        words = offers or ("a free answer (--text)" if takes_text(approval) else "yes or no")
        raise DecisionRefused(f"{approval.id} offers: {words}")
    # "Yes" to a spent budget raises it; of other ways, "yes" names none.
    several = len(approval.choices) > 1 and approval.kind is not ApprovalKind.BUDGET
    if decision.verdict == "approve" and several:
        raise DecisionRefused(f"{approval.id} needs one of these answers: {offers} · autodev answer")


class Broker:
    """Asks, finds answers, and lets an interactive front end answer while agents wait."""

    def __init__(
        self,
        board: Board,
        secret: bytes,
        new_id: Callable[[str], str],
        *,
        interactive: bool = False,
        mask: Mask = unmasked,
    ) -> None:
        self._board = board
        self._secret = secret
        self._new_id = new_id
        self._interactive = interactive
        self._mask = mask
        self._changed = asyncio.Condition()
        self._asking = asyncio.Lock()
        self.watch: Stopwatch | None = None
        """Stands while somebody waits for an answer."""

    def masked(self, ask: dict[str, Any]) -> dict[str, Any]:
        """What is kept and shown of a question. Placeholders tell secrets apart, so a hash over it binds."""
        found: dict[str, Any] = masked(ask, self._mask)
        return found

    async def ask(
        self,
        kind: ApprovalKind,
        title: str,
        ask: dict[str, Any],
        *,
        effect: str,
        base: dict[str, Any] | None = None,
        task: str | None = None,
        step: str = "",
        risk: Literal["low", "medium", "high", "critical"] = "medium",
        choices: list[str] | None = None,
        hard_gates: list[str] | None = None,
        with_records: Callable[[Approval], list[Record]] = lambda approval: [],
    ) -> Approval:
        """The decided approval for `effect`; asks if nobody has yet.

        `with_records` are committed in the same line as a new question, so that no crash parts them.

        Raises:
            Waiting: headless, and nobody has answered yet.
        """
        ask = await asyncio.to_thread(self.masked, ask)
        wanted = shown_hash(ask, base or {})
        # Several agents may ask for one effect at once: one of them asks, all wait for the answer.
        async with self._asking:
            approval = self.find(effect)
            if approval and approval.shown_hash != wanted:
                if approval.state in (ApprovalState.PENDING, ApprovalState.DEFERRED):
                    await self._supersede(approval)
                approval = None
            if approval is None:
                approval = Approval(
                    id=self._new_id("a"),
                    session=self._board.session.id,
                    task=task,
                    step=step,
                    kind=kind,
                    risk=risk,
                    title=self._mask(title),
                    ask=ask,
                    shown_hash=wanted,
                    base=base or {},
                    effect=effect,
                    hard_gates=hard_gates or [],
                    choices=choices or [],
                    created=self._board.clock(),
                    seq=len(self._board.approvals) + 1,
                )
                await self._board.commit(approval, *with_records(approval))
        return await self.answer_to(approval)

    async def answer_to(self, approval: Approval) -> Approval:
        """The approval once decided. Raises Waiting when headless and undecided."""
        while not self.is_decided(approval := self._board.approvals[approval.id]):
            if approval.state in _DECIDED:
                # Nobody who knows the user's secret said this: it is asked as if nothing had been said.
                await self._board.commit(approval.but(state=ApprovalState.PENDING, decision=None))
                continue
            if not self._interactive:
                raise Waiting([approval])
            with self.watch.held() if self.watch else contextlib.nullcontext():
                async with self._changed:
                    await self._changed.wait()
        return approval

    def is_decided(self, approval: Approval) -> bool:
        """Whether it has an answer that really came from the user; a forged one counts for nothing."""
        decision = approval.decision
        return (
            decision is not None
            and approval.state in _DECIDED
            and decision.shown_hash == approval.shown_hash
            and hmac.compare_digest(decision.mac, signature(decision, self._secret))
        )

    async def decide(self, decision: Decision) -> Approval:
        """Take an answer from a front end. Raises DecisionRefused."""
        approval = self._board.approvals.get(decision.approval)
        if approval is None:
            raise DecisionRefused(f"no question {decision.approval}")
        approval = decide(approval, decision, self._secret)
        await self._board.commit(approval)
        async with self._changed:
            self._changed.notify_all()
        return approval

    async def used(self, approval: Approval, *records: Record) -> None:
        """The engine has acted on the decision: it is consumed, and cannot be recalled."""
        await self._board.commit(approval.but(read=True), *records)

    def find(self, effect: str) -> Approval | None:
        """The latest question about this effect that is not consumed and not superseded."""
        for approval in reversed(self._board.approvals.values()):
            if (
                approval.effect == effect
                and not approval.read
                and approval.state is not ApprovalState.SUPERSEDED
            ):
                return approval
        return None

    async def _supersede(self, approval: Approval) -> None:
        await self._board.commit(approval.but(state=ApprovalState.SUPERSEDED))

    async def withdraw(self, effect: str) -> None:
        """The question fell away: what it was about is gone."""
        approval = self.find(effect)
        if approval and approval.state in (ApprovalState.PENDING, ApprovalState.DEFERRED):
            await self._supersede(approval)
