"""The world changes while the engine is dead, or refuses it its files: it goes on, asks, or says why not."""

from __future__ import annotations

import ctypes
import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.crashes import START, Crashing, reference_run
from tests.fakes.program import FIX, NEW, SHOP, Result, agent, git, plan, task

FINISHING = "before · tool finish done"
MODULE = "shop/prices.py"


def soak(value: object) -> object:
    return pytest.param(value, marks=pytest.mark.soak)


SCRIPT = {
    "conversations": [
        plan(task("fix", "Fix the discount")),
        agent("Fix the discount", *FIX, repeat_last=True),
    ]
}


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Crashing]:
    with reference_run(tmp_path, SCRIPT, SHOP) as (made, _):
        yield made


def killed(program: Crashing, point: str) -> None:
    """Run up to the first point called so, and die there."""
    ended = program.fork(*START, AUTODEV_CRASH_AT=point).result()
    assert ended.code == -9, ended.err
    program.no_process_is_left()


def resumed(program: Crashing, code: int) -> Result:
    ended = program("resume", "--headless", "--json")
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    return ended


def landed(program: Crashing) -> None:
    resumed(program, 0)
    assert NEW in (program.repository / MODULE).read_text()
    program.clean()


def worktree(program: Crashing) -> Path:
    return next(program.directory.glob("worktrees/*-T1"))


def told(program: Crashing) -> str:
    """Everything that the model was sent."""
    return json.dumps([one.get("body") for one in program.server.requests])


def test_worktree_deleted(program: Crashing) -> None:
    """It comes back from its newest checkpoint, and the agent is told."""
    killed(program, FINISHING)
    shutil.rmtree(worktree(program))
    landed(program)
    assert "The worktree was lost" in told(program)


@pytest.mark.soak
def test_worktree_pruned_by_git(program: Crashing) -> None:
    killed(program, FINISHING)
    git(program.repository, "worktree", "unlock", str(worktree(program)))
    shutil.rmtree(worktree(program))
    git(program.repository, "worktree", "prune")
    landed(program)


@pytest.mark.soak
def test_worktree_deleted_before_its_first_checkpoint(program: Crashing) -> None:
    """What the agent believes to have done is gone: it is told; if it ends all the same, nothing lands."""
    before = program.head()
    killed(program, "after · tool edit_file done")
    shutil.rmtree(worktree(program))
    assert "nothing changed" in resumed(program, 0).json["error"]
    assert "The worktree was lost" in told(program)
    assert program.head() == before


@pytest.mark.soak
def test_locks_left_by_a_dead_git(program: Crashing) -> None:
    """Ours does not need the worktree's; the one of the user's checkout is the user's to remove."""
    killed(program, FINISHING)
    common = program.repository / ".git"
    (common / "worktrees" / worktree(program).name / "index.lock").touch()
    (common / "index.lock").touch()
    refused = resumed(program, 3)
    assert "index.lock" in refused.json["error"]
    (common / "index.lock").unlink()
    assert program.answer(program.only_question(), "--choice", "try again").code == 0
    landed(program)


def test_session_branch_moved_by_somebody(program: Crashing) -> None:
    """What nobody has seen is not merged; moved back, it goes on."""
    killed(program, "before · merge joined started")
    branch = f"refs/heads/{program.sessions()[0]['session_branch']}"
    mine = git(program.repository, "commit-tree", "-m", "theirs", "-p", "main", "main^{tree}")
    old = git(program.repository, "rev-parse", branch)
    git(program.repository, "update-ref", branch, mine)
    refused = resumed(program, 3)
    assert "moved" in refused.json["error"] and "git update-ref" in refused.json["error"]
    assert git(program.repository, "rev-parse", branch) == mine
    git(program.repository, "update-ref", branch, old)
    landed(program)


