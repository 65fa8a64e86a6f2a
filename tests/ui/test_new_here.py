"""What meets somebody who is new: a key that is named does something, and words are there in full."""

from __future__ import annotations

from typing import Any

import pytest

from autodev_tui.app import Autodev
from autodev_tui.domain import commands, requests
from autodev_tui.domain.approval import Decision
from autodev_tui.domain.requests import RowsAnswer
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import EngineFacts, Update
from tests.fakes.bridge import FakeBridge
from tests.fakes.shown import FACTS, NOW, command_question, session
from tests.ui.stage import drawn, until
from tests.ui.test_first_run import RESUME, WELL
from tests.ui.test_landing import landing
from tests.ui.test_models_pane import local

SIZE = (80, 24)


def workbench(*updates: Update, **answers: Any) -> tuple[Autodev, FakeBridge]:
    known: dict[type[Any], Any] = {
        requests.GetDoctor: WELL,
        **{getattr(requests, k): v for k, v in answers.items()},
    }
    bridge = FakeBridge(*updates, answers=known)
    return Autodev(bridge, now=lambda: NOW), bridge  # type: ignore[arg-type]


def bare() -> Update:
    """A repository without a model."""
    return Update(reset=True, facts=EngineFacts(repository="shop", branch="main", model="rules"))


async def test_enter_is_named_where_there_is_a_model_to_choose_and_q_leads_back() -> None:
    app, bridge = workbench(bare())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await app.bench.go("ollama")
        await until(pilot, lambda: "ollama serve" in "\n".join(drawn(app)))
        await until(pilot, lambda: "q back" in drawn(app)[-1])
        assert "enter" not in drawn(app)[-1]
        bridge.answers[requests.GetModels] = RowsAnswer(rows=[local("qwen3:8b")])
        app.bench.desk.pane.ask()  # type: ignore[union-attr]
        await until(pilot, lambda: drawn(app)[-1].startswith(" enter choose"))
        await pilot.press("q")
        await until(pilot, lambda: app.bench.desk.current == "first_run")


@pytest.mark.parametrize("at", ["goal", "task"])
async def test_after_look_first_it_says_that_it_is_paused_and_x_lets_it_go_on(at: str) -> None:
    stands = session(state=SessionState.REVIEWING)
    facts = FACTS.but(busy=False, interrupted="s1")
    rows = [{"id": "T1", "session": "s1", "title": "Tests", "state": "in_review"}]
    first = {"reset": True, "facts": facts, "session": stands, "tasks": rows}
    app, bridge = workbench(Update.model_validate(first), GetResume=RESUME)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored and "Look first" in "\n".join(drawn(app)))
        await pilot.press("enter")
        await until(pilot, lambda: not app.bench.desk.current)
        await pilot.press("1", "g", *(["j"] if at == "task" else []))
        await until(pilot, lambda: "x go on" in drawn(app)[-1])
        shown = drawn(app)
        assert "‖ paused" in shown[0]
        assert shown[19].startswith(" ‖ paused: nothing runs") and shown[19].endswith("x go on")
        await pilot.press("i")
        await until(pilot, lambda: drawn(app)[19].endswith("/continue go on"))
        await pilot.press("escape", "1", "x")
        await until(pilot, lambda: bridge.of(commands.ResumeSession))
        assert not bridge.of(commands.PauseTask)
        bridge.push(Update(facts=FACTS))
        await until(pilot, lambda: "paused" not in drawn(app)[0])


async def test_no_key_is_named_that_leads_to_where_one_is() -> None:
    done = {"reset": True, "facts": FACTS, "session": session(), "approvals": [landing()]}
    app, _ = workbench(Update.model_validate(done))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored and drawn(app)[19].endswith("tab land"))
        await app.bench.go("landing")
        await until(pilot, lambda: "◐ main moves only if it is still @" in drawn(app)[19])
        assert drawn(app)[19].endswith("when you press a")
        await pilot.press("1")
        await until(pilot, lambda: drawn(app)[19].endswith("g enter land"))


async def test_a_letter_that_nobody_takes_says_so_and_an_empty_review_names_no_decision() -> None:
    app, bridge = workbench(Update.model_validate({"reset": True, "facts": FACTS, "session": session()}))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await pilot.press("escape", "3")
        await until(pilot, lambda: "Nothing to review" in "\n".join(drawn(app)))
        await until(pilot, lambda: "accept" not in drawn(app)[-1])
        for key in "aQ":
            await pilot.press(key)
            await until(pilot, lambda key=key: drawn(app)[19] == f" {key} does nothing here · ? keys")
        await pilot.press("slash", "Q")
        await until(pilot, lambda: "does nothing" not in drawn(app)[19])
        assert not [one for one in bridge.commands if not isinstance(one, commands.SaveView)]


async def test_an_answer_while_all_stands_still_says_what_lets_it_go_on() -> None:
    facts = FACTS.but(busy=False, interrupted="")
    first = {"reset": True, "facts": facts, "session": session(), "approvals": [command_question()]}
    app, bridge = workbench(Update.model_validate(first))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        answer = Decision(approval="a1", verdict="approve", shown_hash="9b2e", actor="ada", at=NOW)
        done = "sent 2 decisions, 6 left open · u takes it back until it is read"
        app.bench.command(commands.Decide(decision=answer), done)
        await until(pilot, lambda: bridge.of(commands.Decide))
        said = " sent 2 decisions, 6 left open · u takes it back · paused: 1 x go on"
        await until(pilot, lambda: drawn(app)[19] == said)
