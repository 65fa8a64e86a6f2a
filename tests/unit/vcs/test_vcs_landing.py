"""Landing: what moves, what is refused before anything moves, and what stays the user's own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autodev_tui.vcs.landing import (
    LandingConflict,
    LandingPlan,
    LandingRefused,
    has_landed,
    perform,
    plan_landing,
)
from autodev_tui.vcs.landing_checks import Objections, check_present, clashes
from autodev_tui.vcs.repository import open_repository
from tests.fakes.landings import (
    BASE,
    STEP,
    Landing,
    assert_landed,
    commit_elsewhere,
    full_status,
    make_landing,
    others,
    users_own_work,
)


def test_everything_at_once_beside_the_users_work(tmp_path: Path) -> None:
    landing = make_landing(tmp_path)
    users_own_work(landing.fixture)
    status = full_status(landing.fixture)
    staged = landing.fixture.git("diff", "--cached")
    plan = landing.ready()
    own = others(landing, plan)
    assert (plan.mode, plan.new, plan.checkout) == ("ff", landing.head, str(landing.root))
    perform(landing.open(), plan)
    assert_landed(landing, plan, status, own)
    assert landing.fixture.git("diff", "--cached") == staged
    assert (landing.root / "crlf.txt").read_bytes() == b"one\r\ntwo\r\nthree\r\n"
    assert not (landing.root / "deep").exists()
    assert landing.fixture.git("stash", "list") == ""


def test_plan_survives_json(tmp_path: Path) -> None:
    plan = make_landing(tmp_path).ready()
    assert LandingPlan(**json.loads(json.dumps(plan.model_dump(mode="json")))) == plan


def test_unprepared_plan_is_a_bug(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    with pytest.raises(ValueError, match="hooks"):
        perform(landing.open(), landing.plan())


def test_merge_commit_where_the_target_moved(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    landing.fixture.write("keep.txt", "moved on\n")
    moved = landing.fixture.commit("user goes on")
    plan = landing.land()
    assert plan.mode == "merge"
    assert landing.fixture.git("rev-list", "--parents", "-1", "main").split() == [
        plan.new,
        moved,
        landing.head,
    ]
    assert landing.fixture.git("rev-parse", "main^{tree}") == plan.tree
    assert (
        landing.fixture.git("log", "-1", "--format=%(trailers:key=Autodev-Step,valueonly)", "main").strip()
        == STEP
    )
    assert (
        landing.fixture.git("log", "-1", "--format=%an <%ae> %at", "main")
        == "Ada Tester <ada@example.test> 1000000000"
    )
    assert (landing.root / "keep.txt").read_text() == "moved on\n"
    assert landing.fixture.status() == ""
    assert landing.open().find_step("main", STEP)


def test_merge_conflict_moves_nothing(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    landing.fixture.write("edit.txt", "the user's\n")
    moved = landing.fixture.commit("user goes on")
    with pytest.raises(LandingConflict) as conflict:
        landing.plan()
    assert conflict.value.paths == ["edit.txt"]
    assert landing.main() == moved


def test_landed_already_is_nothing_to_do(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    first = landing.land()
    landing.fixture.write("keep.txt", "later\n")
    later = landing.fixture.commit("later")
    perform(landing.open(), first)
    assert has_landed(landing.open(), first)
    again = landing.ready()
    assert (again.new, again.paths) == (later, [])
    perform(landing.open(), again)
    assert landing.main() == later


def test_linked_worktree_follows(tmp_path: Path) -> None:
    landing = make_landing(tmp_path)
    fixture = landing.fixture
    fixture.git("branch", "release")
    place = tmp_path / "release checkout"
    fixture.git("worktree", "add", "-q", str(place), "release")
    (place / "own.txt").write_text("own\n")
    plan = landing.ready(target="release")
    assert plan.checkout == str(place)
    perform(landing.open(), plan)
    assert fixture.git("status", "--porcelain", cwd=place) == "?? own.txt"
    assert fixture.git("rev-parse", "HEAD", cwd=place) == plan.new
    assert fixture.status() == ""
    assert landing.main() == landing.base


def test_started_from_a_linked_worktree(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    place = tmp_path / "linked"
    landing.fixture.git("worktree", "add", "-q", "-b", "side", str(place))
    repository = open_repository(place, environ=landing.fixture.environ)
    plan = plan_landing(repository, landing.head, "main", "feat: x\n").but(ready=True)
    assert plan.checkout == str(landing.root)
    perform(repository, plan)
    assert landing.fixture.status() == ""
    assert landing.main() == landing.head


def test_checked_out_nowhere(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    landing.fixture.git("branch", "target")
    landing.fixture.write("edit.txt", "dirty, but not in the way\n")
    perform(landing.open(), landing.ready(target="target"))
    assert landing.fixture.git("rev-parse", "target") == landing.head
    assert landing.fixture.status() == " M edit.txt"


def dirty(landing: Landing) -> None:
    landing.fixture.write("edit.txt", "the user's\n")


def same_size_and_time(landing: Landing) -> None:
    """An edit that the times do not show: content decides."""
    file = landing.root / "edit.txt"
    before = file.stat()
    file.write_text("OLD\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def same_as_new(landing: Landing) -> None:
    landing.fixture.write("edit.txt", "new\n")


def staged(landing: Landing) -> None:
    landing.fixture.write("edit.txt", "the user's\n")
    landing.fixture.git("add", "edit.txt")
    landing.fixture.write("edit.txt", "old\n")


def deleted(landing: Landing) -> None:
    (landing.root / "edit.txt").unlink()


def made_executable(landing: Landing) -> None:
    (landing.root / "edit.txt").chmod(0o755)


def untracked(landing: Landing) -> None:
    landing.fixture.write("new/folder/file.txt", "the user's\n")


def ignored(landing: Landing) -> None:
    landing.fixture.write(".git/info/exclude", "new/\n")
    landing.fixture.write("new/folder/file.txt", "the user's\n")


def file_for_folder(landing: Landing) -> None:
    landing.fixture.write("new", "the user's\n")


def link_for_folder(landing: Landing) -> None:
    target = landing.root.parent / "outside"
    target.mkdir()
    (landing.root / "new").symlink_to(target)


def folder_with_files_for_file(landing: Landing) -> None:
    landing.fixture.write("swap-dir/in/own.txt", "the user's\n")


def nested_repository(landing: Landing) -> None:
    landing.fixture.git("init", "-q", "new")


def staged_file_for_folder(landing: Landing) -> None:
    landing.fixture.write("new", "the user's\n")
    landing.fixture.git("add", "new")
    (landing.root / "new").unlink()


def staged_file_in_vanishing_folder(landing: Landing) -> None:
    landing.fixture.write("swap-dir/own.txt", "the user's\n")
    landing.fixture.git("add", "swap-dir/own.txt")
    (landing.root / "swap-dir/own.txt").unlink()


def intended(landing: Landing) -> None:
    landing.fixture.write("new/folder/file.txt", "")
    landing.fixture.git("add", "-N", "new/folder/file.txt")
    (landing.root / "new/folder/file.txt").unlink()


def skipped(landing: Landing) -> None:
    landing.fixture.git("update-index", "--skip-worktree", "edit.txt")


def assumed(landing: Landing) -> None:
    landing.fixture.git("update-index", "--assume-unchanged", "edit.txt")


def locked(landing: Landing) -> None:
    landing.fixture.write(".git/index.lock", "")


def merging(landing: Landing) -> None:
    landing.fixture.write(".git/MERGE_HEAD", landing.base + "\n")


def rebasing_elsewhere(landing: Landing) -> None:
    place = landing.root.parent / "rebasing"
    landing.fixture.git("worktree", "add", "-q", "--detach", str(place))
    landing.fixture.write(".git/worktrees/rebasing/rebase-merge/head-name", "refs/heads/main\n")


def checked_out_twice(landing: Landing) -> None:
    place = landing.root.parent / "second"
    landing.fixture.git("worktree", "add", "-q", "--force", str(place), "main")


Spoil = Callable[[Landing], None]
WITH_PATHS: list[tuple[Spoil, str]] = [
    (dirty, "edit.txt"),
    (same_size_and_time, "edit.txt"),
    (same_as_new, "edit.txt"),
    (staged, "edit.txt"),
    (deleted, "edit.txt"),
    (made_executable, "edit.txt"),
    (untracked, "new/folder/file.txt"),
    (ignored, "new/folder/file.txt"),
    (file_for_folder, "new"),
    (link_for_folder, "new"),
    (folder_with_files_for_file, "swap-dir/in/own.txt"),
    (nested_repository, "new"),
    (staged_file_for_folder, "new"),
    (staged_file_in_vanishing_folder, "swap-dir"),
    (intended, "new/folder/file.txt"),
    (skipped, "edit.txt"),
    (assumed, "edit.txt"),
]
WITHOUT_PATHS: list[tuple[Spoil, str]] = [
    (locked, "index.lock is held"),
    (merging, "merge is in progress"),
    (rebasing_elsewhere, "rebase of main is in progress"),
    (checked_out_twice, "several places"),
]


def nothing_moved(landing: Landing, before: tuple[str, object]) -> None:
    assert landing.main() == landing.base
    assert (full_status(landing.fixture), others(landing, EMPTY)) == before
    assert not list((landing.root / ".git").glob("autodev-landing*"))


EMPTY = LandingPlan(target="main", old="", new="", head="", tree="", mode="ff", message="")


@pytest.mark.parametrize(("spoil", "path"), WITH_PATHS, ids=lambda value: getattr(value, "__name__", ""))
def test_refused_before_anything_moves(tmp_path: Path, spoil: Spoil, path: str) -> None:
    """At planning, and again when it happens between planning and performing."""
    landing = make_landing(tmp_path)
    plan = landing.ready()
    spoil(landing)
    before = (full_status(landing.fixture), others(landing, EMPTY))
    with pytest.raises(LandingRefused) as refusal:
        landing.plan()
    assert path in refusal.value.paths
    assert refusal.value.code == 3
    nothing_moved(landing, before)
    if spoil is same_as_new:  # indistinguishable from our own half-done work, and nothing to lose
        return
    with pytest.raises(LandingRefused) as refusal:
        perform(landing.open(), plan)
    assert path in refusal.value.paths
    nothing_moved(landing, before)


@pytest.mark.parametrize(("spoil", "words"), WITHOUT_PATHS)
def test_refused_for_the_state_of_the_checkout(tmp_path: Path, spoil: Spoil, words: str) -> None:
    landing = make_landing(tmp_path)
    repository, plan = landing.open(), landing.ready()
    spoil(landing)
    before = (full_status(landing.fixture), others(landing, EMPTY))
    for attempt in (
        lambda: plan_landing(repository, landing.head, "main", "x: y\n"),
        lambda: perform(repository, plan),
    ):
        with pytest.raises(LandingRefused, match=words):
            attempt()
    nothing_moved(landing, before)


def test_branch_locked_by_another_git(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    plan = landing.ready()
    lock = landing.fixture.write(".git/refs/heads/main.lock", "")
    with pytest.raises(LandingRefused, match=r"main\.lock"):
        perform(landing.open(), plan)
    lock.unlink()
    assert landing.main() == landing.base
    assert landing.fixture.status() == ""


def test_target_moved_since_shown(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    plan = landing.ready()
    landing.fixture.write("keep.txt", "moved on\n")
    moved = landing.fixture.commit("user goes on")
    with pytest.raises(LandingRefused, match="moved since"):
        plan_landing(landing.open(), landing.head, "main", "x: y\n", shown=landing.base)
    with pytest.raises(LandingRefused, match="moved"):
        perform(landing.open(), plan)
    assert landing.main() == moved
    assert landing.fixture.status() == ""


def test_checkout_left_the_branch(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    plan = landing.ready()
    landing.fixture.git("switch", "-qc", "other")
    with pytest.raises(LandingRefused, match="now checked out nowhere"):
        perform(landing.open(), plan)
    assert landing.main() == landing.base


def test_checked_out_since_planned(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    landing.fixture.git("branch", "target")
    plan = landing.ready(target="target")
    landing.fixture.git("switch", "-q", "target")
    with pytest.raises(LandingRefused, match="now checked out in"):
        perform(landing.open(), plan)


def test_edit_in_the_very_moment_is_not_lost(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n", "keep.txt": "new\n"})
    plan = landing.ready()

    def edit(point: str) -> None:
        if point == "file 1 before":
            landing.fixture.write("keep.txt", "the user's\n")

    with pytest.raises(LandingRefused, match=r"while it was landing: keep\.txt"):
        perform(landing.open(), plan, edit)
    assert (landing.root / "keep.txt").read_text() == "the user's\n"
    assert landing.main() == landing.base
    assert landing.fixture.status() == " M keep.txt"
    assert not (landing.root / ".git/index.lock").exists()


@pytest.mark.parametrize("at", ["file 3 before", "file 9 written", "file 12 after", "index written"])
def test_failing_disk_in_the_middle_puts_everything_back(tmp_path: Path, at: str) -> None:
    landing = make_landing(tmp_path)
    users_own_work(landing.fixture)
    plan = landing.ready()
    before = (full_status(landing.fixture), others(landing, EMPTY))

    def fail(point: str) -> None:
        if point == at:
            raise OSError(28, "No space left on device")

    with pytest.raises(LandingRefused, match="No space left") as refusal:
        perform(landing.open(), plan, fail)
    assert refusal.value.moved == []
    nothing_moved(landing, before)
    perform(landing.open(), plan)
    assert landing.main() == plan.new


def test_folder_without_permission_is_refused_before(tmp_path: Path) -> None:
    plan = LandingPlan(
        **{**EMPTY.doc(), "paths": [{"path": "closed/in/new.txt", "new_blob": "1"}, {"path": "open.txt"}]}
    )
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o777)
        (root / "closed").mkdir()
        (root / "closed").chmod(0o555)
        child = os.fork()
        if not child:  # as somebody to whom modes matter
            if os.getuid() == 0:
                os.setuid(65534)
            objections = Objections()
            check_present(root, plan, plan.paths, objections)
            try:
                objections.refuse()
            except LandingRefused as refusal:
                os._exit(7 if refusal.paths == ["closed/in/new.txt"] else 8)
            os._exit(9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_filters_and_submodules(tmp_path: Path) -> None:
    files = {**BASE, "big.bin": "x\n", ".gitattributes": "*.bin filter=lfs\n"}
    landing = make_landing(tmp_path, {"big.bin": "y\n", "edit.txt": "new\n"}, files)
    with pytest.raises(LandingRefused, match="'lfs'") as refusal:
        landing.plan()
    assert refusal.value.paths == ["big.bin"]
    assert landing.main() == landing.base


def test_filter_that_only_the_new_tree_or_the_user_names(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n", ".gitattributes": "edit.txt filter=x\n"})
    with pytest.raises(LandingRefused, match="'x'"):
        landing.plan()
    other = make_landing(tmp_path / "other", {"edit.txt": "new\n"})
    other.fixture.write(".git/info/attributes", "*.txt filter=secret\n")
    with pytest.raises(LandingRefused, match="'secret'"):
        other.plan()


def test_submodule(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    fixture = landing.fixture
    fixture.git("update-index", "--add", "--cacheinfo", f"160000,{landing.base},module")
    tree = fixture.git("write-tree")
    fixture.git("rm", "-q", "--cached", "module")
    head = fixture.git("commit-tree", "-p", landing.base, "-m", "x", tree)
    with pytest.raises(LandingRefused, match="submodules") as refusal:
        plan_landing(landing.open(), head, "main", "x: y\n")
    assert refusal.value.paths == ["module"]


def test_tree_that_reaches_into_the_git_directory(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    fixture = landing.fixture
    blob = fixture.git("rev-parse", "HEAD:run.sh")

    def mktree(text: str) -> str:
        done = subprocess.run(
            ["git", "mktree"], cwd=landing.root, input=text.encode(), capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    hooks = mktree(f"100755 blob {blob}\tpost-merge\n")
    evil = mktree(f"040000 tree {hooks}\t.git\n")
    head = fixture.git("commit-tree", "-p", landing.base, "-m", "x", evil)
    with pytest.raises(LandingRefused, match="git refuses the tree"):
        plan_landing(landing.open(), head, "main", "x: y\n")


def test_case_clash(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"Edit.TXT": "clash\n", "other.txt": "o\n"})
    landing.fixture.git("config", "core.ignoreCase", "true")
    with pytest.raises(LandingRefused, match="case") as refusal:
        landing.plan()
    assert refusal.value.paths == ["Edit.TXT"]


@pytest.mark.parametrize(
    ("added", "existing", "expected"),
    [
        (["A"], ["a"], ["A"]),
        (["a"], ["b"], []),
        (["Docs"], ["docs/x"], ["Docs"]),
        (["Docs/x"], ["docs"], ["Docs/x"]),
        (["Docs/y"], ["docs/x"], []),
        (["e\u0301"], ["\u00e9"], ["e\u0301"]),
        (["x", "X"], [], ["X"]),
    ],
)
def test_clashes(added: list[str], existing: list[str], expected: list[str]) -> None:
    assert clashes(added, existing) == expected


def test_autocrlf_of_the_user(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\nlines\n", ".gitattributes": ""})
    landing.fixture.git("config", "core.autocrlf", "true")
    # As a checkout under this configuration would have written it.
    landing.fixture.write("edit.txt", "old\r\n")
    landing.fixture.git("add", "edit.txt")
    assert landing.fixture.status() == ""
    landing.land()
    assert (landing.root / "edit.txt").read_bytes() == b"new\r\nlines\r\n"
    assert landing.fixture.status() == ""


def test_racy_edit_of_the_user_stays_visible(tmp_path: Path) -> None:
    """An edit of same size in the same moment as the index: writing the index must not hide it."""
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    mine, index = landing.root / "mine.txt", landing.root / ".git/index"
    landing.fixture.git("update-index", "--refresh")
    moment = mine.stat()
    os.utime(index, ns=(moment.st_mtime_ns, moment.st_mtime_ns))
    with mine.open("r+") as file:
        file.write("MINE")
    os.utime(mine, ns=(moment.st_atime_ns, moment.st_mtime_ns))
    plan = landing.ready()
    perform(landing.open(), plan)
    assert landing.fixture.status() == " M mine.txt"


def test_folder_of_a_deleted_file_goes_even_if_the_file_went_before(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"deep/er/gone.txt": None})
    plan = landing.ready()
    (landing.root / "deep/er/gone.txt").unlink()
    perform(landing.open(), plan)
    assert not (landing.root / "deep").exists()


def test_umask_and_replaced_inode(tmp_path: Path) -> None:
    """Hard links of the user's keep the old content, as with git itself."""
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    (landing.root.parent / "kept").hardlink_to(landing.root / "edit.txt")
    old = os.umask(0o027)
    try:
        landing.land()
    finally:
        os.umask(old)
    assert (landing.root.parent / "kept").read_text() == "old\n"
    assert (landing.root / "edit.txt").stat().st_mode & 0o777 == 0o640


def test_reflog_names_the_landing(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    landing.land()
    for ref in ("main", "HEAD"):
        words = landing.fixture.git("reflog", "show", "-1", "--format=%gs", ref)
        assert words == f"autodev: land {landing.head[:12]} (ff)"
    assert landing.fixture.git("rev-parse", "main@{1}") == landing.base


def test_session_branch_stays(tmp_path: Path) -> None:
    landing = make_landing(tmp_path, {"edit.txt": "new\n"})
    commit_elsewhere(landing.fixture, "unrelated", {"keep.txt": "x\n"})
    landing.land()
    assert landing.fixture.git("rev-parse", "autodev/s/session") == landing.head
