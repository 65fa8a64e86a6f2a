"""Events: each is one JSON line, logged ones are never lost, and nobody holds up the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.domain import commands, events
from autodev_tui.domain.approval import Decision
from autodev_tui.domain.events import EVENT, Event, Noticed, StepMoved, TextStreamed
from autodev_tui.domain.levels import Level
from autodev_tui.engine import event_log
from autodev_tui.engine.event_log import EventLog, last_seq, read_events
from tests.fakes.engine_kit import Clock

KINDS: list[type[Any]] = list(get_args(get_args(Event)[0]))


def log_at(path: Path) -> EventLog:
    return EventLog(path, "s1", Clock())


def noticed(number: int) -> Noticed:
    return Noticed(text=f"n{number}")


async def take(stream: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(20):
        return [await anext(stream) for _ in range(count)]


TEXT = st.text(st.characters(), max_size=20)
"""Also lone surrogates: names of files that are not UTF-8."""
KEY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Keys are the program's own words."""
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "str | None": st.none() | TEXT,
    "int": st.integers(0, 2**53),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "list[str]": st.lists(TEXT, max_size=3),
    "dict[str, Any]": st.dictionaries(KEY, TEXT | st.integers() | st.none() | st.booleans(), max_size=3),
}
VALUES["list[dict[str, Any]]"] = st.lists(VALUES["dict[str, Any]"], max_size=3)
SPECIAL = {"severity": st.sampled_from(["info", "warning", "error"])}


