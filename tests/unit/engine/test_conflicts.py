"""A task that conflicts with what joined before it: decided place by place, left out, or handed back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import requests
from autodev_tui.domain.approval import Approval, HunkDecision
from autodev_tui.domain.evidence import GateResult
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task
from autodev_tui.engine import conflicts, flow
from autodev_tui.engine.board import Board
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.services import Services
from autodev_tui.engine.verify import Verifier
from autodev_tui.engine.workspace import Workspace
from autodev_tui.providers.base import Request, Turn
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, until, waiting

PLAN = (
    "submit_plan",
    {"tasks": [{"id": name, "title": f"Task {name}", "description": "do"} for name in ("x", "y")]},
)
READ = ("read_file", {"path": "a.txt"})


def edit(old: str, new: str) -> tuple[str, dict[str, Any]]:
    return ("edit_file", {"path": "a.txt", "old_text": old, "new_text": new})


def script(**tasks: list[list[tuple[str, dict[str, Any]]]]) -> Any:
    """The plan, then the turns of each task; a turn that was lost is answered in the same way again."""

    def reply(request: Request) -> Turn:
        if request.meta["role"] == "planning":
            return make_turn(PLAN, first_id=1)
        task = request.meta["task"]
        turn = sum(message["role"] == "assistant" for message in request.messages)
        return make_turn(*tasks[task][turn], first_id=int(task[1:]) * 1000 + turn * 10)

    return reply


def both(t1: Any, t2: Any, *more: Any) -> Any:
    return script(T1=[[READ, t1], [DONE]], T2=[[READ, t2], [DONE], *more])


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Each task begins on the session's base and T1 joins first; trees in `gate` are red, all others pass."""
    red: dict[str, str] = {}
    opened = Workspace.open.__func__  # type: ignore[attr-defined]

    async def judge(verifier: Verifier, tree: str, task: Task | None) -> GateResult:
        blob = verifier._services.repository.bare.run("cat-file", "blob", f"{tree}:a.txt").decode()
        found = [word for word in red if word in blob]
        verdict = "fail" if found else "pass"
        return GateResult(tree=tree, verdict=verdict, score=float(not found), reasons=[red[w] for w in found])

    async def open_apart(_: Any, services: Services, task: Task) -> Workspace:
        if task.id == "T2":
            await until(
                lambda: services.board.tasks["T1"].worktree == "" and services.board.tasks["T1"].branch
            )
        start = task.base_commit or services.session.base_commit
        found: Workspace = await opened(Workspace, services, task.but(base_commit=start))
        return found

    monkeypatch.setattr(Verifier, "judge", judge)
    monkeypatch.setattr(Workspace, "open", classmethod(open_apart))
    yield red


async def conflict_of(one: Kit, approval: Approval) -> Any:
    answer = await one.engine.ask(requests.GetConflict(approval=approval.id))
    assert isinstance(answer, requests.ConflictAnswer), answer
    return answer.conflict


def joined(one: Kit) -> str:
    return one.fixture.git("show", f"{one.session.session_branch}:a.txt")


async def test_lines_that_the_human_wrote_are_what_joins(tmp_path: Path) -> None:
    async with kit(tmp_path, both(edit("one", "first"), edit("one", "second")), interactive=True) as one:
        await one.start()
        question = await waiting(one, "merge")
        view = await conflict_of(one, question)
        (hunk,) = view.hunks
        assert (hunk.path, hunk.start) == ("a.txt", 1)
        assert (hunk.base, hunk.left, hunk.right) == (["one\n"], ["first\n"], ["second\n"])
        assert (hunk.proposal, view.proposal) == (None, {})
        with pytest.raises(DecisionRefused, match="every one of its 1 places"):
            await one.answer(question)
        for bad in (HunkDecision(hunk=1, verdict="comment"), HunkDecision(hunk=1, verdict="edit")):
            with pytest.raises(DecisionRefused, match="place 1 needs a side"):
                await one.answer(question, hunks=[bad])
        await one.answer(question, hunks=[HunkDecision(hunk=1, verdict="edit", new_lines=["both\n"])])
        await waiting(one, "land")
        assert joined(one).splitlines() == ["both", "two", "three"]
        parents = one.fixture.git("log", "-1", "--format=%P", one.session.session_branch).split()
        assert parents[1] == one.board.tasks["T2"].head_commit
        assert one.board.approvals[question.id].read


async def test_what_both_sides_added_is_proposed_with_the_checks_verdict_on_it(tmp_path: Path) -> None:
    reply = both(edit("three", "three\nfour"), edit("three", "three\nvier"))
    async with kit(tmp_path, reply, interactive=True) as one:
        await one.start()
        question = await waiting(one, "merge")
        view = await conflict_of(one, question)
        assert view.hunks[0].proposal == ["four\n", "vier\n"]
        assert view.proposal["verdict"] == "pass"
        lines = view.hunks[0].proposal
        await one.answer(question, hunks=[HunkDecision(hunk=1, verdict="edit", new_lines=lines)])
        await waiting(one, "land")
        assert joined(one).splitlines() == ["one", "two", "three", "four", "vier"]


