"""What a crash, a cancel or somebody else must not lose: the state of tasks, sessions and questions."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, StepState, TaskState
from autodev_tui.domain.step import Step
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.board import Board
from autodev_tui.engine.recovery import recover
from autodev_tui.engine.world import moved
from autodev_tui.providers.base import Turn
from autodev_tui.quality.environment import Environment
from autodev_tui.quality.setup import SetupRequest
from tests.fakes.engine_kit import DONE, PLAN, Desk, Kit, desk, kit, make_turn, seen, turns, until

PLANNED: dict[str, Any] = PLAN[1]["tasks"][0]
ENDS = make_turn(DONE)
WRITE = ("write_file", {"path": "n.txt", "content": "x\n"})


def asked(kit: Kit) -> int:
    """How many turns the developer's model has had."""
    return len([one for one in kit.provider.requests if one.meta["role"] == "development"])


def question(kit: Kit, kind: str) -> Approval:
    """The one open question of this kind."""
    (found,) = [one for one in kit.board.pending() if one.kind == kind]
    return found


async def to_review(kit: Kit) -> Approval:
    """Run until the question about the task's change set."""
    await kit.run(level=Level.COLLABORATIVE)
    await kit.answer(question(kit, "plan"))
    assert (await kit.resume()).code == flow.WAITING_CODE
    return question(kit, "changes")


# -- what belongs together is one line


async def at_every_line(kit: Kit, patch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Resume with a kill after each commit in turn; the task's state and rounds as the disk had them then."""
    found: list[tuple[str, int]] = []
    plain = Board.commit

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        await plain(board, *records, **more)
        if board.tasks:
            task = board.tasks["T1"]
            found.append((str(task.state), task.rounds))

    patch.setattr(Board, "commit", commit)
    await kit.resume()
    patch.undo()
    return found


async def test_a_rejection_and_its_consequence_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE), make_turn(DONE))) as one:
        await one.answer(await to_review(one), "reject", reason="not like this")
        seen = await at_every_line(one, monkeypatch)
        first = next(state for state, rounds in seen if rounds == 1)
        assert first == "in_progress", "a kill in between would complete what was rejected"
        assert asked(one) == 3, "the agent has heard it"
        (note,) = [step for step in one.board.steps("T1") if step.name == "review 1"]
        assert "not like this" in note.result["text"]


async def test_an_acceptance_and_the_end_of_the_task_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE))) as one:
        await one.answer(await to_review(one))
        seen = await at_every_line(one, monkeypatch)
        assert ("in_review", 1) not in seen
        assert ("completed", 1) in seen


async def test_red_checks_and_the_way_back_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autodev_tui.engine.verify import Verifier

    plain, red = Verifier.judge, [True]

    async def judge(verifier: Verifier, tree: str, task: Any) -> Any:
        gate = await plain(verifier, tree, task)
        return gate.but(verdict="fail", reasons=["tests are red"]) if red and red.pop() else gate

    told: list[str] = []
    commit = Board.commit

    async def watch(board: Board, *records: Any, **more: Any) -> None:
        await commit(board, *records, **more)
        names = [getattr(record, "name", "") for record in records]
        if any(name.startswith("checks ") for name in names):
            told.append(f"{board.tasks['T1'].state} {len(records)}")

    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE), make_turn(DONE))) as one:
        monkeypatch.setattr(Board, "commit", watch)
        monkeypatch.setattr(Verifier, "judge", judge)
        await one.run()
        assert asked(one) == 3, "the agent has heard it"
        assert told == ["in_progress 2"], "the note and the task in one line"


# -- somebody else's hand


def own_commit(kit: Kit) -> str:
    """A commit of the user's on the task's branch, made beside the worktree; its id."""
    git, branch = kit.fixture.git, kit.board.tasks["T1"].branch
    (kit.place / "mine.txt").write_text("mine\n")
    blob = git("hash-object", "-w", str(kit.place / "mine.txt"))
    listed = kit.place / "listed"
    listed.write_text(git("ls-tree", branch) + f"\n100644 blob {blob}\tmine.txt\n")
    tree = git("-c", "alias.make=!git mktree <", "make", str(listed))
    commit = git("commit-tree", tree, "-p", branch, "-m", "the user's own")
    git("update-ref", f"refs/heads/{branch}", commit)
    return commit


