"""The plan in the human's hands: checked, kept in order, asked about anew, and changed while it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.plan import PlannedTask, plan_digest
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.task import Criterion
from autodev_tui.engine import flow
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.planner import plan_effect
from autodev_tui.engine.refusal import Refusal
from autodev_tui.providers.base import Request, Turn
from store.errors import StoreFull
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, until, waiting

PLAN = (
    "submit_plan",
    {
        "tasks": [
            {"id": "x", "title": "First", "description": "one", "estimate_minutes": 30},
            {"id": "y", "title": "Second", "description": "two", "depends_on": ["x"], "estimate_minutes": 20},
        ]
    },
)


def reply(request: Request) -> Turn:
    role, task = request.meta["role"], request.meta["task"]
    return make_turn(PLAN, first_id=1) if role == "planning" else make_turn(DONE, first_id=int(task[1:]) * 10)


def planned(kit: Kit) -> list[PlannedTask]:
    return [
        PlannedTask(
            id=task.id,
            title=task.title,
            description=task.description,
            dependencies=task.dependencies,
            acceptance_criteria=task.acceptance_criteria,
            estimated_effort=task.estimated_effort,
            risk=task.risk,
        )
        for task in kit.board.tasks.values()
        if task.state is TaskState.PLANNED
    ]


async def edit(kit: Kit, tasks: list[PlannedTask], seen: str = "") -> None:
    seen = seen or plan_digest(kit.board.tasks.values())
    await kit.engine.submit(commands.EditPlan(tasks=tasks, seen=seen))


async def test_an_edited_plan_is_asked_about_anew_and_carried_out(tmp_path: Path) -> None:
    async with kit(tmp_path, reply, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        question = await waiting(one, "plan")
        assert question.base["plan"] == question.ask["digest"] == plan_digest(one.board.tasks.values())
        estimate = question.ask["estimate"]
        assert estimate["minutes"] == 50 and 0 < estimate["cost_usd"][0] < estimate["cost_usd"][1]
        assert estimate["why"].startswith("a first guess")
        first, second = planned(one)
        new = PlannedTask(
            id="new", title="Between", dependencies=["T1"], note="Mind the gap.", pin=Level.FULL
        )
        untouched = one.board.tasks["T1"]
        await edit(one, [first, new, second.but(title="Last", dependencies=["new"])], question.ask["digest"])
        assert list(one.board.tasks) == ["T1", "T3", "T2"]
        assert one.board.tasks["T1"] == untouched
        assert one.board.tasks["T2"].dependencies == ["T3"]
        assert one.board.tasks["T3"].pin is Level.FULL
        assert one.board.tasks["T3"].autonomy
        again = await waiting(one, "plan")
        assert again.id != question.id
        assert one.board.approvals[question.id].state is ApprovalState.SUPERSEDED
        assert [task["title"] for task in again.ask["tasks"]] == ["First", "Between", "Last"]
        with pytest.raises(DecisionRefused, match="superseded"):
            await one.answer(question)
        await one.answer(again)
        assert (await one.engine.wait()).code == flow.DONE
        assert all(task.state is TaskState.COMPLETED for task in one.board.tasks.values())
        said = [str(r.messages) for r in one.provider.requests if r.meta["task"] == "T3"]
        assert "words to you: Mind the gap." in said[0]


async def test_an_edited_plan_keeps_its_order_and_its_question_over_a_restart(tmp_path: Path) -> None:
    async with kit(tmp_path, reply) as one:
        assert (await one.run(level=Level.COLLABORATIVE)).code == flow.WAITING_CODE
        first, second = planned(one)
        await edit(one, [second.but(dependencies=[]), first.but(dependencies=["T2"])])
        digest = plan_digest(one.board.tasks.values())
        (question,) = one.board.pending()
        assert question.base["plan"] == digest
        await one.answer(question)
        assert (await one.resume()).code == flow.DONE
        assert list(one.board.tasks) == ["T2", "T1"]
        assert plan_digest(one.board.tasks.values()) == digest
        assert len([q for q in one.board.approvals.values() if q.effect == plan_effect(one.services)]) == 2


async def test_a_deleted_task_comes_back_under_its_name(tmp_path: Path) -> None:
    async with kit(tmp_path, reply) as one:
        await one.run(level=Level.COLLABORATIVE)
        before, digest = planned(one), plan_digest(one.board.tasks.values())
        await edit(one, [before[1].but(dependencies=[])])
        assert list(one.board.tasks) == ["T2"]
        await edit(one, before)
        assert list(one.board.tasks) == ["T1", "T2"]
        assert plan_digest(one.board.tasks.values()) == digest


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one, two: [one, two.but(dependencies=["T9"])], "blocked by T9, and there is no such task"),
        (lambda one, two: [one.but(dependencies=["T2"]), two], "wait for each other"),
        (lambda one, two: [one.but(dependencies=["T1"])], "wait for each other"),
        (lambda one, two: [one.but(title="  ")], "no title"),
        (lambda one, two: [one.but(acceptance_criteria=[Criterion(text=" ")])], "without words"),
        (lambda one, two: [one, one], "two tasks are called T1"),
        (lambda one, two: [two], "blocked by T1, and there is no such task"),
        (lambda one, two: [], "at least one task"),
    ],
)
async def test_a_plan_that_cannot_be_carried_out_is_refused_in_words(
    tmp_path: Path, change: Any, why: str
) -> None:
    async with kit(tmp_path, reply) as one:
        await one.run(level=Level.COLLABORATIVE)
        before = dict(one.board.tasks)
        with pytest.raises(Refusal, match=why):
            await edit(one, change(*planned(one)))
        with pytest.raises(Refusal, match="look again"):
            await edit(one, planned(one), seen="0" * 64)
        assert one.board.tasks == before
        assert len(one.board.pending()) == 1


async def test_only_what_has_not_started_changes_while_it_runs(tmp_path: Path) -> None:
    async with kit(tmp_path, reply, interactive=True) as one:
        hold = asyncio.Event()

        async def wait(request: Request) -> None:
            if request.meta["task"] == "T1":
                await hold.wait()

        one.provider.before = wait
        await one.start(level=Level.FULL)
        await until(lambda: one.board.tasks.get("T1") and one.board.tasks["T1"].state == "in_progress")
        (second,) = planned(one)
        with pytest.raises(Refusal, match="T1 has started"):
            await edit(one, [second.but(id="T1", dependencies=[])])
        await edit(one, [second.but(title="Other"), PlannedTask(id="n", title="More", dependencies=["T1"])])
        hold.set()
        assert (await one.engine.wait()).code == flow.DONE
        assert [task.title for task in one.board.tasks.values()] == ["First", "Other", "More"]
        assert all(task.state is TaskState.COMPLETED for task in one.board.tasks.values())
        with pytest.raises(Refusal, match="has been carried out"):
            await edit(one, [])


async def test_money_is_estimated_from_what_such_tasks_have_cost(tmp_path: Path) -> None:
    async with kit(tmp_path, reply) as one:
        await one.run(level=Level.COLLABORATIVE)
        tasks = list(one.board.tasks.values())
        done = [
            task.but(
                session=f"s{number}",
                state="completed",
                usage=task.usage.but(requests=3, cost_usd=0.1 * (number + 1)),
            )
            for number in range(2)
            for task in tasks
        ]
        await one.engine.keep([("plan_tasks", task.key(), task.doc()) for task in done])
        await edit(one, planned(one)[:1])
        first = one.board.pending()[0].ask["estimate"]
        assert first["why"].endswith("4 tasks done here")
        assert first["cost_usd"][0] < 0.1 and first["cost_usd"][1] > 0.2, "four are few: the guess counts too"
        more = [task.but(session=f"more {task.session} {n}") for n, task in enumerate(done * 3)]
        await one.engine.keep([("plan_tasks", task.key(), task.doc()) for task in more])
        await edit(one, [planned(one)[0].but(note="with care")])
        estimate = one.board.pending()[0].ask["estimate"]
        assert estimate["cost_usd"] == pytest.approx([0.1, 0.2])
        assert estimate["tasks"]["T1"]["minutes"] == 30


async def test_an_edit_that_the_disk_refuses_leaves_the_plan_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, reply, interactive=True) as made:
        await made.start(level=Level.GUIDED)
        await waiting(made, "plan")
        before = list(made.board.tasks.values())

        async def full(ops: Any) -> int:
            raise StoreFull("no space")

        monkeypatch.setattr(made.database, "acommit", full)
        with pytest.raises(StoreFull):
            await edit(made, planned(made)[:1])
        monkeypatch.undo()
        assert list(made.board.tasks.values()) == before
        assert [one["id"] for one in made.stored("plan_tasks")] == [one.id for one in before]
        await edit(made, planned(made)[:1])
        assert list(made.board.tasks) == ["T1"]
