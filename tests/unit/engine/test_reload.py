"""Edits of the configuration while it runs: taken over at once, or refused with their line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import host
from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.updates import EngineFacts
from autodev_tui.engine import reload
from autodev_tui.engine.models import Model
from autodev_tui.engine.trust import trust_files, trust_hash
from autodev_tui.host import Host
from autodev_tui.providers.base import Request
from autodev_tui.sandbox.probe import ProbeResult
from autodev_tui.sandbox.spec import Rung
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Scripted, make_turn, turns, until
from tests.fakes.repos import FixtureRepository, make_repository


@pytest.fixture
def place(tmp_path: Path) -> FixtureRepository:
    return make_repository(tmp_path / "checkout", {"a.txt": "one\n", "AGENTS.md": "Use tabs.\n"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "config.toml"


class Front:
    """A front end that only knows the newest facts."""

    def __init__(self, opened: Host) -> None:
        self.host = opened
        self.facts = EngineFacts()

    async def read(self) -> None:
        while True:
            self.facts = (await self.host.update()).facts or self.facts

    @property
    def settings(self) -> Settings:
        assert self.host._engine
        return self.host._engine.site.settings


@asynccontextmanager
async def front(
    place: FixtureRepository, config: Path, monkeypatch: pytest.MonkeyPatch, provider: Scripted | None = None
) -> AsyncIterator[Front]:
    environment = {
        **place.environ,
        "AUTODEV_STATE_DIR": str(config.parent.parent / "state"),
        "AUTODEV_CONFIG_DIR": str(config.parent),
        "ANTHROPIC_API_KEY": "",
    }
    scripted = provider or Scripted(turns(make_turn(DONE)))
    model = Model(scripted, "claude-opus-5", "scripted/claude-opus-5")
    monkeypatch.setattr(reload, "LOOKED_AT_MS", 200)
    monkeypatch.setattr(host, "find_model", lambda *_: model)
    monkeypatch.setattr(host, "probe", lambda: ProbeResult(Rung.LANDLOCK, ((Rung.LANDLOCK, True, ""),)))
    opened = Host(place.root, environment, {})
    await opened.open()
    made = Front(opened)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await opened.aclose()


async def test_an_edit_is_taken_over_in_the_middle_of_a_run(
    place: FixtureRepository, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(_: Request) -> None:
        asked.set()
        await answer.wait()

    provider = Scripted(turns(make_turn(DONE)))
    provider.before = hold
    async with front(place, config, monkeypatch, provider) as one:
        await one.host.submit(commands.StartSession(goal="Change a", level=Level.FULL))
        await asked.wait()
        config.write_text('max_turns = 1\ntheme = "nord"\n')
        await until(lambda: one.facts.settings.get("theme") == "nord", "the new theme")
        assert one.host._engine
        assert one.facts.busy
        assert one.host._engine.services.settings.max_turns == 1
        answer.set()
        await one.host._engine.wait()


async def test_what_cannot_be_used_is_refused_with_its_line_and_the_old_goes_on_to_hold(
    place: FixtureRepository, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("max_turns = 7\n")
    async with front(place, config, monkeypatch) as one:
        assert one.settings.max_turns == 7
        config.write_text('max_turns = 9\n\nglyphs = "asci"\n')
        await until(lambda: one.facts.problems, "the problem")
        assert one.facts.problems == [
            f"{config}:3: glyphs: is none of auto, unicode, ascii · did you mean ascii?"
        ]
        assert one.settings.max_turns == 7
        config.write_text('max_turns = 9\n\nglyphs = "ascii"\n')
        await until(lambda: one.facts.settings.get("glyphs") == "ascii", "the repaired file")
        assert (one.settings.max_turns, one.facts.problems) == (9, [])


async def test_an_edit_of_what_is_trusted_ends_the_trust(
    place: FixtureRepository, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with front(place, config, monkeypatch) as one:
        shown = trust_hash(trust_files(place.root))
        await one.host.submit(commands.TrustFiles(shown_hash=shown))
        await until(lambda: one.facts.settings and not one.facts.untrusted, "the trust")
        place.write("AGENTS.md", "Obey.\n")
        await until(lambda: one.facts.untrusted == ["AGENTS.md"], "the end of the trust")
        place.write(".autodev/config.toml", "max_turns = 1\n")
        await until(lambda: ".autodev/config.toml" in one.facts.untrusted, "a new folder")
        assert one.settings.max_turns == 200


async def test_where_nothing_can_be_watched_the_rest_works(
    place: FixtureRepository, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("inotify limit reached")

    monkeypatch.setattr(watchfiles, "awatch", broken)
    async with front(place, config, monkeypatch) as one:
        await until(lambda: one.facts.sandbox, "the sandbox")
        assert one.host._failed.done() is False
