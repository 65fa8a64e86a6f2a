"""One run of a session: from wherever it stands to its end, which is always recorded."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace

from autodev_tui.domain import events
from autodev_tui.domain.states import SessionState
from autodev_tui.engine import flow
from autodev_tui.engine.experience import execution_session
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.recovery import recover
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_run import SessionRun
from autodev_tui.engine.space import missing_space
from autodev_tui.vcs.errors import RepositoryError
from store.errors import StoreError, StoreFull

logger = logging.getLogger(__name__)

ALIVE_EVERY_S = 5.0
"""How often a run says that it lives: so well it is known later when it was killed."""
SPACE_EVERY_S = 1.0
"""How often a full disk is looked at."""


async def drive(
    services: Services,
    timeout_s: float | None,
    *,
    plan_only: bool,
    stopped: Callable[[str], None] | None,
) -> Outcome:
    """Run to an end. `stopped` tells somebody who can help that the disk is full, and "" when it is not.

    With nobody to tell, a full disk is the end.
    """
    alive = asyncio.create_task(_say_alive(services))
    try:
        return await _until_end(services, timeout_s, plan_only, stopped)
    finally:
        alive.cancel()


async def _say_alive(services: Services) -> None:
    while True:
        services.board.database.say_alive()
        await asyncio.sleep(ALIVE_EVERY_S)


async def _until_end(
    services: Services, timeout_s: float | None, plan_only: bool, stopped: Callable[[str], None] | None
) -> Outcome:
    while True:
        try:
            return await _attempt(services, timeout_s, plan_only)
        except StoreFull as error:
            logger.warning("no space: %s", error)
            if stopped is None:
                return Outcome(flow.DAMAGED, str(error))
            await _space(services, stopped)
            # What was cut short begins again from what is durable, as after a kill.
            services.tried.clear()


async def _space(services: Services, stopped: Callable[[str], None]) -> None:
    """Returns once there is space again."""
    while missing := await asyncio.to_thread(missing_space, services.state):
        stopped(missing)
        await services.sleep(SPACE_EVERY_S)
    stopped("")


async def _attempt(services: Services, timeout_s: float | None, plan_only: bool) -> Outcome:
    """Run to an end, whatever it is, and record it: no failure leaves a session that says nothing.

    Raises:
        StoreFull: there is no space to record anything.
    """
    state: SessionState | None = None
    timer = asyncio.timeout(timeout_s)
    try:
        async with timer:
            await ensure_branch(services)
            await asyncio.to_thread(lambda: services.worktrees.reap(_known_worktrees(services)))
            await recover(services)
            outcome = await SessionRun(services).run(plan_only=plan_only)
    except flow.Waiting as waiting:
        outcome = Outcome(flow.WAITING_CODE, f"waiting: {waiting}")
    except flow.NeedsModel as lack:
        outcome = Outcome(flow.WAITING_CODE, str(lack))
    except flow.LimitReached as limit:
        outcome, state = Outcome(flow.LIMIT, str(limit)), SessionState.INTERRUPTED
    except flow.GaveUp as error:
        outcome, state = Outcome(flow.FAILED, str(error)), SessionState.FAILED
    except asyncio.CancelledError:
        outcome, state = Outcome(flow.INTERRUPTED_CODE, "stopped"), SessionState.INTERRUPTED
    except StoreFull:
        raise
    except StoreError as error:
        # Nothing more can be recorded: the store itself is what failed.
        logger.exception("the store failed")
        return Outcome(flow.DAMAGED, str(error))
    except RepositoryError as error:
        logger.exception("the repository refuses")
        waits = error.code == flow.WAITING_CODE
        outcome = Outcome(flow.WAITING_CODE if waits else flow.FAILED, str(error))
        state = None if waits else SessionState.FAILED
    except Exception as error:
        # A TimeoutError may come from anywhere: only the limit itself says whether it is over.
        if isinstance(error, TimeoutError) and timer.expired():
            outcome = Outcome(flow.LIMIT, f"--timeout {timeout_s:g} s is over")
            state = SessionState.INTERRUPTED
        else:
            logger.exception("the run failed")
            outcome = Outcome(flow.FAILED, f"{type(error).__name__}: {error}")
            state = SessionState.FAILED
    outcome = replace(outcome, error=services.masker.text(outcome.error))
    await _record(services, outcome, state)
    await asyncio.to_thread(_tidy, services)
    return outcome


def _tidy(services: Services) -> None:
    """Remove what can be made again: checkouts for planning and checking, homes of ended tasks."""
    for what in ("plan", "check"):
        services.worktrees.remove(f"{services.session.id}-{what}")
    folder = services.session_directory()
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    for task in services.board.tasks.values():
        if not task.worktree:
            shutil.rmtree(folder / "home" / task.id, ignore_errors=True)


async def _record(services: Services, outcome: Outcome, state: SessionState | None) -> None:
    session = services.session
    now = services.clock()
    active = services.active_s()
    if session.state is SessionState.LANDED:
        state = None
    ended = session.but(
        state=state or session.state,
        code=outcome.code,
        error=outcome.error,
        active_s=active,
        end_time=now,
    )
    board = services.board
    history = execution_session(
        ended, list(board.tasks.values()), board.all_steps(), list(board.approvals.values()), now
    )
    key = f"{session.id}/{int(now * 1000)}"
    await services.board.commit(ended, extra=[("history", key, history)])
    services.board.log.emit(events.Ended(code=outcome.code, error=outcome.error))


async def ensure_branch(services: Services) -> None:
    """The session's branch, made now unless a run before a crash made it."""
    session, repository = services.session, services.repository
    if await asyncio.to_thread(repository.exists, f"refs/heads/{session.session_branch}"):
        return
    ref = f"refs/heads/{session.session_branch}"
    await asyncio.to_thread(repository.update_ref, ref, session.head_commit, "0" * len(session.head_commit))


def _known_worktrees(services: Services) -> set[str]:
    """Names of worktrees that belong to sessions which may still go on."""
    open_sessions = [
        document["id"]
        for document in services.board.database.all("sessions")
        if document["state"] not in (SessionState.LANDED, SessionState.CANCELLED)
    ]
    # By folder: one whose record git has lost still holds work, and gets its record back.
    names = [path.name for path in services.worktrees.directory.iterdir()]
    return {name for name in names if name.partition("-")[0] in open_sessions}
