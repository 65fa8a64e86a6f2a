"""The composer and the panes around the work where they stand: in the workbench, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from autodev_tui.app import Autodev
from autodev_tui.domain import commands, requests
from autodev_tui.domain.updates import EngineFacts, Message, Update
from tests.fakes.bridge import FakeBridge
from tests.fakes.shown import FACTS, NOW, session
from tests.ui.stage import drawn, until
from tests.ui.test_first_run import BARE
from tests.ui.test_panes_around import SESSIONS, SETTINGS
from tests.ui.test_usage_pane import usage
from widgets.first_run_pane import FirstRunPane
from widgets.key_help import KeyHelp
from widgets.keys import reachable
from widgets.secret_words import SecretWords

SIZE = (80, 24)
HARMLESS = (commands.SaveView,)
ANSWERS: dict[type[Any], Any] = {
    requests.GetDoctor: BARE,
    requests.GetSessions: SESSIONS,
    requests.GetSettings: SETTINGS,
    requests.GetUsage: usage,
    requests.GetPaths: requests.PathsAnswer(paths=["src/tokens.py"]),
    requests.GetTrust: requests.TrustAnswer(),
}


def workbench(*updates: Update) -> tuple[Autodev, FakeBridge]:
    bridge = FakeBridge(*updates, answers=ANSWERS)
    return Autodev(bridge, now=lambda: NOW), bridge  # type: ignore[arg-type]


def at_work() -> Update:
    tasks = [{"id": "T3", "session": "s1", "title": "Tests", "state": "in_progress"}]
    return Update.model_validate(
        {"reset": True, "facts": FACTS, "session": session(), "tasks": tasks, "working": ["T3"]}
    )


def told(bridge: FakeBridge) -> list[commands.Command]:
    return [one for one in bridge.commands if not isinstance(one, HARMLESS)]


async def test_without_a_model_the_first_run_shows_and_i_types() -> None:
    app, bridge = workbench(Update(reset=True, facts=EngineFacts(model_problem="no key")))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.focused, FirstRunPane) and app.focused.answer)
        assert len([row for row in drawn(app) if row.startswith("  ! ")]) == 4
        await pilot.press("i")
        await until(pilot, lambda: app.bench.typing)
        await pilot.press(*"[ar?4")
        assert app.bench.composer.text == "[ar?4"
        assert told(bridge) == []


async def test_escape_and_paging_keys_decide_nothing_and_lose_no_word() -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.bench.composer.focus_field()
        await pilot.press(*"half a word")
        await pilot.press(*["escape"] * 20)
        for pane in ("6", "7", "1", "2"):
            await pilot.press(pane, "escape", "escape", "ctrl+d", "ctrl+u")
        await pilot.pause()
        assert app.bench.composer.text == "half a word"
        assert told(bridge) == [] and app.is_running


async def test_a_message_is_queued_taken_back_and_delivered() -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.bench.composer.focus_field()
        await pilot.press(*"@T3 hurry", "enter")
        await until(pilot, lambda: bridge.of(commands.SendMessage))
        assert bridge.of(commands.SendMessage) == [commands.SendMessage(task="T3", text="hurry")]
        queued = Message(id="m1", session="s1", task="T3", text="hurry", created=NOW)
        bridge.push(Update(messages=[queued]))
        await until(pilot, lambda: app.mirror.queued("T3"))
        app.bench.composer.aim("T3")
        await pilot.press("enter")
        await until(pilot, lambda: bridge.of(commands.DeliverMessages))
        await pilot.press("up")
        await until(pilot, lambda: bridge.of(commands.TakeBackMessage))
        assert app.bench.composer.text == "hurry"


async def test_what_the_engine_refuses_stands_in_the_field_again() -> None:
    app, bridge = workbench(Update(reset=True, facts=FACTS.but(busy=False)))
    bridge.refused[commands.StartSession] = requests.Refused(reason="the budget of this month is spent")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.typing)
        await pilot.press(*"add it", "enter")
        await until(pilot, lambda: app.bench.composer.text == "add it")
        assert "the budget of this month is spent" in "\n".join(drawn(app))


@pytest.mark.parametrize(
    "name", ["usage", "sessions", "doctor", "settings", "rules", "prompts", "log", "trust"]
)
async def test_every_pane_opens_by_its_command_and_says_its_keys(name: str) -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await app.bench.run_command(name)
        await until(pilot, lambda: app.focused is app.bench.desk.pane)
        pane = app.focused
        context = str(getattr(pane, "CONTEXT", ""))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.focused, KeyHelp))
        listed = [row for row in app.bench.desk.panes["keys"].rows if len(row) == 3]  # type: ignore[attr-defined]
        works = [key for key in reachable(context) if app.bench.works(pane, key)]
        assert len(listed) == len(works)
        await pilot.press("q")
        await until(pilot, lambda: app.focused is pane)
        assert told(bridge) == []


async def test_a_key_command_asks_hidden() -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.bench.composer.focus_field()
        await pilot.press(*"/key", "enter")
        await until(pilot, lambda: app.focused and isinstance(app.focused.parent, SecretWords))
        await pilot.press(*"sk-1", "enter")
        await until(pilot, lambda: bridge.of(commands.SetKey))
        assert bridge.of(commands.SetKey)[0].key.get_secret_value() == "sk-1"
        views = [str(one) for one in bridge.of(commands.SaveView)]
        assert not any("sk-1" in view for view in views)


async def test_with_a_model_the_composer_has_the_focus_and_down_takes_a_goal_of_this_repository() -> None:
    goals = ["fix the 3 ruff findings in src", "write a README"]
    examples = requests.RowsAnswer(rows=[{"goal": goal, "why": "it is so"} for goal in goals])
    app, bridge = workbench(Update(reset=True, facts=FACTS.but(busy=False)))
    bridge.answers = {**ANSWERS, requests.GetExamples: examples}
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.composer.examples == goals)
        assert app.bench.typing and app.bench.desk.current == "first_run"
        for key, text in [("down", goals[0]), ("down", goals[1]), ("down", goals[1]), ("up", goals[0])]:
            await pilot.press(key)
            await until(pilot, lambda text=text: app.bench.composer.text == text)  # type: ignore[misc]
        await pilot.press("up")
        await until(pilot, lambda: not app.bench.composer.text)
        await pilot.press("down", "!", "enter")
        await until(pilot, lambda: bridge.of(commands.StartSession))
        assert bridge.of(commands.StartSession)[0].goal == goals[0] + "!"
        await until(pilot, lambda: app.bench.desk.current == "")


async def test_a_warning_is_one_row_of_news_and_asks_nothing() -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        warned = {"kind": "noticed", "text": "budget: $4.02 of 5.00", "severity": "warning"}
        usage_ = {"cost_usd": 4.02}
        bridge.push(
            Update.model_validate({"events": [warned], "session": session(usage=usage_).model_dump()})
        )
        await until(pilot, lambda: drawn(app)[19] == " ! budget: $4.02 of 5.00")
        spent = [one for one in app.bench.query_one("#header").right if "4.02" in one[0]]  # type: ignore[attr-defined]
        assert spent == [("$4.02", "asks")]
        assert told(bridge) == [] and not app.mirror.pending()
        bridge.push(
            Update.model_validate(
                {
                    "events": [
                        {
                            "kind": "noticed",
                            "task": "T3",
                            "text": "the model is [b]gone",
                            "severity": "warning",
                        }
                    ]
                }
            )
        )
        await until(pilot, lambda: drawn(app)[19] == " ! T3: the model is [b]gone")


async def test_drive_asks_whoever_drives_to_give_way() -> None:
    app, bridge = workbench(at_work())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.bench.composer.focus_field()
        await pilot.press(*"/drive", "enter")
        await until(pilot, lambda: told(bridge))
        assert told(bridge) == [commands.TakeOver()]
