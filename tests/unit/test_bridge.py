"""The workbench's engine in its thread: lines there and back, restarts, watching another's engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import host
from autodev_tui.assembly import Model
from autodev_tui.bridge import EngineThread
from autodev_tui.domain import commands, requests
from autodev_tui.domain.approval import Decision, HunkDecision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.review import ReviewDraft
from autodev_tui.sandbox.probe import ProbeResult
from autodev_tui.sandbox.spec import Rung
from tests.fakes.engine_kit import DONE, FILES, PATIENCE_S, Scripted, make_turn, turns
from tests.fakes.repos import FixtureRepository, make_repository

EDIT = make_turn(("write_file", {"path": "new.txt", "content": "hello\n"}))


@pytest.fixture
def place(tmp_path: Path) -> FixtureRepository:
    return make_repository(tmp_path / "checkout", FILES)


def environment(repository: FixtureRepository) -> dict[str, str]:
    home = repository.root.parent
    return {
        **repository.environ,
        "AUTODEV_STATE_DIR": str(home / "state"),
        "AUTODEV_CONFIG_DIR": str(home / "config"),
        "ANTHROPIC_API_KEY": "",
    }


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = turns(EDIT, make_turn(DONE))

    def model(*_: Any) -> Model:
        return Model(Scripted(reply), "claude-opus-5", "scripted/claude-opus-5")

    monkeypatch.setattr(host, "find_model", model)
    monkeypatch.setattr(host, "probe", lambda: ProbeResult(Rung.LANDLOCK, ((Rung.LANDLOCK, True, ""),)))


class Front:
    """A front end without a screen."""

    def __init__(self, engine: EngineThread) -> None:
        self.engine = engine
        self.mirror = Mirror()
        self.updates = 0
        self.changed = asyncio.Event()

    async def read(self) -> None:
        async for update in self.engine.updates():
            self.mirror.apply(update)
            self.updates += 1
            self.changed.set()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def front(directory: Path, env: dict[str, str]) -> AsyncIterator[Front]:
    engine = EngineThread(directory, env)
    engine.start()
    made = Front(engine)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        await engine.aclose()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_goal_goes_there_and_its_review_comes_back(place: FixtureRepository, scripted: None) -> None:
    async with front(place.root, environment(place)) as one:
        assert (
            await one.engine.submit(commands.StartSession(goal="Change a", level=Level.COLLABORATIVE)) is None
        )
        await one.until(lambda: one.mirror.of_kind("plan"), "the plan")
        [plan] = one.mirror.of_kind("plan")
        yes = Decision(approval=plan.id, verdict="approve", shown_hash=plan.shown_hash, actor="ada", at=1.0)
        assert await one.engine.submit(commands.Decide(decision=yes)) is None
        await one.until(lambda: one.mirror.of_kind("changes"), "the review")
        [review] = one.mirror.of_kind("changes")
        answer = await one.engine.ask(requests.GetReview(approval=review.id))
        assert isinstance(answer, requests.ReviewAnswer)
        assert [file.path for file in answer.review.changes.files] == ["new.txt"]
        assert one.mirror.facts.busy
        assert one.mirror.facts.sandbox == "landlock"
        assert one.mirror.session
        draft = ReviewDraft(
            approval=review.id,
            shown_hash=review.shown_hash,
            decisions=[HunkDecision(hunk=1, verdict="accept")],
        )
        assert await one.engine.submit(commands.SaveDraft(draft=draft, path="new.txt")) is None
        await one.until(lambda: review.id in one.mirror.drafts, "the draft")
