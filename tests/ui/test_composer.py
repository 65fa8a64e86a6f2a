"""The composer, from the keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events

from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import AdviceAnswer, GetGoalAdvice, GetPaths, OutlinedTask, PathsAnswer
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.task import Task
from autodev_tui.domain.updates import EngineFacts, Message, Update
from tests.ui.stage import Stage, drawn, until
from widgets.commands_table import COMMANDS
from widgets.composer import Composer
from widgets.composer_offers import advice_words
from widgets.composer_text import PASTE_MOST
from widgets.messages import Asked, Said

PATHS = PathsAnswer(paths=["src/auth/tokens.py", "src/auth/callback.py", "tests/test_tokens.py", "a b.txt"])

ADVICE = AdviceAnswer(
    complexity="moderate",
    score=5,
    tasks=4,
    cost_usd=0.6,
    level=Level.COLLABORATIVE,
    outline=[
        OutlinedTask(title="Add login", needs_model=True),
        OutlinedTask(title="Test it", needs_model=False),
    ],
)


def running(**more: Any) -> Mirror:
    mirror = Mirror()
    session = Session(
        id="s1", goal="Add OAuth login", state=SessionState.RUNNING, model="m", slider=Level.COLLABORATIVE,
        target_branch="main", base_commit="0" * 40, session_branch="autodev/s1", start_time=0.0,
    )  # fmt: skip
    tasks = [Task(id="T3", session="s1", title="Tests"), Task(id="T4", session="s1", title="Docs")]
    mirror.apply(Update(facts=EngineFacts(busy=True), session=session, tasks=tasks, **more))
    return mirror


def stage(mirror: Mirror | None = None, front: str = "T3") -> tuple[Stage, Composer]:
    composer = Composer()
    composer.mirror = mirror or Mirror()
    composer.aim(front)
    return Stage(composer, {GetPaths: PATHS, GetGoalAdvice: ADVICE}), composer


async def test_a_goal_is_sent_and_the_field_is_empty_again() -> None:
    app, composer = stage()
    async with app.run_test(size=(80, 24)) as pilot:
        assert drawn(app)[22].startswith("━ new goal ━")
        await pilot.press(*"add logi", "n", "enter")
        await pilot.pause()
        (sent,) = app.heard(Composer.Sent)
        assert (sent.text, sent.target) == ("add login", "goal")
        assert composer.text == ""


async def test_letters_that_decide_elsewhere_are_typed() -> None:
    app, composer = stage()
    async with app.run_test() as pilot:
        await pilot.press("x", "left_square_bracket", "a", "r", "question_mark", "4", "right_square_bracket")
        assert composer.text == "x[ar?4]"
        assert app.acted == []


async def test_a_question_mark_in_the_empty_field_opens_the_keys() -> None:
    app, composer = stage()
    async with app.run_test() as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.acted == ["keys"]
        assert composer.text == ""


async def test_escape_and_keys_of_panes_lose_nothing() -> None:
    app, composer = stage()
    async with app.run_test() as pilot:
        await pilot.press(*"/lev", *["escape"] * 20)
        await pilot.pause()
        assert composer.text == "/lev"
        assert len(app.heard(Composer.Left)) == 19, "the first one closed the list"
        assert not app.heard(Composer.Sent) and not app.heard(Composer.CommandRun)


async def test_the_target_freezes_with_the_first_letter() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "to T3 tests" in drawn(app)[22]
        await pilot.press("h")
        composer.aim("T4")
        await pilot.pause()
        assert "to T3 tests" in drawn(app)[22]
        await pilot.press("i", "enter")
        await pilot.pause()
        assert app.heard(Composer.Sent)[0].target == "T3"
        assert "to T4 docs" in drawn(app)[22], "empty again, it follows the agent in front"


@pytest.mark.parametrize(
    ("typed", "target", "text"),
    [
        ("@T4 use scopes", "T4", "use scopes"),
        ("@all stop at the tests", "all", "stop at the tests"),
        ("@T9 hello", "T3", "@T9 hello"),
        ("~. is fine", "T3", "~. is fine"),
        (" /etc is fine", "T3", "/etc is fine"),
    ],
)
async def test_whom_words_are_for(typed: str, target: str, text: str) -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        composer.put(typed)
        await pilot.press("enter")
        await pilot.pause()
        (sent,) = app.heard(Composer.Sent)
        assert (sent.target, sent.text) == (target, text)


async def test_commands_and_shell() -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        for text in ("/level guided", "/usage", "!git status", "/level wild", "/nothing", "/agents"):
            composer.put(text)
            await pilot.press("enter")
            await pilot.pause()
        commands = [(one.name, one.arguments) for one in app.heard(Composer.CommandRun)]
        assert commands == [("level", "guided"), ("usage", "")]
        (shell,) = app.heard(Composer.ShellRun)
        assert (shell.command, shell.task) == ("git status", "T3")
        assert [one.words.split(":")[0] for one in app.heard(Said)] == [
            "/level takes guided, collaborative, supervised, full",
            "there is no /nothing · tab completes · a space before it sends it as it is",
            "/agents N",
        ]
        assert composer.text == "/agents", "what could not be run is still there"


async def test_enter_in_the_empty_field_delivers_only_what_is_queued() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert not app.heard(Composer.DeliverNow)
        message = Message(id="m1", session="s1", task="T3", text="use the frozen clock", created=1.0)
        composer.mirror.apply(Update(messages=[message]))
        composer.show(composer.mirror)
        await pilot.pause()
        assert "1 queued  enter delivers now, up takes back" in drawn(app)[22]
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard(Composer.DeliverNow)[0].task == "T3"
        await pilot.press("up")
        await pilot.pause()
        assert app.heard(Composer.TakenBack)[0].message == "m1"
        assert composer.text == "use the frozen clock"


async def test_history_at_the_edges_keeps_the_draft() -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        composer.restore({"history": ["one", "two\nrows"], "text": "dra"})
        await pilot.press("f", "up")
        assert composer.text == "two\nrows"
        await pilot.press("up")
        assert composer.text == "two\nrows", "the cursor moved inside the text"
        await pilot.press("up")
        assert composer.text == "one"
        await pilot.press("down", "down", "down")
        assert composer.text == "draf"


async def test_history_is_searched() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        composer.restore({"history": ["use the clock", "write docs"], "text": "draft"})
        await pilot.press("ctrl+r", *"clo")
        await pilot.pause()
        assert "search what was typed" in drawn(app)[22]
        assert "use the clock" in drawn(app)[21]
        await pilot.press("escape")
        assert composer.text == "draft"
        await pilot.press("ctrl+r", *"clo", "enter")
        assert composer.text == "use the clock"
        assert not app.heard(Composer.Sent)


async def test_files_and_agents_complete_without_moving_anything() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"see @tok")
        await until(pilot, lambda: "tests/test_tokens.py" in "".join(drawn(app)))
        rows = drawn(app)
        assert rows[22].startswith("━ to T3") and "src/auth/tokens.py" in rows[20]
        await pilot.press("down", "tab")
        assert composer.text == "see @tests/test_tokens.py "
        await pilot.pause()
        assert drawn(app)[21] == "", "the list is closed"
        composer.put("")
        await pilot.press(*"@T4", "tab", "x", "enter")
        await pilot.pause()
        assert app.heard(Composer.Sent)[0].target == "T4"


async def test_a_command_completes_with_its_help() -> None:
    app, _ = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"/lev")
        await pilot.pause()
        assert "level" in drawn(app)[21] and "autonomy" in drawn(app)[21]
        await pilot.press("tab")
        await pilot.press(*"gu", "tab", "enter")
        await pilot.pause()
        assert [(one.name, one.arguments) for one in app.heard(Composer.CommandRun)] == [("level", "guided")]


async def test_tab_in_the_empty_field_goes_to_what_waits() -> None:
    app, _ = stage()
    async with app.run_test() as pilot:
        await pilot.press("tab")
        await pilot.pause()
        assert [one.to_need for one in app.heard(Composer.Left)] == [True]


async def test_a_paste_is_capped_neutralised_and_never_run() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(events.Paste("!rm -rf /\r\nsecond \x1b[31m\u202erow\u00a0end"))
        await until(pilot, lambda: composer.text)
        assert composer.text == "!rm -rf /\nsecond ‹1B›[31m‹U+202E›row end"
        app.post_message(events.Paste("x" * (PASTE_MOST + 5)))
        await until(pilot, lambda: len(composer.text) > PASTE_MOST)
        assert "pasted the first 16,384 of 16,389 characters" in app.heard(Said)[-1].words
        assert not app.heard(Composer.ShellRun) and not app.heard(Composer.Sent)
        assert composer.text_field.size.height == 6


async def test_ctrl_d_deletes_right_and_in_the_empty_field_hints() -> None:
    app, composer = stage()
    async with app.run_test() as pilot:
        await pilot.press("a", "b", "left", "ctrl+d")
        assert composer.text == "a"
        await pilot.press("backspace", "ctrl+d")
        await pilot.pause()
        assert "ctrl+q leaves" in app.heard(Said)[0].words


async def test_a_goal_is_advised_while_it_is_typed() -> None:
    app, composer = stage()
    async with app.run_test() as pilot:
        await pilot.press(*"add login")
        await until(pilot, lambda: app.heard(Composer.Advised))
        assert app.heard(Composer.Advised)[0].text == "moderate 5 · 4 tasks · ~$0.60 · advice: same"
        assert [one.title for one in app.heard(Composer.Advised)[0].outline] == ["Add login", "Test it"]
        assert len([one for one in app.heard(Asked) if isinstance(one.request, GetGoalAdvice)]) == 1
        composer.put("")
        await until(pilot, lambda: app.heard(Composer.Advised)[-1].text == "")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("anthropic/claude", "moderate 5 · 4 tasks by the model · $0.40–0.80 · advice: same"),
        ("ollama/qwen3", "moderate 5 · 4 tasks by the model · local, nothing to pay · advice: same"),
        ("rules", "moderate 5 · 2 tasks by rules, 1 needs a model · advice: same"),
        ("", "moderate 5 · 4 tasks · $0.40–0.80 · advice: same"),
    ],
)
def test_advice_says_who_plans_and_what_it_costs(model: str, words: str) -> None:
    mirror = Mirror()
    mirror.apply(Update(facts=EngineFacts(model=model)))
    assert advice_words(ADVICE.but(cost_range_usd=(0.4, 0.8)), mirror) == words
    assert len(words) <= 79


def test_advice_calls_nothing_free_that_works_elsewhere() -> None:
    mirror = Mirror()
    mirror.apply(Update(facts=EngineFacts(model="ollama/helper")))
    words = advice_words(ADVICE.but(cost_usd=None, price_known=False), mirror)
    assert words == "moderate 5 · 4 tasks by the model · price not known · advice: same"


async def test_draft_target_and_history_survive() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"first", "enter", *"half")
        await until(pilot, lambda: app.heard(Composer.DraftChanged))
        state = composer.state()
    app, composer = stage(running(), front="T4")
    async with app.run_test(size=(80, 24)) as pilot:
        composer.restore(state)
        await pilot.pause()
        assert "to T3 tests" in drawn(app)[22]
        assert composer.text == "half" and composer.state() == state


async def test_a_goal_can_be_typed_while_others_work_and_only_one() -> None:
    app, composer = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        composer.aim("goal")
        await pilot.press(*"more", "enter")
        await pilot.pause()
        assert app.heard(Composer.Sent)[0].target == "goal"
        assert "to T3 tests" in drawn(app)[22]


async def test_what_was_refused_stands_there_again() -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        await pilot.press(*"one", "enter", *"two")
        composer.give_back("one")
        await pilot.pause()
        assert composer.text == "one\ntwo"


async def test_every_command_can_be_reached_in_the_list() -> None:
    app, _ = stage(running())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        await pilot.pause()
        assert drawn(app)[16].startswith("▌ goal") and drawn(app)[21].endswith(f"… {len(COMMANDS) - 6} more")
        await pilot.press("up")
        await pilot.pause()
        assert drawn(app)[21].startswith("▌ help")
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert app.heard(Composer.CommandRun)[0].name == "help"


async def test_no_draft_is_lost_to_the_history() -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        composer.restore({"history": ["one", "two"]})
        await pilot.press(*"draft", "up", "x")
        await pilot.pause()
        assert composer.text == "twox", "a recalled text is changed"
        await pilot.press("up")
        assert composer.text == "draft"
        await pilot.press("down")
        assert composer.text == "twox"
        await pilot.press("ctrl+r", *"one", "enter", "up")
        await pilot.pause()
        assert composer.text == "twox", "what stood there when the history was searched"


async def test_what_is_typed_before_the_draft_is_back_stays() -> None:
    app, composer = stage(running())
    async with app.run_test() as pilot:
        await pilot.press(*"new")
        composer.restore({"text": "old draft", "history": ["one"]})
        assert composer.text == "new"
        await pilot.press("up")
        assert composer.text == "old draft"
