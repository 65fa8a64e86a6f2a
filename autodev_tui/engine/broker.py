"""The approvals broker: questions are records, answers are bound to what was shown, and none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine.board import Board, Record
from autodev_tui.engine.decisions import DECIDED, OPEN, DecisionRefused, decide, shown_hash, signature
from autodev_tui.engine.flow import Waiting
from autodev_tui.engine.masking import Mask, masked, unmasked
from autodev_tui.engine.rules import RuleBook, rule_id

if TYPE_CHECKING:
    from autodev_tui.engine.site import Site

_ASKING_ONLY: ContextVar[bool] = ContextVar("asking_only", default=False)


class Superseded(Exception):
    """The question that somebody waited on fell away; what is asked now is for them to say."""


async def _at_once() -> None:
    """Nobody is held."""


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
        self.may_go_on: Callable[[], Awaitable[None]] = _at_once
        """Waited for before an answer is acted on: what a held agent was answered can be taken back."""

    @property
    def interactive(self) -> bool:
        """Whether a human is there to answer while agents wait."""
        return self._interactive

    @property
    def waits(self) -> bool:
        """Whether the present code waits for answers; otherwise a question ends it with Waiting."""
        return self._interactive and not _ASKING_ONLY.get()

    @contextlib.contextmanager
    def asking_only(self, on: bool = True) -> Iterator[None]:
        """Inside, a question is asked but not waited for, as others wait; with `on` False it is."""
        token = _ASKING_ONLY.set(on)
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
                if approval.state in OPEN:
                    await self._supersede(approval)
                approval = None
            elif approval and task and task not in (approval.asked_by or (approval.task,)):
                if approval.state in OPEN:
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
            if approval.state in DECIDED and approval.id not in self._recalled:
                # Nobody who knows the user's secret said this: it is asked as if nothing had been said.
                await self._board.commit(approval.but(state=ApprovalState.PENDING, decision=None))
                continue
            if not self.waits:
                raise Waiting([approval])
            async with self.idle():
                await changed.wait()
            await self.may_go_on()

    def _wake(self, _: Approval) -> None:
        """A question changed: whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def is_decided(self, approval: Approval) -> bool:
        """Whether it has an answer that really came from the user; a forged one counts for nothing."""
        decision = approval.decision
        return (
            decision is not None
            and approval.state in DECIDED
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
        if approval.state not in (*DECIDED, ApprovalState.DEFERRED):
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
        if approval is None or approval.state not in OPEN:
            return
        others = [one for one in approval.asked_by if one != task] if task else []
        if others:
            await self._board.commit(approval.but(asked_by=others, task=others[0]))
        else:
            await self._supersede(approval)


async def recall(site: Site, command: commands.Recall) -> None:
    """Take an answer back. Raises DecisionRefused, EngineBusy."""
    await site.engine.services.broker.recall(command.approval)
