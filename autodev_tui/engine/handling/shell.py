"""The user's own `!command`: sandboxed, without network, its output told as it comes.

In a task's worktree it may write there; without a task it sees the user's checkout and may write nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from autodev_tui.domain import events
from autodev_tui.domain.commands import RunShell
from autodev_tui.engine.answering.common import opened
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.services import Services
from autodev_tui.engine.site import Site
from autodev_tui.engine.workspace import Workspace
from autodev_tui.quality.environment import Environment, prepare
from autodev_tui.sandbox.spec import Exited, SandboxError
from autodev_tui.tools.command import clean


async def run_shell(site: Site, command: RunShell) -> None:
    """Begin the command; what comes of it is told in the session's log.

    Raises:
        Refusal: no session is open, the task has no worktree, or no sandbox works here.
    """
    services = opened(site)
    if services is None:
        raise Refusal("no session is open, so there is no log to show it in · type a goal first")
    if not command.command.strip():
        raise Refusal("there is nothing to run · !pytest -q")
    if not services.sandboxed:
        raise Refusal("no sandbox works here, so nothing is run from here · use another terminal")
    place = _place(services, command.task)
    running = asyncio.create_task(_run(services, command, place))
    site.running.add(running)
    running.add_done_callback(site.running.discard)


def _place(services: Services, task: str | None) -> Path:
    if task is None:
        return services.repository.root
    found = services.board.tasks.get(task)
    if found is None:
        raise LookupError(f"no task {task} in this session")
    if not found.worktree or not Path(found.worktree).is_dir():
        raise Refusal(f"{task} has no worktree: it has not begun, or is done")
    return Path(found.worktree)


async def _run(services: Services, command: RunShell, place: Path) -> None:
    log, words = services.board.log, f"! {command.command}"
    step = f"shell-{int(services.clock() * 1000)}"
    log.emit(events.Noticed(task=command.task, text=words))
    record = services.session_directory() / "shell" / step
    try:
        ended = await _in_sandbox(services, command, place, step, record)
    except (SandboxError, OSError) as error:
        log.emit(events.Noticed(task=command.task, text=f"{words} · not run: {error}", severity="error"))
        return
    text = f"{words} · {_how(ended)} · {ended.duration_s:.1f} s · output in {record}.out"
    severity = "info" if ended.code == 0 else "warning"
    log.emit(events.Noticed(task=command.task, text=text, severity=severity))


async def _in_sandbox(services: Services, command: RunShell, place: Path, step: str, record: Path) -> Exited:
    workspace = Workspace(services, command.task or "user", place)
    await asyncio.to_thread((workspace.home / "tmp").mkdir, parents=True, exist_ok=True, mode=0o700)
    environment = await _environment(services, place)

    def stream(chunk: bytes) -> None:
        text = clean(chunk, services.masker)
        services.board.log.emit(events.OutputStreamed(task=command.task, step=step, text=text))

    own = (str(place),) if command.task else ()
    return await services.runner.run(
        ("/bin/sh", "-c", command.command),
        cwd=place,
        env=workspace.environment(environment),
        record=record,
        timeout_s=services.settings.limits.command_timeout_s,
        writable=(*own, str(workspace.home)),
        readable=(str(place), *environment.readable),
        on_output=stream,
    )


async def _environment(services: Services, place: Path) -> Environment:
    """As the checks have it, but nothing is installed for it."""
    repository = services.repository
    tracked = await asyncio.to_thread(repository.tracked_paths, "HEAD")
    return await prepare(
        place,
        checkout=repository.root,
        environments=services.state / "environments",
        variables=repository.user_variables(),
        run=services.runner.for_quality,
        tracked=lambda path: any(one == path or one.startswith(f"{path}/") for one in tracked),
        setup=services.settings.environment.setup,
    )


def _how(ended: Exited) -> str:
    if ended.timed_out:
        return "took too long and was ended"
    return f"exit code {ended.code}" if ended.code is not None else f"ended by signal {ended.signal}"
