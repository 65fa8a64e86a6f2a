"""The user's record of spending: by calendar day and month, over engines, kills and torn lines."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.engine.spending import Spending

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user's calendar, with its changes of the clock."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str, fold: int = 0) -> float:
    """Seconds since 1970 of a moment on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def test_a_day_is_what_the_calendar_says_on_the_days_that_have_23_and_25_hours(tmp_path: Path) -> None:
    record = Spending(tmp_path)
    for name, when in (
        ("a", at("2026-03-28T23:59:59")),
        ("b", at("2026-03-29T00:00:00")),
        ("c", at("2026-03-29T01:59:59")),
        ("d", at("2026-03-29T23:59:59")),
        ("e", at("2026-03-30T00:00:00")),
    ):
        record.book(name, when, 1.0)
    assert at("2026-03-30T00:00:00") - at("2026-03-29T00:00:00") == 23 * 3600
    assert record.spent(at("2026-03-29T12:00:00")) == {"day": 3.0, "month": 5.0}
    assert record.spent(at("2026-03-30T00:00:00"))["day"] == 1.0
    for fold in (0, 1):
        record.book(f"twice {fold}", at("2026-10-25T02:30:00", fold), 1.0)
    record.book("last", at("2026-10-25T23:59:59"), 1.0)
    assert at("2026-10-25T23:59:59") - at("2026-10-25T00:00:00") == 25 * 3600 - 1
    assert record.spent(at("2026-10-25T01:00:00")) == {"day": 3.0, "month": 3.0}
    assert record.spent(at("2026-10-26T00:00:00")) == {"day": 0.0, "month": 3.0}


def test_a_month_ends_at_midnight_and_a_call_belongs_to_the_day_on_which_it_began(tmp_path: Path) -> None:
    record = Spending(tmp_path)
    late = at("2028-02-29T23:59:50")
    assert record.reserve("s/T1/1", late, 2.0, {"day": 2.0, "month": 2.0}) == []
    after = at("2028-03-01T00:00:10")
    assert record.left(after, {"day": 5.0, "month": 5.0})[0].open_usd == 0.0
    assert record.open_of("s", after) == ["s/T1/1"] and record.open_of("s", at("2028-04-01T12:00:00")) == []
    record.book("s/T1/1", late, 1.5)
    assert record.spent(after) == {"day": 0.0, "month": 0.0}
    assert record.spent(late) == {"day": 1.5, "month": 1.5}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2028-02.jsonl", "2028-03.jsonl"]


def test_what_is_raised_holds_for_that_day_alone_and_once(tmp_path: Path) -> None:
    record, noon = Spending(tmp_path), at("2026-11-27T12:00:00")
    record.book("a", noon, 5.0)
    for _ in range(2):
        record.raise_limit("question", noon, "2026-11-27", 2.0)
    day, month = Spending(tmp_path).left(noon, {"day": 5.0, "month": 50.0})
    assert (day.limit_usd, day.left, month.limit_usd) == (7.0, 2.0, 50.0)
    assert Spending(tmp_path).left(noon + 86_400, {"day": 5.0})[0].limit_usd == 5.0


def test_nothing_is_booked_twice_and_a_torn_line_takes_no_other_with_it(tmp_path: Path) -> None:
    record, noon = Spending(tmp_path), at("2026-11-27T12:00:00")
    for _ in range(3):
        record.book("s/T1/1", noon, 1.0)
    (path,) = tmp_path.iterdir()
    assert len(path.read_text().splitlines()) == 1
    with path.open("a") as file:
        file.write('{"id":"s/T1/2","day":"2026-11-')
    record.book("s/T1/3", noon, 0.5)
    assert Spending(tmp_path).spent(noon)["day"] == record.spent(noon)["day"] == 1.5
    path.unlink()
    record.book("s/T1/4", noon, 0.25)
    assert record.spent(noon)["day"] == 0.25, "what is not there any more does not count"


