"""The approvals broker: questions are records, answers are bound to what was shown, and none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.board import Board, Record
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.masking import Mask, masked, unmasked
from autodev_tui.engine.rules import RuleBook, rule_id

if TYPE_CHECKING:
    from autodev_tui.engine.site import Site

OUTCOME = {
    "approve": ApprovalState.APPROVED,
    "choose": ApprovalState.APPROVED,
    "edit": ApprovalState.EDITED,
    "reject": ApprovalState.REJECTED,
    "defer": ApprovalState.DEFERRED,
}

_DECIDED = (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)
_OPEN = (ApprovalState.PENDING, ApprovalState.DEFERRED)


_ASKING_ONLY: ContextVar[bool] = ContextVar("asking_only", default=False)


class DecisionRefused(Exception):
    """An answer that does not hold: wrong hash, decided already, unknown choice, forged."""


class Superseded(Exception):
    """The question that somebody waited on fell away; what is asked now is for them to say."""


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
    if approval.state not in _OPEN:
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
    if decision.verdict == "approve" and approval.kind is ApprovalKind.MERGE:
        _refuse_half_merged(approval, decision)
    if decision.verdict == "edit" and not decision.hunks and not decision.text.strip():
        raise DecisionRefused(f"{approval.id}: nothing was written to take its place")
    if decision.verdict == "edit" and approval.kind is ApprovalKind.EDIT and "new_text" not in approval.ask:
        raise DecisionRefused(f"{approval.id}: only what is written can be edited, not a deletion or a move")
    if decision.remember and (
        approval.hard_gates or decision.remember not in approval.ask.get("remember", {})
    ):
        raise DecisionRefused(f"{approval.id} cannot be remembered: this is asked every time")
    if decision.remember and decision.verdict != "approve":
        raise DecisionRefused(f"{approval.id}: only a yes can be remembered")


def _refuse_half_merged(approval: Approval, decision: Decision) -> None:
    places = set(range(1, approval.ask.get("places", 0) + 1))
    if not places or {one.hunk for one in decision.hunks} != places or len(decision.hunks) != len(places):
        raise DecisionRefused(
            f"{approval.id}: every one of its {len(places)} places needs a side or lines of its own"
            f" · without: {', '.join(approval.choices)}"
        )


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
        self._changed = asyncio.Event()
        self._asking = asyncio.Lock()
        self._acted_on: set[str] = set()
        """Decisions that somebody has in hand: they cannot be recalled any more."""
        self._recalled: set[str] = set()
        """Decisions that are being taken back: nobody acts on them any more."""
        self.rules = RuleBook(board.database, board.session.id, secret)
        board.on_approval = self._wake
        self.idle: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext
        """Whoever waits for an answer is inside."""

    @property
    def interactive(self) -> bool:
        """Whether a human is there to answer while agents wait."""
        return self._interactive

    @property
    def waits(self) -> bool:
        """Whether the present code waits for answers; otherwise a question ends it with Waiting."""
        return self._interactive and not _ASKING_ONLY.get()

    @contextlib.contextmanager
    def asking_only(self) -> Iterator[None]:
        """Inside, a question is asked but not waited for: for code that others wait for."""
        token = _ASKING_ONLY.set(True)
        try:
            yield
        finally:
            _ASKING_ONLY.reset(token)

    def masked(self, ask: dict[str, Any]) -> dict[str, Any]:
        """What is kept and shown of a question. Placeholders tell secrets apart, so a hash over it binds."""
        found: dict[str, Any] = masked(ask, self._mask)
        return found

    async def ask(
        self, kind: ApprovalKind, title: str, ask: dict[str, Any], *, effect: str, **fields: Any
    ) -> Approval:
        """The decided approval for `effect`; asks as `put` does if nobody has yet.

        Raises:
            Waiting: headless, and nobody has answered yet.
            Superseded: the question fell away while it waited.
        """
        return await self.answer_to(await self.put(kind, title, ask, effect=effect, **fields))

    async def put(
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
        action: str = "",
        facts: dict[str, Any] | None = None,
        with_records: Callable[[Approval], list[Record]] = lambda approval: [],
    ) -> Approval:
        """The question about `effect`; new if nobody has asked yet, and joined where another task has.

        `with_records` are committed in the same line as a new question, so that no crash parts them.
        """
        ask = await asyncio.to_thread(self.masked, ask)
        wanted = shown_hash(ask, base or {})
        # Several agents may ask for one effect at once: one of them asks, all wait for the answer.
        async with self._asking:
            approval = self.find(effect)
            if approval and approval.shown_hash != wanted:
                if approval.state in _OPEN:
                    await self._supersede(approval)
                approval = None
            elif approval and task and task not in (approval.asked_by or (approval.task,)):
                if approval.state in _OPEN:
                    approval = approval.but(asked_by=[*approval.asked_by, task])
                    await self._board.commit(approval, *with_records(approval))
                else:
                    approval = None  # whoever answered did not know of this task
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
                    asked_by=[task] if task else [],
                    action=action,
                    facts=facts or {},
                    hard_gates=hard_gates or [],
                    choices=choices or [],
                    created=self._board.clock(),
                    seq=len(self._board.approvals) + 1,
                )
                await self._board.commit(approval, *with_records(approval))
        return approval

    async def answer_to(self, approval: Approval) -> Approval:
        """The approval once decided.

        Raises:
            Waiting: headless and undecided.
            Superseded: the question fell away.
        """
        while True:
            approval = self._board.approvals[approval.id]
            changed = self._changed
            if approval.state is ApprovalState.SUPERSEDED:
                raise Superseded(approval.title)
            if self.is_decided(approval) and approval.id not in self._recalled:
                self._acted_on.add(approval.id)
                return approval
            if approval.state in _DECIDED and approval.id not in self._recalled:
                # Nobody who knows the user's secret said this: it is asked as if nothing had been said.
                await self._board.commit(approval.but(state=ApprovalState.PENDING, decision=None))
                continue
            if not self.waits:
                raise Waiting([approval])
            async with self.idle():
                await changed.wait()

    def _wake(self, _: Approval) -> None:
        """A question changed: whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

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
        await self._board.commit(approval, extra=self.rules.made_by(approval, self._board.clock()))
        return approval

    async def recall(self, name: str) -> Approval:
        """Take an answer back that nobody has acted on yet. Raises DecisionRefused."""
        approval = self._board.approvals.get(name)
        if approval is None:
            raise DecisionRefused(f"no question {name}")
        if approval.state not in (*_DECIDED, ApprovalState.DEFERRED):
            raise DecisionRefused(f"{name} is {approval.state}: there is no answer to take back")
        if approval.read or name in self._acted_on:
            raise DecisionRefused(f"{name}: the answer has been acted on already")
        remembered = approval.decision is not None and approval.decision.remember
        forgotten = [("rules", rule_id(approval), None)] if remembered else []
        self._recalled.add(name)
        try:
            approval = approval.but(state=ApprovalState.PENDING, decision=None)
            await self._board.commit(approval, extra=forgotten)
        finally:
            self._recalled.discard(name)
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

    async def withdraw(self, effect: str, task: str | None = None) -> None:
        """The question fell away: what it was about is gone, for `task` if others want it still."""
        approval = self.find(effect)
        if approval is None or approval.state not in _OPEN:
            return
        others = [one for one in approval.asked_by if one != task] if task else []
        if others:
            await self._board.commit(approval.but(asked_by=others, task=others[0]))
        else:
            await self._supersede(approval)


async def recall(site: Site, command: commands.Recall) -> None:
    """Take an answer back. Raises DecisionRefused, EngineBusy."""
    await site.engine.services.broker.recall(command.approval)