async def test_a_commit_of_the_user_on_the_tasks_branch_is_never_lost(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE))) as one:
        change = await to_review(one)
        task = one.board.tasks["T1"]
        await one.answer(change)
        own = own_commit(one)
        assert "has moved" in moved(one.services.repository, change, task)
        outcome = await one.resume()
        assert outcome.code == flow.WAITING_CODE
        assert task.branch in outcome.error
        assert own[:12] in outcome.error
        assert one.fixture.git("rev-parse", task.branch) == own
        one.fixture.git("update-ref", f"refs/heads/{task.branch}", task.head_commit, own)
        turns_before = asked(one)
        outcome = await one.resume()
        assert outcome.code == flow.DONE, outcome.error
        assert asked(one) == turns_before
        files = one.fixture.git("ls-tree", "--name-only", one.session.session_branch).split()
        assert "n.txt" in files


@pytest.mark.parametrize(
    "call", [("delete_file", {"path": "lnk"}), ("move_file", {"path": "lnk", "to": "b"})]
)
async def test_a_link_can_be_deleted_and_moved_by_a_yes(
    tmp_path: Path, call: tuple[str, dict[str, Any]]
) -> None:
    async with kit(tmp_path, turns(make_turn(call), make_turn(DONE))) as one:
        (one.fixture.root / "lnk").symlink_to("a.txt")
        one.fixture.commit("a link")
        await one.run(level=Level.GUIDED)
        await one.answer(question(one, "plan"))
        await one.resume()
        change, task = question(one, "edit"), one.board.tasks["T1"]
        assert moved(one.services.repository, change, task) == ""
        link = Path(task.worktree) / "lnk"
        link.unlink()
        link.symlink_to("docs/c.md")
        assert "not as it was" in moved(one.services.repository, change, task)


# -- the end of a task


async def test_a_cancelled_tasks_steps_are_over_with_it(tmp_path: Path) -> None:
    sleep = ("run_command", {"command": "/bin/sleep 30; /bin/true"})
    async with kit(tmp_path, turns(make_turn(sleep), make_turn(DONE))) as one:
        await one.start()
        await until(lambda: any(step.name == "run_command" for step in begun(one)))
        await one.engine.submit(commands.CancelTask(task="T1"))
        assert (await one.engine.wait()).code == flow.DONE
        (command,) = [step for step in one.board.steps("T1") if step.name == "run_command"]
        assert command.state is StepState.SKIPPED
        assert not begun(one)
        outcome = await one.resume()
        assert (outcome.code, one.board.pending()) == (flow.DONE, [])


def begun(kit: Kit) -> list[Step]:
    """The steps that have begun and not ended."""
    return [step for step in kit.board.all_steps() if step.state is StepState.STARTED]


async def test_a_task_that_ends_while_it_is_cancelled_joins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Board.commit

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        await plain(board, *records, **more)
        # The human's cancel was on its way when the task was completed.
        completed = any(isinstance(one, Task) and one.state is TaskState.COMPLETED for one in records)
        if completed and not one_time:
            one_time.append("cancelled")
            one.services.cancelled.add("T1")
            one.services.at_work["T1"].cancel()
            await asyncio.sleep(0)

    one_time: list[str] = []
    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE))) as one:
        change = await to_review(one)
        await one.answer(change)
        monkeypatch.setattr(Board, "commit", commit)
        outcome = await one.resume()
        assert (outcome.code, one_time) == (flow.DONE, ["cancelled"]), outcome.error
        assert one.board.tasks["T1"].state is TaskState.COMPLETED
        assert "n.txt" in one.fixture.git("ls-tree", "--name-only", one.session.session_branch).split()


