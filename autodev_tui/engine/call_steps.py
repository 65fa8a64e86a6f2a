"""A tool call as a step: how it passes the gate, waits for an answer, begins, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step
from autodev_tui.domain.updates import Rule
from autodev_tui.engine.agent import INLINE, Agent
from autodev_tui.engine.broker import Superseded
from autodev_tui.engine.conversation import FINAL
from autodev_tui.engine.decisions import shown_hash
from autodev_tui.engine.level_preview import told
from autodev_tui.engine.services import Services
from autodev_tui.policy.rules import Pattern
from autodev_tui.policy.table import Action, Facts, Ruling, decide
from autodev_tui.tools.base import ToolProblem, ToolResult
from autodev_tui.tools.context import ToolContext

if TYPE_CHECKING:
    from store.journal import Op

REFUSED = "Refused by the human"


class CallSteps:
    """Moves the steps of one agent's calls through their states."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.services = agent.services
        self.board = agent.services.board
        self._broker = agent.services.broker

    def rule(self, action: Action) -> Ruling:
        """What the table says of an action at the agent's present level."""
        return decide(self.services.level(self.agent.task), action, self._facts())

    def _facts(self) -> Facts:
        return Facts(sandbox=self.services.sandboxed)

    def remembered(
        self, step: Step, ruling: Ruling, pattern: Pattern, argv: Sequence[str] | None = None
    ) -> Rule | None:
        """The rule that answers this call's question, if it may have one."""
        if not ruling.rememberable:
            return None
        rule = self._broker.rules.find(self._broker.masked(pattern), argv)
        if rule and not self.board.approvals.get(self.board.step(step.id).approval):
            text = f"{step.name} was allowed by a rule of yours: {rule.words}"
            self.board.log.emit(events.Noticed(task=step.task, text=text))
        return rule

    async def ask(
        self,
        step: Step,
        kind: ApprovalKind,
        title: str,
        ask: dict[str, Any],
        action: Action,
        facts: Facts | None = None,
        **fields: Any,
    ) -> Approval:
        """The decided question of this call; the step waits in the same line in which the question is asked.

        A decision that an earlier attempt of the call took holds for this one too, if it is about the same.
        """
        present = self.board.step(step.id)
        ask = self._broker.masked(ask)
        earlier = self.board.approvals.get(present.approval)
        if (
            earlier
            and earlier.shown_hash == shown_hash(ask, fields["base"])
            and self._broker.is_decided(earlier)
        ):
            return earlier

        fields |= told(self.services, action, facts or self._facts(), self.agent.task)

        def awaiting(approval: Approval) -> list[Any]:
            return [self.board.step(step.id).but(state=StepState.AWAITING, approval=approval.id)]

        while True:
            try:
                approval = await self._broker.ask(
                    kind, title, ask, task=step.task, step=step.id, with_records=awaiting, **fields
                )
                await self.services.may_go_on()
                return approval
            except Superseded:
                # It was another task's question too, and that task is gone.
                continue

    async def start(
        self, step: Step, approval: Approval | None, intent: dict[str, Any], extra: Iterable[Op] = ()
    ) -> None:
        """The effect begins: durable before anything happens, and the decision is consumed with it."""
        present = self.board.step(step.id)
        started = present.but(state=StepState.STARTED, started=self.services.clock(), intent=intent)
        used = [approval.but(read=True)] if approval else []
        via = _WAY_TO_START[present.state, approval is not None]
        await self.board.commit(started, *used, via=via, extra=extra)
        asked = self.board.approvals.get(present.approval)
        if asked and not approval:
            # A rule, or the level by now, allows what was asked before.
            await self._broker.withdraw(asked.effect, step.task)

    async def refuse(self, step: Step, approval: Approval) -> None:
        """The human said no: the call is not run, and the model reads the reason."""
        reason = approval.decision.reason if approval.decision else ""
        text = f"{REFUSED}{': ' + reason if reason else '.'} Do not try the same again another way."
        present = self.board.step(step.id)
        refused = present.but(
            state=StepState.REFUSED,
            result={"text": text, "ok": False, "why": reason},
            ended=self.services.clock(),
        )
        await self.services.broker.used(approval, refused)

    async def tell_edited(self, step: Step, approval: Approval, instead: str) -> None:
        """The model hears, after the results, that the human changed this call before it was made."""
        reason = approval.decision.reason if approval.decision else ""
        words = f"\nTheir words: {reason}" if reason else ""
        text = f"The human changed your call of {step.name} before it was made.{words}\n{instead}"
        await self.agent.say(f"edited {call_name(step)}", text)

    async def problem(self, step: Step, problem: ToolProblem) -> None:
        """The tool itself says why it cannot be done."""
        await self.fail(step, problem.text, denied=problem.denied)

    async def fail(self, step: Step, text: str, *, denied: bool = False) -> None:
        """The call came to nothing; the model reads why."""
        result = {"text": text, "ok": False, "why": text[:200], "denied": denied}
        await self._finish(step, StepState.FAILED, result, "", None)

    async def interrupt(self, step: Step, text: str, by_products: list[str]) -> None:
        """The human ended the call: it is not run again by itself, and the model reads what came of it."""
        result = {"text": text, "ok": False, "why": "interrupted by the human", FINAL: True}
        if by_products:
            result["by_products"] = by_products
        await self._finish(step, StepState.INTERRUPTED, result, "", None)

    async def end(
        self, step: Step, result: ToolResult | ToolProblem, approval: Approval | None = None
    ) -> None:
        """The call is done, from whatever state its step is in; `approval` is consumed in the same line."""
        if isinstance(result, ToolProblem):
            await self.problem(step, result)
            return
        if len(result.text) > INLINE:
            document, blob = await asyncio.to_thread(result_document, self.services, result)
        else:
            document, blob = result_document(self.services, result)
        await self._finish(step, StepState.DONE, document, blob, approval)
        apply_marks(self.agent.context, result.marks)

    async def _finish(
        self, step: Step, state: StepState, result: dict[str, Any], blob: str, approval: Approval | None
    ) -> None:
        present = self.board.step(step.id)
        ended = present.but(
            state=state,
            result=result,
            result_blob=blob,
            started=present.started or step.started,
            ended=self.services.clock(),
        )
        via: tuple[StepState, ...] = ()
        if present.state is not StepState.STARTED:
            via = (*_WAY_TO_START[present.state, approval is not None], StepState.STARTED)
        used = [approval.but(read=True)] if approval else []
        await self.board.commit(ended, *used, via=via)
        asked = self.board.approvals.get(present.approval)
        if asked and not approval:
            # The call turned out to be impossible, or to need no answer any more.
            await self._broker.withdraw(asked.effect, step.task)


