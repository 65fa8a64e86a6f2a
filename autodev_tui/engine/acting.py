"""Running what the model called: every call passes the one gate, and is a durable step."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.states import ApprovalState, StepState
from autodev_tui.domain.step import Step
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.call_steps import CallSteps, call_name
from autodev_tui.engine.conversation import FINAL, is_answered, result_text
from autodev_tui.engine.edits import edit
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.limits import STOP_AFTER
from autodev_tui.engine.shell_calls import run_command
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.tools import reading, talking
from autodev_tui.tools.base import ToolProblem, ToolResult
from autodev_tui.tools.specs import EDITING, READING, TALKING, validate

if TYPE_CHECKING:
    from autodev_tui.engine.verify import Verifier
    from autodev_tui.engine.workspace import Workspace

READERS_AT_ONCE = 8
"""Independent reads of one reply that run side by side."""


def read_only(name: str) -> bool:
    """Whether a tool changes nothing, so that it may run again and side by side with others."""
    return name in READING


async def act(agent: Agent, verifier: Verifier, workspace: Workspace | None) -> None:
    """Give every open call of the last turn its final result: reads side by side, the others one by one.

    Raises:
        Waiting: a call needs the human; the calls before it are done, those after it wait.
    """
    caller = Caller(agent, verifier, workspace)
    waiting = [step for step in agent.last_calls() if not is_answered(step)]
    refused = _goes_no_further(agent)
    group: list[Step] = []
    for step in waiting:
        if read_only(step.name):
            group.append(step)
            continue
        await caller.side_by_side(group)
        group = []
        if refused:
            await caller.give_up(step)
            continue
        await caller.call(step)
        refused = _goes_no_further(agent)
    await caller.side_by_side(group)
    await caller.look_for_circles()


def _goes_no_further(agent: Agent) -> bool:
    """Whether a call was refused, or ended by a human who has something to say: the rest is not run."""
    calls = agent.last_calls()
    ended = any(step.result.get(FINAL) for step in calls)
    heard = bool(agent.services.mailbox.queued(agent.task_id))
    return any(step.state is StepState.REFUSED for step in calls) or (ended and heard)


async def stop_circling(agent: Agent) -> None:
    """Ask the human about an agent that goes round in circles; the question outlives a restart.

    Raises:
        Waiting: nobody has answered yet.
        GaveUp: the human ends it.
    """
    if step := agent.circling:
        await _stuck(agent, step)


class Caller:
    """Runs calls of one agent."""

    def __init__(self, agent: Agent, verifier: Verifier, workspace: Workspace | None) -> None:
        self._agent = agent
        self._services = agent.services
        self._board = agent.services.board
        self._calls = CallSteps(agent)
        self._verifier = verifier
        self._workspace = workspace

    async def side_by_side(self, steps: list[Step]) -> None:
        """Run reading calls together, READERS_AT_ONCE at a time."""
        slots = asyncio.Semaphore(READERS_AT_ONCE)

        async def one(step: Step) -> None:
            async with slots:
                await self.call(step)

        results = await asyncio.gather(*(one(step) for step in steps), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def give_up(self, step: Step) -> None:
        """An earlier call of the same reply was refused: this one is not run."""
        if step.state is StepState.PLANNED:
            await self._board.commit(step.but(state=StepState.SUPERSEDED, ended=self._services.clock()))

    async def call(self, step: Step) -> None:
        """Run one call to its final state. Raises Waiting when it needs the human."""
        await self._services.may_go_on()
        args: Any = step.intent.get("malformed")
        if args is None:
            args = validate(step.name, step.args, self._agent.role.tools)
        if isinstance(args, str):
            text = f"The arguments of this call cannot be used ({args}). Nothing was done."
            await self._calls.fail(step, text)
        elif isinstance(args, ToolProblem):
            await self._calls.problem(step, args)
        elif step.name in READING:
            await self._read(step, args)
        elif step.name in EDITING:
            await edit(self._calls, step, args)
        elif step.name == "run_command" and self._workspace:
            await run_command(self._calls, step, args, self._verifier, self._workspace)
        elif step.name == "ask_user":
            await self._question(step, args)
        elif step.name in TALKING:
            await self._talk(step, args)
        else:
            raise TypeError(f"nothing runs the tool {step.name}")

    async def _read(self, step: Step, args: Any) -> None:
        ruling = self._calls.rule(Action.READ)
        if ruling.verdict is not Verdict.AUTO:
            await self._calls.fail(step, f"Not read: {ruling.why}.", denied=True)
            return
        # Nothing to judge after a kill: it changes nothing and runs again, so its start is told, not kept.
        begun = step.but(started=self._services.clock())
        self._board.log.emit(
            events.StepMoved(
                task=step.task, step=step.id, step_kind=step.kind, name=step.name, new=StepState.STARTED
            )
        )
        result = await asyncio.to_thread(reading.run, self._agent.context, step.name, args)
        await self._calls.end(begun, result)

    async def _talk(self, step: Step, args: Any) -> None:
        """finish, submit_plan, update_todos: nothing but words, so done as soon as they are valid."""
        result = talking.run(step.name, args)
        if isinstance(result, ToolResult) and step.name == "update_todos" and self._agent.task:
            await self._board.commit(self._agent.task.but(todos=result.data["todos"]))
        await self._calls.end(step, result)

    async def _question(self, step: Step, args: Any) -> None:
        services = self._services
        options = list(args.options or [])
        facts = Facts(sandbox=services.sandboxed, blocking=not options)
        ruling = decide(services.level(self._agent.task), Action.QUESTION, facts)
        if ruling.verdict is Verdict.AUTO:
            assumed = options[0] if options else "nothing was said; the agent decides"
            session = services.session
            text = f"{args.question} → {assumed}"
            await self._board.commit(session.but(assumptions=[*session.assumptions, text]))
            words = f"Nobody is asked at this level. Assume: {assumed}. It is recorded as an assumption."
            await self._calls.end(step, ToolResult(words, data={"text": text}))
            return
        approval = await self._calls.ask(
            step,
            ApprovalKind.QUESTION,
            f"{step.task or 'the planner'} asks: {args.question}",
            {"question": args.question, "options": options, "task": step.task},
            Action.QUESTION,
            facts,
            base={"call": call_name(step)},
            effect=f"question:{call_name(step)}",
            choices=options,
        )
        decision = approval.decision
        assert decision is not None
        if approval.state is ApprovalState.REJECTED:
            reason = f": {decision.reason}" if decision.reason else ""
            words = f"The human gave no answer{reason}. Decide yourself."
        else:
            words = f"The human's answer: {decision.text or decision.choice or decision.reason or 'yes'}"
        await self._calls.end(step, ToolResult(words, data={"text": args.question}), approval)

    async def look_for_circles(self) -> None:
        """Tell an agent that goes round in circles; stop it when it goes on."""
        for step in self._agent.last_calls():
            text = result_text(step, self._services.blobs.get)
            if self._agent.look(step, text) == "warn":
                await self._agent.say(
                    f"circle {step.id}",
                    f"You made the same call ({step.name}) several times, with the same result each time."
                    " Try something else.",
                )
        await stop_circling(self._agent)


async def _stuck(agent: Agent, step: Step) -> None:
    broker = agent.services.broker
    said = result_text(step, agent.services.blobs.get)
    approval = await broker.ask(
        ApprovalKind.ESCALATION,
        f"{step.task or 'the planner'} is stuck: the same call {STOP_AFTER} times with the same result",
        {"tool": step.name, "args": json.dumps(step.args), "result": said[:2000]},
        effect=f"stuck:{step.id}",
        base={"step": step.id},
        task=step.task,
        step=step.id,
        risk="medium",
        choices=["try once more"],
    )
    decision = approval.decision
    await broker.used(approval)
    if approval.state is ApprovalState.REJECTED:
        raise GaveUp(f"{step.task or 'the planner'}: stopped, it went round in circles")
    words = (decision.text or decision.reason) if decision else ""
    await agent.say(f"stuck {step.id}", words or "The human says: try once more, but differently.")
