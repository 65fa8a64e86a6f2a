"""The plan: approved only once armed, edited a key at a time, and every edit can be undone."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from autodev_tui.domain.approval import Approval, Decision
from autodev_tui.domain.commands import Decide, EditPlan
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.plan import PlannedTask, plan_digest, plan_view
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.ui.stage import Stage, drawn
from widgets.field import Field
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven, Said, WentTo
from widgets.plan_pane import PlanPane
from widgets.text_editor import TextEditor

MINUTES = {"T1": 5, "T2": 10, "T3": 10, "T4": 5, "T5": 15, "T6": 5}


def tasks() -> list[Task]:
    """Six tasks that wait for the human's yes."""
    found = [
        one.but(state=TaskState.PLANNED, evidence_tree="", estimated_effort=MINUTES[one.id] / 60)
        for one in shown.tasks()
    ]
    found[2] = found[2].but(
        description="Cover issue, verify and rotation with a frozen clock.",
        risk=0.2,
        acceptance_criteria=[
            Criterion(text="every token test passes", check="pytest -q tests"),
            Criterion(text="an expired token is refused", check="tests/test_tokens.py"),
        ],
    )
    found[3] = found[3].but(recommended=Level.FULL)
    return found


def question(planned: list[Task]) -> Approval:
    digest = plan_digest(planned)
    estimate = {
        "minutes": 50,
        "cost_usd": [0.6, 1.4],
        "tasks": {one.id: {"minutes": 5, "cost_usd": [0.05, 0.05]} for one in planned},
    }
    ask = {"goal": "Add OAuth login", "tasks": [plan_view(one) for one in planned], "estimate": estimate}
    return shown.plan_question().but(ask=ask, base={"plan": digest}, shown_hash=digest, id=f"a{digest[:6]}")


class Planning:
    """The pane on a stage, and an engine that carries out what it says."""

    def __init__(self) -> None:
        self.time = 0.0
        self.tasks = tasks()
        self.mirror = Mirror()
        session = shown.session(state=SessionState.PLANNING)
        update = shown.update(
            tasks=self.tasks, approvals=[question(self.tasks)], session=session, steps=[], working=[]
        )
        self.mirror.apply(update)
        self.pane = PlanPane(clock=lambda: self.time, now=lambda: shown.NOW)
        self.stage = Stage(self.pane, {})
        self.done = 0

    def running(self, width: int = 80, height: int = 18) -> Any:
        return self.stage.run_test(size=(width, height))

    async def begin(self, pilot: Pilot[None]) -> None:
        self.pane.show(self.mirror)
        await pilot.pause()
        self.time += 1

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            self.time += 1
            await pilot.press(key)
            await pilot.pause()
            self.carry_out()
            await pilot.pause()

    def carry_out(self) -> None:
        """What the engine does with edits: the plan anew, under a new hash."""
        given = self.stage.heard(CommandGiven)
        for one in given[self.done :]:
            if not isinstance(one.command, EditPlan):
                continue
            if one.command.seen != plan_digest(self.tasks):
                assert one.refused is not None
                one.refused("the plan is not what was shown any more", [])
                continue
            assert one.then is not None
            one.then()
            old = {task.id: task for task in self.tasks}
            old_ids = set(old)
            self.tasks = [_as_task(old.get(made.id), made) for made in one.command.tasks]
            asked = self.mirror.pending()
            self.mirror.apply(
                Update(
                    tasks=self.tasks,
                    gone_tasks=sorted(old_ids - {task.id for task in self.tasks}),
                    approvals=[
                        *(approval.but(state="superseded") for approval in asked),
                        question(self.tasks),
                    ],
                )
            )
            self.pane.show(self.mirror)
        self.done = len(given)

    @property
    def edits(self) -> list[EditPlan]:
        return [one.command for one in self.stage.heard(CommandGiven) if isinstance(one.command, EditPlan)]

    @property
    def decisions(self) -> list[Decision]:
        given = [one.command for one in self.stage.heard(CommandGiven)]
        return [command.decision for command in given if isinstance(command, Decide)]

    @property
    def words(self) -> list[str]:
        return [one.words for one in self.stage.said if isinstance(one, Said | LinePane.Ignored)]

    def shape(self) -> list[tuple[str, str]]:
        return [(one.id, " ".join(one.dependencies)) for one in self.tasks]


def _as_task(old: Task | None, made: PlannedTask) -> Task:
    base = old or shown.task(9, made.title, TaskState.PLANNED)
    return base.but(
        id=made.id,
        title=made.title,
        description=made.description,
        dependencies=made.dependencies,
        acceptance_criteria=made.acceptance_criteria,
        role=made.role,
        files=made.files,
        estimated_effort=made.estimated_effort,
        pin=made.pin,
        context={"note": made.note} if made.note else {},
    )


async def test_the_plan_as_drawn():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j")
        rows = drawn(planning.stage)
        assert rows[0] == "━ Plan  Add OAuth login ━━━━━━━━━━━━━━━━━━━━━━━ 6 tasks · ~50 min · $0.60–1.40 ━"
        assert rows[4] == "▌  ○ T3 Tests                     T1      collaborative           10 min  $0.05"
        assert rows[5] == "   ○ T4 Docs                      T1      collaborative  capped    5 min  $0.05"
        assert rows[7] == "   ○ T6 Migration                 T2 T5   guided  pinned           5 min  $0.05"
        assert rows[11] == "─ T3 Tests ─────────────────────────────────────────── role testing · risk low ─"
        assert rows[12].strip() == "Cover issue, verify and rotation with a frozen clock."