def test_what_a_dead_process_set_aside_stays_until_it_is_settled(tmp_path: Path) -> None:
    noon = at("2026-11-27T12:00:00")
    child = multiprocessing.get_context("fork").Process(
        target=lambda: Spending(tmp_path).reserve("s/T1/1", noon, 3.0, {"day": 5.0})
    )
    child.start()
    child.join()
    record = Spending(tmp_path)
    (short,) = record.reserve("s/T2/1", noon, 3.0, {"day": 5.0})
    assert (short.spent_usd, short.open_usd) == (3.0, 0.0), "nobody is waited for who is gone"
    assert record.open_of("s", noon) == ["s/T1/1"]
    record.book("s/T1/1", noon, 0.0)
    assert record.open_of("s", noon) == [] and record.reserve("s/T2/1", noon, 3.0, {"day": 5.0}) == []


def test_a_process_that_has_the_pid_of_a_dead_one_is_not_taken_for_it(tmp_path: Path) -> None:
    noon, limits = at("2026-11-27T12:00:00"), {"day": 5.0}
    record = Spending(tmp_path)
    assert record.reserve("s/T1/1", noon, 3.0, limits) == []
    (short,) = record.reserve("s/T2/1", noon, 3.0, limits)
    assert (short.spent_usd, short.open_usd) == (0.0, 3.0), "it lives, and may end cheaper"
    (path,) = tmp_path.iterdir()
    kept = json.loads(path.read_text())
    for field, other in (("process", "12 another boot"), ("process", f"1{kept['process']}")):
        path.write_text(json.dumps(kept | {field: other}) + "\n")
        (short,) = Spending(tmp_path).reserve("s/T2/1", noon, 3.0, limits)
        assert (short.spent_usd, short.open_usd) == (3.0, 0.0), "this process has that pid, and began later"
    del kept["process"]
    path.write_text(json.dumps(kept) + "\n")
    (short,) = Spending(tmp_path).reserve("s/T2/1", noon, 3.0, limits)
    assert short.open_usd == 3.0, "a line of an older version tells a pid alone"


def _spend(place: Path, name: str, when: float) -> None:
    record = Spending(place)
    for turn in range(40):
        if not record.reserve(f"{name}/T1/{turn}", when, 0.1, {"day": 5.0}):
            record.book(f"{name}/T1/{turn}", when, 0.1)


def test_engines_of_several_repositories_never_pass_the_limit_together(tmp_path: Path) -> None:
    noon, context = at("2026-11-27T12:00:00"), multiprocessing.get_context("fork")
    engines = [context.Process(target=_spend, args=(tmp_path, f"s{n}", noon)) for n in range(4)]
    for engine in engines:
        engine.start()
    for engine in engines:
        engine.join()
    assert [engine.exitcode for engine in engines] == [0] * 4
    assert 4.8 <= Spending(tmp_path).spent(noon)["day"] <= 5.0 + 1e-9


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 70 * 24), st.floats(0, 3)), max_size=25))
def test_days_add_up_to_the_month_whatever_is_booked_in_which_order(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int, float]]
) -> None:
    record, first = Spending(tmp_path_factory.mktemp("days")), at("2026-10-01T00:30:00")
    last: dict[str, tuple[float, float]] = {}
    for name, hours, usd in calls:
        call = f"s/T{name}/{hours}"
        record.book(call, first + hours * 3600, usd)
        last[call] = (first + hours * 3600, usd)
    for month in (10, 11, 12):
        days = [
            record.spent(at(f"2026-{month}-{day:02}T12:00:00"))["day"]
            for day in range(1, 31 if month == 11 else 32)
        ]
        whole = record.spent(at(f"2026-{month}-15T12:00:00"))["month"]
        assert sum(days) == pytest.approx(whole)
        wanted = sum(
            usd for when, usd in last.values() if datetime.fromtimestamp(when, BERLIN).month == month
        )
        assert whole == pytest.approx(wanted)
