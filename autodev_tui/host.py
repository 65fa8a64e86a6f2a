"""The engine's side of the pipe: opens a folder, drives its engine or watches another's, answers lines.

Everything here runs in the engine's own loop. What is wrong with the folder, its configuration or the model
is told as facts: the host runs all the same, and says of each command why it is not carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.assembly import (
    BudgetUnknowable,
    Model,
    Place,
    find_model,
    make_engine,
    refuse_unknown_price,
)
from autodev_tui.domain import commands
from autodev_tui.domain.requests import Answer, Refused, Request
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import EngineFacts, Update
from autodev_tui.engine import flow
from autodev_tui.engine.broker import DecisionRefused
from autodev_tui.engine.engine import Engine, EngineBusy
from autodev_tui.engine.feed import Feed
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.reload import follow_configuration
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.missing import MissingProvider
from autodev_tui.sandbox.probe import probe
from autodev_tui.sandbox.processes import terminal_of
from autodev_tui.sandbox.spec import Rung
from autodev_tui.settings import Settings, SettingsError
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from autodev_tui.vcs.include import INCLUDE_FILE
from autodev_tui.vcs.opening import create
from prompts import PromptError, PromptTemplateManager
from store.database import Database
from store.errors import StoreError, StoreLocked
from store.lock import owner
from store.recovery import JOURNAL, STATE

if TYPE_CHECKING:
    from autodev_tui.logs import Log

logger = logging.getLogger(__name__)

WATCH_S = 1.0
"""How often a watcher looks whether another's engine wrote something."""
NOT_CARRIED_OUT = (
    Refusal,
    EngineBusy,
    DecisionRefused,
    LookupError,
    ProviderError,
    RepositoryError,
    GitError,
    BudgetUnknowable,
    SettingsError,
    PromptError,
    StoreError,
    OSError,
)
"""Errors whose words tell the user why a command was not carried out."""
RESUMABLE = (
    SessionState.PLANNING,
    SessionState.RUNNING,
    SessionState.PAUSED,
    SessionState.REVIEWING,
    SessionState.INTERRUPTED,
)


@dataclass
class _Opened:
    """What a folder turned out to be."""

    place: Place
    database: Database
    settings: Settings
    prompts: PromptTemplateManager
    model: Model
    facts: EngineFacts
    log: Log | None