_WAY_TO_START: dict[tuple[StepState, bool], tuple[StepState, ...]] = {
    (StepState.PLANNED, False): (),
    (StepState.PLANNED, True): (StepState.AWAITING, StepState.APPROVED),
    (StepState.AWAITING, True): (StepState.APPROVED,),
    # The level allows by now what it asked for before, or the call turned out to be impossible.
    (StepState.AWAITING, False): (StepState.APPROVED,),
}
"""The states between where a step stands and its start, by whether a decision lets it."""


def call_name(step: Step) -> str:
    """The name of a call over all its attempts, unique within its session."""
    return f"{step.task or 'plan'}:{step.turn}:{step.call_id}"


def result_document(services: Services, result: ToolResult) -> tuple[dict[str, Any], str]:
    """A result as the step keeps it, and the blob of its text if that is long: then it is sync."""
    document: dict[str, Any] = {**result.data, "ok": result.ok}
    if result.marks:
        document["read_marks"] = result.marks
    if len(result.text) > INLINE:
        return document, services.put_text(result.text)
    return document | {"text": result.text}, ""


def apply_marks(context: ToolContext, marks: dict[str, str | None]) -> None:
    """Note what the agent has seen; None forgets a file that is gone."""
    for path, digest in marks.items():
        context.must_read.discard(path)
        if digest is None:
            context.read_marks.pop(path, None)
        else:
            context.read_marks[path] = digest


def forget(context: ToolContext, paths: list[str]) -> None:
    """These files changed under the agent: they must be read again before they are edited."""
    for path in paths:
        context.read_marks.pop(path, None)
        context.must_read.add(path)
