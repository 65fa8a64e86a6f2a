"""The engine: a service that takes commands, answers requests, and keeps front ends up to date."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.domain import commands, events, requests
from autodev_tui.domain.ids import Ids
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, TaskState, legal_moves
from autodev_tui.engine import flow
from autodev_tui.engine.answers import answer
from autodev_tui.engine.board import Board
from autodev_tui.engine.broker import Broker
from autodev_tui.engine.commands_runner import CommandRunner
from autodev_tui.engine.event_log import EventLog
from autodev_tui.engine.experience import execution_session
from autodev_tui.engine.feed import Feed
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.handlers import HANDLERS
from autodev_tui.engine.recovery import mark_interrupted, recover
from autodev_tui.engine.reviewing import decide
from autodev_tui.engine.services import Services
from autodev_tui.engine.session_run import SessionRun, end_task
from autodev_tui.engine.site import Site
from autodev_tui.engine.space import missing_space
from autodev_tui.policy.blanking import Blanker
from autodev_tui.policy.secrets import Masker, secret_values
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.worktrees import Worktrees
from prompts import PromptTemplateManager
from store.errors import StoreError, StoreFull

if TYPE_CHECKING:
    from autodev_tui.providers.base import Provider
    from autodev_tui.sandbox.spec import Rung
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from store.database import Database
    from store.journal import Op

logger = logging.getLogger(__name__)

SPACE_EVERY_S = 1.0
"""How often a full disk is looked at."""


class EngineBusy(Exception):
    """A command that does not fit what the engine is doing."""


class Engine:
    """Runs one session at a time in one repository. It owns the store, the spawner and the provider."""

    def __init__(
        self,
        repository: Repository,
        database: Database,
        state: Path,
        settings: Settings,
        provider: Provider,
        model: str,
        spec: str,
        secret: bytes,
        *,
        rung: Rung,
        hidden: list[Path],
        environment: Mapping[str, str],
        rules: tuple[tuple[str, str], ...] = (),
        prompts: PromptTemplateManager | None = None,
        include: bytes = b"",
        interactive: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        ids: Ids | None = None,
    ) -> None:
        self._repository = repository
        self._database = database
        self._state = state
        self._settings = settings
        self._provider = provider
        self._model = model
        self._spec = spec
        self._secret = secret
        self._rules = rules
        self._prompts = prompts or PromptTemplateManager()
        self._interactive = interactive
        self._clock = clock
        self._monotonic = monotonic
        self._ids = ids or Ids(clock)
        self._environment = environment
        self._runner = CommandRunner(
            rung,
            state,
            hidden,
            repository.common_dir,
            database.blobs.put,
            Blanker(secret_values(environment)).blank,
        )
        self._worktrees = Worktrees(repository, state / "worktrees", include=include)
        self._services: Services | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self.feeds: set[Feed] = set()
        self.ended: Callable[[Outcome], None] = lambda outcome: None
        """Told how a run ended."""
        self.stopped = ""
        """What keeps all agents from going on, in words; they go on by themselves once it is over."""
        self.site = Site(repository, database, state, environment, settings, self)

    # -- the doors

    async def submit(self, command: commands.Command) -> None:
        """Take a command; its effects are told as events.

        Raises:
            EngineBusy: it does not fit what the engine is doing.
            DecisionRefused, Refusal: an answer that does not hold, a command that is not carried out.
            LookupError: no such session.
        """
        match command:
            case commands.OpenSession(session=session):
                await self._show(session)
            case commands.StartSession() | commands.ResumeSession() if self.busy:
                raise EngineBusy("a session runs already")
            case commands.StartSession():
                self._begin(await self._create(command), command.timeout_s, command.plan_only)
            case commands.ResumeSession():
                services = await self._reopen(command)
                self._begin(services, command.timeout_s, services.session.plan_only)
            case commands.StopSession():
                if self._work:
                    self._work.cancel()
            case commands.PauseSession():
                await self._pause()
            case commands.ContinueSession():
                await self._continue()
            case commands.SetSlider(level=level):
                await self._open.board.commit(self._open.session.but(slider=level), why=f"slider at {level}")
            case commands.CancelTask(task=task):
                await self._cancel(task)
            case commands.Decide(decision=decision):
                await decide(self.site, decision)
            case _:
                await HANDLERS[type(command)](self.site, command)

    async def ask(self, request: requests.Request) -> requests.Answer:
        """The answer to a request of a front end; Refused where there is none."""
        return await answer(self.site, request)

    def attach(self, feed: Feed) -> None:
        """Keep one more front end up to date."""
        self.feeds.add(feed)
        feed.show(self._database, self._services)

    async def use(
        self,
        *,
        model: tuple[Provider, str, str] | None = None,
        settings: Settings | None = None,
        rung: Rung | None = None,
        rules: tuple[tuple[str, str], ...] | None = None,
        prompts: PromptTemplateManager | None = None,
        include: bytes | None = None,
    ) -> None:
        """What is given holds from the next start or resume on; `model` is provider, name, specification.

        A model that is replaced is closed: only while no session runs.
        """
        if model:
            old = self._provider
            self._provider, self._model, self._spec = model
            await old.aclose()
        if settings:
            self._settings = self.site.settings = settings
        if rung is not None:
            self._runner.rung = rung
        self._rules = self._rules if rules is None else rules
        self._prompts = prompts or self._prompts
        if include is not None:
            self._worktrees.include = include

    async def keep(self, ops: Sequence[Op]) -> None:
        """Make documents durable that are no records of the board, and tell the front ends."""
        await self._database.acommit(ops)
        for feed in self.feeds:
            feed.mark((table, key) for table, key, _ in ops)

    async def subscribe(self, from_seq: int = 0) -> AsyncIterator[events.Event]:
        """The session's events after `from_seq`: those logged, then live ones."""
        async for event in self._open.board.log.subscribe(from_seq):
            yield event

    async def wait(self) -> Outcome:
        """The end of the present run."""
        if self._work is None:
            raise EngineBusy("no session runs")
        return await asyncio.shield(self._work)

    async def aclose(self) -> None:
        """Stop what runs, leave no process behind, close the store."""
        if self._work and not self._work.done():
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work
        await self._runner.aclose()
        await self._provider.aclose()
        if self._services:
            self._services.board.log.close()
        self._database.close()

    # -- a session's life

    @property
    def _open(self) -> Services:
        if self._services is None:
            raise EngineBusy("no session is open")
        return self._services

    @property
    def busy(self) -> bool:
        """A session runs."""
        return self._work is not None and not self._work.done()

    @property
    def _running(self) -> Services:
        if not self.busy:
            raise EngineBusy("no session runs")
        return self._open

    @property
    def services(self) -> Services:
        """The open session's services. Raises EngineBusy: none is open."""
        return self._open

    @property
    def session(self) -> Session | None:
        """The open session, whether it runs or is only shown."""
        return self._services.session if self._services else None

    async def _create(self, command: commands.StartSession) -> Services:
        repository = self._repository
        session_id = self._ids.new("s")
        level = command.level
        session = Session(
            id=session_id,
            goal=command.goal,
            model=self._spec,
            slider=level or self._settings.autonomy,
            pin=level,
            land=command.land,
            plan_only=command.plan_only,
            instructions=command.instructions,
            budget_usd=command.budget_usd if command.budget_usd is not None else self._settings.budget_usd,
            timeout_s=command.timeout_s,
            target_branch=repository.branch,
            base_commit=repository.head,
            session_branch=f"autodev/{session_id}/session",
            head_commit=repository.head,
            start_time=self._clock(),
        )
        # The record first: a branch without a session would be an orphan nobody knows.
        await self._database.acommit([("sessions", session.id, session.doc())])
        services = await self._load(session.id)
        services.board.log.emit(events.SessionMoved(old="", new=session.state))
        return services

    async def _show(self, session: str) -> None:
        """Open a session without running it: its questions can be answered."""
        if self.busy:
            raise EngineBusy("a session runs · stop it first")
        services = await self._load(session)
        if services.session.code is None and not self._database.read_only:
            await mark_interrupted(services.board)

    async def _reopen(self, command: commands.ResumeSession) -> Services:
        services = await self._load(command.session)
        session = services.session
        if session.over:
            raise LookupError(f"session {session.id} is {session.state}: there is nothing to resume")
        if session.state is SessionState.LANDED:
            return services
        if session.code is None:
            await mark_interrupted(services.board)
        if services.session.state in (SessionState.FAILED, SessionState.INTERRUPTED):
            left = services.session.left_state or SessionState.PLANNING
            await services.board.commit(services.session.but(state=left, error=""), why="resumed")
        if services.session.state is SessionState.PAUSED:
            await services.board.commit(services.session.but(state=SessionState.RUNNING), why="resumed")
        wanted: dict[str, object] = {
            "land": command.land,
            "plan_only": command.plan_only,
            "budget_usd": command.budget_usd,
        }
        if command.level:
            wanted |= {"slider": command.level, "pin": command.level}
        given = {name: value for name, value in wanted.items() if value is not None}
        await services.board.commit(services.session.but(code=None, error="", **given))
        return services

    async def _load(self, session: str) -> Services:
        """The session's services; the board of the one that is open already stays."""
        if self._services and self._services.session.id == session:
            board, broker, masker = self._services.board, self._services.broker, self._services.masker
        else:
            if self._database.get("sessions", session) is None:
                raise LookupError(f"no session {session} in this repository")
            masker = Masker(
                hmac.digest(self._secret, session.encode(), "sha256"), secret_values(self._environment)
            )
            board = await asyncio.to_thread(self._board, session, masker)
            broker = Broker(
                board, self._secret, self._ids.new, interactive=self._interactive, mask=masker.text
            )
            if self._services:
                self._services.board.log.close()
        self._runner.mask = masker.text
        self._services = Services(
            board=board,
            broker=broker,
            blobs=self._database.blobs,
            repository=self._repository,
            worktrees=self._worktrees,
            provider=self._provider,
            model=self._model,
            settings=self._settings,
            runner=self._runner,
            masker=masker,
            state=self._state,
            clock=self._clock,
            monotonic=self._monotonic,
            rules=self._rules,
            prompts=self._prompts,
        )
        self._services.unpaused.set()
        for feed in self.feeds:
            feed.show(self._database, self._services)
        return self._services

    def _board(self, session: str, masker: Masker) -> Board:
        """The records of a session. Sync: reads them all."""
        path = self._state / "sessions" / session / "events.jsonl"
        log = EventLog(None if self._database.read_only else path, session, self._clock, masker.text)
        board = Board.load(self._database, session, log, self._clock)
        board.feeds = log.feeds = self.feeds
        return board

    def _begin(self, services: Services, timeout_s: float | None, plan_only: bool) -> None:
        self._database.note_session(services.session.id)
        self._work = asyncio.create_task(self._drive(services, timeout_s, plan_only), name="session")
        self._work.add_done_callback(lambda work: self._over(services, work))
        services.board.touch()

    def _over(self, services: Services, work: asyncio.Task[Outcome]) -> None:
        services.board.touch()
        if not work.cancelled() and not work.exception():
            self.ended(work.result())

    async def _drive(self, services: Services, timeout_s: float | None, plan_only: bool) -> Outcome:
        """Run to an end; on a full disk wait for space, with someone there who can make it, and go on."""
        while True:
            try:
                return await self._attempt(services, timeout_s, plan_only)
            except StoreFull as error:
                logger.warning("no space: %s", error)
                if not self._interactive:
                    return Outcome(flow.DAMAGED, str(error))
                await self._space(services)

    async def _space(self, services: Services) -> None:
        """Returns once there is space again."""
        while missing := await asyncio.to_thread(missing_space, self._state):
            if missing != self.stopped:
                self.stopped = missing
                services.board.touch()
            await services.sleep(SPACE_EVERY_S)
        self.stopped = ""
        services.board.touch()

    async def _attempt(self, services: Services, timeout_s: float | None, plan_only: bool) -> Outcome:
        """Run to an end, whatever it is, and record it: no failure leaves a session that says nothing.

        Raises:
            StoreFull: there is no space to record anything.
        """
        state: SessionState | None = None
        timer = asyncio.timeout(timeout_s)
        try:
            async with timer:
                await self._ensure_branch(services)
                await asyncio.to_thread(lambda: self._worktrees.reap(self._known_worktrees()))
                await recover(services)
                outcome = await SessionRun(services).run(plan_only=plan_only)
        except flow.Waiting as waiting:
            outcome = Outcome(flow.WAITING_CODE, f"waiting: {waiting}")
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
        await self._record(services, outcome, state)
        await asyncio.to_thread(self._tidy, services)
        return outcome

    def _tidy(self, services: Services) -> None:
        """Remove what can be made again: checkouts for planning and checking, homes of ended tasks."""
        for what in ("plan", "check"):
            self._worktrees.remove(f"{services.session.id}-{what}")
        folder = services.session_directory()
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        for task in services.board.tasks.values():
            if not task.worktree:
                shutil.rmtree(folder / "home" / task.id, ignore_errors=True)

    async def _record(self, services: Services, outcome: Outcome, state: SessionState | None) -> None:
        session = services.session
        now = self._clock()
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

    async def _ensure_branch(self, services: Services) -> None:
        """The session's branch, made now unless a run before a crash made it."""
        session, repository = services.session, self._repository
        if await asyncio.to_thread(repository.exists, f"refs/heads/{session.session_branch}"):
            return
        ref = f"refs/heads/{session.session_branch}"
        await asyncio.to_thread(
            repository.update_ref, ref, session.head_commit, "0" * len(session.head_commit)
        )

    def _known_worktrees(self) -> set[str]:
        """Names of worktrees that belong to sessions which may still go on."""
        open_sessions = [
            document["id"]
            for document in self._database.all("sessions")
            if document["state"] not in (SessionState.LANDED, SessionState.CANCELLED)
        ]
        # By folder: one whose record git has lost still holds work, and gets its record back.
        names = [path.name for path in self._worktrees.directory.iterdir()]
        return {name for name in names if name.partition("-")[0] in open_sessions}

    async def _cancel(self, task: str) -> None:
        services = self._open
        if task not in services.board.tasks:
            raise LookupError(f"no task {task} in this session")
        state = services.board.tasks[task].state
        if TaskState.CANCELLED not in legal_moves(state):
            raise EngineBusy(f"{task} is {state} already")
        if working := services.at_work.get(task):
            services.cancelled.add(task)
            working.cancel()
        else:
            await end_task(services, task)

    async def _pause(self) -> None:
        services = self._running
        services.unpaused.clear()
        if services.session.state is SessionState.RUNNING:
            await services.board.commit(services.session.but(state=SessionState.PAUSED))

    async def _continue(self) -> None:
        services = self._running
        if services.session.state is SessionState.PAUSED:
            await services.board.commit(services.session.but(state=SessionState.RUNNING))
        services.unpaused.set()