async def test_it_is_approved_only_once_armed_and_bound_to_what_was_shown():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "enter", "enter", "escape", "y", "n")
        assert not planning.decisions
        await pilot.press("a")
        assert not planning.decisions and planning.words
        await planning.press(pilot, "a")
        (decision,) = planning.decisions
        assert (decision.verdict, decision.shown_hash) == ("approve", plan_digest(planning.tasks))


async def test_a_plan_that_does_not_fit_is_read_to_its_end_first():
    planning = Planning()
    async with planning.running(height=6) as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "a")
        assert planning.words[-1] == "read to the end first · G"
        await planning.press(pilot, "G", "a")
        assert len(planning.decisions) == 1


async def test_another_plan_is_asked_for_with_a_reason():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "r", *"less", "enter")
        assert (planning.decisions[0].verdict, planning.decisions[0].reason) == ("reject", "less")


async def test_every_edit_can_be_undone_and_done_again():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        before = planning.shape()
        for keys in (["j", "d"], ["j", "m"], ["s", *"half", "enter"], ["I", *"new", "enter"]):
            await planning.press(pilot, *keys)
        after = planning.shape()
        assert after != before and len(planning.edits) == 4
        await planning.press(pilot, "u", "u", "u", "u")
        assert planning.shape() == before
        await planning.press(pilot, "U", "U", "U", "U")
        assert planning.shape() == after


async def test_a_task_is_moved_with_the_cursor_on_it():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j", "J", "J")
        assert [one for one, _ in planning.shape()] == ["T1", "T2", "T4", "T5", "T3", "T6"]
        assert planning.pane.chosen() == "T3"
        await planning.press(pilot, "j", "K", "K", "K", "K")
        assert planning.words[-1] == "T6 needs T5: b changes what it needs"


async def test_keys_that_come_faster_than_the_engine_wait_for_their_turn():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j")
        await pilot.press("J", "J", "J")
        await pilot.pause()
        assert len(planning.edits) == 1, "the others are made to the plan that comes of the first"
        for _ in range(3):
            planning.carry_out()
            await pilot.pause()
        assert len(planning.edits) == 3
        assert [one for one, _ in planning.shape()] == ["T1", "T2", "T4", "T5", "T6", "T3"]


async def test_what_a_task_needs_is_typed_and_circles_are_refused():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "b")
        planning.pane.query_one(Field).load_text("T6")
        await planning.press(pilot, "enter")
        assert not planning.edits and planning.pane.typing, "the field stays open with its words"
        assert any("would wait for itself" in row for row in drawn(planning.stage))
        await planning.press(pilot, "escape", "j", "j", "b")
        planning.pane.query_one(Field).load_text("1, t2")
        await planning.press(pilot, "enter")
        assert dict(planning.shape())["T3"] == "T1 T2"


async def test_a_task_as_text_says_what_is_wrong_and_keeps_what_was_typed():
    planning = Planning()
    async with planning.running(height=30) as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j", "e")
        editor = planning.pane.query_one(TextEditor)
        editor.load_text(editor.text.replace("minutes: 10", "minutes: soon"))
        await planning.press(pilot, "ctrl+o")
        assert any("soon is no number of minutes" in row for row in drawn(planning.stage))
        editor.load_text(editor.text.replace("soon", "20"))
        await planning.press(pilot, "ctrl+o")
        changed = next(one for one in planning.tasks if one.id == "T3")
        assert round(changed.estimated_effort * 60) == 20 and not planning.pane.typing


async def test_only_tasks_that_have_not_begun_are_edited():
    planning = Planning()
    begun = [planning.tasks[0].but(state=TaskState.IN_PROGRESS), *planning.tasks[1:]]
    planning.mirror.apply(Update(tasks=begun))
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "d")
        assert not planning.edits and "T1 has begun" in planning.words[-1]
        await planning.press(pilot, "j", "d")
        assert [one.id for one in planning.edits[0].tasks] == ["T3", "T4", "T5", "T6"]


async def test_all_tasks_in_full_and_back():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j", "enter")
        assert any("an expired token is refused" in row for row in drawn(planning.stage))
        await planning.press(pilot, "escape")
        assert planning.pane.chosen() == "T3"
        await planning.press(pilot, "P")
        assert (planning.stage.heard(WentTo)[0].pane, planning.stage.heard(WentTo)[0].task) == ("level", "T3")


async def test_cursor_and_drafts_come_back():
    planning = Planning()
    async with planning.running() as pilot:
        await planning.begin(pilot)
        await planning.press(pilot, "j", "j", "r", *"why")
        state = planning.pane.state()
    again = Planning()
    async with again.running() as pilot:
        again.pane.restore(state)
        await again.begin(pilot)
        assert again.pane.chosen() == "T3"
        await again.press(pilot, "r")
        assert again.pane.query_one(Field).text == "why"


async def test_names_of_tasks_are_data():
    planning = Planning()
    hostile = planning.tasks[0].but(title="[/b] \x1b[2J\u202e[red]", description="[/b]")
    planning.mirror.apply(Update(tasks=[hostile]))
    async with planning.running() as pilot:
        await planning.begin(pilot)
        assert any("[/b] ‹1B›[2J‹U+202E›[red]" in row for row in drawn(planning.stage))
