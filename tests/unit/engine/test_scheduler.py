"""Several agents at once: how many, in which order, and that what becomes of one never ends another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Usage
from autodev_tui.engine import flow, integrate
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.overlaps import may_touch
from autodev_tui.providers.base import ProviderError
from autodev_tui.tools import talking
from tests.fakes.engine_kit import Kit, until, waiting
from tests.fakes.many_agents import Agents, calling, many, plan_of, write


@asynccontextmanager
async def at_work(place: Path, agents: Agents, at_once: int = 5, **more: Any) -> AsyncIterator[Kit]:
    made = many(place, agents, at_once, **more)
    try:
        yield made
    finally:
        await made.engine.aclose()


def states(kit: Kit) -> dict[str, str]:
    return {name: str(task.state) for name, task in kit.board.tasks.items()}


def moves(kit: Kit) -> list[tuple[str | None, str]]:
    """(task, new state) of every move, in the order of the event log."""
    path = kit.board.log._path
    assert path
    return [(event.task, event.new) for event in read_events(path) if event.kind == "task_moved"]


@pytest.mark.parametrize("tasks", [12, pytest.param(50, marks=pytest.mark.soak)])
async def test_there_are_never_more_agents_at_work_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: int
) -> None:
    monkeypatch.setattr(talking, "MAX_TASKS", tasks)
    agents = Agents(plan_of(*[{}] * tasks))
    async with at_work(tmp_path, agents, 4) as one:
        highest = 0
        await one.start()

        def looked() -> bool:
            nonlocal highest
            highest = max(highest, len(one.services.working))
            return one.session.code is not None

        await until(looked, "the end")
        outcome = await one.engine.wait()
        assert outcome.code == flow.DONE, outcome.error
        assert set(states(one).values()) == {"completed"}
        assert agents.peak <= highest == 4


async def test_independent_tasks_overlap_in_time(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}, {}))
    agents.hold("T1", "T2", "T3")
    async with at_work(tmp_path, agents, 2) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        assert one.services.working == ["T1", "T2"]
        agents.open("T2")
        await calling(agents, "T1", "T3")
        agents.open("T1", "T3")
        assert (await one.engine.wait()).code == flow.DONE
        log = moves(one)
        assert log.index(("T2", "in_progress")) < log.index(("T1", "completed")), "side by side"
        assert log.index(("T2", "completed")) < log.index(("T3", "in_progress")), "a slot came free first"


async def test_who_depends_begins_when_the_others_have_joined(tmp_path: Path) -> None:
    scripts = {"T1": [write("one.txt")], "T2": [write("two.txt")]}
    agents = Agents(plan_of({}, {}, {"depends_on": ["T1", "T2"]}), scripts)
    agents.hold("T3")
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        for _ in range(2):
            await one.answer(await waiting(one, "changes"))
        await calling(agents, "T3")
        assert states(one) == {"T1": "completed", "T2": "completed", "T3": "in_progress"}
        worktree = Path(one.board.tasks["T3"].worktree)
        assert (worktree / "one.txt").exists() and (worktree / "two.txt").exists()


async def test_tasks_that_name_the_same_files_work_one_after_the_other(tmp_path: Path) -> None:
    plan = plan_of({"files": ["src/app.py"]}, {"files": ["src/"]}, {"files": ["docs/*.md"]}, {})
    agents = Agents(plan)
    agents.hold("T1", "T2", "T3", "T4")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T3", "T4")
        assert one.services.meets == {"T2": ["T1 in src/"]}
        agents.open("T3", "T4")
        await until(lambda: states(one)["T4"] == "completed")
        assert states(one)["T2"] == "planned"
        agents.open("T1")
        await calling(agents, "T2")
        assert states(one)["T1"] == "completed" and one.services.meets == {}
        agents.open("T2")
        assert (await one.engine.wait()).code == flow.DONE


async def test_one_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}, {"depends_on": ["T1"]}), {"T1": [ProviderError("auth", "no key")]})
    agents.hold("T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await until(lambda: one.board.tasks and states(one)["T1"] == "failed")
        assert states(one)["T2"] == "in_progress"
        agents.open("T2")
        outcome = await one.engine.wait()
        assert outcome.code == flow.FAILED and "no key" in outcome.error
        assert states(one) == {"T1": "failed", "T2": "completed", "T3": "planned"}
        assert agents.cancelled == []


async def test_an_unforeseen_error_of_one_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = Agents(plan_of({}, {}), {"T1": [RuntimeError("boom")]})
    agents.hold("T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T2")
        await until(lambda: "T1" not in one.services.at_work)
        agents.open("T2")
        outcome = await one.engine.wait()
        assert (outcome.code, outcome.error) == (flow.FAILED, "RuntimeError: boom")
        assert states(one)["T2"] == "completed"


async def test_who_waits_for_the_human_has_no_slot_meanwhile(tmp_path: Path) -> None:
    ask = ("ask_user", {"question": "which?"})
    agents = Agents(plan_of({}, {}, {}), {"T1": [ask]})
    agents.hold("T2", "T3")
    async with at_work(tmp_path, agents, 1, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        question = await waiting(one, "question")
        await calling(agents, "T2")
        assert one.services.working == ["T2"]
        await one.answer(question, "choose", text="this")
        agents.open("T2")
        # Who comes back is served before who begins.
        await until(lambda: states(one)["T1"] == "completed")
        await calling(agents, "T3")
        agents.open("T3")
        assert (await one.engine.wait()).code == flow.DONE


async def test_headless_all_questions_are_asked_before_the_run_ends(tmp_path: Path) -> None:
    ask = ("ask_user", {"question": "which?"})
    agents = Agents(plan_of({}, {}, {}), {"T1": [ask], "T3": [ask]})
    async with at_work(tmp_path, agents) as one:
        outcome = await one.run(level=Level.COLLABORATIVE)
        await one.answer(one.board.pending()[0])
        outcome = await one.resume()
        assert outcome.code == flow.WAITING_CODE
        assert outcome.error == "waiting: T1 asks: which?; T3 asks: which?", "in the order of the plan"
        assert states(one) == {"T1": "blocked", "T2": "completed", "T3": "blocked"}


async def test_how_many_work_at_once_is_changed_while_they_work(tmp_path: Path) -> None:
    agents = Agents(plan_of(*[{}] * 6))
    agents.hold("T1", "T2", "T3", "T4", "T5", "T6")
    async with at_work(tmp_path, agents, 1) as one:
        await one.start()
        await calling(agents, "T1")
        await one.engine.submit(commands.SetConcurrency(agents=3))
        await calling(agents, "T1", "T2", "T3")
        await one.engine.submit(commands.SetConcurrency(agents=1))
        agents.open("T1", "T2")
        await until(lambda: states(one)["T2"] == "completed")
        assert agents.calling == ["T3"], "fewer: as slots come free"
        agents.open("T3")
        await calling(agents, "T4")
        agents.open()
        assert (await one.engine.wait()).code == flow.DONE
        assert agents.peak == 3
        assert one.engine.site.settings.agents == 1, "and for later runs"


async def test_a_cancelled_task_frees_its_slot_and_ends_its_processes(tmp_path: Path) -> None:
    sleep = ("run_command", {"command": "/bin/sleep 61; /bin/true"})
    agents = Agents(plan_of({}, {}, {}), {"T1": [sleep]})
    agents.hold("T2", "T3")
    async with at_work(tmp_path, agents, 2) as one:
        await one.start()
        await until(lambda: sleeping(), "the command")
        await calling(agents, "T2")
        await one.engine.submit(commands.CancelTask(task="T1"))
        await calling(agents, "T2", "T3")
        assert not sleeping()
        assert states(one)["T1"] == "cancelled"
        agents.open()
        assert (await one.engine.wait()).code == flow.DONE


def sleeping() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"/bin/sleep", b"61"]:
            found.append(entry.name)
    return found


async def test_tasks_join_one_at_a_time_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, inside, most = integrate.join, 0, 0

    async def join(*args: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            await plain(*args)
        finally:
            inside -= 1

    monkeypatch.setattr("autodev_tui.engine.session_run.join", join)
    scripts = {f"T{n}": [write(f"{n}.txt")] for n in range(1, 5)}
    agents = Agents(plan_of({}, {}, {}, {}), scripts)
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        await until(lambda: len(one.board.pending()) == 4 if one.engine.session else False, "four reviews")
        assert one.services.working == []
        await asyncio.gather(*(one.answer(question) for question in one.board.pending()))
        await waiting(one, "land")
        names = one.fixture.git("ls-tree", "--name-only", one.session.session_branch).split()
        assert {"1.txt", "2.txt", "3.txt", "4.txt"} <= set(names)
        assert most == 1


async def test_all_that_is_used_at_the_same_time_is_counted(tmp_path: Path) -> None:
    agents = Agents(plan_of(*[{}] * 8))
    async with at_work(tmp_path, agents, 8) as one:
        assert (await one.run()).code == flow.DONE
        assert one.session.usage.requests == len(agents.requests) == 9
        assert one.stored("sessions")[0]["usage"]["requests"] == 9


async def test_a_stop_ends_all_and_a_resume_goes_on_with_all(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}))
    agents.hold("T1", "T2")
    async with at_work(tmp_path, agents) as one:
        await one.start()
        await calling(agents, "T1", "T2")
        await one.engine.submit(commands.StopSession())
        assert (await one.engine.wait()).code == flow.INTERRUPTED_CODE
        assert sorted(agents.cancelled) == ["T1", "T2"]
        agents.open()
        outcome = await one.resume()
        assert outcome.code == flow.DONE, outcome.error
        assert states(one) == {"T1": "completed", "T2": "completed"}


async def test_agents_that_changed_the_same_file_wait_for_each_other(tmp_path: Path) -> None:
    scripts = {"T1": [write("same.txt", "1\n")], "T2": [write("same.txt", "2\n")]}
    agents = Agents(plan_of({}, {}), scripts)
    agents.hold("T2")
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        review = await waiting(one, "changes")
        assert review.task == "T1"
        agents.open("T2")
        await until(lambda: one.services.meets == {"T2": ["T1 in same.txt"]}, "T2 meets T1")
        assert states(one)["T2"] == "in_progress", "it waits at its next step"
        await until(lambda: one.services.working == [], "T2 gives its slot back")
        path = one.board.log._path
        assert path
        said = [event.text for event in read_events(path) if event.kind == "noticed"]
        assert "T2 meets T1 in same.txt: it waits at its next step until T1 has joined" in said
        await one.answer(review)
        await until(lambda: one.services.meets == {})
        second = await until_asked(one, "T2")
        assert second.task == "T2"


async def until_asked(kit: Kit, task: str) -> Any:
    await until(lambda: [q for q in kit.board.pending() if q.task == task], f"a question of {task}")
    return next(q for q in kit.board.pending() if q.task == task)


async def test_nobody_who_ended_is_waited_for(tmp_path: Path) -> None:
    scripts = {"T1": [write("same.txt", "1\n"), ("list_files", {})], "T2": [write("same.txt", "2\n")]}
    agents = Agents(plan_of({}, {}), scripts)
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        await until(lambda: one.engine.session and one.services.meets == {"T2": ["T1 in same.txt"]})
        await one.engine.submit(commands.CancelTask(task="T1"))
        assert (await until_asked(one, "T2")).kind == "changes"


async def test_the_human_lets_one_go_on_though_it_meets_another(tmp_path: Path) -> None:
    scripts = {"T1": [write("same.txt", "1\n"), ("list_files", {})], "T2": [write("same.txt", "2\n")]}
    agents = Agents(plan_of({}, {}, {"files": ["x"]}, {"files": ["x"]}), scripts)
    agents.hold("T3", "T4")
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        await until(lambda: one.engine.session and set(one.services.meets) == {"T2", "T4"})
        await one.engine.submit(commands.ContinueTask(task="T2"))
        await until_asked(one, "T2")
        await one.engine.submit(commands.ContinueTask(task="T4"))
        await calling(agents, "T3", "T4")
        assert one.services.meets == {}


@pytest.mark.parametrize(
    ("one", "other", "touch"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "./src/", True),
        ("src/a.py", "src/ab.py", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/a.md", False),
        ("src/*.py", "src/*.md", False),
        ("src/**", "src/deep/a.py", True),
        ("**/*.py", "src/deep/a.py", True),
        ("**", "anything", True),
        ("src/*.py", "src", True),
        ("src/*.py", "docs/", False),
        ("tests/test_*.py", "tests/conftest.py", False),
        (".", "a/b.c", True),
    ],
)
def test_which_names_may_mean_the_same_file(one: str, other: str, touch: bool) -> None:
    assert may_touch(one, other) is may_touch(other, one) is touch


NAMES = st.lists(st.sampled_from(["a", "b", "*.py", "x.py", "y.md", "**"]), min_size=1, max_size=3)


@given(NAMES, NAMES)
def test_whether_two_names_touch_does_not_depend_on_their_order(one: list[str], other: list[str]) -> None:
    first, second = "/".join(one), "/".join(other)
    assert may_touch(first, second) == may_touch(second, first)
    assert may_touch(first, first)


async def test_a_spent_budget_is_one_question_of_all_agents(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}, {}), {name: [("list_files", {})] for name in ("T1", "T2", "T3")})
    agents.usage = Usage(requests=1, cost_usd=0.4)
    agents.hold("T1", "T2", "T3")
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start(budget_usd=1.7)
        await calling(agents, "T1", "T2", "T3")
        agents.open()
        question = await waiting(one, "budget")
        await until(lambda: not agents.calling)
        assert len(one.board.pending()) == 1
        assert one.session.usage.cost_usd == pytest.approx(1.6), "no more than what was under way"
        await one.answer(question, "choose", choice="raise")
        assert (await one.engine.wait()).code == flow.DONE
        assert one.session.budget_usd == pytest.approx(1.7 + question.ask["raise_usd"])


async def test_who_stops_at_the_budget_stops_all(tmp_path: Path) -> None:
    agents = Agents(plan_of({}, {}), {name: [("list_files", {})] for name in ("T1", "T2")})
    agents.usage = Usage(requests=1, cost_usd=0.4)
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start(budget_usd=1.0)
        await one.answer(await waiting(one, "budget"), "choose", choice="stop")
        outcome = await one.engine.wait()
        assert outcome.code == flow.LIMIT and "stopped at the budget" in outcome.error
        assert len([one for one in one.board.approvals.values() if one.kind == "budget"]) == 1


async def test_a_whole_session_with_a_human_lands_while_questions_wait(tmp_path: Path) -> None:
    ask = ("ask_user", {"question": "which name?"})
    scripts = {"T1": [ask, write("1.txt")], "T2": [write("2.txt")], "T3": [write("3.txt")]}
    agents = Agents(plan_of({}, {}, {"depends_on": ["T2"]}), scripts)
    async with at_work(tmp_path, agents, 2, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        question = await until_asked(one, "T1")
        for task in ("T2", "T3"):
            await one.answer(await until_asked(one, task))
        await until(lambda: states(one)["T3"] == "completed")
        assert one.engine.busy and [pending.id for pending in one.board.pending()] == [question.id]
        await one.answer(question, "choose", text="one")
        await until(lambda: [q for q in one.board.pending() if q.kind == "changes"])
        await one.answer(await until_asked(one, "T1"))
        await one.answer(await waiting(one, "land"))
        outcome = await one.engine.wait()
        assert (outcome.code, str(one.session.state)) == (flow.DONE, "landed"), outcome.error
        assert {"1.txt", "2.txt", "3.txt"} <= set(one.fixture.git("ls-tree", "--name-only", "HEAD").split())


async def test_what_conflicts_is_asked_about_while_others_join(tmp_path: Path) -> None:
    scripts = {"T1": [write("same.txt", "1\n")], "T2": [write("same.txt", "2\n")], "T3": [write("3.txt")]}
    agents = Agents(plan_of({}, {}, {}), scripts)
    async with at_work(tmp_path, agents, interactive=True) as one:
        await one.start()
        for task in ("T1", "T2"):
            await one.answer(await until_asked(one, task))
        conflict = await waiting(one, "merge")
        assert conflict.task == "T2"
        await one.answer(await until_asked(one, "T3"))
        await until(lambda: one.board.tasks["T3"].worktree == "" and states(one)["T3"] == "completed")
        await one.answer(conflict, "choose", choice="leave out")
        await waiting(one, "land")
        tree = one.fixture.git("ls-tree", "--name-only", one.session.session_branch).split()
        assert {"same.txt", "3.txt"} <= set(tree)
        assert one.fixture.git("show", f"{one.session.session_branch}:same.txt") == "1"