class Host:
    """One folder's engine, for one front end."""

    def __init__(self, directory: Path, environment: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._directory = directory
        self._environment = environment
        self._options = dict(options)
        self._known = EngineFacts()
        self._feed = Feed(self._facts)
        self._opened: _Opened | None = None
        self._engine: Engine | None = None
        self._problem = ""
        """Why there is nothing to drive here."""
        self._sandbox: asyncio.Task[None] | None = None
        """Finds out which sandbox works."""
        self._background: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._beginning = asyncio.Lock()

    # -- life

    async def open(self) -> None:
        """Look what the folder is, and open it.

        Raises:
            StoreError: the state is damaged, too new, or cannot be written.
        """
        try:
            place = await asyncio.to_thread(Place.find, self._directory, self._environment, for_work=False)
        except (RepositoryError, GitError) as error:
            self._problem = str(error)
            self._known = EngineFacts(problems=[self._problem])
            self._feed.show(None, None)
            return
        self._problem = ""
        try:
            self._opened = await asyncio.to_thread(self._open, place, read_only=False)
        except StoreLocked:
            self._opened = await asyncio.to_thread(self._open, place, read_only=True)
            self._spawn(self._watch())
        await self._assemble(self._opened)
        if not self._known.owner:
            self._sandbox = self._spawn(self._try_sandbox())
            if self._engine:
                self._spawn(follow_configuration(self._engine.site))

    async def failed(self) -> None:
        """Returns never; raises what ended the engine."""
        await self._failed

    async def aclose(self) -> None:
        """Stop what runs, close the store."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._engine:
            await self._engine.aclose()
        if self._opened and self._opened.log:
            self._opened.log.close()
        self._opened = self._engine = None

    # -- the doors

    async def submit(self, command: commands.Command) -> Refused | None:
        """Carry out a command; what is not carried out comes back with the reason."""
        try:
            await self._carry_out(command)
        except NOT_CARRIED_OUT as error:
            text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
            return Refused(reason=text, moved=getattr(error, "moved", []))
        except Exception as error:
            logger.exception("a command failed")
            return Refused(reason=f"internal error: {type(error).__name__}: {error}")
        return None

    async def ask(self, request: Request) -> Answer:
        """The answer to a request; Refused where there is none."""
        if self._engine is None:
            return Refused(reason=self._problem)
        try:
            return await self._engine.ask(request)
        except NOT_CARRIED_OUT as error:
            return Refused(reason=str(error))
        except Exception as error:
            logger.exception("a request failed")
            return Refused(reason=f"internal error: {type(error).__name__}: {error}")

    def begin(self) -> None:
        """A front end that knows nothing begins to read."""
        self._feed.begin()

    async def update(self) -> Update:
        """The newest state of what changed; waits until something did."""
        try:
            return await self._feed.next()
        except Exception as error:
            self._fail(error)
            raise

    # -- opening

    def _open(self, place: Place, *, read_only: bool) -> _Opened:
        """Sync: reads the state, the configuration and what git says."""
        database = place.open_store(read_only=read_only)
        try:
            log = None if read_only else place.open_log()
            settings, prompts, model, facts = self._look(place, database)
        except BaseException:
            database.close()
            raise
        if read_only:
            facts = facts.but(owner=_owner_of(place))
        return _Opened(place, database, settings, prompts, model, facts, log)

    def _look(
        self, place: Place, database: Database
    ) -> tuple[Settings, PromptTemplateManager, Model, EngineFacts]:
        """Settings, prompts and model that hold, and what is wrong with them. Sync."""
        problems: list[str] = []
        try:
            settings = place.settings(database, self._options)
        except SettingsError as error:
            problems += str(error).splitlines()
            # An edit that cannot be used is not taken over: what held goes on to hold.
            settings = self._engine.site.settings if self._engine else Settings()
        problems += settings.notices
        try:
            prompts = place.prompts()
        except PromptError as error:
            problems.append(str(error))
            prompts = PromptTemplateManager()
        try:
            model, model_problem = find_model(place, database, None, settings, self._options), ""
        except ProviderError as error:
            model, model_problem = Model(MissingProvider(str(error)), "", ""), str(error)
        try:
            Place.find(self._directory, self._environment)
        except RepositoryError as error:
            problems.append(str(error))
        facts = EngineFacts(
            repository=place.repository.root.name,
            branch=place.repository.branch,
            model=model.spec,
            model_problem=model_problem,
            untrusted=place.untrusted_files,
            dirty=_changed(place),
            settings=settings.model_dump(mode="json"),
            problems=problems,
        )
        return settings, prompts, model, facts

    async def _assemble(self, opened: _Opened) -> None:
        """An engine for what was opened, showing the session that was going on."""
        engine = make_engine(
            opened.place,
            opened.database,
            opened.settings,
            opened.model,
            Rung.NONE,
            opened.prompts,
            interactive=True,
        )
        self._engine, self._known = engine, opened.facts
        site = engine.site
        site.options, site.changed, site.reload = self._options, self._feed.touch, self._reload_soon
        site.trusted_files = opened.place.trusted_files
        site.untrusted_files = opened.place.untrusted_files
        engine.ended = self._on_end
        shown = await asyncio.to_thread(_session_to_show, opened.database, watching=bool(self._known.owner))
        if shown:
            await engine.submit(commands.OpenSession(session=shown.id))
            if not self._known.owner:
                self._known = self._known.but(interrupted=shown.id)
        engine.attach(self._feed)

    async def _try_sandbox(self) -> None:
        found = await asyncio.to_thread(probe)
        assert self._engine
        self._engine.site.probe = found
        await self._engine.use(rung=found.rung)
        works = found.rung is not Rung.NONE
        problem = "; ".join(f"{rung.value}: {why}" for rung, holds, why in found.tried if not holds)
        self._known = self._known.but(
            sandbox=found.rung.value if works else "", sandbox_problem="" if works else problem
        )
        self._feed.touch()

    # -- commands

    async def _carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.InitRepository):
            await self._init()
            return
        if self._engine is None or self._opened is None:
            raise Refusal(self._problem)
        if self._known.owner:
            raise Refusal(f"watching · driven from {self._known.owner}")
        if self._engine.stopped and not isinstance(command, commands.StopSession):
            raise Refusal(self._engine.stopped)
        match command:
            case commands.StartSession() | commands.ResumeSession():
                async with self._beginning:
                    await self._make_ready(command, self._opened, self._engine)
                    await self._engine.submit(command)
            case commands.ContinueTask() if self._engine.session and not self._engine.busy:
                # The run begins again with it.
                resume = commands.ResumeSession(session=self._engine.session.id)
                async with self._beginning:
                    await self._make_ready(resume, self._opened, self._engine)
                    await self._engine.submit(command)
            case _:
                await self._engine.submit(command)
        if isinstance(command, commands.StartSession | commands.ResumeSession | commands.OpenSession):
            self._known = self._known.but(interrupted="")
            self._feed.touch()

    async def _make_ready(
        self, command: commands.StartSession | commands.ResumeSession, opened: _Opened, engine: Engine
    ) -> None:
        """Model and sandbox, before any agent works."""
        if engine.busy:
            raise EngineBusy("a session runs already · stop it first")
        await asyncio.to_thread(Place.find, self._directory, self._environment)
        model = await asyncio.to_thread(
            find_model, opened.place, opened.database, command, engine.site.settings, self._options
        )
        await model.provider.limits(model.name)
        refuse_unknown_price(command, opened.database, model.name, engine.site.settings)
        await engine.use(model=model)
        if self._sandbox:
            await asyncio.shield(self._sandbox)
        self._known = self._known.but(model=model.spec, model_problem="")

    async def _init(self) -> None:
        if self._engine:
            raise Refusal("this is a git repository already")
        await asyncio.to_thread(create, self._directory, self._environment)
        await self.open()

    # -- what changes meanwhile

    def _facts(self) -> EngineFacts:
        engine = self._engine
        if engine is None:
            return self._known
        agents = engine.site.settings.agents
        return self._known.but(busy=engine.busy, stopped=engine.stopped, agents=agents)

    def _on_end(self, outcome: flow.Outcome) -> None:
        """A run came to its end; with a store that failed, the engine too."""
        if outcome.code == flow.DAMAGED:
            self._fail(StoreError(outcome.error))
        else:
            self._reload_soon()

    def _reload_soon(self) -> None:
        self._spawn(self._reload())

    async def _reload(self) -> None:
        """Settings, trust, model and what git says, anew; a session that runs keeps its model and rules."""
        opened, engine = self._opened, self._engine
        if opened is None or engine is None:
            return
        settings, prompts, model, facts = await asyncio.to_thread(self._look, opened.place, opened.database)
        if settings.agents == opened.settings.agents:
            # Changed for this engine alone, not in a file: that stays.
            settings = settings.model_copy(update={"agents": engine.site.settings.agents})
        else:
            opened.settings = settings
        await engine.use(
            settings=settings,
            prompts=prompts,
            rules=opened.place.rules(),
            include=opened.place.trusted_files.get(INCLUDE_FILE, b""),
        )
        engine.site.trusted_files = opened.place.trusted_files
        engine.site.untrusted_files = opened.place.untrusted_files
        await model.provider.aclose()
        kept = ("sandbox", "sandbox_problem", "interrupted", "owner")
        self._known = facts.but(**{name: getattr(self._known, name) for name in kept})
        self._feed.touch()

    async def _watch(self) -> None:
        """Another engine drives: show what it wrote, and take over when it has gone."""
        assert self._opened
        place = self._opened.place
        seen = await asyncio.to_thread(_stamp, place.state)
        while await asyncio.to_thread(owner, place.state):
            await asyncio.sleep(WATCH_S)
            now = await asyncio.to_thread(_stamp, place.state)
            if now != seen:
                seen = now
                self._opened = await asyncio.to_thread(self._open, place, read_only=True)
                await self._assemble(self._opened)
        await self.open()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)


def _session_to_show(database: Database, *, watching: bool) -> Session | None:
    """The session that was going on when its engine ended; for who watches, the latest. Sync."""
    sessions = [Session(**document) for document in database.all("sessions")]
    if not watching:
        sessions = [one for one in sessions if one.state in RESUMABLE and not one.archived]
    return max(sessions, key=lambda session: session.start_time, default=None)


def _changed(place: Place) -> int:
    """How many tracked files the user has changed. Sync."""
    with contextlib.suppress(RepositoryError, GitError):
        return len(place.repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD"))
    return 0


def _owner_of(place: Place) -> str:
    """Who drives here, for people. Sync."""
    holder = owner(place.state)
    if holder is None or not holder.pid:
        return "another autodev"
    terminal = terminal_of(holder.pid)
    return f"pid {holder.pid} on {terminal}" if terminal else f"pid {holder.pid}"


def _stamp(state: Path) -> list[tuple[int, int]]:
    """Changes whenever something is written to the state. Sync."""
    stamps = []
    for name in (STATE, JOURNAL):
        with contextlib.suppress(FileNotFoundError):
            found = (state / name).stat()
            stamps.append((found.st_mtime_ns, found.st_size))
    return stamps
