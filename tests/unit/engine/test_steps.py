"""The steps of a session, read only when somebody looks at them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import steps as module
from autodev_tui.engine.board import Board
from autodev_tui.engine.event_log import EventLog
from autodev_tui.engine.steps import Steps
from store.database import Database

STEPS = st.lists(
    st.builds(
        Step,
        id=st.just(""),
        session=st.just("s1"),
        seq=st.just(0),
        task=st.sampled_from([None, "T1", "T2"]),
        kind=st.sampled_from(StepKind),
        name=st.text(max_size=8) | st.sampled_from(['"', "\\", "\ud800", '","state":"done"']),
        state=st.sampled_from(StepState),
        created=st.just(1.0),
    ),
    max_size=8,
)


def text(step: Step) -> str:
    """As the store keeps it."""
    return json.dumps({"_key": step.id, **step.doc()}, separators=(",", ":"), ensure_ascii=True)


def numbered(steps: list[Step]) -> list[Step]:
    return [step.but(id=f"s1/{number:06d}", seq=number) for number, step in enumerate(steps, 1)]


@given(STEPS)
def test_steps_that_were_loaded_are_those_that_were_put(drawn: list[Step]) -> None:
    steps = numbered(drawn)
    put, loaded = Steps(), Steps()
    for step in steps:
        put.put(step)
    other = Step(id="s10/000001", session="s10", seq=99, kind=StepKind.NOTE, created=1.0)
    loaded.load([text(step) for step in [other, *reversed(steps)]], "s1")
    assert loaded.all() == put.all() == steps
    assert loaded.unsettled() == put.unsettled()
    assert loaded.next_seq == put.next_seq
    for task in (None, "T1", "T2"):
        assert list(loaded.of(task)) == list(put.of(task))
        assert list(loaded.of(task)[-2:]) == list(put.of(task))[-2:]
    for step in steps:
        assert loaded.named(step.kind, step.task, step.name) == put.named(step.kind, step.task, step.name)
        assert loaded.get(step.id) == step


def test_loading_reads_no_step_and_looking_reads_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counting(kept: str) -> dict[str, Any]:
        read.append(kept)
        document: dict[str, Any] = json.loads(kept)
        del document["_key"]
        return document

    monkeypatch.setattr(module, "decode", counting)
    plain = Step(id="", session="s1", seq=0, task="T1", kind=StepKind.TOOL, state="started", created=1.0)
    steps = Steps()
    steps.load([text(step) for step in numbered([plain] * 9)], "s1")
    assert len(steps.of("T1")) == 9
    assert not read
    assert [step.seq for step in steps.of("T1")[-2:]] == [8, 9]
    assert steps.of("T1")[-1] is steps.get("s1/000009")
    assert len(read) == 2


def test_a_loaded_step_moves_in_its_place() -> None:
    plain = Step(id="", session="s1", seq=0, task="T1", kind=StepKind.TOOL, state="started", created=1.0)
    steps = Steps()
    steps.load([text(step) for step in numbered([plain] * 3)], "s1")
    moved = numbered([plain] * 3)[1].but(state=StepState.DONE)
    steps.put(moved)
    assert steps.of("T1")[1] == moved
    assert [step.seq for step in steps.unsettled()] == [1, 3]


@pytest.mark.soak
def test_a_session_of_50_000_steps_is_there_within_a_second(tmp_path: Path) -> None:
    from autodev_tui.domain.levels import Level
    from autodev_tui.domain.session import Session

    session = Session(
        id="s1",
        goal="g",
        model="m",
        slider=Level.FULL,
        target_branch="main",
        base_commit="0" * 40,
        session_branch="autodev/s1/session",
        start_time=1.0,
    )
    database = Database.open(tmp_path)
    ops: list[Any] = [("sessions", "s1", session.doc())]
    step = Step(
        id="",
        session="s1",
        seq=0,
        kind=StepKind.TOOL,
        name="edit_file",
        state="done",
        args={"path": "src/a.py", "old_text": "x" * 120, "new_text": "y" * 150},
        result={"text": "ok" * 100},
        created=1.0,
    ).doc()
    for number in range(1, 50_001):
        place = {"id": f"s1/{number:06d}", "seq": number, "task": f"T{number % 8}"}
        ops.append(("steps", place["id"], step | place))
    database.commit(ops)
    database.close()
    begun = time.process_time()
    database = Database.open(tmp_path)
    board = Board.load(database, "s1", EventLog(None, "s1", time.time), time.time)
    shown = [one for task in range(8) for one in board.steps(f"T{task}")[-400:]]
    spent = time.process_time() - begun
    database.close()
    assert len(shown) == 3200
    assert spent < 1