async def test_the_worktree_of_a_completed_task_is_not_lost_but_done_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ("submit_plan", {"tasks": [PLANNED | {"acceptance_criteria": [{"text": "nice"}]}]})
    plain, lines = Board.commit, 0

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        nonlocal lines
        if any(isinstance(one, Task) and one.branch and not one.worktree for one in records):
            lines += 1
            raise asyncio.CancelledError
        await plain(board, *records, **more)

    async with kit(tmp_path, turns(make_turn(DONE), plan=plan)) as one:
        with monkeypatch.context() as patch:
            patch.setattr(Board, "commit", commit)
            assert (await one.run()).code == flow.INTERRUPTED_CODE
        assert lines == 1
        assert not Path(one.board.tasks["T1"].worktree).exists()
        assert (await one.resume()).code == flow.DONE
        assert not [step for step in one.board.steps("T1") if step.name.startswith("rebuilt")]
        assert one.board.tasks["T1"].worktree == ""
        assert one.session.assumptions == ["T1: nice"]


async def test_what_is_assumed_and_the_end_of_the_worktree_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ("submit_plan", {"tasks": [PLANNED | {"acceptance_criteria": [{"text": "nice"}]}]})
    plain, assumed = Board.commit, []

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        await plain(board, *records, **more)
        task = board.tasks.get("T1")
        if task and task.branch and not task.worktree:
            assumed.append(board.session.assumptions)

    async with kit(tmp_path, turns(make_turn(DONE), plan=plan)) as one:
        monkeypatch.setattr(Board, "commit", commit)
        await one.run()
        assert assumed[0] == ["T1: nice"]


# -- joining


def first_line(new: str) -> Turn:
    """A turn in which the first line of a.txt becomes `new`."""
    change = {"path": "a.txt", "old_text": "one", "new_text": new}
    return make_turn(("read_file", {"path": "a.txt"}), ("edit_file", change))


async def to_conflict(kit: Kit) -> Approval:
    """Two tasks that change the same line, the second behind the first's back; the question about it."""
    assert (await kit.run()).code == flow.WAITING_CODE
    return question(kit, "merge")


def conflicting(place: Path) -> Any:
    """A kit in which T1 joins and T2 conflicts with it; T3 builds on T2, T4 on nothing."""
    tasks = [PLANNED | {"id": name, "title": f"Task {name}"} for name in "wxyz"]
    tasks[2]["depends_on"] = ["x"]
    plan = ("submit_plan", {"tasks": tasks})
    own = make_turn(("write_file", {"path": "z.txt", "content": "z\n"}))
    work = [turn for change in (first_line("first"), first_line("second"), own) for turn in (change, ENDS)]
    return kit(place, turns(*work, plan=plan))


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task begins on the session's base, as if they ran side by side; the gate passes."""
    from autodev_tui.engine.verify import Verifier
    from autodev_tui.engine.workspace import Workspace

    judge, opened = Verifier.judge, Workspace.open.__func__  # type: ignore[attr-defined]

    async def passes(verifier: Verifier, tree: str, task: Any) -> Any:
        return (await judge(verifier, tree, task)).but(verdict="pass", score=1.0)

    async def open_apart(services: Any, task: Task) -> Workspace:
        start = task.base_commit or services.session.base_commit
        found: Workspace = await opened(Workspace, services, task.but(base_commit=start))
        return found

    monkeypatch.setattr(Verifier, "judge", passes)
    monkeypatch.setattr(Workspace, "open", open_apart)


