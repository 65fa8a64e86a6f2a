"""A landing killed between any two effects, and at random moments: the same call again completes it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autodev_tui.vcs.landing import LandingPlan, LandingRefused, perform
from tests.fakes.landings import (
    Landing,
    assert_landed,
    commit_elsewhere,
    full_status,
    make_landing,
    others,
    users_own_work,
)

ROOT = Path(__file__).parents[2]
CHILD = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from autodev_tui.vcs.landing import LandingPlan, perform
from autodev_tui.vcs.repository import open_repository
plan = LandingPlan(**json.load(sys.stdin))
reached = []
def on_point(name):
    reached.append(name)
    if sys.argv[3] == "loud":
        print(name, flush=True)
    if str(len(reached)) == sys.argv[3]:
        os._exit(77)
perform(open_repository(Path(sys.argv[2]), for_work=False), plan, on_point)
"""


def run_child(landing: Landing, plan: LandingPlan, at: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(ROOT), str(landing.root), at],
        env=dict(landing.fixture.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    child.stdin.write(json.dumps(plan.model_dump(mode="json")).encode())
    child.stdin.close()
    return child


def forked(landing: Landing, plan: LandingPlan, at: int) -> int:
    """Exit code of a forked process that lands and is gone, without clearing up, at point number `at`."""
    repository = landing.open()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    reached: list[str] = []

    def on_point(name: str) -> None:
        reached.append(name)
        if len(reached) == at:
            os._exit(77)

    try:
        perform(repository, plan, on_point)
    finally:
        os._exit(1)


def points_of(landing: Landing, plan: LandingPlan) -> list[str]:
    points: list[str] = []
    perform(landing.open(), plan, points.append)
    return points


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    landing = make_landing(tmp_path_factory.mktemp("points"))
    users_own_work(landing.fixture)
    return points_of(landing, landing.ready())


@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.soak)])
def test_killed_at_every_point(tmp_path: Path, points: list[str], half: int) -> None:
    """At each point, and at every third once more in the resumed run; then it completes."""
    assert {
        "branch locked",
        "index locked",
        "judged",
        "index written",
        "branch before",
        "branch after",
    } < set(points)
    assert len([point for point in points if point.startswith("file")]) > 30
    landing = make_landing(tmp_path)
    users_own_work(landing.fixture)
    plan = landing.ready()
    status, own = full_status(landing.fixture), others(landing, plan)
    pristine = tmp_path / "pristine"
    subprocess.run(["cp", "-a", landing.root, pristine], check=True)
    for number, point in list(enumerate(points, 1))[half::2]:
        subprocess.run(["rm", "-rf", landing.root], check=True)
        subprocess.run(["cp", "-a", pristine, landing.root], check=True)
        assert forked(landing, plan, number) == 77, point
        again: list[str] = []

        def die(name: str, again: list[str] = again) -> None:
            again.append(name)
            if len(again) == 6:
                raise KeyboardInterrupt

        if number % 3 == 0 and landing.main() == plan.old:
            with pytest.raises(KeyboardInterrupt):
                perform(landing.open(), plan, die)
        perform(landing.open(), plan)
        assert_landed(landing, plan, status, own)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 6))]
)
def test_sigkill_at_random_moments(tmp_path: Path, seed: int) -> None:
    """SIGKILL of the real process, again and again until one run is through."""
    chance = random.Random(seed)
    landing = make_landing(tmp_path)
    users_own_work(landing.fixture)
    plan = landing.ready()
    status, own = full_status(landing.fixture), others(landing, plan)
    for _ in range(3):
        child = run_child(landing, plan, "loud")
        assert child.stdout
        for _ in range(chance.randrange(1, 40)):
            if not child.stdout.readline():
                break
        time.sleep(chance.random() / 500)
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()
    perform(landing.open(), plan)
    assert_landed(landing, plan, status, own)
    assert landing.fixture.git("reflog", "show", "-1", "--format=%gs", "main").startswith("autodev: land")
    assert landing.fixture.git("reflog", "show", "-1", "--format=%H", "HEAD") == plan.new


