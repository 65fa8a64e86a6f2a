"""A front end keeps tasks in the order of the plan: plans are hashed in it, and people change it."""

from __future__ import annotations

from autodev_tui.domain.events import PlanReady
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.plan import plan_digest, plan_view
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.updates import Update
from tests.fakes import shown


def test_tasks_stand_in_the_order_of_the_newest_plan():
    mirror = Mirror()
    mirror.apply(shown.update())
    edited = [mirror.tasks[name] for name in ("T2", "T1", "T3", "T6", "T5")]
    edited.insert(1, shown.task(7, "New", TaskState.PLANNED))
    plan = PlanReady(tasks=[plan_view(one) for one in edited])
    mirror.apply(Update(tasks=edited, gone_tasks=["T4"], events=[plan]))
    assert list(mirror.tasks) == ["T2", "T7", "T1", "T3", "T6", "T5"]
    assert plan_digest(mirror.tasks.values()) == plan_digest(edited)


def test_a_first_picture_has_the_order_that_it_came_in():
    mirror = Mirror()
    mirror.apply(shown.update(tasks=list(reversed(shown.tasks()))))
    assert list(mirror.tasks) == ["T6", "T5", "T4", "T3", "T2", "T1"]
