"""An engine without a process of its own: a fixture repository, a scripted model, a clock of the test's."""

from __future__ import annotations

import asyncio
import copy
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodev_tui.agents.roles import DEVELOPER
from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, Decision
from autodev_tui.domain.events import Event
from autodev_tui.domain.ids import Ids
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.task import Task
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.agent_loop import make_agent
from autodev_tui.engine.board import Board
from autodev_tui.engine.decisions import sign
from autodev_tui.engine.driving import ensure_branch
from autodev_tui.engine.engine import Engine
from autodev_tui.engine.event_log import EventLog
from autodev_tui.engine.flow import Outcome
from autodev_tui.engine.models import Model
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.engine.workspace import Workspace
from autodev_tui.providers.base import Chunk, Provider, Request, Turn
from autodev_tui.providers.scripted import LIMITS, FunctionProvider, make_turn
from autodev_tui.sandbox.spec import Rung
from autodev_tui.settings import Settings
from autodev_tui.vcs.repository import open_repository
from store.database import Database
from tests.fakes.repos import FixtureRepository, make_repository

SECRET = b"the client secret of a test's user"
FILES: dict[str, bytes | str] = {"a.txt": "one\ntwo\nthree\n", "b.txt": "bee\n", "docs/c.md": "# C\n"}
PLAN = ("submit_plan", {"tasks": [{"id": "x", "title": "Change a", "description": "do it"}]})
DONE = ("finish", {"summary": "did it"})
PATIENCE_S = 20.0
"""How long a test waits for a condition before it fails."""

Reply = Callable[[Request], Turn]


class Clock:
    """Wall-clock seconds that only move when a test moves them, but never stand still."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Scripted(FunctionProvider):
    """Asks `reply` for each turn; keeps each request as it was when it came; `before` runs first."""

    def __init__(self, reply: Reply, limits: Any = LIMITS) -> None:
        super().__init__(reply, limits)
        self.before: Callable[[Request], Awaitable[None]] | None = None

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """The turn, once `before` has returned."""
        seen = copy.deepcopy(request)
        if self.before:
            await self.before(seen)
        try:
            return await super().complete(request, on_chunk)
        finally:
            self.requests[-1] = seen


def turns(*script: Turn | Exception, plan: tuple[str, dict[str, Any]] = PLAN) -> Reply:
    """One plan, then these turns of the one developer, in order; each call gets an id of its own."""
    rest = list(script)
    count = 0

    def reply(request: Request) -> Turn:
        nonlocal count
        count += 1
        if request.meta["role"] == "planning":
            return make_turn(plan, first_id=900_000 + count * 100)
        assert rest, "the script has no more turns"
        turn = rest.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return renumbered(turn, count * 100)

    return reply


def renumbered(turn: Turn, first: int) -> Turn:
    """The same turn with call ids that no other turn has."""
    calls = [(call.name, call.args or {}) for call in turn.calls]
    return make_turn(*calls, text=turn.text, stop=turn.stop, usage=turn.usage, first_id=first)


@dataclass
class Kit:
    """One engine and what it works on."""

    place: Path
    reply: Reply
    files: Mapping[str, bytes | str] = field(default_factory=lambda: FILES)
    rung: Rung = Rung.LANDLOCK
    interactive: bool = False
    rules: tuple[tuple[str, str], ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=lambda: Settings(agents=1))
    """One agent at a time, so that a script's turns come in order."""
    limits: Any = LIMITS
    monotonic: Callable[[], float] = time.monotonic
    own_provider: Provider | None = None
    """Instead of the scripted one."""
    spec: str = "scripted/claude-opus-5"
    maker: Callable[[str, Settings], Model] | None = None
    """Makes the models of other specifications."""
    spending: Path | None = None

    def __post_init__(self) -> None:
        self.fixture: FixtureRepository = make_repository(self.place / "checkout", self.files)
        self.clock = Clock()
        self.provider = Scripted(self.reply, self.limits)
        self.database: Database
        self.engine: Engine
        self.open()

    def open(self) -> None:
        """A new engine on the same state, as a new process would have it."""
        environ = {**self.fixture.environ, "PATH": str(self._tools())}
        repository = open_repository(self.fixture.root, environ=environ)
        state = self.place / "state"
        self.database = Database.open(state)
        bits = iter(range(1, 1 << 20))
        self.engine = Engine(
            repository,
            self.database,
            state,
            self.settings,
            self.own_provider or self.provider,
            self.spec.partition("/")[2],
            self.spec,
            SECRET,
            maker=self.maker,
            spending=self.spending,
            rung=self.rung,
            hidden=[],
            environment=self.environment,
            rules=self.rules,
            interactive=self.interactive,
            clock=self.clock,
            monotonic=self.monotonic,
            ids=Ids(self.clock, lambda _: next(bits)),
        )

    def _tools(self) -> Path:
        """A PATH with git and a shell but without Python: nothing is found to run checks with, and fast."""
        folder = self.place / "bin"
        if not folder.exists():
            folder.mkdir()
            for name in ("git", "sh"):
                (folder / name).symlink_to(shutil.which(name) or name)
        return folder

    @property
    def services(self) -> Services:
        return self.engine.services

    @property
    def board(self) -> Board:
        return self.engine.services.board

    @property
    def session(self) -> Session:
        return self.board.session

    async def start(self, goal: str = "Change a", level: Level | None = Level.FULL, **more: Any) -> None:
        """Submit a goal."""
        await self.engine.submit(commands.StartSession(goal=goal, level=level, **more))

    async def run(self, goal: str = "Change a", level: Level | None = Level.FULL, **more: Any) -> Outcome:
        """Submit a goal and wait for its end."""
        await self.start(goal, level, **more)
        return await self.engine.wait()

    async def resume(self, **more: Any) -> Outcome:
        """Go on with the session, in a new engine."""
        session = self.session.id
        await self.engine.aclose()
        self.open()
        await self.engine.submit(commands.ResumeSession(session=session, **more))
        return await self.engine.wait()

    async def answer(self, approval: Approval, verdict: Any = "approve", **more: Any) -> None:
        """A signed answer through the engine's door."""
        await self.engine.submit(commands.Decide(decision=decision(approval, verdict, **more)))

    def stored(self, table: str) -> list[dict[str, Any]]:
        """What is on the disk, read by somebody else."""
        other = Database.open(self.place / "state", read_only=True)
        try:
            return other.all(table)
        finally:
            other.close()


