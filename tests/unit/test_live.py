"""Two front ends on one folder: the second reads along with what streams, asks, and takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import host, looking, watching
from autodev_tui import live as along
from autodev_tui.assembly import Model
from autodev_tui.domain import commands, requests
from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import EngineFacts, Update
from autodev_tui.engine.feed import Feed
from autodev_tui.live import SOCKET, Live, Watched
from autodev_tui.providers.base import Chunk, Request, TextDelta, Turn
from tests.fakes.engine_kit import DONE, FILES, Scripted, make_turn, turns
from tests.fakes.repos import FixtureRepository, make_repository
from tests.unit.test_bridge import EDIT, PROBED, Front, asked, environment, front, start


class Slow(Scripted):
    """The developer's first turn streams half a sentence, and waits."""

    def __init__(self) -> None:
        super().__init__(turns(EDIT, make_turn(DONE)))
        self.held = True

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        if self.held and request.meta["role"] != "planning":
            on_chunk(TextDelta("half a sent"))
            while self.held:
                await asyncio.sleep(0.01)
        return await super().complete(request, on_chunk)


@pytest.fixture
def place(tmp_path: Path) -> FixtureRepository:
    return make_repository(tmp_path / "checkout", FILES)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    provider = Slow()

    def model(*_: Any) -> Model:
        return Model(provider, "claude-opus-5", "scripted/claude-opus-5")

    monkeypatch.setattr(host, "find_model", model)
    monkeypatch.setattr(looking, "find_model", model)
    monkeypatch.setattr(host, "probe", lambda: PROBED)
    monkeypatch.setattr(watching, "WATCH_S", 0.02)
    return provider


@asynccontextmanager
async def both(root: Path, env: dict[str, str], **others: str) -> AsyncIterator[tuple[Front, Front]]:
    """One that drives, and one that watches it; `others` are variables of the second alone."""
    async with front(root, env) as one:
        await one.until(lambda: one.mirror.facts.repository, "the folder")
        async with front(root, env | others) as two:
            await two.until(lambda: two.mirror.facts.owner, "somebody drives")
            yield one, two


async def test_who_watches_sees_words_as_they_come_and_asks_what_the_other_knows(
    place: FixtureRepository, slow: Slow
) -> None:
    env = environment(place)
    async with front(place.root, env) as one:
        await start(one)
        await one.until(lambda: one.mirror.stream("T1").text, "the first words")
        async with front(place.root, env) as two:
            await two.until(lambda: two.mirror.working == {"T1"}, "who works")
            assert two.mirror.facts.busy and two.mirror.facts.owner
            slow.held = False
            await two.until(lambda: "changes" in {one.kind for one in two.mirror.approvals.values()}, "it")
            found = await two.engine.ask(requests.GetUsage())
            assert isinstance(found, requests.RowsAnswer) and found.rows


async def test_what_streams_reaches_who_watches(place: FixtureRepository, slow: Slow) -> None:
    async with both(place.root, environment(place)) as (one, two):
        await start(one)
        await two.until(lambda: two.mirror.stream("T1").text == "half a sent", "the same words")
        slow.held = False


async def test_who_takes_over_goes_on_with_what_ran_and_the_other_watches(
    place: FixtureRepository, slow: Slow
) -> None:
    async with both(place.root, environment(place)) as (one, two):
        await start(one)
        await two.until(lambda: two.mirror.working == {"T1"}, "who works")
        refused = await one.engine.submit(commands.TakeOver())
        assert refused and refused.reason == "this autodev drives already"
        assert await two.engine.submit(commands.TakeOver()) is None
        await two.until(lambda: not two.mirror.facts.owner and two.mirror.facts.busy, "its turn")
        await one.until(lambda: one.mirror.facts.owner, "the other watches")
        slow.held = False
        review = await asked(two, "changes")
        await one.until(lambda: review.id in one.mirror.approvals, "the same question")
        assert two.mirror.session and two.mirror.session.state is SessionState.RUNNING


class Idle:
    """An engine with nothing to do."""

    def __init__(self) -> None:
        self.feeds: set[Any] = set()

    def attach(self, feed: Any) -> None:
        self.feeds.add(feed)


async def test_nobody_without_the_secret_reads_along(tmp_path: Path) -> None:
    state = tmp_path / ("a long name " * 12)
    state.mkdir()
    live = Live(Idle(), state, b"right", None, None, lambda: None)  # type: ignore[arg-type]
    await live.open()
    try:
        assert (state / SOCKET).stat().st_mode & 0o777 == 0o600
        stranger = await Watched.connect(state, b"wrong")
        assert stranger and await stranger.next() is None
        refused = await stranger.ask(requests.GetUsage())
        assert isinstance(refused, requests.Refused)
        stranger.close()
    finally:
        await live.aclose()
    assert await Watched.connect(state, b"right") is None


async def test_hanging_up_on_who_reads_along_is_no_error(tmp_path: Path) -> None:
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    idle = Idle()
    live = Live(idle, tmp_path, b"right", EngineFacts, None, lambda: None)  # type: ignore[arg-type]
    await live.open()
    reader = await Watched.connect(tmp_path, b"right")
    assert reader and await reader.next()
    await live.aclose()
    assert await reader.next() is None
    reader.close()
    assert not failures and not idle.feeds


async def test_who_may_not_read_along_sees_what_is_written(
    place: FixtureRepository, slow: Slow, tmp_path: Path
) -> None:
    slow.held = False
    another = {"AUTODEV_CONFIG_DIR": str(tmp_path / "another secret")}
    async with both(place.root, environment(place), **another) as (one, two):
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        await two.until(lambda: review.id in two.mirror.approvals, "the same question")


async def test_who_reads_along_slowly_gets_fewer_updates_not_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(along, "UPDATES_PER_S", 1e6)
    told = [0]
    live = Live(Idle(), tmp_path, b"right", lambda: EngineFacts(agents=told[0]), None, lambda: None)  # type: ignore[arg-type]
    await live.open()
    reader = await Watched.connect(tmp_path, b"right")
    assert reader
    try:
        first = await reader.next()
        assert first and first.facts and first.facts.agents == 0
        for told[0] in range(1, 51):
            live.touch()
            # Both ends have time enough to send and to take it.
            for _ in range(10):
                await asyncio.sleep(0.001)
        # One may have been under way; the next one has all that came since.
        latest = await reader.next()
        if latest and latest.facts and latest.facts.agents < 50:
            latest = await reader.next()
        assert latest and latest.facts and latest.facts.agents == 50
    finally:
        reader.close()
        await live.aclose()


async def test_what_is_relayed_waits_for_who_is_slow() -> None:
    feed = Feed(EngineFacts)
    assert (await feed.next()).reset
    relayed = asyncio.ensure_future(feed.relay(Update(working=["T1"])))
    await asyncio.sleep(0)
    assert not relayed.done()
    assert (await feed.next()).working == ["T1"]
    await asyncio.wait_for(relayed, 5)
