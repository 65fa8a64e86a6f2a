"""Sessions whose model is none: what rules can do is done, the rest waits for a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.events import Noticed
from autodev_tui.domain.evidence import Check
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.rule import needs_model, rule_of
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.engine.lacking import TODO, note_lacking
from autodev_tui.providers.base import Request, Turn
from autodev_tui.providers.scripted import make_turn
from autodev_tui.rules.provider import RulesProvider
from autodev_tui.settings import Settings
from autodev_tui.settings_schema import Limits
from tests.fakes.engine_kit import DONE, Kit, kit, turns, waiting
from widgets.needs import stopped

GREEN = [Check(name="always", command="true")]
MIXED = "write the changelog; add a dark mode"


def by_rules(place: Path, reply: Callable[[Request], Turn] | None = None, **more: Any) -> Any:
    return kit(place, reply or turns(), own_provider=RulesProvider(), spec="rules", **more)


def states(one: Kit) -> list[TaskState]:
    return [task.state for task in one.board.tasks.values()]


def with_model(one: Kit) -> None:
    """From the next opening on there is a model."""
    one.own_provider = None
    one.spec = "scripted/claude-opus-5"


async def test_rules_do_their_part_and_say_what_needs_a_model(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        outcome = await one.run(MIXED, checks=GREEN)
        session = one.session.id
        assert outcome.code == 3
        assert outcome.error == (
            f"rules did what they can · T2 needs a model · go on with one: autodev resume {session}"
            f" --model anthropic/NAME or ollama/NAME · or land without: autodev land {session} --leave-out"
        )
        assert states(one) == [TaskState.COMPLETED, TaskState.PLANNED]
        assert "CHANGELOG.md" in one.fixture.git("ls-tree", "--name-only", one.session.head_commit)
        assert one.session.state is SessionState.REVIEWING and not one.fixture.status()
        assert one.session.usage.requests == 0


async def test_what_needs_a_model_is_written_down_once(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        await one.run("implement export to csv, json and xml", checks=GREEN)
        (todo,) = one.stored("tasks")
        assert (
            todo["description"]
            == f"implement export to csv, json and xml (needs a model · {one.session.id} T1)"
        )
        assert "json" in [item["text"] for item in todo["todos"]]
        assert (await one.resume()).code == 3
        # A crash between the two writes leaves the note without its name in the task.
        task = one.board.tasks["T1"]
        await one.board.commit(task.but(context={}))
        await note_lacking(one.services)
        assert [one["id"] for one in one.stored("tasks")] == [todo["id"]]
        assert one.board.tasks["T1"].context[TODO] == todo["id"]


async def test_where_rules_can_do_nothing_the_run_waits_and_a_model_goes_on_there(tmp_path: Path) -> None:
    reply = turns(make_turn(("write_file", {"path": "dark.txt", "content": "dark\n"})), make_turn(DONE))
    async with by_rules(tmp_path, reply) as one:
        outcome = await one.run("add a dark mode", checks=GREEN)
        assert outcome.code == 3 and outcome.error.startswith(
            "there is nothing here that rules can do · T1 needs"
        )
        assert "--leave-out" not in outcome.error
        assert states(one) == [TaskState.PLANNED] and one.session.state is SessionState.RUNNING
        with_model(one)
        outcome = await one.resume()
        assert outcome.code == 0, outcome.error
        assert states(one) == [TaskState.COMPLETED]
        assert one.session.model == "scripted/claude-opus-5"
        assert not [request for request in one.provider.requests if request.meta["role"] == "planning"]
        assert [todo["status"] for todo in one.stored("tasks")] == ["completed"]


async def test_with_a_model_the_rest_joins_what_rules_did(tmp_path: Path) -> None:
    reply = turns(make_turn(("write_file", {"path": "dark.txt", "content": "dark\n"})), make_turn(DONE))
    async with by_rules(tmp_path, reply) as one:
        assert (await one.run(MIXED, checks=GREEN)).code == 3
        with_model(one)
        outcome = await one.resume()
        assert outcome.code == 0, outcome.error
        names = one.fixture.git("ls-tree", "--name-only", one.session.head_commit).split()
        assert {"CHANGELOG.md", "dark.txt"} <= set(names)


async def test_what_needs_a_model_can_be_left_out_and_stays_written_down(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        assert (await one.run(f"{MIXED}, then test it", checks=GREEN)).code == 3
        outcome = await one.resume(leave_out=True)
        assert outcome.code == 0, outcome.error
        assert states(one) == [TaskState.COMPLETED, TaskState.CANCELLED, TaskState.CANCELLED]
        assert [todo["status"] for todo in one.stored("tasks")] == ["in_progress", "in_progress"]


async def test_what_waits_for_such_a_task_is_said_to_wait(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        outcome = await one.run("add a dark mode, then write the changelog", checks=GREEN)
        assert "T1 needs a model (T2 waits for that)" in outcome.error
        assert states(one) == [TaskState.PLANNED, TaskState.PLANNED]


async def test_a_task_that_lacks_a_model_is_cancelled_and_holds_nobody_up(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        goal = "fix lint, then add a dark mode, then describe it, then write the changelog"
        await one.run(goal, checks=GREEN)
        assert [task.dependencies for task in one.board.tasks.values()] == [[], ["T1"], ["T2"], ["T3"]]
        await one.engine.submit(commands.CancelTask(task="T2"))
        ended = TaskState.CANCELLED
        assert states(one) == [TaskState.COMPLETED, ended, ended, TaskState.PLANNED]
        assert one.board.tasks["T3"].error == "it builds on T2, which was cancelled"
        assert one.board.tasks["T4"].dependencies == ["T1"]
        told: list[str] = []
        async for event in one.engine.subscribe(0):
            told += [event.text] if isinstance(event, Noticed) and "cancelled" in event.text else []
            if len(told) == 2:
                break
        assert told == [
            "T4 goes on without T3, which was cancelled",
            "T3 is cancelled too: it builds on T2, which was cancelled",
        ]
        outcome = await one.resume()
        assert outcome.code == 0, outcome.error
        assert states(one)[-1] is TaskState.COMPLETED
        assert len(one.stored("tasks")) == 2, "both stay written down"


async def test_a_task_with_a_model_of_its_own_is_begun(tmp_path: Path) -> None:
    def reply(request: Request) -> Turn:
        return make_turn(DONE, first_id=int(request.meta["turn"]))

    async with by_rules(tmp_path, reply) as one:
        assert (await one.run("add a dark mode", checks=GREEN)).code == 3
        task = one.board.tasks["T1"]
        await one.board.commit(task.but(model="scripted/other"))
        made = one.provider
        from autodev_tui.engine.models import Model

        one.maker = lambda spec, settings: Model(made, "other", spec)
        await one.resume()
        assert one.board.tasks["T1"].turns == 1


async def test_a_row_of_tasks_says_it_in_words(tmp_path: Path) -> None:
    async with by_rules(tmp_path) as one:
        await one.run(MIXED, checks=GREEN)
        mirror = Mirror()
        mirror.session = one.session
        words = [mirror.word(task) for task in one.board.tasks.values()]
        assert words == ["done", "needs a model"]
        mirror.tasks = dict(one.board.tasks)
        row = stopped(mirror)
        assert row and "".join(text for text, _ in row).startswith("◇ T2 needs a model · Tasks: M gives one")
        mirror.session = one.session.but(model="anthropic/claude-opus-5-5")
        assert mirror.word(one.board.tasks["T2"]) == "planned"


async def test_a_history_under_rules_is_never_cut(tmp_path: Path) -> None:
    settings = Settings(agents=1, limits=Limits(context_tokens=10_000))
    async with by_rules(tmp_path, settings=settings) as one:
        assert (await one.run("write the changelog. " + "It must be good. " * 3000, checks=GREEN)).code == 0
        assert not [step for step in one.board.all_steps() if step.name == "compaction"]


@pytest.mark.parametrize("words", ["Write the API docs instead", "no"])
async def test_a_rejected_plan_is_made_anew_from_words_that_ask(tmp_path: Path, words: str) -> None:
    async with by_rules(tmp_path, interactive=True) as one:
        await one.start("add a dark mode", Level.GUIDED)
        plan = await waiting(one, "plan")
        await one.answer(plan, "reject", reason=words)
        if words == "no":
            outcome = await one.engine.wait()
            assert outcome.code == 1 and "rules cannot change a plan by these words" in outcome.error
        else:
            again = await waiting(one, "plan")
            (task,) = again.ask["tasks"]
            assert rule_of(task["description"]) == "api docs"
            await one.engine.submit(commands.StopSession())


# -- a model that hands in no plan


def useless(turn: Callable[[int], Turn]) -> Callable[[Request], Turn]:
    """A planner whose every reply is of no use."""

    def reply(request: Request) -> Turn:
        number = int(request.meta["turn"])
        if request.meta["role"] == "planning":
            return turn(number)
        return make_turn(DONE, first_id=number * 100 + int(str(request.meta["task"])[1:]) * 10_000)

    return reply


CIRCLE = {
    "tasks": [
        {"id": "a", "title": "A", "depends_on": ["b"]},
        {"id": "b", "title": "B", "depends_on": ["a"]},
    ]
}


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (lambda number: make_turn(text="Here is my plan: do it."), "of no use 3 times in a row (no plan)"),
        (
            lambda number: make_turn(
                ("submit_plan", {**CIRCLE, "tasks": [*CIRCLE["tasks"], {"id": f"c{number}", "title": "C"}]}),
                first_id=number,
            ),
            "3 plans could not be taken, the last one: submit_plan: the dependencies go in a circle",
        ),
    ],
)
async def test_where_a_models_plan_is_of_no_use_the_fast_lane_plans(
    tmp_path: Path, turn: Callable[[int], Turn], why: str
) -> None:
    async with kit(tmp_path, useless(turn)) as one:
        outcome = await one.run("add a flag and then document it; write the changelog", checks=GREEN)
        assert outcome.code == 0, outcome.error
        titles = [task.title for task in one.board.tasks.values()]
        assert titles == ["add a flag", "document it", "write the changelog"]
        assert not any(rule_of(task.description) for task in one.board.tasks.values())
        (told,) = [text for text in one.session.assumptions if "planned by rules" in text]
        assert "scripted/claude-opus-5 handed in no plan that can be used" in told and why in told
        notices = [event.text async for event in _logged(one) if event.kind == "noticed"]
        assert told in notices


async def _logged(one: Kit) -> Any:
    async for event in one.engine.subscribe(0):
        yield event
        if event.kind == "ended":
            return


async def test_a_stand_in_plan_that_the_human_rejects_does_not_come_back(tmp_path: Path) -> None:
    async with kit(tmp_path, useless(lambda _: make_turn(text="a plan")), interactive=True) as one:
        await one.start("add a flag", Level.GUIDED)
        await one.answer(await waiting(one, "plan"), "reject", reason="better")
        outcome = await one.engine.wait()
        assert outcome.code == 1 and "the one made by rules was rejected" in outcome.error


def test_the_line_that_names_a_rule() -> None:
    assert rule_of("Mend it.\n\nrule: heal pytest -q\n") == "heal pytest -q"
    assert rule_of("rule: heal\nand more") == ""
    assert needs_model("rule: needs a model") and needs_model("") and not needs_model("x\nRule: API docs")
    assert needs_model("rule: healthy")


async def test_what_the_human_rejects_of_a_document_is_not_proposed_again(tmp_path: Path) -> None:
    async with by_rules(tmp_path, interactive=True) as one:
        await one.start("write the changelog", Level.COLLABORATIVE, checks=GREEN)
        await one.answer(await waiting(one, "plan"))
        review = await waiting(one, "changes")
        verdicts = [
            HunkDecision(hunk=hunk["number"], verdict="reject", reason="no") for hunk in review.ask["hunks"]
        ]
        await one.answer(review, "reject", hunks=verdicts, reason="not this")
        outcome = await one.engine.wait()
        assert outcome.code == 0, outcome.error
        assert states(one) == [TaskState.COMPLETED] and one.session.head_commit == one.session.base_commit
