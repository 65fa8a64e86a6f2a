"""The workbench as a whole over a bridge without an engine: focus, slider, interrupt, sizes, what is lost."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from autodev_tui.app import Autodev
from autodev_tui.domain import commands
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.requests import GetLevelPreview, GetReview, LevelAnswer, Refused, ReviewAnswer
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import drawn, until

ANSWERS: dict[type[Any], Any] = {
    GetReview: ReviewAnswer(review=shown.review_view()),
    GetLevelPreview: LevelAnswer(level=Level.SUPERVISED, decisions=43, asked=12, alone=31, rejected=2),
}


class Bench:
    """The app, its bridge and a clock that stands."""

    def __init__(self, update: Update | None = None) -> None:
        self.time = shown.NOW
        self.bridge = FakeBridge(update or shown.update(), answers=ANSWERS)
        self.app = Autodev(self.bridge, now=lambda: self.time)  # type: ignore[arg-type]

    def running(self, size: tuple[int, int] = (80, 24)) -> Any:
        return self.app.run_test(size=size)

    async def ready(self, pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: self.app.bench.restored)
        await pilot.press("escape")
        await pilot.pause()

    @property
    def text(self) -> str:
        return "\n".join(drawn(self.app))

    @property
    def row(self) -> str:
        """The needs-you row of 24."""
        return drawn(self.app)[19]


async def test_six_parts_stand_where_they_belong() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        rows = drawn(bench.app)
        assert rows[0].startswith(" shop  main → oauth-login")
        assert rows[1].startswith("━ 1 Tasks") and "│─ 2 Agents" in rows[1]
        assert rows[19].startswith(" ◐ T3 asks to run  pip install freezegun")
        assert rows[20].startswith(" autonomy  ◇ guided ─ ◆ collaborative")
        assert rows[21].startswith("─ to T3 tests ─") and rows[22].startswith(" >")
        assert rows[23].startswith(" enter show")


async def test_a_session_that_cannot_be_opened_leaves_what_is_there_on_the_screen() -> None:
    bench = Bench()
    reason = "watching · driven from pid 7"
    bench.bridge.refused[commands.OpenSession] = Refused(reason=reason)
    bench.app = Autodev(bench.bridge, session="s9", now=lambda: bench.time)  # type: ignore[arg-type]
    async with bench.running() as pilot:
        await until(pilot, lambda: bench.bridge.of(commands.OpenSession) and reason in bench.text)
        await until(pilot, lambda: bench.app.bench.restored)
        assert drawn(bench.app)[0].startswith(" shop  main → oauth-login")


async def test_a_question_that_comes_while_one_types_moves_nothing() -> None:
    first = shown.update(approvals=[])
    bench = Bench(first)
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("i", *"half a th")
        before = drawn(bench.app)
        bench.bridge.push(Update(approvals=[shown.command_question()]))
        await until(pilot, lambda: "asks to run" in bench.row)
        await pilot.press(*"ought")
        after = drawn(bench.app)
        assert "half a thought" in after[22]
        changed = [
            number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]
        ]
        assert set(changed) <= {1, 2, 6, 20, 23}
        assert after[5].split("│")[0].split() == ["◐", "T3", "Tests", "asks"]


async def test_less_autonomy_is_instant_and_more_wants_enter() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "of 43 decisions 12 asked, 31 alone, 2 you rejected" in bench.row)
        assert "enter applies" in bench.row
        assert bench.bridge.of(commands.SetSlider) == []
        await pilot.press("escape")
        await pilot.press("right_square_bracket", "enter")
        await until(pilot, lambda: bench.bridge.of(commands.SetSlider))
        assert bench.bridge.of(commands.SetSlider)[-1].level is Level.SUPERVISED
        bench.bridge.push(Update(session=shown.session(slider=Level.SUPERVISED)))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: len(bench.bridge.of(commands.SetSlider)) == 2)
        assert bench.bridge.of(commands.SetSlider)[-1].level is Level.COLLABORATIVE


async def test_escape_decides_nothing_and_stops_nobody() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("i", *"a draft", *["escape"] * 6, "3", *["escape"] * 7, "4", *["escape"] * 7)
        await pilot.pause()
        assert {type(one) for one in bench.bridge.commands} <= {commands.SaveView}
        assert bench.app.bench.composer.text == "a draft"


async def test_the_first_interrupt_stops_one_the_second_all() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        bench.app.bench.agents.bring("T4")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: bench.bridge.of(commands.PauseTask))
        assert [(one.task, one.now) for one in bench.bridge.of(commands.PauseTask)] == [("T4", True)]
        await pilot.press("ctrl+c")
        await until(pilot, lambda: len(bench.bridge.of(commands.PauseTask)) == 3)
        assert {one.task for one in bench.bridge.of(commands.PauseTask)[1:]} == {"T4", "T5"}
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ctrl+q leaves" in bench.row)
        assert len(bench.bridge.of(commands.PauseTask)) == 3


async def test_leaving_says_first_that_agents_pause() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "2 agents pause at the next step" in bench.row)
        await pilot.press("escape")
        await pilot.pause()
        assert not bench.bridge.closed
        await pilot.press("ctrl+q", "enter")
        await until(pilot, lambda: bench.bridge.closed)
    assert "2 agents paused" in bench.app.last_words
    assert bench.bridge.of(commands.SaveView)[-1].view["left"]


async def test_a_refusal_is_said_and_the_words_come_back() -> None:
    bench = Bench(Update(reset=True, facts=shown.FACTS))
    bench.bridge.refused[commands.StartSession] = Refused(reason="no key for Anthropic · /key")
    async with bench.running() as pilot:
        await until(pilot, lambda: bench.app.bench.restored)
        await pilot.press(*"do it", "enter")
        await until(pilot, lambda: "no key for Anthropic" in bench.row)
        assert bench.app.bench.composer.text == "do it"


@pytest.mark.parametrize("size", [(59, 17), (60, 17), (40, 10)])
async def test_too_small_says_so_and_only_leaving_works(size: tuple[int, int]) -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("3")
        await until(pilot, lambda: "7 open" in bench.text)
        before = bench.text
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: f"this is {size[0]}×{size[1]}" in bench.text.replace("\n", " "))
        await pilot.press("a", "enter", "escape", "x")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "7 open" in bench.text)
        assert bench.text.splitlines()[1:18] == before.splitlines()[1:18]
        assert bench.bridge.of(commands.SaveDraft) == []


@pytest.mark.parametrize("opening", ["X", "P", "question_mark"])
async def test_what_covered_another_pane_gives_the_focus_back_to_where_it_came_from(opening: str) -> None:
    bench = Bench()
    async with bench.running((120, 36)) as pilot:
        await bench.ready(pilot)
        await pilot.press("3")
        await until(pilot, lambda: bench.app.bench.front == "desk")
        await pilot.press("1", "j", "j", "j")
        await until(pilot, lambda: bench.app.bench.front == "tasks")
        await pilot.press(opening)
        await until(pilot, lambda: bench.app.bench.front == "desk")
        await pilot.press("escape")
        await until(pilot, lambda: bench.app.bench.tasks.has_focus)
        assert bench.app.bench.front == "tasks"
        assert bench.app.bench.desk.current == "review"


async def test_3_goes_to_the_conflict_that_the_row_names_and_then_to_the_review() -> None:
    merge = shown.approval(ApprovalKind.MERGE, "T1 conflicts", {"places": 1}, id="a9", task="T1")
    bench = Bench(shown.update(approvals=[shown.review_question(), merge]))
    async with bench.running() as pilot:
        await bench.ready(pilot)
        assert "3 resolve" in bench.row
        task = bench.app.bench.mirror.tasks["T1"]
        assert task.state is TaskState.COMPLETED and bench.app.bench.mirror.word(task) == "conflict"
        for pane in ("conflict", "review", "conflict"):
            await pilot.press("3")
            await until(pilot, lambda pane=pane: bench.app.bench.desk.current == pane)
            await until(pilot, lambda: bench.app.bench.desk.pane.has_focus)


async def test_a_key_that_nobody_takes_says_where_the_keys_are() -> None:
    bench = Bench()
    async with bench.running() as pilot:
        await bench.ready(pilot)
        await pilot.press("1", "Q")
        await pilot.pause()
        assert "Q does nothing here · ? keys" in bench.row
        await pilot.press("i", "Q", "quotation_mark")
        await pilot.pause()
        assert bench.app.bench.composer.text == 'Q"' and "does nothing" not in bench.row
