"""One run of a session through its six phases, from wherever it stands to its end or the next question."""

from __future__ import annotations

import asyncio

from autodev_tui.agents.roles import role_for
from autodev_tui.domain import events
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.agent_loop import make_agent, work
from autodev_tui.engine.broker import Superseded
from autodev_tui.engine.budget import StoppedAtBudget
from autodev_tui.engine.ending import tell_unheard
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.integrate import join, left_out
from autodev_tui.engine.lacking import held_up, note_lacking, stop_for_model, tick_off
from autodev_tui.engine.land import land
from autodev_tui.engine.leftovers import left_by, note_left
from autodev_tui.engine.planner import analyse_goal, make_plan
from autodev_tui.engine.prompting import opening_tokens, prompt
from autodev_tui.engine.review import UNFINISHED, Review
from autodev_tui.engine.rule_tasks import rule_facts, said_by_rule
from autodev_tui.engine.scheduler import Scheduler
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_review import review_session
from autodev_tui.engine.steering import release
from autodev_tui.engine.unknown import ask_unknown
from autodev_tui.engine.verify import Verifier
from autodev_tui.engine.workspace import Workspace

PHASES = (
    "Deep Task Analysis",
    "Determine Optimal Autonomy Level",
    "Create Autonomous Execution Plan",
    "Execute Plan",
    "Autonomous Quality Validation",
    "Learn from Execution",
)
"""S01's six phases, in order."""
ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


