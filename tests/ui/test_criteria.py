"""The criteria of a task and of the whole: ticked as seen, or not met; from the tasks, and before landing."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from autodev_tui.app import Autodev
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.commands import Decide, SaveView, SendMessage, TickCriterion
from autodev_tui.domain.requests import GetLanding, GetReview, ReviewAnswer, RowsAnswer
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Criterion, Task
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import drawn, until
from tests.ui.test_landing import CHECKS, FACTS, landing
from widgets.criteria_pane import CriteriaPane
from widgets.key_help import KeyHelp
from widgets.landing_pane import LandingPane
from widgets.review_criteria import CriteriaSheet

MET = [Criterion(text="scopes are listed", check="pytest"), Criterion(text="it reads well")]


def tasks(**states: TaskState) -> list[Task]:
    """The six tasks; T1 and T4 have criteria, as T2 in review has."""
    found = [one.but(state=states.get(one.id, one.state)) for one in shown.tasks()]
    return [one.but(acceptance_criteria=MET) if one.id in ("T1", "T4") else one for one in found]


def workbench(*approvals: Approval, **changes: Any) -> tuple[Autodev, FakeBridge]:
    asked = list(approvals) or shown.update().approvals
    update = shown.update(**{"tasks": tasks(), "approvals": asked, **changes})
    answers: dict[type[Any], Any] = {
        GetLanding: RowsAnswer(rows=CHECKS, facts=FACTS),
        GetReview: ReviewAnswer(review=shown.review_view().but(criteria=["tokens expire after 1 h"])),
    }
    bridge = FakeBridge(update, answers=answers)
    return Autodev(bridge, now=lambda: shown.NOW), bridge  # type: ignore[arg-type]


async def begin(app: Autodev, pilot: Pilot[int], *keys: str) -> None:
    await until(pilot, lambda: app.bench.restored)
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def told(bridge: FakeBridge) -> list[Any]:
    return [one for one in bridge.commands if not isinstance(one, SaveView)]


async def test_C_on_the_goal_lists_what_every_task_is_done_when() -> None:
    app, _ = workbench()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, "escape", "1", "g", "C")
        await until(pilot, lambda: isinstance(app.focused, CriteriaPane))
        screen = "\n".join(drawn(app))
        assert "Criteria" in screen and "3 of 7 verified or ticked" in screen
        assert "✓ tokens expire after 1 h" in screen and "≈ old key valid for 30 s" in screen
        await pilot.press("escape")
        await until(pilot, lambda: app.bench.front == "tasks")


async def test_a_ticks_and_r_tells_the_agent_that_works() -> None:
    app, bridge = workbench()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, "escape", "1", "g", "j", "j", "j", "j", "C")
        await until(pilot, lambda: isinstance(app.focused, CriteriaPane))
        await pilot.press("j", "a")
        await until(pilot, lambda: told(bridge))
        await pilot.press("r", *"too dry", "enter")
        await until(pilot, lambda: len(told(bridge)) == 2)
        assert told(bridge) == [
            TickCriterion(task="T4", criterion="it reads well", ticked=True),
            SendMessage(task="T4", text="T4, criterion not met: it reads well: too dry"),
        ]


async def test_C_on_a_task_in_review_opens_the_criteria_of_its_review() -> None:
    app, bridge = workbench()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, "escape", "1", "g", "j", "j", "C")
        await until(pilot, lambda: isinstance(app.focused, CriteriaSheet))
        assert app.bench.desk.current == "review" and told(bridge) == []


async def test_before_landing_a_criterion_that_is_not_met_sends_it_back() -> None:
    done = {one.id: TaskState.COMPLETED for one in shown.tasks()}
    waits = landing()
    app, bridge = workbench(waits, tasks=tasks(**done))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, "escape", "1", "g", "enter")
        await until(pilot, lambda: isinstance(app.focused, LandingPane))
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.focused, CriteriaPane))
        await pilot.press("j", "r", *"typos", "enter")
        await until(pilot, lambda: told(bridge))
        (command,) = told(bridge)
        assert isinstance(command, Decide) and command.decision.shown_hash == waits.shown_hash
        assert command.decision.verdict == "reject"
        assert command.decision.reason == "T1, criterion not met: it reads well: typos"


async def test_help_lists_C_where_it_works() -> None:
    app, _ = workbench()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot, "escape", "1", "g", "C")
        await until(pilot, lambda: isinstance(app.focused, CriteriaPane))
        await pilot.press("?")
        await until(pilot, lambda: isinstance(app.focused, KeyHelp))
        assert "tick as seen" in "\n".join(drawn(app))