def test_reflog_has_the_landing_once(tmp_path: Path, points: list[str]) -> None:
    landing = make_landing(tmp_path)
    plan = landing.ready()
    child = run_child(landing, plan, str(points.index("branch after") + 1))
    assert child.wait(60) == 77
    perform(landing.open(), plan)
    assert len(landing.fixture.git("reflog", "show", "--format=%gs", "main").splitlines()) == 2


def test_killed_merge_landing(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, changes={"edit.txt": "new\n", "more.txt": "m\n"})
    landing.fixture.write("keep.txt", "the target moved\n")
    landing.fixture.commit("user goes on")
    users_own_work(landing.fixture)
    plan = landing.ready()
    assert plan.mode == "merge"
    status, own = full_status(landing.fixture), others(landing, plan)
    child = run_child(landing, plan, "8")
    assert child.wait(60) == 77
    perform(landing.open(), plan)
    assert_landed(landing, plan, status, own)


def interrupted(tmp_path: Path, point: str) -> tuple[Landing, LandingPlan]:
    """A landing of two files, killed at a point."""
    landing = make_landing(tmp_path, changes={"edit.txt": "new\n", "keep.txt": "new\n"})
    plan = landing.ready()
    points = [
        "start",
        "branch locked",
        "index locked",
        "judged",
        "file 0 before",
        "file 0 written",
        "file 0 after",
    ]
    assert run_child(landing, plan, str(points.index(point) + 1)).wait(60) == 77
    return landing, plan


def test_between_kill_and_resume_the_users_git_waits(tmp_path: Path) -> None:
    landing, plan = interrupted(tmp_path, "file 0 after")
    landing.fixture.git("commit", "-qam", "half", ok=(128,))
    with pytest.raises(LandingRefused, match="unfinished landing"):
        landing.plan()
    perform(landing.open(), plan)
    assert landing.fixture.status() == ""


def test_edit_between_kill_and_resume_is_not_lost(tmp_path: Path) -> None:
    landing, plan = interrupted(tmp_path, "file 0 after")
    waiting = next(path for path in ("edit.txt", "keep.txt") if (landing.root / path).read_text() != "new\n")
    landing.fixture.write(waiting, "the user's\n")
    with pytest.raises(LandingRefused) as refusal:
        perform(landing.open(), plan)
    assert refusal.value.paths == [waiting]
    assert len(refusal.value.moved) == 1
    assert (landing.root / waiting).read_text() == "the user's\n"
    assert landing.main() == plan.old
    assert not (landing.root / ".git/index.lock").exists()
    landing.fixture.git("restore", waiting)
    perform(landing.open(), plan)
    assert landing.fixture.status() == ""


def test_lock_removed_and_half_staged_by_the_user(tmp_path: Path) -> None:
    landing, plan = interrupted(tmp_path, "file 0 after")
    (landing.root / ".git/index.lock").unlink()
    landing.fixture.git("add", "-u")
    perform(landing.open(), plan)
    assert landing.fixture.status() == ""
    assert landing.main() == plan.new


def test_leftover_draft_is_cleared(tmp_path: Path) -> None:
    landing, plan = interrupted(tmp_path, "file 0 written")
    assert list(landing.root.glob(".autodev-landing-*"))
    perform(landing.open(), plan)
    assert landing.fixture.status() == ""


def test_target_moved_between_kill_and_resume(tmp_path: Path) -> None:
    landing, plan = interrupted(tmp_path, "index locked")
    moved = commit_elsewhere(landing.fixture, "other", {"other.txt": "o\n"})
    landing.fixture.git("update-ref", "refs/heads/main", moved)
    with pytest.raises(LandingRefused, match="moved"):
        perform(landing.open(), plan)
    assert landing.main() == moved


def test_only_the_ref_moves_where_nothing_is_checked_out(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, changes={"edit.txt": "new\n"})
    landing.fixture.git("branch", "target")
    plan = landing.ready(target="target")
    assert plan.checkout is None
    points = points_of(landing, plan)
    assert points == ["start", "branch locked", "branch before", "branch after", "end"]
    for number in range(1, len(points) + 1):
        landing.fixture.git("update-ref", "refs/heads/target", plan.old)
        assert run_child(landing, plan, str(number)).wait(60) == 77
        perform(landing.open(), plan)
        assert landing.fixture.git("rev-parse", "target") == plan.new
    assert landing.fixture.status() == ""
    assert not (landing.root / ".git/refs/heads/target.lock").exists()