async def test_a_red_resolution_never_joins_and_is_asked_about_again(
    tmp_path: Path, gate: dict[str, str]
) -> None:
    gate["broken"] = "tests: 1 failed"
    async with kit(tmp_path, both(edit("one", "first"), edit("one", "second")), interactive=True) as one:
        await one.start()
        question = await waiting(one, "merge")
        await one.answer(question, hunks=[HunkDecision(hunk=1, verdict="edit", new_lines=["broken\n"])])
        await until(lambda: [q for q in one.board.pending() if q.kind == "merge" and q.id != question.id])
        again = await waiting(one, "merge")
        assert (await conflict_of(one, again)).red == ["tests: 1 failed"]
        assert joined(one).splitlines()[0] == "first"
        await one.answer(again, hunks=[HunkDecision(hunk=1, verdict="accept")])
        await waiting(one, "land")
        assert joined(one).splitlines()[0] == "second"


@pytest.mark.parametrize("kill", [False, True])
async def test_the_agent_gets_the_conflict_word_for_word_and_its_work_joins(
    tmp_path: Path, kill: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend = [READ, edit("first", "first and second")]
    reply = both(edit("one", "first"), edit("one", "second"), mend, [DONE])
    async with kit(tmp_path, reply) as one:
        assert (await one.run(level=Level.FULL)).code == flow.WAITING_CODE
        question = next(q for q in one.board.pending() if q.kind == "merge")
        await one.answer(question, "choose", choice="agent", reason="keep both")
        if kill:
            plain = conflicts.follow
            with monkeypatch.context() as patch:
                # The worktree has followed, and nobody has written it down.
                patch.setattr(conflicts, "follow", lambda *args: (plain(*args), 1 / 0))
                assert (await one.resume()).code == flow.FAILED
        outcome = await one.resume()
        assert outcome.code == flow.DONE, outcome.error
        said = [
            block["text"]
            for request in one.provider.requests
            if request.meta["task"] == "T2"
            for message in request.messages
            for block in message["content"]
            if block["type"] == "text" and "does not join" in block["text"]
        ]
        assert said
        assert "keep both" in said[0] and "first" in said[0] and "second" in said[0]
        assert joined(one).splitlines() == ["first and second", "two", "three"]
        assert one.board.tasks["T2"].state is TaskState.COMPLETED
        changed = one.fixture.git("log", "-1", "--format=%s", one.board.tasks["T2"].branch)
        diff = one.fixture.git("diff", f"{one.board.tasks['T2'].branch}~1", one.board.tasks["T2"].branch)
        assert "-first\n+first and second" in diff, changed


class Killed(BaseException):
    """The end of the process, in a test: nothing that handles errors sees it."""


COMMITS = [6, 8, *(pytest.param(number, marks=pytest.mark.soak) for number in (3, 4, 5, 7, 9, 10, 12, 14))]
"""Before which of a run's commits it is killed: at these it resolves the conflict."""


@pytest.mark.parametrize("number", COMMITS)
@pytest.mark.parametrize("how", ["lines", "agent"])
async def test_a_kill_loses_no_answer_and_joins_nothing_twice(
    tmp_path: Path, how: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, count = Board.commit, 0

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        nonlocal count
        count += 1
        if count >= number:
            raise Killed
        await plain(board, *records, **more)

    mend = [READ, edit("first", "first and second")]
    reply = both(edit("one", "first"), edit("one", "second"), mend, [DONE])
    async with kit(tmp_path, reply) as one:
        assert (await one.run(level=Level.FULL)).code == flow.WAITING_CODE
        question = next(q for q in one.board.pending() if q.kind == "merge")
        if how == "agent":
            await one.answer(question, "choose", choice="agent")
        else:
            lines = ["first and second\n"]
            await one.answer(question, hunks=[HunkDecision(hunk=1, verdict="edit", new_lines=lines)])
        with monkeypatch.context() as patch:
            patch.setattr(Board, "commit", commit)
            with suppress(Killed):
                await one.resume()
        outcome = await one.resume()
        assert outcome.code == flow.DONE, outcome.error
        assert joined(one).splitlines() == ["first and second", "two", "three"]
        branch = one.session.session_branch
        merges = one.fixture.git(
            "log", "--merges", "--format=%H", f"{one.session.base_commit}..{branch}"
        ).split()
        assert len(merges) == 1, "one merge, however often it was cut off"
        assert one.board.approvals[question.id].read
        assert [q.kind for q in one.board.pending()] == ["land"]
