"""The task tree: states in words, facts below, keys by what a task is, and 10,000 tasks as fast as ten."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.commands import (
    CancelTask,
    ContinueSession,
    ContinueTask,
    EditPlan,
    PauseSession,
    PauseTask,
    ResumeSession,
)
from autodev_tui.domain.events import Checked
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.ui.stage import Stage, drawn
from widgets.header import header
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.task_facts import cost_words
from widgets.tasks_pane import TasksPane


class Tree:
    """The pane on a stage, at the size that it has on a screen of 80×24."""

    def __init__(self, **changes: Any) -> None:
        self.mirror = Mirror()
        update = shown.update(**changes)
        self.mirror.apply(update)
        self.pane = TasksPane()
        self.stage = Stage(self.pane, {})

    def running(self, width: int = 29, height: int = 18) -> Any:
        return self.stage.run_test(size=(width, height))

    async def begin(self, pilot: Pilot[None]) -> None:
        self.pane.show(self.mirror)
        await pilot.pause()

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    def tell(self, **changes: Any) -> None:
        self.mirror.apply(Update(**changes))
        self.pane.show(self.mirror)

    @property
    def commands(self) -> list[Any]:
        return [one.command for one in self.stage.heard(CommandGiven)]

    @property
    def went(self) -> tuple[str, str | None, str]:
        last = self.stage.heard(WentTo)[-1]
        return last.pane, last.task, last.approval


def six(**states: TaskState) -> list[Any]:
    """The six tasks; `T3=TaskState.FAILED` changes one."""
    return [one.but(state=states.get(one.id, one.state)) for one in shown.tasks()]


async def test_the_tree_as_drawn_beside_two_columns():
    tree = Tree(approvals=[shown.command_question(), shown.review_question()])
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "j")
        assert drawn(tree.stage)[:16] == [
            "━ 1 Tasks ━━━━━━━━━━ 1 of 6 ━",
            " ▾ Add OAuth login",
            "   ✓ T1 Analyse auth    done",
            "   ± T2 Token model   review",
            "▌  ◐ T3 Tests           asks",
            "   ● T4 Docs         running",
            "   ● T5 Login page   running",
            "   ○ T6 Migration    planned",
            "",
            "",
            "─ T3 Tests ──────────────────",
            "  needs   T1",
            "  level   collaborative",
            "  cost    $0.05",
            "  files   tests/",
            "  checks  · not run yet",
        ]


async def test_the_facts_of_a_task_in_review():
    ran = [
        Checked(check="pytest -q", tree=shown.TREE, result="passed", duration_s=3.4),
        Checked(
            check="ruff check src",
            tree=shown.TREE,
            result="failed",
            duration_s=0.3,
            cause="a.py:1: `os` is unused",
        ),
    ]
    tree = Tree(events=ran)
    async with tree.running(34, 30) as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j")
        rows = drawn(tree.stage)
        assert rows[17] == "─ T2 Token model ─────────────────"
        assert rows[21:30] == [
            "  files   src/tokens.py, +1",
            "  done when",
            "   ✓ tokens expire after 1 h",
            "   ✓ keys rotate daily",
            "   ≈ old key valid for 30 s",
            "  checks @1f3c9e2 ✓ verified",
            "   ✓ pytest -q              3.4 s",
            "   ✗ ruff check src         0.3 s",
            "     a.py:1: `os` is unused",
        ]


async def test_facts_give_way_where_there_is_no_room():
    tree = Tree()
    async with tree.running(29, 12) as pilot:
        await tree.begin(pilot)
        assert not any("needs" in row for row in drawn(tree.stage))


@pytest.mark.parametrize(
    ("row", "pane"),
    [(1, "agents"), (2, "review"), (3, "questions"), (4, "agents"), (6, "plan")],
)
async def test_enter_goes_where_a_task_waits(row, pane):
    tree = Tree(approvals=[shown.command_question(), shown.review_question()])
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, *["j"] * row, "enter")
        assert tree.went[:2] == (pane, f"T{row}")


async def test_enter_on_the_goal_goes_to_what_the_whole_waits_for():
    landing = shown.approval(ApprovalKind.LAND, "land", {}, id="a8")
    tree = Tree(approvals=[landing])
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "enter")
        assert tree.went == ("landing", None, "a8")
        tree.tell(approvals=[landing.but(state="superseded"), shown.plan_question()])
        await tree.press(pilot, "enter")
        assert tree.went == ("plan", None, "a4")


async def test_x_holds_and_lets_go_by_what_a_task_is():
    tree = Tree(tasks=six(T4=TaskState.FAILED), paused=["T5"])
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "x")
        assert not tree.commands, "a task that is done is not paused"
        await tree.press(pilot, "j", "j", "x", "j", "x", "j", "x")
        assert tree.commands == [PauseTask(task="T3"), ContinueTask(task="T4"), ContinueTask(task="T5")]


async def test_x_on_the_goal_holds_all_and_lets_all_go():
    tree = Tree()
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "x")
        tree.tell(session=shown.session(state=SessionState.PAUSED))
        await tree.press(pilot, "x")
        tree.tell(facts=shown.FACTS.but(busy=False))
        await tree.press(pilot, "x")
        assert tree.commands == [PauseSession(), ContinueSession(), ResumeSession(session="s1")]


async def test_a_task_is_cancelled_only_after_a_sheet():
    tree = Tree()
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "X")
        assert not tree.commands
        (sheet,) = tree.stage.heard(SheetOpened)
        assert sheet.danger and "T6 cannot start without it." in sheet.rows
        sheet.confirmed()
        await pilot.pause()
        assert tree.commands == [CancelTask(task="T2")]


async def test_what_lacks_a_model_holds_nobody_up_that_rules_can_do():
    named = {"T2": "needs a model", "T6": "changelog"}
    tasks = [
        one.but(description=f"rule: {named[one.id]}") if one.id in named else one for one in shown.tasks()
    ]
    tree = Tree(tasks=tasks)
    async with tree.running() as pilot:
        await tree.begin(pilot)
        tree.tell(session=shown.session().but(model="rules"))
        await tree.press(pilot, "j", "j", "X")
        (sheet,) = tree.stage.heard(SheetOpened)
        assert "T6 goes on without it." in sheet.rows


async def test_what_an_agent_has_set_out_to_do_folds_under_its_task():
    todos = [{"content": "freeze the clock", "status": "completed"}, {"content": "run", "status": "pending"}]
    tasks = [one.but(todos=todos) if one.id == "T3" else one for one in shown.tasks()]
    tree = Tree(tasks=tasks)
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "j", "l")
        rows = drawn(tree.stage)
        assert rows[4].startswith("▌▾ ◐ T3") and rows[5:7] == ["      ✓ freeze the clock", "      · run"]
        await tree.press(pilot, "j", "h")
        assert tree.pane.chosen() == "T3" and "freeze" not in "".join(drawn(tree.stage))
        await tree.press(pilot, "h", "h")
        assert tree.pane.row_count() == 1, "h goes up, then closes the goal's branch"
        await tree.press(pilot, "space")
        assert tree.pane.row_count() == 7


async def test_two_agents_that_meet_say_so_under_the_later_one():
    tree = Tree(meets={"T5": ["T4 in src/auth.py"]})
    async with tree.running() as pilot:
        await tree.begin(pilot)
        assert drawn(tree.stage)[7] == "      ! meets T4 in src/auth…"


async def test_the_cursor_stays_on_its_task_when_others_come():
    tree = Tree()
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "j", "j")
        assert tree.pane.chosen() == "T4"
        tree.tell(meets={"T2": ["T1 in a.py"]})
        assert tree.pane.chosen() == "T4"
        tree.tell(tasks=[shown.task(7, "Seven", TaskState.PLANNED)], gone_tasks=["T1"])
        assert tree.pane.chosen() == "T4"


async def test_messages_levels_and_reviews_are_asked_for():
    tree = Tree()
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "c", "P", "w")
        assert [one.task for one in tree.stage.heard(TasksPane.Messaged)] == ["T2"]
        assert [one.task for one in tree.stage.heard(TasksPane.LevelWanted)] == ["T2"]
        assert tree.went == ("review", "T2", "a3")


async def test_tasks_that_have_not_started_are_edited_here_too():
    tree = Tree()
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "d")
        assert not tree.commands
        await tree.press(pilot, "G", "b")
        await tree.press(pilot, "backspace", "backspace", "backspace", "enter")
        (edit,) = tree.commands
        assert isinstance(edit, EditPlan) and [one.dependencies for one in edit.tasks] == [["T2"]]


async def test_no_goal_yet():
    tree = Tree()
    async with tree.running() as pilot:
        tree.pane.show(Mirror())
        await tree.press(pilot, *"xXPwcesmdJKb", "enter", "space", "h", "l", "y", "u")
        assert [row.strip() for row in drawn(tree.stage)[2:4]] == [
            "No goal yet. i, then say",
            "what you want.",
        ]
        assert not tree.commands


async def test_the_tree_comes_back_as_it_was():
    todos = [{"content": "one", "status": "pending"}]
    tasks = [one.but(todos=todos) for one in shown.tasks()]
    tree = Tree(tasks=tasks)
    async with tree.running() as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "j", "j", "l", "j", "j", "j")
        state, rows = tree.pane.state(), drawn(tree.stage)
    again = Tree(tasks=tasks)
    async with again.running() as pilot:
        again.pane.restore(state)
        await again.begin(pilot)
        assert drawn(again.stage) == rows


async def test_hostile_titles_are_shown_as_they_are_stored():
    tasks = [one.but(title="[/b]\u202e\x1b[31m") for one in shown.tasks()]
    tree = Tree(tasks=tasks)
    async with tree.running(60, 18) as pilot:
        await tree.begin(pilot)
        assert "[/b]‹U+202E›‹1B›[31m" in drawn(tree.stage)[2]
        await tree.press(pilot, "j", "y")
        assert tree.stage.heard(LinePane.Copied)[0].text == "[/b]\u202e\x1b[31m"


async def test_a_model_of_its_own_stands_at_the_task_and_M_goes_to_the_list():
    own = {"T4": {"model": "ollama/qwen3:8b"}, "T5": {"model": "x/y", "fallback": "ollama/gemma"}}
    tree = Tree(tasks=[one.but(**own.get(one.id, {})) for one in shown.tasks()])
    async with tree.running(34, 24) as pilot:
        await tree.begin(pilot)
        rows = drawn(tree.stage)
        assert rows[5].split() == ["●", "T4", "Docs", "qwen3:8b", "running"]
        assert rows[6].split() == ["●", "T5", "Login", "page", "gemma", "running"]
        await tree.press(pilot, "j", "j", "j", "j", "M")
        assert "  model   ollama/qwen3:8b" in drawn(tree.stage)
        assert tree.went == ("models", "T4", "")
        await tree.press(pilot, "g", "M", "j", "M")
        assert len(tree.stage.heard(WentTo)) == 1, "the goal and what is done have no model to choose"


def test_local_models_cost_time():
    mirror = Mirror()
    usage = shown.session().usage.but(cost_usd=0.0, local_s=250.0)
    tasks = [one.but(usage=usage) for one in shown.tasks()]
    mirror.apply(shown.update(session=shown.session(usage=usage, budget_usd=None), tasks=tasks))
    assert ("local 4:10", "text") in header(mirror, 0, 80)[1]
    assert cost_words(mirror, mirror.tasks["T4"]) == "local 4:10"
    warned = shown.session(budget_usd=None, warned=["day 2026-11-27 1"])
    mirror.apply(Update(session=warned))
    assert ("$0.42", "asks") in header(mirror, 0, 80)[1], "another limit than the session's is near"


async def test_no_word_of_the_goals_facts_is_cut():
    assumed = "Prices are whole cents; no discount is above the sum"
    limited = shown.session(
        assumptions=[assumed], slider=Level.GUIDED, analysis={"recommended": "supervised"}
    )
    tree = Tree(session=limited)
    async with tree.running(height=30) as pilot:
        await tree.begin(pilot)
        await tree.press(pilot, "g")
        rows = drawn(tree.stage)
        text = " ".join(" ".join(rows[rows.index(next(r for r in rows if "Goal" in r)) :]).split())
        assert "capped, was supervised" in text
        assert f"! assumed: {assumed}" in text