@pytest.mark.soak
def test_task_branch_moved_by_somebody(program: Crashing) -> None:
    killed(program, "before · commit r1 started")
    branch = f"refs/heads/{program.documents('plan_tasks')[0]['branch']}"
    mine = git(program.repository, "commit-tree", "-m", "theirs", "-p", "main", "main^{tree}")
    old = git(program.repository, "rev-parse", branch)
    git(program.repository, "update-ref", branch, mine)
    refused = resumed(program, 3)
    assert "moved" in refused.json["error"], refused.json["error"]
    assert git(program.repository, "rev-parse", branch) == mine
    git(program.repository, "update-ref", branch, old)
    landed(program)


@pytest.mark.parametrize(
    "point", [soak("before · land land started"), soak("after · land land started"), "index locked"]
)
def test_target_branch_moved(program: Crashing, point: str) -> None:
    """Merged upon it, at once or after a question; both changes are there."""
    killed(program, point)
    mine = git(program.repository, "commit-tree", "-m", "theirs", "-p", "main", "main^{tree}")
    git(program.repository, "update-ref", "refs/heads/main", mine)
    if point != "before · land land started":
        refused = resumed(program, 3)
        assert "moved" in refused.json["error"]
        assert program.answer(program.only_question(), "--choice", "try again").code == 0
    landed(program)
    assert mine in git(program.repository, "rev-list", "main")


def test_file_edited_in_the_worktree(program: Crashing) -> None:
    """An edit of one place leaves what somebody did at another."""
    killed(program, "before · tool edit_file started")
    (worktree(program) / MODULE).write_text(SHOP[MODULE] + "\n\nMINE = 1\n")
    landed(program)
    assert (program.repository / MODULE).read_text().endswith("MINE = 1\n")


@pytest.mark.soak
def test_file_edited_under_an_edit(program: Crashing) -> None:
    """Neither as before nor as after: only the human knows."""
    killed(program, "after · tool edit_file started")
    (worktree(program) / MODULE).write_text("mine\n")
    resumed(program, 3)
    question = program.only_question()
    assert question["kind"] == "escalation" and MODULE in question["title"]
    assert (worktree(program) / MODULE).read_text() == "mine\n"


def test_blobs_missing(program: Crashing) -> None:
    killed(program, FINISHING)
    blobs, aside = program.directory / "blobs", program.place / "aside"
    blobs.rename(aside)
    refused = resumed(program, 5)
    assert "blobs" in refused.err and "missing" in refused.err
    shutil.rmtree(blobs, ignore_errors=True)
    aside.rename(blobs)
    landed(program)


def test_journal_with_a_torn_end(program: Crashing) -> None:
    killed(program, FINISHING)
    with (program.directory / "state.json.journal").open("ab") as journal:
        journal.write(b"0badc0de [99,[[")
    ended = program("resume", "--headless")
    assert ended.code == 0, ended.err
    assert "was cut short: 15 bytes" in ended.err
    program.clean()


@pytest.mark.parametrize("kilobytes", [soak(12), 20, soak(28)])
def test_disk_full(program: Crashing, kilobytes: int) -> None:
    """As far as there is space; then a clear end, and on from there once there is some."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    running = program.start(*START, preexec_fn=limit)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 5, err
    assert "no space" in err and "Traceback" not in err
    program.no_process_is_left()
    if program.sessions():
        landed(program)


def test_read_only_state(program: Crashing) -> None:
    killed(program, FINISHING)
    folders = [program.directory, *(path for path in program.directory.glob("**/*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    for file in program.directory.glob("state.json*"):
        file.chmod(0o400)
    try:
        running = program.start("resume", "--headless", preexec_fn=powerless)
        _, err = running.communicate(timeout=60)
    finally:
        for path in [*folders, *program.directory.glob("state.json*")]:
            path.chmod(0o700)
    assert running.returncode == 5, err
    assert str(program.directory) in err and "ermission denied" in err and "Traceback" not in err
    landed(program)


def powerless() -> None:
    """Root may no longer pass by permissions: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH go."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
