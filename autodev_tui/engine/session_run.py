"""One run of a session through its six phases, from wherever it stands to its end or the next question."""

from __future__ import annotations

import asyncio

from autodev_tui.agents.roles import role_for
from autodev_tui.domain import events
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState, legal_moves
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.agent_loop import make_agent, work
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.integrate import join, left_out
from autodev_tui.engine.land import land
from autodev_tui.engine.planner import analyse_goal, make_plan
from autodev_tui.engine.prompting import opening_tokens, prompt
from autodev_tui.engine.review import Review
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_review import review_session
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


CUT_SHORT = {
    StepState.PLANNED: StepState.SUPERSEDED,
    StepState.AWAITING: StepState.REFUSED,
    StepState.STARTED: StepState.INTERRUPTED,
    StepState.UNKNOWN: StepState.SKIPPED,
}
"""How the steps of a task end that is ended itself: nobody asks about them any more."""


async def end_task(services: Services, task: str) -> bool:
    """The human ended this task: it, its steps and its questions are over; its worktree and checkpoints stay.

    False when it had come to its own end before.
    """
    board = services.board
    if TaskState.CANCELLED not in legal_moves(board.tasks[task].state):
        return False
    questions = [one.but(state=ApprovalState.SUPERSEDED) for one in board.pending() if one.task == task]
    steps = [
        step.but(state=CUT_SHORT[step.state], ended=services.clock())
        for step in board.steps(task)
        if step.state in CUT_SHORT
    ]
    ended = board.task_moved(task, TaskState.CANCELLED)
    await board.commit(ended, *questions, *steps, why="cancelled by the human")
    return True


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
            return await self._land()
        if services.session.state is SessionState.PLANNING:
            await self._phase(1)
            await analyse_goal(services)
            await self._phase(2)
            await self._phase(3)
            await make_plan(services, self._verifier)
            if plan_only:
                return Outcome(flow.DONE)
            await self._move(SessionState.RUNNING)
        while True:
            await self._phase(4)
            await self._execute()
            await self._phase(5)
            if services.session.state is SessionState.RUNNING:
                await self._move(SessionState.REVIEWING)
            if await self._validate():
                break
            await self._move(SessionState.RUNNING, "what the review rejected becomes a task")
        await services.may_go_on()
        return await self._land()

    async def _land(self) -> Outcome:
        outcome = await land(self._services, self._verifier)
        await self._phase(6)
        return outcome

    async def _phase(self, number: int) -> None:
        await self._services.may_go_on()
        if self._services.session.phase != number:
            await self._board.commit(self._services.session.but(phase=number))
        self._board.log.emit(events.PhaseStarted(phase=number, name=PHASES[number - 1]))

    async def _move(self, state: SessionState, why: str = "") -> None:
        await self._board.commit(self._services.session.but(state=state), why=why)

    # -- phase 4

    async def _execute(self) -> None:
        """Run the tasks one after the other in dependency order; one that waits does not hold up others."""
        services = self._services
        waiting: list[flow.Waiting] = []
        tried: set[str] = set()
        while task := self._next(tried):
            tried.add(task.id)
            try:
                services.at_work[task.id] = asyncio.create_task(self._run_task(task), name=task.id)
                await services.at_work[task.id]
            except flow.Waiting as stop:
                waiting.append(stop)
            except flow.LimitReached:
                raise
            except asyncio.CancelledError:
                if task.id not in services.cancelled or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise
                services.cancelled.discard(task.id)
                if not await end_task(services, task.id):
                    tried.discard(task.id)  # completed in that very moment: it joins like any other
            except flow.GaveUp as error:
                if self._board.tasks[task.id].state is TaskState.COMPLETED:
                    raise  # its own work is done: that it cannot join is the session's trouble
                await self._board.commit(self._board.task_moved(task.id, TaskState.FAILED, error=str(error)))
            finally:
                del services.at_work[task.id]
        if waiting:
            raise flow.Waiting([approval for stop in waiting for approval in stop.approvals])
        failed = [task for task in self._board.tasks.values() if task.state is TaskState.FAILED]
        if failed:
            raise flow.GaveUp("; ".join(task.error or f"{task.id} failed" for task in failed))
        stuck = [task.id for task in self._board.tasks.values() if task.state is TaskState.PLANNED]
        if stuck:
            raise flow.GaveUp(f"{', '.join(stuck)} cannot start: what they depend on was cancelled")

    def _next(self, tried: set[str]) -> Task | None:
        """The first task, in the order of the plan, that can go on and was not tried in this run."""
        tasks = [task for task in self._board.tasks.values() if task.id not in tried]
        for task in tasks:
            # It has not joined the session branch before a crash: nothing may be built without it.
            if task.state is TaskState.COMPLETED and task.worktree:
                return task
        ended = (TaskState.COMPLETED, TaskState.CANCELLED)
        for task in tasks:
            needed = [self._board.tasks[one] for one in task.dependencies]
            joined = all(one.state is TaskState.COMPLETED and not one.worktree for one in needed)
            if task.state not in ended and joined:
                return task
        return None

    async def _run_task(self, task: Task) -> None:
        services, board = self._services, self._board
        if task.state is not TaskState.COMPLETED:
            await self._work_on(task)
        await join(services, self._verifier, board.tasks[task.id])
        await asyncio.to_thread(services.worktrees.remove, f"{services.session.id}-{task.id}")
        done, session = board.tasks[task.id], services.session
        if services.level(done) is Level.FULL:
            assumed = [f"{done.id}: {one.text}" for one in done.acceptance_criteria if one.check is None]
            session = session.but(assumptions=list(dict.fromkeys([*session.assumptions, *assumed])))
        await board.commit(done.but(worktree=""), session)

    async def _work_on(self, task: Task) -> None:
        services, board = self._services, self._board
        await self._enter(task)
        workspace = await Workspace.open(services, board.tasks[task.id])
        agent = await make_agent(services, role_for(task.role), task.id, workspace.path)
        await self._brief(agent, workspace)
        if task.state is TaskState.FAILED:
            await agent.say(
                f"resumed {len(agent.steps)}", f"You had stopped: {task.error}. The human says: go on."
            )
        review = Review(agent, workspace, self._verifier)
        while True:
            await services.may_go_on()
            if board.tasks[task.id].state is TaskState.IN_PROGRESS:
                try:
                    ended = await work(agent, self._verifier, workspace)
                except flow.Waiting:
                    await board.commit(board.task_moved(task.id, TaskState.BLOCKED))
                    raise
                summary = str(ended.result.get("summary") or ended.result.get("text") or "")
                await board.commit(board.tasks[task.id].but(summary=summary))
            await services.may_go_on()
            if await review.run():
                return

    async def _enter(self, task: Task) -> None:
        """Bring the task to a state in which work goes on."""
        board = self._board
        if task.state is TaskState.PLANNED:
            await board.commit(board.task_moved(task.id, TaskState.ASSIGNED))
        if board.tasks[task.id].state in (TaskState.ASSIGNED, TaskState.BLOCKED, TaskState.FAILED):
            await board.commit(board.task_moved(task.id, TaskState.IN_PROGRESS, error=""))

    async def _brief(self, agent: Agent, workspace: Workspace) -> None:
        """The agent's first message: goal, task, rules, environment."""
        services, board = self._services, self._board
        task = agent.task
        assert task is not None
        environment = await self._verifier.environment(workspace.path)
        checks = await self._verifier.checks(workspace.path, environment)
        completed = [other for other in board.tasks.values() if other.state is TaskState.COMPLETED]
        done = [other for other in completed if not left_out(board, other.id)]
        # Those it builds on first: they are the last to be left out.
        done.sort(key=lambda other: other.id not in task.dependencies)
        text = await prompt(
            services,
            "task_request",
            for_task=task.id,
            max_tokens=await opening_tokens(services),
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
        await self._board.commit(
            services.session.but(
                quality={
                    "tree": tree,
                    "verdict": gate.verdict,
                    "score": gate.score,
                    "reasons": gate.reasons,
                    "ran": gate.ran,
                    "not_run": gate.not_run,
                }
            )
        )
        if gate.verdict == "fail":
            raise flow.GaveUp(f"the session's head is red: {'; '.join(gate.reasons)}")
        return await review_session(services, self._verifier, gate)