async def test_a_conflicting_task_is_left_out_for_good_and_the_session_goes_on(
    tmp_path: Path, apart: None
) -> None:
    async with conflicting(tmp_path) as one:
        conflict = await to_conflict(one)
        assert conflict.ask["paths"] == ["a.txt"]
        assert conflict.ask["dependents"] == ["T3"]
        await one.answer(conflict, "choose", choice="leave out")
        outcome = await one.resume(land=True)
        assert outcome.code in (flow.DONE, flow.WAITING_CODE), outcome.error
        assert [one.kind for one in one.board.pending()] in ([], ["land"])
        assert one.board.tasks["T2"].error == "left out: it conflicts in a.txt"
        assert one.board.tasks["T3"].state is TaskState.CANCELLED
        assert one.board.tasks["T3"].error == "it builds on T2, which was left out"
        branch = one.session.session_branch
        assert one.fixture.git("show", f"{branch}:a.txt").splitlines()[0] == "first"
        assert one.fixture.git("show", f"{branch}:z.txt") == "z"
        kept = one.fixture.git("show", f"{one.board.tasks['T2'].branch}:a.txt")
        assert kept.splitlines()[0] == "second"
        merge = one.fixture.git("log", "-1", "--format=%s%n%(trailers:key=Autodev-Task)", branch)
        assert merge.splitlines() == ["chore: merge T4 Task z", "Autodev-Task: T4"]


async def test_a_conflict_that_is_not_left_out_is_asked_about_again(tmp_path: Path, apart: None) -> None:
    async with conflicting(tmp_path) as one:
        await one.answer(await to_conflict(one), "reject")
        outcome = await one.resume()
        assert outcome.code == flow.FAILED
        assert "conflicts in a.txt" in outcome.error
        assert (await one.resume()).code == flow.WAITING_CODE
        assert question(one, "merge")


async def test_a_planned_call_is_bound_to_its_name_and_arguments(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE))) as one:
        await one.run()
        (call,) = [step for step in one.board.steps("T1") if step.name == "write_file"]
        text = '["write_file",{"content":"x\\n","path":"n.txt"}]'
        assert call.input_hash == hashlib.sha256(text.encode()).hexdigest()


# -- the end of a run


@pytest.mark.parametrize("timeout_s", [None, 300.0])
async def test_a_timeout_from_inside_is_not_the_runs_limit(tmp_path: Path, timeout_s: float | None) -> None:
    async with kit(tmp_path, turns(TimeoutError("the socket"))) as one:
        outcome = await one.run(timeout_s=timeout_s)
        assert (outcome.code, outcome.error) == (flow.FAILED, "TimeoutError: the socket")
        assert one.session.code == flow.FAILED


async def test_a_kill_right_after_the_landing_leaves_nothing_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Board.commit

    async def commit(board: Board, *records: Any, **more: Any) -> None:
        await plain(board, *records, **more)
        if any(isinstance(one, Session) and one.state is SessionState.LANDED for one in records):
            raise Killed

    async with kit(tmp_path, turns(make_turn(WRITE), make_turn(DONE))) as one:
        hook = one.fixture.root / ".git" / "hooks" / "post-merge"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/hooked\n")
        hook.chmod(0o755)
        await one.run()
        for kind in ("changes", "land"):
            await one.answer(question(one, kind))
            if kind == "changes":
                await one.resume()
        with monkeypatch.context() as patch:
            patch.setattr(Board, "commit", commit)
            with pytest.raises(Killed):
                await one.resume()
        assert (one.session.state, one.session.code) == (SessionState.LANDED, None)
        before = len(one.stored("history"))
        outcome = await one.resume()
        assert (outcome.code, one.session.code) == (flow.DONE, 0)
        assert len(one.stored("history")) == before + 1
        assert one.stored("history")[-1]["success"]
        assert (tmp_path / "hooked").read_text() == "ran\n"
        assert [event for event in await seen(one, "landed") if event.kind == "landed"]
        with pytest.raises(LookupError):
            await one.resume()


class Killed(BaseException):
    """The end of the process, in a test: nothing that handles errors sees it."""


# -- setting up the environment