def decision(approval: Approval, verdict: Any = "approve", **more: Any) -> Decision:
    """A signed answer of the test's user."""
    plain = Decision(
        approval=approval.id, verdict=verdict, shown_hash=approval.shown_hash, actor="ada", at=1.0, **more
    )
    return sign(plain, SECRET)


@asynccontextmanager
async def kit(place: Path, reply: Reply, **more: Any) -> AsyncIterator[Kit]:
    """An engine that is closed at the end, with everything it started."""
    made = Kit(place, reply, **more)
    try:
        yield made
    finally:
        await made.engine.aclose()


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until `condition` holds. Fails after PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never came: {what or condition}"
        await asyncio.sleep(0.002)


async def waiting(kit: Kit, kind: str) -> Approval:
    """The question of this kind that waits, once it does."""
    await until(lambda: [one for one in kit.board.pending() if one.kind == kind], f"a question of {kind}")
    return next(one for one in kit.board.pending() if one.kind == kind)


async def seen(kit: Kit, until_kind: str) -> list[Event]:
    """All events up to the first of this kind."""
    found = []
    async for event in kit.engine.subscribe(0):
        found.append(event)
        if event.kind == until_kind:
            return found
    return found


@dataclass
class Desk:
    """One developer at work on one task, without phases around it."""

    kit: Kit
    agent: Agent
    verifier: Verifier
    workspace: Workspace

    def write(self, path: str, text: str) -> None:
        """Change a file of the worktree behind the agent's back."""
        (self.workspace.path / path).write_text(text)

    async def again(self) -> Agent:
        """The agent as it would be rebuilt from the log now."""
        return await make_agent(self.kit.services, DEVELOPER, "T1", self.workspace.path)


async def desk(kit: Kit, level: Level = Level.FULL, **task: Any) -> Desk:
    """A session opened by hand, with one task in its worktree."""
    engine = kit.engine
    services = await engine._create(commands.StartSession(goal="Change a", level=level))
    analysis = {"recommended": Level.FULL.value}
    await services.board.commit(services.session.but(analysis=analysis))
    await ensure_branch(services)
    made = Task(
        id="T1",
        session=services.session.id,
        title="Change a",
        recommended=Level.FULL,
        state="in_progress",
        **task,
    )
    await services.board.commit(made)
    workspace = await Workspace.open(services, services.board.tasks["T1"])
    agent = await make_agent(services, DEVELOPER, "T1", workspace.path)
    await agent.say("task", "Please change a.")
    return Desk(kit, agent, Verifier(services), workspace)


def board_on(database: Database, place: Path, **session: Any) -> Board:
    """A board of a new session, for tests of the board alone. Sync: commits the session."""
    clock = Clock()
    record = Session(
        id="s1",
        goal="g",
        model="m",
        slider=Level.FULL,
        target_branch="main",
        base_commit="0" * 40,
        session_branch="autodev/s1/session",
        start_time=clock(),
        **session,
    )
    database.commit([("sessions", record.id, record.doc())])
    return Board.load(database, "s1", EventLog(place / "events.jsonl", "s1", clock), clock)


__all__ = [
    "DONE",
    "PLAN",
    "SECRET",
    "Clock",
    "Desk",
    "Kit",
    "Provider",
    "Scripted",
    "board_on",
    "decision",
    "desk",
    "kit",
    "make_turn",
    "renumbered",
    "seen",
    "turns",
    "until",
    "waiting",
]