def drawn(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = {
        name: hint for base in kind.__mro__ for name, hint in getattr(base, "__annotations__", {}).items()
    }
    given = {
        name: SPECIAL[name] if name in SPECIAL else VALUES[hints[name]]
        for name in kind.model_fields
        if name != "kind"
    }
    return st.builds(kind, **given)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_every_event_is_one_line_of_json(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(drawn(kind))
    with TemporaryDirectory() as folder:
        log = log_at(Path(folder) / "e")
        told: list[Event] = []
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        log._queues.add(queue)
        log.emit(event)
        log.close()
        while (one := queue.get_nowait()) is not None:
            told.append(one)
        logged = read_events(Path(folder) / "e")
    line = EVENT.dump_json(told[0])
    assert b"\n" not in line
    assert EVENT.validate_json(line) == told[0]
    assert logged == ([] if kind in events.TRANSIENT else told)
    names = [name for name in kind.model_fields if name not in ("seq", "at", "session")]
    if all(str(getattr(event, name)).isascii() for name in names):
        assert [getattr(told[0], name) for name in names] == [getattr(event, name) for name in names]


def test_a_name_that_is_no_text_is_shown_by_its_bytes(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    log.emit(StepMoved(step="s", step_kind="tool", name="x", new="done", detail={"path": "caf\udce9.py"}))
    (event,) = read_events(tmp_path / "e")
    assert isinstance(event, StepMoved)
    assert event.detail == {"path": "caf‹0xE9›.py"}


def test_every_command_is_one_line_of_json() -> None:
    answer = Decision(
        approval="a", verdict="approve", shown_hash="h", actor="ada", at=1.0, reason="line\nend"
    )
    for command in (
        commands.StartSession(goal="g\nh", level=Level.FULL, timeout_s=1.5),
        commands.ResumeSession(session="s", land=True),
        commands.StopSession(),
        commands.PauseSession(),
        commands.ContinueSession(),
        commands.SetSlider(level=Level.GUIDED),
        commands.CancelTask(task="T1"),
        commands.Decide(decision=answer),
    ):
        line = commands.COMMAND.dump_json(command)
        assert b"\n" not in line
        assert commands.COMMAND.validate_json(line) == command
    with pytest.raises(ValueError, match="kind"):
        commands.COMMAND.validate_json('{"kind": "format_disk"}')


async def test_a_subscriber_gets_what_was_logged_then_what_comes(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    for number in range(1, 6):
        log.emit(noticed(number))
    stream = log.subscribe(2)
    first = await take(stream, 4)
    assert first[0].kind == "hello"
    assert [event.seq for event in first[1:]] == [3, 4, 5]
    log.emit(noticed(6))
    log.emit(TextStreamed(text="live"))
    log.emit(noticed(7))
    assert [getattr(event, "text", "") for event in await take(stream, 3)] == ["n6", "live", "n7"]
    log.close()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_nothing_is_lost_or_doubled_between_the_log_and_live(tmp_path: Path) -> None:
    """Events that come while the log is being read."""
    log = log_at(tmp_path / "e")
    for number in range(3 * event_log.BATCH):
        log.emit(noticed(number))
    stream = log.subscribe(0)
    got = await take(stream, 10)
    for number in range(20):
        log.emit(noticed(number))
    log.close()
    got += [event async for event in stream]
    assert [event.seq for event in got[1:]] == list(range(1, 3 * event_log.BATCH + 21))


async def test_a_slow_subscriber_neither_blocks_nor_loses_what_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "QUEUE_LENGTH", 50)
    log = log_at(tmp_path / "e")
    stream = log.subscribe(0)
    await take(stream, 1)  # it is there, and asleep
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    start = time.perf_counter()
    for number in range(5000):
        log.emit(noticed(number))
        log.emit(TextStreamed(text="t" * 50))
    assert time.perf_counter() - start < 5
    (queue,) = log._queues
    assert queue.qsize() <= 50, "a dead client costs bounded memory"
    log.close()
    got = [await waiting] + [event async for event in stream]
    assert [event.seq for event in got if event.kind == "noticed"] == list(range(1, 5001))


async def test_a_client_that_goes_away_is_forgotten(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    stream = log.subscribe(0)
    await take(stream, 1)
    await stream.aclose()  # type: ignore[attr-defined]
    assert log._queues == set()


async def test_numbers_go_on_after_a_restart_without_a_gap(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    log.emit(noticed(1))
    log.emit(TextStreamed(text="not written"))
    log.close()
    again = log_at(tmp_path / "e")
    stream = again.subscribe(1)
    await take(stream, 1)
    again.emit(noticed(2))
    assert (await take(stream, 1))[0].seq == 2, "a client that has seen number 1 gets number 2"


@pytest.mark.parametrize("torn", [b'{"seq":9,"at":1.0,"sess', b"\xff\xfe\n{", b'{"seq":"x"}'])
async def test_a_torn_line_is_left_out(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "e"
    log = log_at(path)
    log.emit(noticed(1))
    log.close()
    with path.open("ab") as file:
        file.write(torn)
    again = log_at(path)
    again.emit(noticed(2))
    assert [event.text for event in read_events(path) if isinstance(event, Noticed)] == ["n1", "n2"]


def test_only_the_end_of_a_long_log_is_read_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "e"
    log = log_at(path)
    log.emit(noticed(1))
    log.emit(StepMoved(step="s", step_kind="tool", name="x", new="done", detail={"text": "y" * 300_000}))
    log.close()
    assert last_seq(path) == 2, "also when the last line is longer than what is read at once"
    lines = b"".join(b'{"seq":%d,"kind":"noticed","text":"x"}\n' % n for n in range(1, 400_000))
    path.write_bytes(lines)
    start = time.perf_counter()
    assert last_seq(path) == 399_999
    assert time.perf_counter() - start < 0.2


def test_a_full_disk_does_not_stop_the_engine(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    log._file = Path("/dev/full").open("ab")  # noqa: SIM115
    log.emit(noticed(1))
    log.emit(noticed(2))
    log.close()


def test_transient_events_are_never_written(tmp_path: Path) -> None:
    log = log_at(tmp_path / "e")
    for kind in events.TRANSIENT:
        log.emit(
            kind(text="secret of the moment", **({"step": "s"} if kind is events.OutputStreamed else {}))
        )
    log.emit(noticed(1))
    assert [event.kind for event in read_events(tmp_path / "e")] == ["noticed"]
