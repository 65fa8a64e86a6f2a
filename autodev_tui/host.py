"""The engine's side of the pipe: opens a folder, drives its engine or watches another's, answers lines.

Everything here runs in the engine's own loop. What is wrong with the folder, its configuration or the model
is told as facts: the host runs all the same, and says of each command why it is not carried out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.assembly import (
    BudgetUnknowable,
    Place,
    find_model,
    look_up,
    make_engine,
    refuse_unknown_price,
)
from autodev_tui.domain import commands
from autodev_tui.domain.commands import SetKey, SetOption
from autodev_tui.domain.requests import Answer, GetDoctor, GetModels, Refused, Request
from autodev_tui.domain.updates import EngineFacts, Update
from autodev_tui.engine import flow
from autodev_tui.engine.board import Board
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.engine import Engine, EngineBusy
from autodev_tui.engine.feed import Feed
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.reload import follow_configuration
from autodev_tui.looking import Opened, look, look_outside, open_place, session_to_show
from autodev_tui.providers.base import ProviderError
from autodev_tui.sandbox.probe import probe
from autodev_tui.sandbox.spec import Rung
from autodev_tui.settings import SettingsError
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from autodev_tui.vcs.include import INCLUDE_FILE
from autodev_tui.vcs.opening import NO_REPOSITORY, create
from autodev_tui.watching import Watching
from prompts import PromptError
from store.errors import StoreError, StoreLocked

if TYPE_CHECKING:
    from autodev_tui.sandbox.probe import ProbeResult

logger = logging.getLogger(__name__)

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


Guide = Callable[[Board | None], str]
"""Says what to do next in a demo, by how its session stands."""


class Host(Watching):
    """One folder's engine, for one front end."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        options: Mapping[str, Any],
        guide: Guide | None = None,
    ) -> None:
        super().__init__(Feed(self._facts), options)
        self._directory = directory
        self._environment = environment
        self._guide = guide
        self._cause: RepositoryError | None = None
        """The same, as the doctor tells it."""
        self._probe: ProbeResult | None = None
        self._may_begin = False
        """The folder can be made a repository."""
        self._sandbox: asyncio.Task[None] | None = None
        """Finds out which sandbox works."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._beginning = asyncio.Lock()
        self._reloading = asyncio.Lock()

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
            self._cause = error if isinstance(error, RepositoryError) else None
            self._may_begin = isinstance(error, RepositoryError) and error.what == NO_REPOSITORY
            self._known = await asyncio.to_thread(
                look_outside, self._environment, self._options, self._problem
            )
            self._feed.show(None, None)
            self._sandbox = self._spawn(self._try_sandbox())
            return
        self._problem, self._may_begin = "", False
        try:
            self._opened = await asyncio.to_thread(open_place, place, self._options)
        except StoreLocked:
            self._opened = await asyncio.to_thread(open_place, place, self._options, read_only=True)
            self._spawn(self._watch())
        await self._assemble(self._opened)
        if not self._known.owner:
            self._sandbox = self._spawn(self._try_sandbox())
            if self._engine:
                self._spawn(follow_configuration(self._engine.site))
                await self._listen(self._engine, place)

    async def failed(self) -> None:
        """Returns never; raises what ended the engine."""
        await self._failed

    async def aclose(self) -> None:
        """Stop what runs, close the store."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._watched:
            self._watched.close()
        await self._close()

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
        if self._engine is None and not (isinstance(request, GetDoctor | GetModels) and self._problem):
            return Refused(reason=self._problem)
        try:
            if self._watched:
                return await self._watched.ask(request)
            if self._engine is None and isinstance(request, GetModels):
                from autodev_tui.engine.answering.models import models_outside

                return await models_outside(self._environment, self._options)
            if self._engine is None:
                from autodev_tui.engine.answering.doctor import doctor_outside

                return await doctor_outside(self._environment, self._cause, self._probe)
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

    async def _assemble(self, opened: Opened) -> None:
        """An engine for what was opened, showing the session that was going on."""
        engine = make_engine(
            opened.place,
            opened.database,
            opened.found.settings,
            opened.found.model,
            Rung.NONE,
            opened.found.prompts,
            interactive=True,
        )
        self._engine, self._known = engine, opened.found.facts
        site = engine.site
        site.options, site.changed, site.reload = self._options, self._feed.touch, self._reload_soon
        site.model = lambda: self._known.model
        site.trusted_files = opened.place.trusted_files
        site.untrusted_files = opened.place.untrusted_files
        engine.ended = self._on_end
        shown = await asyncio.to_thread(session_to_show, opened.database, watching=bool(self._known.owner))
        if shown:
            await engine.submit(commands.OpenSession(session=shown.id))
            if not self._known.owner:
                self._known = self._known.but(interrupted=shown.id)
        engine.attach(self._feed)

    async def _try_sandbox(self) -> None:
        found = self._probe = await asyncio.to_thread(probe)
        if self._engine:
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
        if self._engine is None and self._problem and isinstance(command, SetKey | SetOption):
            await self._keep_outside(command)
            return
        if self._engine is None or self._opened is None:
            raise Refusal(self._problem)
        if isinstance(command, commands.TakeOver):
            self._ask_to_drive()
            return
        if self._known.owner:
            raise Refusal(f"watching · driven from {self._known.owner} · /drive takes over")
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
        self, command: commands.StartSession | commands.ResumeSession, opened: Opened, engine: Engine
    ) -> None:
        """Model and sandbox, before any agent works."""
        if engine.busy:
            raise EngineBusy("a session runs already · /cancel ends it, nothing is lost")
        await asyncio.to_thread(Place.find, self._directory, self._environment)
        model = await asyncio.to_thread(
            find_model, self._environment, opened.database, command, engine.site.settings, self._options
        )
        settings = engine.site.settings
        remote = await look_up(model, settings)
        refuse_unknown_price(command, opened.database, model.spec, settings, remote=remote)
        await engine.use(model=model)
        if self._sandbox:
            await asyncio.shield(self._sandbox)
        self._known = self._known.but(model=model.spec, model_problem="")

    async def _keep_outside(self, command: SetKey | SetOption) -> None:
        """What is the user's own is kept also where there is no repository."""
        from autodev_tui.engine.handling.configuring import keep_key, keep_option

        if isinstance(command, SetKey):
            await keep_key(self._environment, command)
        else:
            await keep_option(self._environment, command)
        now = await asyncio.to_thread(look_outside, self._environment, self._options, self._problem)
        before = self._known
        self._known = now.but(sandbox=before.sandbox, sandbox_problem=before.sandbox_problem)
        self._feed.touch()

    async def _init(self) -> None:
        if not self._may_begin:
            raise Refusal(self._problem or "this is a git repository already")
        await asyncio.to_thread(create, self._directory, self._environment)
        await self.open()

    # -- what changes meanwhile

    def _facts(self) -> EngineFacts:
        engine = self._engine
        if engine is None or self._watched:
            return self._known
        agents = engine.site.settings.agents
        known = self._known.but(busy=engine.busy, stopped=engine.stopped, agents=agents)
        if self._guide is None:
            return known
        return known.but(demo=True, hint=self._guide(engine.services.board if engine.session else None))

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
        async with self._reloading:
            if self._opened and self._engine:
                try:
                    await self._take_over(self._opened, self._engine)
                except NOT_CARRIED_OUT as error:
                    self._known = self._known.but(problems=[str(error)])
            self._feed.touch()

    async def _take_over(self, opened: Opened, engine: Engine) -> None:
        # An edit that cannot be used is not taken over: what held goes on to hold.
        before, held = opened.found.settings, engine.site.settings
        found = await asyncio.to_thread(look, opened.place, opened.database, self._options, held)
        opened.found, settings = found, found.settings
        if settings.agents == before.agents:
            # Changed for this engine alone, not in a file: that stays.
            settings = settings.model_copy(update={"agents": held.agents})
        await engine.use(
            settings=settings,
            prompts=found.prompts,
            rules=opened.place.rules(),
            include=opened.place.trusted_files.get(INCLUDE_FILE, b""),
        )
        engine.site.trusted_files = opened.place.trusted_files
        engine.site.untrusted_files = opened.place.untrusted_files
        await found.model.provider.aclose()
        kept = ["sandbox", "sandbox_problem", "interrupted", "owner"]
        kept += ["model", "model_problem"] if engine.busy else []
        self._known = found.facts.but(**{name: getattr(self._known, name) for name in kept})

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