@dataclass
class SetUp:
    """A desk whose checks need an environment that `script` makes."""

    desk: Desk
    place: Path
    script: str = "echo set >> log"
    recipe: str = "pip"

    def request(self) -> SetupRequest:
        made = self.place / "made"
        self.place.mkdir(exist_ok=True)
        return SetupRequest(
            lock_hash="lock",
            recipe=self.recipe,
            argv=["/bin/sh", "-c", self.script],
            shown=self.script,
            why="missing",
            directory=str(made),
            cwd=str(made),
            env={},
            readable=[],
            writable=[str(made)],
            files={},
        )

    async def prepare(self, directory: Path) -> Environment:
        request = self.request()
        plain = Environment(id="e", description="made", recipe=self.recipe, path=[])
        return plain if request.ready else plain.but(setup=request)

    async def get(self) -> Environment:
        """The environment as the engine finds or makes it now."""
        return await self.desk.verifier.environment(self.desk.workspace.path)

    async def get_by_leave(self) -> Environment:
        with pytest.raises(flow.Waiting):
            await self.get()
        await self.desk.kit.answer(question(self.desk.kit, "command"))
        return await self.get()


@asynccontextmanager
async def set_up(place: Path, **more: Any) -> AsyncIterator[SetUp]:
    async with kit(place, turns()) as one:
        made = SetUp(await desk(one), place / "environments", **more)
        made.desk.verifier._prepare = made.prepare  # type: ignore[method-assign]
        yield made


async def test_an_environment_that_is_gone_is_set_up_again(tmp_path: Path) -> None:
    async with set_up(tmp_path) as one:
        assert (await one.get_by_leave()).setup is None
        shutil.rmtree(one.place)
        assert (await one.get_by_leave()).setup is None
        assert (await one.get()).setup is None
        assert one.desk.kit.board.pending() == []


async def test_a_set_up_that_failed_or_was_killed_asks_again(tmp_path: Path) -> None:
    async with set_up(tmp_path, script="exit 7") as one:
        with pytest.raises(flow.GaveUp, match="exit code 7"):
            await one.get_by_leave()
        assert all(approval.read for approval in one.desk.kit.board.approvals.values())
        with pytest.raises(flow.Waiting):
            await one.get()
        await one.desk.kit.answer(question(one.desk.kit, "command"))
        begin = SetupRequest.begin
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SetupRequest, "begin", _killed)
            with pytest.raises(Killed):
                await one.get()
        assert SetupRequest.begin is begin
        await recover(one.desk.kit.services)
        with pytest.raises(flow.Waiting):
            await one.get()
        assert not begun(one.desk.kit)


def _killed(_: SetupRequest) -> None:
    raise Killed


@pytest.mark.parametrize("what", ["argv", "tree"])
async def test_a_leave_to_set_up_holds_for_what_was_shown(tmp_path: Path, what: str) -> None:
    async with set_up(tmp_path, recipe="configured") as one:
        with pytest.raises(flow.Waiting):
            await one.get()
        first = question(one.desk.kit, "command")
        await one.desk.kit.answer(first)
        if what == "argv":
            plain = one.request
            one.request = lambda: plain().but(argv=["/bin/sh", "-c", "exit 3"])  # type: ignore[method-assign]
        else:
            one.desk.write("a.txt", "other code\n")
        with pytest.raises(flow.Waiting):
            await one.get()
        assert question(one.desk.kit, "command").id != first.id


async def test_a_refused_set_up_is_not_asked_about_again(tmp_path: Path) -> None:
    async with set_up(tmp_path) as one:
        with pytest.raises(flow.Waiting):
            await one.get()
        await one.desk.kit.answer(question(one.desk.kit, "command"), "reject")
        assert (await one.get()).setup is not None
        assert (await one.get()).setup is not None
        assert one.desk.kit.board.pending() == []


async def test_nothing_is_asked_before_a_check_needs_it(tmp_path: Path) -> None:
    async with set_up(tmp_path) as one:
        verifier, place, board = one.desk.verifier, one.desk.workspace.path, one.desk.kit.board
        assert (await verifier.found(place)).setup is not None, "a plan runs nothing"
        assert (await verifier.for_checks(place)).setup is not None, "there is no check"
        assert await verifier.known_checks() == [] and board.pending() == []
        one.desk.write("test_a.py", "import unittest\n\n\nclass A(unittest.TestCase):\n    pass\n")
        with pytest.raises(flow.Waiting):
            await verifier.for_checks(place)
        await one.desk.kit.answer(question(one.desk.kit, "command"))
        assert (await verifier.for_checks(place)).setup is None
