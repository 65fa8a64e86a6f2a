"""SIGKILL around a call that is paid for: what was set aside is neither lost nor booked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.engine.spending import Entry, Spending
from tests.fakes.crashes import START, Crashing, copy_place, reference_run
from tests.fakes.program import FIX, agent, git, plan, task

SCRIPT = {"conversations": [plan(task("fix", "Fix the discount")), agent("Fix the discount", *FIX)]}
MODEL = "model claude-opus-5-5"
DAY_USD = 50.0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Crashing, Path]]:
    """The program with a limit for the day, and the place as it begins."""
    with reference_run(tmp_path_factory.mktemp("money"), SCRIPT) as (made, begun):
        made.environment |= {"AUTODEV_BUDGETS__DAY_USD": str(DAY_USD)}
        yield made, begun


def entries(program: Crashing) -> dict[str, Entry]:
    """The lines of the user's record that count."""
    (path,) = program.state_root.glob("spending/*.jsonl")
    record = Spending(path.parent)
    first = json.loads(path.read_text().splitlines()[0])
    record.spent(first["at"])
    return record._months[path.stem].entries


def usage(program: Crashing) -> dict[str, Any]:
    """`autodev usage --json`."""
    result = program("usage", "--json")
    assert result.code == 0, result.err
    document: dict[str, Any] = json.loads(result.out)
    return document


@pytest.mark.parametrize(
    ("point", "held"),
    [
        # It is on the record, and was never made.
        pytest.param("call reserved", False, marks=pytest.mark.soak),
        (f"after · {MODEL} started", True),  # it may have been made
        # It was made, and nobody knows for how much.
        pytest.param(f"before · {MODEL} done", True, marks=pytest.mark.soak),
        ("call to book", False),  # the session has it, the record of the day not yet
        pytest.param("call booked", False, marks=pytest.mark.soak),
    ],
)
def test_killed_around_a_call(program: tuple[Crashing, Path], point: str, held: bool) -> None:
    one, begun = program
    copy_place(begun, one.place)
    killed = one.fork(*START, AUTODEV_CRASH_AT=point).result()
    assert killed.code == -9, killed.err
    open_before = [entry for entry in entries(one).values() if entry.open]
    assert len(open_before) == (point != "call booked")
    result = one("resume", "--headless")
    assert result.code == 0, result.err
    assert git(one.repository, "rev-list", "--count", "main") == "2"
    (session,) = one.sessions()
    spent = session["usage"]
    assert bool(spent.get("held_usd")) is held and spent["at_least"] is held
    if held:
        assert spent["held_usd"] == pytest.approx(open_before[0].usd)
    booked = entries(one)
    assert not [name for name, entry in booked.items() if entry.open], "nothing stands as under way"
    assert sum(entry.usd for entry in booked.values()) == pytest.approx(spent["cost_usd"] + spent["held_usd"])
    calls = [one for one in one.documents("steps") if one["kind"] == "model" and one["state"] == "done"]
    assert len(calls) == 5
    known = sum(call["result"]["usage"]["cost_usd"] for call in calls)
    assert spent["cost_usd"] == pytest.approx(known)
    document = usage(one)
    (day,) = [row for row in document["limits"] if row["scope"] == "day"]
    assert day["spent_usd"] == pytest.approx(spent["cost_usd"] + spent["held_usd"])
    assert day["limit_usd"] == DAY_USD and not day["warned"]
    assert document["session"] == session["id"] and document["prices"]["unknown"] == []
    assert {row["agent"] for row in document["by"]["agent"]} == {"planning", "development"}
    assert len(document["per_day"]) == 31 and document["per_day"][-1]["cost_usd"] > 0
