"""The engine: a service that takes commands, answers requests, and keeps front ends up to date."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.domain import commands, events, requests
from autodev_tui.domain.ids import Ids
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState
from autodev_tui.engine.board import Board
from autodev_tui.engine.broker import Broker
from autodev_tui.engine.commands_runner import CommandRunner
from autodev_tui.engine.ending import cancel_task
from autodev_tui.engine.event_log import EventLog
from autodev_tui.engine.feed import Feed
from autodev_tui.engine.flags import arms
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.interrupting import mark_interrupted
from autodev_tui.engine.lacking import leave_out
from autodev_tui.engine.models import Model, Models
from autodev_tui.engine.review_watch import ReviewWatch
from autodev_tui.engine.reviewing import decide
from autodev_tui.engine.services import Services
from autodev_tui.engine.site import Site
from autodev_tui.engine.steering import continue_all, pause_all, set_slider
from autodev_tui.policy.blanking import Blanker
from autodev_tui.policy.secrets import Masker, secret_values
from autodev_tui.vcs.worktrees import Worktrees
from prompts import PromptTemplateManager

if TYPE_CHECKING:
    from autodev_tui.providers.base import Provider
    from autodev_tui.sandbox.spec import Rung
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from store.database import Database
    from store.journal import Op


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
        maker: Callable[[str, Settings], Model] | None = None,
        rung: Rung,
        hidden: list[Path],
        environment: Mapping[str, str],
        rules: tuple[tuple[str, str], ...] = (),
        prompts: PromptTemplateManager | None = None,
        include: bytes = b"",
        interactive: bool = False,
        spending: Path | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        ids: Ids | None = None,
    ) -> None:
        self._repository = repository
        self._database = database
        self._state = state
        self._settings = settings
        made = (lambda spec: maker(spec, self._settings)) if maker else None
        self._models = Models(Model(provider, model, spec), made, environment)
        self._secret = secret
        self._rules = rules
        self._prompts = prompts or PromptTemplateManager()
        self._interactive = interactive
        self._spending = spending
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
        self._reviews = ReviewWatch(self, active=interactive and not database.read_only)
        self.site = Site(repository, database, state, environment, settings, self, spending, clock=clock)

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
                await pause_all(self._running)
            case commands.ContinueSession():
                await continue_all(self._running)
            case commands.SetSlider(level=level):
                await set_slider(self.services, level)
            case commands.CancelTask(task=task):
                await cancel_task(self.services, task)
            case commands.Decide(decision=decision):
                await decide(self.site, decision)
            case _:
                from autodev_tui.engine.handlers import HANDLERS

                await HANDLERS[type(command)](self.site, command)

    async def ask(self, request: requests.Request) -> requests.Answer:
        """The answer to a request of a front end; Refused where there is none."""
        from autodev_tui.engine.answers import answer

        return await answer(self.site, request)

    def attach(self, feed: Feed) -> None:
        """Keep one more front end up to date."""
        self.feeds.add(feed)
        feed.show(self._database, self._services)

    async def use(
        self,
        *,
        model: Model | None = None,
        settings: Settings | None = None,
        rung: Rung | None = None,
        rules: tuple[tuple[str, str], ...] | None = None,
        prompts: PromptTemplateManager | None = None,
        include: bytes | None = None,
    ) -> None:
        """What is given holds from the next start or resume on, settings from the next action of any agent.

        A `model` that is replaced is closed: only while no session runs.
        """
        if model:
            await self._models.replace(model)
        if settings:
            self._settings = self.site.settings = settings
            if self._services:
                self._services.settings = settings
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
        async for event in self.services.board.log.subscribe(from_seq):
            yield event

    async def wait(self) -> Outcome:
        """The end of the present run."""
        if self._work is None:
            raise EngineBusy("no session runs")
        return await asyncio.shield(self._work)

    async def halt(self) -> None:
        """Stop what runs, where it can go on later."""
        if self._work and not self._work.done():
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work

    async def aclose(self) -> None:
        """Stop what runs, leave no process behind, close the store."""
        await self.halt()
        self._reviews.show(None)
        await self._runner.aclose()
        await self._models.aclose()
        if self._services:
            self._services.board.log.close()
        self._database.close()

    # -- a session's life

    @property
    def busy(self) -> bool:
        """A session runs."""
        return self._work is not None and not self._work.done()

    @property
    def _running(self) -> Services:
        if not self.busy:
            raise EngineBusy("no session runs")
        return self.services

    @property
    def services(self) -> Services:
        """The open session's services. Raises EngineBusy: none is open."""
        if self._services is None:
            raise EngineBusy("no session is open")
        return self._services

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
            goal=self.masker(session_id).known(command.goal),
            model=self._models.own.spec,
            slider=level or self._settings.autonomy,
            pin=level,
            land=command.land,
            plan_only=command.plan_only,
            instructions=command.instructions,
            given=[task.model_dump(mode="json") for task in command.tasks],
            checks=command.checks,
            budget_usd=command.budget_usd if command.budget_usd is not None else self._settings.budget_usd,
            timeout_s=command.timeout_s,
            target_branch=repository.branch,
            base_commit=repository.head,
            session_branch=f"autodev/{session_id}/session",
            head_commit=repository.head,
            start_time=self._clock(),
            flags=arms(self._settings, repository.id),
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

    def leave(self) -> None:
        """Show no session any more. Raises EngineBusy: it runs."""
        if self.busy:
            raise EngineBusy("a session runs · stop it first")
        if self._services:
            self._services.board.log.close()
        self._services = None
        self._reviews.show(None)
        for feed in self.feeds:
            feed.show(self._database, None)

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
            "model": self._models.own.spec,
        }
        if command.level:
            wanted |= {"slider": command.level, "pin": command.level}
        given = {name: value for name, value in wanted.items() if value is not None}
        await services.board.commit(services.session.but(code=None, error="", **given))
        if command.leave_out:
            await leave_out(services)
        return services

    async def _load(self, session: str) -> Services:
        """The session's services; the board of the one that is open already stays."""
        if self._services and self._services.session.id == session:
            board, broker, masker = self._services.board, self._services.broker, self._services.masker
        else:
            if self._database.get("sessions", session) is None:
                raise LookupError(f"no session {session} in this repository")
            masker = self.masker(session)
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
            models=self._models,
            settings=self._settings,
            runner=self._runner,
            masker=masker,
            state=self._state,
            clock=self._clock,
            monotonic=self._monotonic,
            rules=self._rules,
            prompts=self._prompts,
            spending=self._spending,
        )
        self._services.unpaused.set()
        self._models.begin(board.session.planning_model)
        for feed in self.feeds:
            feed.show(self._database, self._services)
        self._reviews.show(self._services)
        return self._services

    def masker(self, session: str) -> Masker:
        """What keeps secrets out of a session ("": of none). Sync: reads the user's file of keys."""
        key = hmac.digest(self._secret, session.encode(), "sha256")
        return Masker(key, secret_values(self._environment))

    def moved(self, approval: str) -> None:
        """Files that a question shows are not as they were."""
        for feed in self.feeds:
            feed.moved(approval)

    def _board(self, session: str, masker: Masker) -> Board:
        """The records of a session. Sync: reads them all."""
        path = self._state / "sessions" / session / "events.jsonl"
        log = EventLog(None if self._database.read_only else path, session, self._clock, masker.text)
        board = Board.load(self._database, session, log, self._clock)
        board.feeds = log.feeds = self.feeds
        return board

    def _begin(self, services: Services, timeout_s: float | None, plan_only: bool) -> None:
        from autodev_tui.engine.driving import drive

        self._database.note_session(services.session.id)
        stopped = self._stop if self._interactive else None
        run = drive(services, timeout_s, plan_only=plan_only, stopped=stopped)
        self._work = asyncio.create_task(run, name="session")
        self._work.add_done_callback(lambda work: self._over(services, work))
        services.board.touch()

    def _over(self, services: Services, work: asyncio.Task[Outcome]) -> None:
        services.board.touch()
        if not work.cancelled() and not work.exception():
            self.ended(work.result())

    def _stop(self, why: str) -> None:
        self.stopped = why
        self.services.board.touch()