class SessionRun:
    """Drives one session. Every part looks first what is durable already, so a run may start anywhere."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._board = services.board
        self._verifier = Verifier(services)

    async def run(self, *, plan_only: bool = False) -> Outcome:
        """Go on until the session is done, waits for the human, or cannot go on.

        Raises:
            Halt: with the exit code that the reason for stopping has.
        """
        services = self._services
        if services.session.state is SessionState.LANDED:
            landed = await self._land()
            assert landed is not None
            return landed
        if services.session.state is SessionState.PLANNING:
            await self._phase(1)
            await analyse_goal(services)
            await self._phase(2)
            await self._phase(3)
            with services.seated(""):
                await self._plan()
            if plan_only:
                return Outcome(flow.DONE)
            await self._move(SessionState.RUNNING)
        while True:
            if services.session.state is SessionState.REVIEWING and self._can_go_on():
                await self._move(SessionState.RUNNING, "tasks are left that can be done")
            await self._phase(4)
            await self._execute()
            if services.session.head_commit == services.session.base_commit:
                stop_for_model(services)
            await self._phase(5)
            if services.session.state is SessionState.RUNNING:
                await self._move(SessionState.REVIEWING)
            if not await self._validate():
                await self._move(SessionState.RUNNING, "what the review rejected becomes a task")
                continue
            stop_for_model(services)
            await services.may_go_on()
            if outcome := await self._land():
                return outcome

    def _can_go_on(self) -> bool:
        """Whether tasks that lacked a model have one now."""
        waits = {task.id for task in held_up(self._services)}
        return any(one.state not in ENDED and one.id not in waits for one in self._board.tasks.values())

    async def _land(self) -> Outcome | None:
        """The end of the run; None when the human sent the landing back, which made a task of it."""
        outcome = await land(self._services, self._verifier)
        if outcome:
            await self._phase(6)
        return outcome

    async def _phase(self, number: int) -> None:
        await self._services.may_go_on()
        if self._services.session.phase != number:
            await self._board.commit(self._services.session.but(phase=number))
        self._board.log.emit(events.PhaseStarted(phase=number, name=PHASES[number - 1]))

    async def _move(self, state: SessionState, why: str = "") -> None:
        await self._board.commit(self._services.session.but(state=state), why=why)

    async def _plan(self) -> None:
        while True:
            await self._services.may_go_on()
            try:
                return await make_plan(self._services, self._verifier)
            except (flow.Interrupted, Superseded):
                continue  # what was handed in and decided so far is durable

    # -- phase 4

    async def _execute(self) -> None:
        """Run the tasks; one that fails or waits does not hold up others."""
        if not self._services.broker.interactive:
            # Nobody is there who could let them go on.
            await release(self._services)
        ended = [one.id for one in self._board.tasks.values() if one.state in ENDED and not one.worktree]
        for name in (None, *ended):
            await tell_unheard(self._services, name)
        await note_lacking(self._services)
        await Scheduler(self._services, self._run_task).run()

    async def _run_task(self, name: str) -> None:
        while True:
            try:
                return await self._go_on_with(name)
            except (flow.Interrupted, Superseded):
                continue  # every part looks first what is durable already

    async def _go_on_with(self, name: str) -> None:
        services, board = self._services, self._board
        await services.may_go_on()
        for step in [one for one in board.steps(name) if one.state is StepState.UNKNOWN]:
            await ask_unknown(services, step)
        if board.tasks[name].state is not TaskState.COMPLETED:
            await self._work_on(board.tasks[name])
        await services.patiently(services.joining, lambda: join(services, self._verifier, board.tasks[name]))
        await asyncio.to_thread(services.worktrees.remove, f"{services.session.id}-{name}")
        done, session = board.tasks[name], board.newest(services.session)
        if services.level(done) is Level.FULL:
            assumed = [f"{done.id}: {one.text}" for one in done.acceptance_criteria if one.check is None]
            session = session.but(assumptions=list(dict.fromkeys([*session.assumptions, *assumed])))
        await board.commit(done.but(worktree=""), session)
        await tick_off(services, name)
        await tell_unheard(services, name)

    async def _work_on(self, task: Task) -> None:
        services, board = self._services, self._board
        await self._enter(task)
        workspace = await Workspace.open(services, board.tasks[task.id])
        agent = await make_agent(services, role_for(task.role), task.id, workspace.path)
        await self._brief(agent, workspace)
        agent.facts = await rule_facts(self._verifier, task, workspace.path)
        if task.state is TaskState.FAILED:
            await agent.say(
                f"resumed {len(agent.steps)}", f"You had stopped: {task.error}. The human says: go on."
            )
        review = Review(agent, workspace, self._verifier)
        await self._show_changes(workspace)
        while True:
            await services.may_go_on()
            await self._call_back(board.tasks[task.id])
            if board.tasks[task.id].state is TaskState.IN_PROGRESS:
                try:
                    ended = await work(agent, self._verifier, workspace)
                except flow.Waiting:
                    await board.commit(board.task_moved(task.id, TaskState.BLOCKED))
                    raise
                except StoppedAtBudget as stop:
                    await self._stopped(task.id, str(stop))
                    if not await review.run():
                        raise
                    return
                summary = str(ended.result.get("summary") or ended.result.get("text") or "")
                present = board.tasks[task.id]
                context = {name: value for name, value in present.context.items() if name != UNFINISHED}
                context |= said_by_rule(task, ended.result) | left_by(task, ended.result)
                await board.commit(present.but(summary=summary, context=context))
                await note_left(services, task.id)
            await services.may_go_on()
            if await review.run():
                return

    async def _stopped(self, name: str, why: str) -> None:
        """What the task has come to is looked at as it is."""
        task = self._board.tasks[name]
        stopped = task.but(summary=why, context={**task.context, UNFINISHED: why})
        await self._board.commit(stopped)

    async def _show_changes(self, workspace: Workspace) -> None:
        """What the task changed before a crash counts for who meets whom."""
        task = self._board.tasks[workspace.task]
        trees = [one.result["tree"] for one in self._board.steps(task.id) if _is_checkpoint(one)]
        if trees:
            await self._services.overlaps.look(task, trees[-1])

    async def _call_back(self, task: Task) -> None:
        """A task in review has an agent again when the human has something to say to it."""
        if task.state is not TaskState.IN_REVIEW or not self._services.mailbox.queued(task.id):
            return
        commit = self._board.named(StepKind.COMMIT, task.id, f"r{task.rounds + 1}")
        if commit is None or commit.state is StepState.FAILED:
            called = self._board.task_moved(task.id, TaskState.IN_PROGRESS)
            await self._board.commit(called, why="the human has something to say")

    async def _enter(self, task: Task) -> None:
        """Bring the task to a state in which work goes on."""
        board = self._board
        if task.state is TaskState.PLANNED:
            await board.commit(board.task_moved(task.id, TaskState.ASSIGNED))
        if board.tasks[task.id].state in (TaskState.ASSIGNED, TaskState.BLOCKED, TaskState.FAILED):
            # A retry begins with the model that was chosen: what failed may be over.
            kept = {} if board.tasks[task.id].state is not TaskState.FAILED else {"fallback": ""}
            await board.commit(board.task_moved(task.id, TaskState.IN_PROGRESS, error="", **kept))

    async def _brief(self, agent: Agent, workspace: Workspace) -> None:
        """The agent's first message: goal, task, rules, environment."""
        services, board = self._services, self._board
        task = agent.task
        assert task is not None
        environment = await self._verifier.for_checks(workspace.path)
        checks = await self._verifier.checks(workspace.path, environment)
        completed = [other for other in board.tasks.values() if other.state is TaskState.COMPLETED]
        done = [other for other in completed if not left_out(board, other.id)]
        # Those it builds on first: they are the last to be left out.
        done.sort(key=lambda other: other.id not in task.dependencies)
        text = await prompt(
            services,
            "task_request",
            for_task=task.id,
            max_tokens=await opening_tokens(services, task.id),
            goal=services.session.goal,
            task=task,
            done_tasks=done,
            assumptions=services.session.assumptions,
            rules=services.rules,
            environment=environment.description,
            checks=[check.command for check in checks],
            sandboxed=services.sandboxed,
        )
        await agent.say("task", text)

    # -- phase 5

    async def _validate(self) -> bool:
        """Whether the session's head is verified and reviewed. False when a follow-up task was made."""
        services = self._services
        session: Session = services.session
        if session.head_commit == session.base_commit:
            return True
        tree = await asyncio.to_thread(services.repository.tree_of, session.head_commit)
        gate = await self._verifier.judge(tree, None)
        await self._board.commit(services.session.but(quality=gate.kept()))
        if gate.verdict == "fail":
            raise flow.GaveUp(f"the session's head is red: {'; '.join(gate.reasons)}")
        return await review_session(services, self._verifier, gate)


def _is_checkpoint(step: Step) -> bool:
    return step.kind is StepKind.CHECKPOINT and step.state is StepState.DONE
