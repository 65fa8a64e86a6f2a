"""What a review is compared with, and hunks that change only blanks."""

from __future__ import annotations

from typing import Any

from autodev_tui.app import Autodev
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.requests import DiffAnswer, GetDiff, GetReview, ReviewAnswer
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.step import Step, StepKind
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.fakes.changes import change_set, review, seven_hunks
from tests.ui.stage import drawn, until
from tests.ui.test_review import opened
from widgets.key_help import KeyHelp
from widgets.review_pane import ReviewPane

TREES = {"first": "a" * 40, "second": "b" * 40, "now": "c" * 40}


def asked(name: str, tree: str, created: float, state: ApprovalState) -> Approval:
    question = shown.review_question(id=name, created=created, state=state)
    return question.but(base={**question.base, "proposed": TREES[tree]})


def checkpoint(number: int, tree: str) -> Step:
    result = {"ref": f"refs/autodev/T2/{number}", "tree": TREES[tree], "commit": "d" * 40}
    return shown.step("T2", StepKind.CHECKPOINT, "checkpoint", result=result)


async def test_blanks_are_hidden_and_stay_undecided() -> None:
    numbered = [f"line {number}\n" for number in range(1, 41)]
    new = list(numbered)
    new[4], new[19], new[34] = "line  5 \n", "other\n", "    line 35\n"
    changes = change_set(("a.py", "".join(numbered), "".join(new)))
    async with opened(review(changes)) as desk:
        await desk.press("B")
        text = desk.app.text()
        assert "only what is not blank" in text
        assert "open 1/3" not in text and "open 2/3" in text and "open 3/3" in text, "indentation counts"
        await desk.press("B", "g")
        assert "open 1/3" in desk.app.text() and desk.state(1) == "open"


async def test_where_nothing_is_blank_B_says_so() -> None:
    async with opened(review(seven_hunks())) as desk:
        await desk.press("B")
        assert desk.host.ignored == ["no hunk changes only blanks"]


async def test_it_is_compared_with_the_last_review_and_with_checkpoints() -> None:
    approvals = [
        asked("a1", "first", 1.0, ApprovalState.REJECTED),
        asked("a2", "now", 2.0, ApprovalState.PENDING),
    ]
    steps = [checkpoint(1, "first"), checkpoint(2, "second"), checkpoint(3, "now")]
    update = shown.update(approvals=approvals, steps=steps)
    answers: dict[type[Any], Any] = {
        GetReview: ReviewAnswer(review=shown.review_view().but(approval="a2")),
        GetDiff: DiffAnswer(changes=seven_hunks()),
    }
    bridge = FakeBridge(update, answers=answers)
    app = Autodev(bridge, now=lambda: shown.NOW)  # type: ignore[arg-type]

    def compared() -> list[GetDiff]:
        return [one for one in bridge.requests if isinstance(one, GetDiff)]

    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await pilot.press("escape", "3")
        await until(pilot, lambda: isinstance(app.focused, ReviewPane) and app.focused.view)
        for number, (tree, title) in enumerate(
            [("first", "since your last review"), ("second", "since checkpoint 2")], 1
        ):
            await pilot.press("equals_sign")
            await until(pilot, lambda number=number: len(compared()) == number)
            await until(pilot, lambda: app.bench.desk.current == "change")
            assert compared()[-1] == GetDiff(old=TREES[tree], new=TREES["now"])
            assert title in "\n".join(drawn(app))
            await pilot.press("q")
            await until(pilot, lambda: app.bench.desk.current == "review")


async def test_help_names_no_decision_where_a_change_is_only_looked_at() -> None:
    bridge = FakeBridge(shown.update(), answers={GetDiff: DiffAnswer(changes=seven_hunks())})
    app = Autodev(bridge, now=lambda: shown.NOW)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        await app.bench.compare("a" * 40, "b" * 40, "since then")
        await pilot.pause()
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.focused, KeyHelp))
        text = "\n".join(drawn(app))
        assert "next hunk" in text and "accept" not in text and "criteria" not in text
