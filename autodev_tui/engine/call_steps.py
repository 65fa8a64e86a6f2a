"""A tool call as a step: how it passes the gate, waits for an answer, begins, and ends."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step
from autodev_tui.engine.agent import INLINE, Agent
from autodev_tui.engine.services import Services
from autodev_tui.policy.table import Action, Facts, Ruling, decide
from autodev_tui.tools.base import ToolProblem, ToolResult
from autodev_tui.tools.context import ToolContext

REFUSED = "Refused by the human"


class CallSteps:
    """Moves the steps of one agent's calls through their states."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.services = agent.services
        self.board = agent.services.board

    def rule(self, action: Action) -> Ruling:
        """What the table says of an action at the agent's present level."""
        return decide(self.services.level(self.agent.task), action, Facts(sandbox=self.services.sandboxed))

    async def ask(
        self, step: Step, kind: ApprovalKind, title: str, ask: dict[str, Any], **fields: Any
    ) -> Approval:
        """The decided question of this step; the step waits in the same line in which the question is asked."""
        present = self.board.step(step.id)
        if present.state is StepState.APPROVED:
            # Approved before a crash or a change of the world: it holds only for what was shown.
            present = present.but(state=StepState.AWAITING)

        def awaiting(approval: Approval) -> list[Any]:
            return [self.board.step(step.id).but(state=StepState.AWAITING, approval=approval.id)]

        return await self.services.broker.ask(
            kind, title, ask, task=step.task, step=step.id, with_records=awaiting, **fields
        )

    async def take(self, step: Step, approval: Approval) -> None:
        """The answer is taken: the step is approved and begins, the question is consumed."""
        now = self.board.step(step.id).but(state=StepState.STARTED, started=self.services.clock())
        await self.board.commit(now, approval.but(read=True), via=(StepState.APPROVED,))

    async def start(self, step: Step, approval: Approval | None, intent: dict[str, Any]) -> None:
        started = self.board.step(step.id).but(
            state=StepState.STARTED, started=self.services.clock(), intent=intent
        )
        if approval is None:
            await self.board.commit(started)
        else:
            await self.board.commit(started, approval.but(read=True), via=(StepState.APPROVED,))

    async def refuse(self, step: Step, approval: Approval) -> None:
        reason = approval.decision.reason if approval.decision else ""
        text = f"{REFUSED}{': ' + reason if reason else '.'} Do not try the same again another way."
        present = self.board.step(step.id)
        refused = present.but(
            state=StepState.REFUSED,
            result={"text": text, "ok": False, "why": reason},
            ended=self.services.clock(),
        )
        await self.services.broker.used(approval, refused)

    async def problem(self, step: Step, problem: ToolProblem) -> None:
        await self.fail(step, problem.text, denied=problem.denied)

    async def fail(self, step: Step, text: str, *, denied: bool = False) -> None:
        present = self.board.step(step.id)
        via: tuple[StepState, ...] = (StepState.STARTED,) if present.state is StepState.PLANNED else ()
        if present.state is StepState.AWAITING:
            via = (StepState.APPROVED, StepState.STARTED)
        failed = present.but(
            state=StepState.FAILED,
            result={"text": text, "ok": False, "why": text[:200], "denied": denied},
            ended=self.services.clock(),
        )
        await self.board.commit(failed, via=via)

    async def end(
        self, step: Step, result: ToolResult | ToolProblem, *, via: tuple[StepState, ...] = ()
    ) -> None:
        if isinstance(result, ToolProblem):
            await self.problem(step, result)
            return
        present = self.board.step(step.id)
        document, blob = await asyncio.to_thread(result_document, self.services, result)
        done = present.but(
            state=StepState.DONE, result=document, result_blob=blob, ended=self.services.clock()
        )
        await self.board.commit(done, via=via if present.state is StepState.PLANNED else ())
        apply_marks(self.agent.context, result.marks)


def result_document(services: Services, result: ToolResult) -> tuple[dict[str, Any], str]:
    """A result as the step keeps it, and the blob of its text if that is long. Sync."""
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
