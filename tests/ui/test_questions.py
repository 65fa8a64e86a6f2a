"""The inbox of questions: nothing is approved by accident, every answer is bound to what was shown."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.commands import Decide, SendMessage
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.updates import Update
from tests.fakes import shown
from tests.ui.stage import Stage, drawn, until
from widgets.field import Field
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven, Said, WentTo
from widgets.needs import needs
from widgets.questions_pane import QuestionsPane
from widgets.text_editor import TextEditor


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Inbox:
    """A pane with questions on a stage of 80×17, the body of a screen of 80×24."""

    def __init__(self, *approvals: Approval) -> None:
        self.clock = Clock()
        self.mirror = Mirror()
        self.mirror.apply(shown.update(approvals=list(approvals)))
        self.pane = QuestionsPane(clock=self.clock, now=lambda: shown.NOW)
        self.stage = Stage(self.pane, {})

    async def begin(self, pilot: Pilot[None], *, rest: bool = True) -> None:
        self.pane.show(self.mirror)
        await pilot.pause()
        if rest:
            self.clock.now += 1

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        """Keys with a second of rest before each."""
        for key in keys:
            self.clock.now += 1
            await pilot.press(key)
            await pilot.pause()

    def tell(self, **changes: Any) -> None:
        self.mirror.apply(Update(**changes))
        self.pane.show(self.mirror)

    @property
    def decisions(self) -> list[Decision]:
        given = [one.command for one in self.stage.heard(CommandGiven)]
        return [command.decision for command in given if isinstance(command, Decide)]

    @property
    def words(self) -> list[str]:
        return [one.words for one in self.stage.said if isinstance(one, Said | LinePane.Ignored)]

    def running(self, height: int = 17) -> Any:
        return self.stage.run_test(size=(80, height))


def command(text: str = "pip install freezegun", **fields: Any) -> Approval:
    question = shown.command_question()
    return question.but(ask={**question.ask, "command": text}, **fields)


async def test_approve_does_nothing_within_half_a_second_of_focus_of_drawing_and_of_the_last_key():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot, rest=False)
        await pilot.press("a")
        assert not inbox.decisions and "half a second" in inbox.words[-1]
        inbox.clock.now += 0.49
        await pilot.press("a")
        assert not inbox.decisions, "the key before restarted the clock"
        inbox.clock.now += 0.51
        await pilot.press("j")
        inbox.clock.now += 0.3
        await pilot.press("a")
        assert not inbox.decisions
        inbox.pane.screen.set_focus(None)
        await pilot.pause()
        inbox.clock.now += 5
        inbox.pane.focus()
        await pilot.pause()
        inbox.clock.now += 0.4
        await pilot.press("a")
        assert not inbox.decisions
        inbox.clock.now += 0.5
        await pilot.press("a")
        (decision,) = inbox.decisions
        assert decision.verdict == "approve" and decision.shown_hash == shown.command_question().shown_hash


async def test_its_keys_turn_bold_by_themselves_when_the_time_comes():
    pane = QuestionsPane(now=lambda: shown.NOW)
    stage = Stage(pane, {})
    mirror = Mirror()
    mirror.apply(shown.update())
    async with stage.run_test(size=(80, 17)) as pilot:
        pane.show(mirror)
        await pilot.pause()
        assert not pane.armed
        await until(pilot, lambda: stage.heard(QuestionsPane.ArmedChanged))
        assert pane.armed


async def test_a_question_longer_than_the_desk_is_read_to_its_end_first():
    long = "echo " + " && echo ".join(f"number-{number:04d}" for number in range(300))
    inbox = Inbox(command(long))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "a")
        assert inbox.words[-1] == "read to the end first · G" and not inbox.decisions
        await inbox.press(pilot, "space")
        await inbox.press(pilot, "a")
        assert not inbox.decisions, "a page further is not the end yet"
        await inbox.press(pilot, "G")
        await inbox.press(pilot, "a")
        assert len(inbox.decisions) == 1


async def test_all_of_a_long_command_is_there():
    long = "run " + "x" * 500 + " --end"
    inbox = Inbox(command(long))
    async with inbox.running(height=40) as pilot:
        await inbox.begin(pilot)
        text = "".join(line.strip("▌ ") for line in drawn(inbox.stage)[4:14])
        assert long.replace(" ", "") in text.replace(" ", ""), "it wraps and is never cut"


@pytest.mark.parametrize("key", ["escape", "enter", "y", "n", "space", "tab"])
async def test_keys_that_look_or_leave_decide_nothing(key):
    inbox = Inbox(shown.command_question(), shown.word_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        for _ in range(20 if key == "escape" else 3):
            await inbox.press(pilot, key)
        assert not inbox.stage.heard(CommandGiven)


async def test_enter_opens_the_full_text_and_escape_closes_it():
    inbox = Inbox(shown.command_question(), shown.word_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "enter")
        assert not any("migration" in line for line in drawn(inbox.stage))
        await inbox.press(pilot, "escape")
        assert any("migration" in line for line in drawn(inbox.stage))
        assert not inbox.decisions


async def test_another_text_of_the_question_must_be_looked_at_anew():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        inbox.tell(approvals=[command("pip install evil", shown_hash="f" * 64)])
        await pilot.pause()
        await pilot.press("a")
        assert not inbox.decisions
        await inbox.press(pilot, "a")
        assert inbox.decisions[0].shown_hash == "f" * 64


async def test_a_question_that_comes_takes_neither_place_nor_focus():
    inbox = Inbox(shown.word_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        inbox.tell(approvals=[command(created=shown.NOW - 400)])
        await pilot.pause()
        assert inbox.pane.current().id == "a2"
        await inbox.press(pilot, "a")
        assert [one.approval for one in inbox.decisions] == ["a2"]


async def test_one_answer_is_sent_once():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "a", "a", "a")
        assert len(inbox.decisions) == 1
        given = inbox.stage.heard(CommandGiven)[0]
        assert given.done == "approved once · A next time remembers"
        given.refused("look again", [])
        await inbox.press(pilot, "a")
        assert len(inbox.decisions) == 2, "what was refused may be answered again"


async def test_remember_shows_the_rule_in_full_before_enter_saves_it():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "A")
        text = "\n".join(drawn(inbox.stage))
        assert "In this session, run exactly `pip install freezegun` without asking." in text
        assert not inbox.decisions
        await pilot.press("enter")
        assert not inbox.decisions, "the rule was not looked at for half a second"
        await inbox.press(pilot, "escape")
        assert not inbox.decisions
        await inbox.press(pilot, "A", "j", "enter")
        (decision,) = inbox.decisions
        assert (decision.verdict, decision.remember) == ("approve", "repository")


async def test_a_hard_gate_cannot_be_remembered():
    inbox = Inbox(command(hard_gates=["push"]))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "A", "enter")
        assert not inbox.decisions
        assert not inbox.pane.check_action("remember", ())


async def test_reject_asks_once_for_a_reason():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "r", "enter")
        assert not inbox.decisions
        assert any("no reason given" in line for line in drawn(inbox.stage))
        await inbox.press(pilot, "enter")
        (decision,) = inbox.decisions
        assert (decision.verdict, decision.reason) == ("reject", "")


async def test_half_typed_reasons_outlive_escape_and_a_restart():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "r", *"use", "space", *"it", "escape")
        assert not inbox.decisions and inbox.pane.has_focus
        state = inbox.pane.state()
    again = Inbox(shown.command_question())
    async with again.running() as pilot:
        again.pane.restore(state)
        await again.begin(pilot)
        await again.press(pilot, "r", "!", "enter")
        assert again.decisions[0].reason == "use it!"


async def test_up_brings_back_earlier_reasons_also_after_a_restart():
    inbox = Inbox(shown.command_question(), command("run two", id="a7"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "r", *"why", "enter")
        state = inbox.pane.state()
    again = Inbox(command("run two", id="a7"))
    async with again.running() as pilot:
        again.pane.restore(state)
        await again.begin(pilot)
        await again.press(pilot, "r", "up", "enter")
        assert again.decisions[0].reason == "why"


async def test_letters_are_typed_in_a_field_and_decide_nothing():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "c", *"aArdn")
        assert inbox.pane.query_one(Field).text == "aArdn"
        await inbox.press(pilot, "enter")
        (given,) = inbox.stage.heard(CommandGiven)
        assert given.command == SendMessage(task="T3", text="aArdn")


async def test_an_edited_command_is_what_is_approved():
    inbox = Inbox(shown.command_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "e")
        inbox.pane.query_one(Field).load_text("pip install freezegun==1.5")
        await inbox.press(pilot, "enter")
        (decision,) = inbox.decisions
        assert (decision.verdict, decision.text) == ("edit", "pip install freezegun==1.5")


async def test_what_hides_in_a_command_is_seen_while_it_is_edited_and_kept():
    inbox = Inbox(command("echo a\u202eb"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "e")
        assert inbox.pane.query_one(Field).text == "echo a‹U+202E›b"
        await inbox.press(pilot, "enter")
        assert not inbox.decisions, "nothing was changed, so there is nothing to approve instead"
        await inbox.press(pilot, "c", "enter")
        assert inbox.decisions[0].text == "echo a\u202ebc"


async def test_an_edit_is_changed_in_an_editor_and_kept_by_ctrl_o():
    ask = {"task": "T3", "path": "a.py", "diff": "@@ -1 +1 @@\n-x = 1\n+x = 2\n", "new_text": "x = 2\n"}
    inbox = Inbox(shown.approval(ApprovalKind.EDIT, "T3 wants to edit a.py", ask, task="T3"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        assert any("+x = 2" in line for line in drawn(inbox.stage))
        await inbox.press(pilot, "e")
        inbox.pane.query_one(TextEditor).load_text("x = 3\n")
        await inbox.press(pilot, "ctrl+o")
        assert (inbox.decisions[0].verdict, inbox.decisions[0].text) == ("edit", "x = 3\n")


async def test_an_option_is_chosen_with_j_and_approved_with_a():
    inbox = Inbox(shown.word_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "j", "a")
        assert (inbox.decisions[0].verdict, inbox.decisions[0].choice) == ("choose", "drop")


async def test_a_question_for_words_gets_words():
    question = shown.word_question().but(choices=[], ask={"question": "Which clock?", "options": []})
    inbox = Inbox(question)
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "a", "enter")
        assert not inbox.decisions, "an answer has words"
        await inbox.press(pilot, *"utc", "enter")
        assert (inbox.decisions[0].verdict, inbox.decisions[0].text) == ("choose", "utc")


async def test_a_spent_budget_says_what_each_way_means():
    ask = {"spent_usd": 5.0, "budget_usd": 5.0, "raise": "raise once by $5.00 to $10.00", "stop": "stop here"}
    question = shown.approval(
        ApprovalKind.BUDGET, "budget: $5.00 of $5.00 spent", ask, choices=["raise", "stop"], risk="high"
    )
    inbox = Inbox(question)
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        assert any("◆ raise once by $5.00 to $10.00" in line for line in drawn(inbox.stage))
        await inbox.press(pilot, "j", "a")
        assert inbox.decisions[0].choice == "stop"


def budget(**more):
    """The budget is reached: raise it once, one of two cheaper models, or stop."""
    ask = {
        "scope": "session",
        "spent_usd": 5.0,
        "budget_usd": 5.0,
        "ahead_usd": [0.6, 1.4],
        "raise": "raise the budget once by $1.00 to $6.00",
        "raise_usd": 1.0,
        "cheaper": [
            {
                "model": "anthropic/claude-haiku-4-5",
                "usd_per_million_input": 1.0,
                "usd_per_million_output": 5.0,
            },
            {
                "model": "ollama/qwen3",
                "usd_per_million_input": 0.0,
                "usd_per_million_output": 0.0,
                "can": "calls tools",
            },
        ],
        "stop": "stop here and look at what is there; nothing done so far is lost",
    }
    cheaper = [f"cheaper:{one['model']}" for one in ask["cheaper"]]
    return shown.approval(
        ApprovalKind.BUDGET,
        "budget: $5.00 of $5.00 spent",
        ask | more,
        choices=["raise", *cheaper, "stop"],
        risk="high",
    )


async def test_at_the_budget_each_way_on_is_named_with_its_price():
    inbox = Inbox(budget())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        rows = [row.strip(" ▌") for row in drawn(inbox.stage)]
        text = "\n".join(rows)
        assert "budget: $5.00 of 5.00, $0.60–1.40 to finish" in rows
        first = rows.index("◆ raise the budget once by $1.00 to $6.00")
        assert rows[first + 1 : first + 4] == [
            "◇ go on with anthropic/claude-haiku-4-5: $1.00 in, $5.00 out per million",
            "◇ go on with ollama/qwen3: on this machine, nothing to pay, calls tools",
            "◇ stop here and look at what is there; nothing done so far is lost",
        ]
        assert "that is left" not in text
        assert "nothing is half done" in text and "usd" not in text and "{" not in text
        await inbox.press(pilot, "j", "a")
        assert inbox.decisions[0].choice == "cheaper:anthropic/claude-haiku-4-5"


async def test_before_all_is_spent_it_is_said_why_it_is_asked():
    inbox = Inbox(budget(spent_usd=4.9))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        text = "\n".join(drawn(inbox.stage))
        assert "the next call may cost more than the $0.10 that is left" in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "■ budget: $5.00 of 5.00, $0.60–1.40 to finish"),
        ({"ahead_usd": None}, "■ budget: $5.00 of 5.00"),
        ({"scope": "task", "whose": "T3"}, "■ budget of T3: $5.00 of 5.00, $0.60–1.40 to finish"),
        (
            {"scope": "month", "budget_usd": 5000},
            "■ budget of this month: $5.00 of 5,000.00, $0.60–1.40 to finish",
        ),
    ],
)
def test_the_row_says_what_is_spent_of_what(more, words):
    mirror = Mirror()
    mirror.apply(shown.update(approvals=[budget(**more)]))
    assert "".join(text for text, _ in needs(mirror)[0].line) == words


async def test_a_question_put_away_goes_to_the_end_and_says_so():
    inbox = Inbox(shown.command_question(), shown.word_question())
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "d")
        assert inbox.decisions[0].verdict == "defer"
        inbox.tell(approvals=[shown.command_question().but(state=ApprovalState.DEFERRED)])
        await pilot.pause()
        listed = drawn(inbox.stage)[1:3]
        assert "migration" in listed[0] and "later" in listed[1]
        assert inbox.pane.current().id == "a2", "the next one takes its place"


async def test_hostile_text_is_shown_and_counted():
    inbox = Inbox(command("echo a\u202eb\x1b[31m [/b] ‮"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        text = "\n".join(drawn(inbox.stage))
        assert "‹U+202E›b‹1B›[31m [/b]" in text
        assert "3 hidden" in text and "\u202e" not in text


async def test_letters_that_pass_for_others_are_shown_and_counted():
    inbox = Inbox(command("pip install р\u0430ypal"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        text = "\n".join(drawn(inbox.stage))
        assert "‹U+0440›‹U+0430›ypal" in text and "0 hidden, 2 in disguise" in text


async def test_every_word_of_what_is_asked_is_on_the_card():
    ask = {
        "command": "pip install -r requirements.txt",
        "script": "set -e\npip install -r requirements.txt",
        "files": {"requirements.txt": "freezegun==1.5\n"},
        "variables": {"PIP_INDEX_URL": "(hidden)"},
        "why": "the checks need it",
        "network": True,
        "recipe": "requirements",
        "timeout_s": 900,
    }
    inbox = Inbox(shown.approval(ApprovalKind.COMMAND, "install what the checks need (network)", ask))
    async with inbox.running(height=40) as pilot:
        await inbox.begin(pilot)
        text = "\n".join(drawn(inbox.stage))
        for words in ("set -e", "freezegun==1.5", "PIP_INDEX_URL: (hidden)", "the checks need it", "900 s"):
            assert words in text


async def test_agents_that_want_the_same_are_one_question():
    inbox = Inbox(command(asked_by=["T3", "T5"]))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        assert any("by T3; T5 wants the same: one answer serves both" in one for one in drawn(inbox.stage))


async def test_w_goes_to_the_agent_at_that_step():
    inbox = Inbox(command(step="s1/000007"))
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, "w")
        (went,) = inbox.stage.heard(WentTo)
        assert (went.pane, went.task, went.step) == ("agents", "T3", "s1/000007")


async def test_nobody_waits():
    inbox = Inbox()
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        assert any("No question waits for you." in line for line in drawn(inbox.stage))
        await inbox.press(pilot, "a", "r", "d", "enter", "n", "w", "y")
        assert not inbox.stage.heard(CommandGiven)


async def test_many_questions_are_listed_around_the_chosen_one():
    many = [
        command(f"run {number}", id=f"a{number}", created=shown.NOW - 90 + number) for number in range(20)
    ]
    inbox = Inbox(*many)
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        await inbox.press(pilot, *["n"] * 7)
        rows = drawn(inbox.stage)
        assert "8 of 20" in rows[0]
        assert next(row for row in rows[1:6] if row.startswith("▌")).count("run 7")
        assert any(row.strip() == "run 7" for row in rows[7:])


@pytest.mark.parametrize(
    ("tool", "args", "words"),
    [
        ("run_command", '{"command": "pytest -q"}', "pytest -q"),
        ("search", {"pattern": "x[/b]", "glob": "*.py"}, "x[/b]"),
        ("update_todos", '{"todos": []}', "update_todos"),
        ("odd", "{broken", "{broken"),
    ],
)
async def test_a_stuck_agent_is_told_in_words(tool, args, words):
    question = shown.approval(
        ApprovalKind.ESCALATION,
        "T5 is stuck: the same call 3 times with the same result",
        {"tool": tool, "args": args, "result": "2 failed"},
        task="T5",
        choices=["try once more"],
    )
    inbox = Inbox(question)
    async with inbox.running() as pilot:
        await inbox.begin(pilot)
        rows = drawn(inbox.stage)
        assert rows[1].startswith(f"▌◐ T5 login page stuck {words}")
        assert not any('{"' in row for row in rows)
        assert any(row.split()[:2] == ["call", tool] for row in rows), "\n".join(rows)
