"""The last decision: what it rests on, another message, another way, and back to work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import requests
from autodev_tui.domain.approval import Approval, HunkDecision
from autodev_tui.domain.evidence import CheckKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState
from autodev_tui.engine import flow
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.report import pull_request
from autodev_tui.settings import Settings
from autodev_tui.settings_schema import ConfiguredCheck
from autodev_tui.vcs.pull_request import SECTIONS
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting

READ = ("read_file", {"path": "a.txt"})
FILES = {
    "a.txt": "".join(f"{number}\n" for number in range(20)),
    "b.txt": "b\n",
    "requirements.txt": "left-pad\n",
}


def edit(old: str, new: str) -> tuple[str, dict[str, Any]]:
    return ("edit_file", {"path": "a.txt", "old_text": old, "new_text": new})


TWO_HUNKS = make_turn(READ, edit("2\n3\n", "two\n3\n"), edit("16\n", "sixteen\n"))


async def to_landing(one: Kit) -> Approval:
    await one.start(level=Level.COLLABORATIVE)
    await one.answer(await waiting(one, "plan"))
    review = await waiting(one, "changes")
    await one.answer(
        review,
        hunks=[HunkDecision(hunk=1, verdict="accept"), HunkDecision(hunk=2, verdict="reject", reason="no")],
    )
    return await waiting(one, "land")


def script() -> Any:
    return turns(
        TWO_HUNKS,
        make_turn(DONE),
        make_turn(DONE),
        make_turn(READ, edit("5\n6\n", "five\n6\n")),
        make_turn(DONE),
    )


async def facts_of(one: Kit, approval: Approval) -> dict[str, Any]:
    answer = await one.engine.ask(requests.GetLanding(approval=approval.id))
    assert isinstance(answer, requests.RowsAnswer), answer
    return answer.facts


async def another(one: Kit, old: Approval) -> Approval:
    await until(lambda: [q for q in one.board.pending() if q.kind == "land" and q.id != old.id])
    return one.board.pending()[0]


async def test_what_a_landing_rests_on(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES, interactive=True) as one:
        question = await to_landing(one)
        (one.fixture.root / "b.txt").write_text("mine\n")
        facts = await facts_of(one, question)
        assert (facts["branch"], facts["how"], facts["hows"]) == ("main", "fast-forward", ["merge"])
        assert (facts["commits"], facts["files"], facts["added"], facts["removed"]) == (1, 1, 1, 1)
        assert facts["reviewed"] == {"hunks": 2, "accepted": 1, "edited": 0, "rejected": 1}
        assert (facts["target_moved"], facts["dirty"], facts["dirty_met"]) == (False, 1, [])
        assert not facts["message_used"] and "makes no commit" in facts["message_note"]
        assert (facts["needed"], facts["dependencies"]) == (0.85, [])
        assert facts["old"] == one.fixture.git("rev-parse", "main")


async def test_the_text_of_a_pull_request_is_kept_with_the_session(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES, interactive=True) as one:
        await to_landing(one)
        shown = pull_request(one.services.repository, one.database, one.session)
        assert [f"## {title}" in shown for title in SECTIONS] == [True] * len(SECTIONS)
        assert "| `a.txt` | modified | 1 | 1 |" in shown
        kept = one.place / "state" / "sessions" / one.session.id / "pull_request.md"
        assert kept.read_text() == shown
        gone = one.session.but(head_commit="1" * 40)
        assert pull_request(one.services.repository, one.database, gone) == shown


async def test_another_message_and_another_way_are_shown_before_they_hold(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES, interactive=True) as one:
        question = await to_landing(one)
        with pytest.raises(DecisionRefused, match="offers: merge"):
            await one.answer(question, "choose", choice="rebase")
        await one.answer(question, "edit", text="feat: two is a word\n\nAs it should be.\n")
        second = await another(one, question)
        assert (await facts_of(one, second))["subject"] == "feat: two is a word"
        await one.answer(second, "choose", choice="merge")
        third = await another(one, second)
        facts = await facts_of(one, third)
        assert (facts["how"], facts["hows"], facts["message_used"]) == ("merge", ["fast-forward"], True)
        assert facts["body"].startswith("As it should be.")
        before = one.fixture.git("rev-parse", "main")
        await one.answer(third)
        assert (await one.engine.wait()).code == flow.DONE
        subject, parents = one.fixture.git("log", "-1", "--format=%s%n%P", "main").splitlines()
        assert subject == "feat: two is a word"
        assert parents.split() == [before, one.session.head_commit]
        assert one.fixture.git("status", "--porcelain") == ""


async def test_wishes_outlive_a_restart_and_can_be_taken_back(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES) as one:
        await one.run(level=Level.COLLABORATIVE)
        await one.answer(one.board.pending()[0])
        await one.resume()
        await one.answer(one.board.pending()[0])
        await one.resume()
        for choice, how in (("merge", "merge"), ("fast-forward", "ff")):
            await one.answer(one.board.pending()[0], "choose", choice=choice)
            assert (await one.resume()).code == flow.DONE
            (question,) = one.board.pending()
            assert question.ask["mode"] == how


async def test_a_landing_that_is_sent_back_becomes_a_task(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES, interactive=True) as one:
        question = await to_landing(one)
        await one.answer(question, "reject", reason="five is missing")
        review = await waiting(one, "changes")
        assert "five is missing" in one.board.tasks["T2"].description
        assert one.session.state is SessionState.RUNNING
        await one.answer(review)
        await one.answer(await another(one, question))
        assert (await one.engine.wait()).code == flow.DONE
        assert "five" in one.fixture.git("show", "main:a.txt")


async def test_a_landing_that_is_rejected_without_a_word_ends_the_run(tmp_path: Path) -> None:
    async with kit(tmp_path, script(), files=FILES, interactive=True) as one:
        question = await to_landing(one)
        await one.answer(question, "reject")
        outcome = await one.engine.wait()
        assert (outcome.code, outcome.error) == (flow.FAILED, "landing was rejected")


async def test_a_check_that_was_red_before_says_so(tmp_path: Path) -> None:
    lint = ConfiguredCheck(name="lint", command=". ./lint.sh", kind=CheckKind.LINT)
    checks = [ConfiguredCheck(name="green", command="true"), lint]
    files = {**FILES, "lint.sh": "echo b.txt:1:1: F401 unused; exit 1\n"}
    settings = Settings(agents=1, checks=checks)
    async with kit(tmp_path, script(), files=files, interactive=True, settings=settings) as one:
        question = await to_landing(one)
        answer = await one.engine.ask(requests.GetLanding(approval=question.id))
        assert isinstance(answer, requests.RowsAnswer), answer
        assert {row["check"]: (row["result"], row["before"]) for row in answer.rows} == {
            "green": ("passed", False),
            "lint": ("failed", True),
        }
