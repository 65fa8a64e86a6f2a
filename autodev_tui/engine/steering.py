"""What a human tells running agents: hold, go on, listen; how many at once; how much they may do alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from autodev_tui.domain import commands, events
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.services import Services
from autodev_tui.engine.site import Site

_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


async def pause_task(site: Site, command: commands.PauseTask) -> None:
    """Hold an agent ("": the planner) before its next step, or at once. Raises LookupError, Refusal."""
    services = site.engine.services
    how: Literal["paused", "interrupted"] = "interrupted" if command.now else "paused"
    if not command.task:
        await services.board.commit(services.session.but(held=how))
    else:
        task = _task(services, command.task)
        if task.state in (*_ENDED, TaskState.FAILED):
            raise Refusal(f"{task.id} is {task.state}: there is nothing to hold")
        await services.board.commit(task.but(held=how))
    _tell(services, command.task, f"{command.task or 'the planner'} is {how} by you")
    if command.now:
        services.interrupt(command.task)
    services.signal.give()


async def continue_task(site: Site, command: commands.ContinueTask) -> None:
    """Let one agent ("": the planner) go on, and begin the run again if it has ended.

    Raises:
        LookupError, Refusal: no such task, or it has come to its end.
    """
    engine, services = site.engine, site.engine.services
    if not command.task:
        await services.board.commit(services.session.but(held=""))
    else:
        task = _task(services, command.task)
        joined = task.state is TaskState.COMPLETED and not task.worktree
        if joined or task.state is TaskState.CANCELLED:
            raise Refusal(f"{task.id} is {task.state}: there is nothing to go on with")
        await services.board.commit(task.but(held=""))
        if task.id in services.meets:
            services.overlaps.waive(task.id)
    _tell(services, command.task, f"{command.task or 'the planner'} goes on")
    if engine.busy:
        services.tried.discard(command.task)
        if not services.unpaused.is_set():
            await _hold_others(services, command.task)
            await go_on(services)
    else:
        failed = {one.id for one in services.board.tasks.values() if one.state is TaskState.FAILED}
        await engine.submit(commands.ResumeSession(session=services.session.id))
        # Before anything of the run has begun: only this one is tried again.
        engine.services.tried |= failed - {command.task}
    engine.services.signal.give()


async def pause_all(services: Services) -> None:
    """Nobody takes a next step until all may go on."""
    services.unpaused.clear()
    if services.session.state is SessionState.RUNNING:
        await services.board.commit(services.session.but(state=SessionState.PAUSED))


async def continue_all(services: Services) -> None:
    """Every agent that a human holds goes on."""
    await release(services)
    await go_on(services)


async def go_on(services: Services) -> None:
    """The session as a whole is not paused any more; agents that are held by themselves stay so."""
    if services.session.state is SessionState.PAUSED:
        await services.board.commit(services.session.but(state=SessionState.RUNNING))
    services.unpaused.set()
    services.signal.give()


async def release(services: Services) -> None:
    """Nobody is held any more."""
    held = [one.but(held="") for one in services.board.tasks.values() if one.held]
    planner = [services.session.but(held="")] if services.session.held else []
    if held or planner:
        await services.board.commit(*held, *planner)
    services.signal.give()


async def send_message(site: Site, command: commands.SendMessage) -> None:
    """Queue words for an agent. Raises LookupError, Refusal."""
    services = site.engine.services
    await services.mailbox.put(command.task, services.masker.text(command.text))
    task = services.board.tasks.get(command.task or "")
    if command.now or (task and task.state is TaskState.IN_REVIEW) or _plan_waits(services, command.task):
        # Who has nothing to do but wait for an answer hears it at once.
        services.interrupt(command.task or "")


async def take_back(site: Site, command: commands.TakeBackMessage) -> None:
    """Remove a message that was not heard yet. Raises LookupError, Refusal."""
    await site.engine.services.mailbox.take_back(command.message)


async def deliver(site: Site, command: commands.DeliverMessages) -> None:
    """Let an agent hear what is queued at once. Raises Refusal."""
    services = site.engine.services
    if not services.mailbox.queued(command.task):
        raise Refusal(f"nothing is queued for {command.task or 'the planner'}")
    services.interrupt(command.task or "")


async def set_concurrency(site: Site, command: commands.SetConcurrency) -> None:
    """How many agents work at once, from the next free slot on and in later runs."""
    engine = site.engine
    await engine.use(settings=site.settings.model_copy(update={"agents": command.agents}))
    if engine.session is None:
        return
    services = engine.services
    _tell(services, "", f"up to {command.agents} agents work at once")
    services.signal.give()


async def tick(site: Site, command: commands.TickCriterion) -> None:
    """Keep that the human saw a criterion met, or did not. Raises LookupError."""
    services = site.engine.services
    task = _task(services, command.task)
    criteria = [
        one.but(ticked=command.ticked) if one.text == command.criterion else one
        for one in services.board.newest(task).acceptance_criteria
    ]
    if command.criterion not in {one.text for one in criteria}:
        raise LookupError(f"{task.id} has no such criterion")
    await services.board.commit(task.but(acceptance_criteria=criteria))


async def pin(site: Site, command: commands.Pin) -> None:
    """Pin a task or the goal; it holds from the next action on. Raises LookupError."""
    services = site.engine.services
    if command.task is None:
        await services.board.commit(services.session.but(pin=command.level))
    else:
        await services.board.commit(_task(services, command.task).but(pin=command.level))
    how = f"pinned to {command.level}" if command.level else "not pinned any more"
    _tell(services, command.task or "", f"{command.task or 'the goal'} is {how}")


async def set_slider(services: Services, level: Level) -> None:
    """Move the slider; it holds from the next action on."""
    await services.board.commit(services.session.but(slider=level))
    _tell(services, "", f"the slider is at {level}")


def _task(services: Services, name: str) -> Task:
    task = services.board.tasks.get(name)
    if task is None:
        raise LookupError(f"no task {name} in this session")
    return task


def _plan_waits(services: Services, task: str | None) -> bool:
    return task is None and any(one.kind == "plan" for one in services.board.pending())


async def _hold_others(services: Services, task: str) -> None:
    """The whole session was paused: one of its agents goes on, the others stay where they are."""
    others = [
        one.but(held="paused")
        for one in services.board.tasks.values()
        if one.id != task and not one.held and one.state not in (*_ENDED, TaskState.FAILED)
    ]
    if others:
        await services.board.commit(*others)


def _tell(services: Services, task: str, text: str) -> None:
    services.board.log.emit(events.Noticed(task=task or None, text=text))


COMMANDS: dict[type[Any], Callable[[Site, Any], Awaitable[None]]] = {
    commands.PauseTask: pause_task,
    commands.ContinueTask: continue_task,
    commands.SendMessage: send_message,
    commands.TakeBackMessage: take_back,
    commands.DeliverMessages: deliver,
    commands.SetConcurrency: set_concurrency,
    commands.Pin: pin,
    commands.TickCriterion: tick,
}
"""Who carries out which command."""
