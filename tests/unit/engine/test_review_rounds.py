"""A review in rounds: each word arrives, what was decided is not asked again, the commit holds just that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autodev_tui.domain.approval import Approval, HunkDecision, LineComment
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import TaskState
from autodev_tui.providers.base import Request, Turn
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting

LINES = [f"line {number}\n" for number in range(70)]
PLACES = range(5, 70, 10)
FILES = {"f.txt": "".join(LINES), "a.txt": "a\n"}
PLAN = (
    "submit_plan",
    {
        "tasks": [
            {
                "id": "x",
                "title": "Change f",
                "description": "do",
                "acceptance_criteria": ["it is quick", "it is right"],
            }
        ]
    },
)


def proposed(**lines: str) -> str:
    new = list(LINES)
    for place in PLACES:
        new[place] = f"new {place}\n"
    for name, text in lines.items():
        new[int(name[1:])] = text
    return "".join(new)


def write(text: str) -> tuple[str, dict[str, Any]]:
    return ("write_file", {"path": "f.txt", "content": text})


READ = ("read_file", {"path": "f.txt"})


async def review(kit: Kit, number: int = 1) -> Approval:
    await until(
        lambda: [q for q in kit.board.pending() if q.effect == f"changes:T1:{number}"], f"round {number}"
    )
    return next(q for q in kit.board.pending() if q.effect == f"changes:T1:{number}")


def script(*work: Turn) -> Any:
    return turns(*work, plan=PLAN)


def heard(request: Request) -> str:
    return "".join(block["text"] for block in request.messages[-1]["content"] if block["type"] == "text")


def branch(kit: Kit, ref: str = "") -> list[str]:
    text = kit.fixture.git("show", f"{ref or kit.board.tasks['T1'].branch}:f.txt")
    return f"{text}\n".splitlines(keepends=True)


async def test_seven_hunks_decided_in_four_ways(tmp_path: Path) -> None:
    after = proposed(l5="edited by hand\n", l25="answered\n", l45=LINES[45], l2="quite new\n")
    reply = script(
        make_turn(READ, write(proposed())), make_turn(DONE), make_turn(READ, write(after)), make_turn(DONE)
    )
    async with kit(tmp_path, reply, files=FILES, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        first = await review(one)
        assert [hunk["number"] for hunk in first.ask["hunks"]] == list(range(1, 8))
        await one.answer(
            first,
            "edit",
            hunks=[
                HunkDecision(
                    hunk=1,
                    verdict="edit",
                    reason="shorter",
                    new_lines=[*LINES[2:5], "edited by hand\n", *LINES[6:9]],
                ),
                HunkDecision(hunk=2, verdict="accept"),
                HunkDecision(hunk=3, verdict="comment", reason="why a new line here?"),
                HunkDecision(hunk=4, verdict="accept"),
                HunkDecision(hunk=5, verdict="reject", reason="leave 45 alone, it is read by others"),
                HunkDecision(hunk=6, verdict="accept"),
                HunkDecision(hunk=7, verdict="accept"),
            ],
            comments=[LineComment(hunk=6, line=4, text="55 is a nice number")],
            rest="open",
            ticked=["it is quick"],
            unmet={"it is right": "45 shows that it is not"},
        )
        second = await review(one, 2)
        words = heard(one.provider.requests[-2])
        for said in (
            "why a new line here?",
            "leave 45 alone, it is read by others",
            "shorter",
            "edited by hand",
            "+new 55\n",
            "55 is a nice number",
            "it is right: 45 shows that it is not",
            "Accepted and kept: 4 hunks",
        ):
            assert said in words
        assert words.index("+new 55") < words.index("55 is a nice number")
        # Only what is new: the line that was added, and the one that was spoken of, changed since.
        diffs = [
            "".join(line for line in hunk["diff"].splitlines(True) if line[0] in "+-")
            for hunk in second.ask["hunks"]
        ]
        assert diffs == ["-line 2\n+quite new\n", "-line 25\n+answered\n"]
        expected = list(LINES)
        for place in (15, 35, 55, 65):
            expected[place] = f"new {place}\n"
        expected[5] = "edited by hand\n"
        assert branch(one) == expected
        criteria = {c.text: c.ticked for c in one.board.tasks["T1"].acceptance_criteria}
        assert criteria == {"it is quick": True, "it is right": False}
        await one.answer(second)
        await until(lambda: one.board.tasks["T1"].state is TaskState.COMPLETED)
        expected[2], expected[25] = "quite new\n", "answered\n"
        assert branch(one) == expected
        landing = await waiting(one, "land")
        await one.answer(landing)
        await one.engine.wait()
        assert branch(one, "main") == expected


async def test_what_stays_open_is_asked_about_again_without_the_agent(tmp_path: Path) -> None:
    reply = script(make_turn(READ, write(proposed())), make_turn(DONE))
    async with kit(tmp_path, reply, files=FILES, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        await one.answer(await review(one), hunks=[HunkDecision(hunk=2, verdict="accept")], rest="open")
        second = await review(one, 2)
        assert len(second.ask["hunks"]) == 6
        assert len(one.provider.requests) == 3, "nobody asked the model again"
        assert [n for n, line in enumerate(branch(one)) if line != LINES[n]] == [15]
        await one.answer(second, rest="open")
        third = await review(one, 3)
        assert len(third.ask["hunks"]) == 6, "a yes to nothing accepts nothing"
        await one.answer(third)
        await until(lambda: one.board.tasks["T1"].state is TaskState.COMPLETED)
        assert "".join(branch(one)) == proposed()


async def test_words_about_an_accepted_line_reach_the_agent(tmp_path: Path) -> None:
    reply = script(make_turn(READ, write(proposed())), make_turn(DONE), make_turn(DONE))
    async with kit(tmp_path, reply, files=FILES, interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        await one.answer(await waiting(one, "plan"))
        await one.answer(await review(one), comments=[LineComment(hunk=1, line=3, text="what of 4?")])
        await until(lambda: one.board.tasks["T1"].state is TaskState.COMPLETED)
        assert "-line 5\n" in heard(one.provider.requests[-1])
        assert "what of 4?" in heard(one.provider.requests[-1])
        assert "".join(branch(one)) == proposed()


async def test_a_review_of_the_whole_change_keeps_what_is_open_and_asks_for_what_was_said(
    tmp_path: Path,
) -> None:
    mended = proposed(l25="better\n", l45=LINES[45])
    reply = script(
        make_turn(READ, write(proposed())), make_turn(DONE), make_turn(READ, write(mended)), make_turn(DONE)
    )
    async with kit(tmp_path, reply, files=FILES, interactive=True) as one:
        await one.start(level=Level.SUPERVISED)
        # Nothing here can be checked, so the task's own change asks too.
        await one.answer(await review(one))
        await until(lambda: [q for q in one.board.pending() if q.effect == "session changes:1"])
        (whole,) = one.board.pending()
        await one.answer(
            whole,
            hunks=[
                HunkDecision(hunk=1, verdict="accept"),
                HunkDecision(hunk=3, verdict="comment", reason="make 25 better"),
                HunkDecision(hunk=5, verdict="reject", reason="no 45"),
            ],
            rest="open",
        )
        await until(lambda: [q for q in one.board.pending() if q.effect == "changes:T2:1"])
        task = one.board.tasks["T2"]
        assert "make 25 better" in task.description and "no 45" in task.description
        assert "new 5\n" in branch(one, one.session.session_branch)
        assert "new 45\n" not in branch(one, one.session.session_branch)
        await one.answer(one.board.pending()[0])
        await until(lambda: [q for q in one.board.pending() if q.effect == "session changes:2"])
        (again,) = one.board.pending()
        told = "".join(hunk["diff"] for hunk in again.ask["hunks"])
        assert "+better\n" in told and "+new 15\n" in told
        assert "+new 5\n" not in told and "45" not in told.replace("line 45", "")
        await one.answer(again)
        await one.answer(await waiting(one, "land"))
        await one.engine.wait()
        assert "".join(branch(one, "main")) == mended
