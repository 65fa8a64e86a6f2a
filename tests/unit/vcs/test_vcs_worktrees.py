"""Worktrees: private, found again, rebuilt, cleaned exactly, removed without a trace."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import NO_ID
from autodev_tui.vcs.repository import open_repository
from autodev_tui.vcs.trees import snapshot
from autodev_tui.vcs.worktrees import Worktrees

from .conftest import Bench


def test_a_worktree_is_private_and_on_its_branch(bench: Bench) -> None:
    assert bench.worktrees.directory.stat().st_mode & 0o777 == 0o700
    assert bench.work.parent == bench.worktrees.directory
    assert bench.fixture.git("branch", "--show-current", cwd=bench.work) == "autodev/s1/T1"
    assert bench.fixture.git("status", "--porcelain", cwd=bench.work) == ""
    assert (bench.work / "a.py").read_text() == "one\ntwo\nthree\n"
    assert bench.fixture.status() == ""
    assert [(one.name, one.branch, one.present) for one in bench.worktrees.list()] == [
        ("s1-T1", "autodev/s1/T1", True)
    ]


def test_creating_again_keeps_what_is_there(bench: Bench) -> None:
    (bench.work / "a.py").write_text("mine\n")
    (bench.work / "new").write_text("new\n")
    assert bench.worktrees.create("s1-T1", "autodev/s1/T1", bench.repository.head) == bench.work
    assert (bench.work / "a.py").read_text() == "mine\n"
    assert (bench.work / "new").exists()
    assert bench.worktrees.rebuilt == {}


@pytest.mark.parametrize("prune", [False, True])
def test_a_lost_worktree_comes_back_from_its_newest_checkpoint(bench: Bench, prune: bool) -> None:
    repository = bench.repository
    for number in (9, 10):
        (bench.work / "a.py").write_text(f"{number}\n")
        commit = repository.commit_tree(snapshot(repository, bench.work), [repository.head], "checkpoint\n")
        repository.update_ref(f"refs/autodev/s1/T1/{number}", commit, NO_ID)
    shutil.rmtree(bench.work)
    if prune:
        bench.fixture.git("worktree", "unlock", str(bench.work))
        bench.fixture.git("worktree", "prune")
    again = bench.worktrees.create("s1-T1", "autodev/s1/T1", repository.head)
    assert (again / "a.py").read_text() == "10\n"
    assert bench.fixture.git("status", "--porcelain", cwd=again) == " M a.py"
    assert bench.worktrees.rebuilt == {"s1-T1": commit}


def test_a_checkpoint_of_an_older_base_is_not_used(bench: Bench) -> None:
    repository = bench.repository
    (bench.work / "a.py").write_text("old proposal\n")
    old = repository.commit_tree(snapshot(repository, bench.work), [repository.head], "checkpoint\n")
    repository.update_ref("refs/autodev/s1/T1/1", old, NO_ID)
    accepted = repository.commit_tree(bench.tree({"a.py": "accepted\n"}), [repository.head], "feat: a\n")
    repository.update_ref("refs/heads/autodev/s1/T1", accepted, repository.head)
    shutil.rmtree(bench.work)
    again = bench.worktrees.create("s1-T1", "autodev/s1/T1", repository.head)
    assert (again / "a.py").read_text() == "accepted\n"


def test_the_users_prune_does_not_take_a_present_or_unseen_worktree(bench: Bench) -> None:
    hidden = bench.work.rename(bench.work.with_name("unmounted"))
    bench.fixture.git("worktree", "prune", "--expire=now")
    hidden.rename(bench.work)
    assert bench.fixture.git("status", "--porcelain", cwd=bench.work) == ""


def test_a_forgotten_worktree_keeps_its_work(bench: Bench) -> None:
    (bench.work / "a.py").write_text("work\n")
    bench.fixture.git("worktree", "unlock", str(bench.work))
    hidden = bench.work.rename(bench.work.with_name("unmounted"))
    bench.fixture.git("worktree", "prune", "--expire=now")
    hidden.rename(bench.work)
    again = bench.worktrees.create("s1-T1", "autodev/s1/T1", bench.repository.head)
    assert (again / "a.py").read_text() == "work\n"
    assert bench.fixture.git("status", "--porcelain", cwd=again) == " M a.py"
    assert bench.content(snapshot(bench.repository, again), "a.py") == b"work\n"
    assert [path.name for path in bench.worktrees.directory.iterdir()] == ["s1-T1"]


def test_a_worktree_that_was_half_made_is_finished(bench: Bench) -> None:
    admin = bench.repository.admin_dir(bench.work)
    (admin / "index").unlink()
    (admin / "autodev.index").unlink()
    (admin / "autodev.index.lock").touch()
    (bench.work / "a.py").unlink()
    bench.worktrees.create("s1-T1", "autodev/s1/T1", bench.repository.head)
    assert (bench.work / "a.py").exists()
    assert bench.fixture.git("status", "--porcelain", cwd=bench.work) == ""


@pytest.mark.parametrize("kind", ["redirected", "link", "directory", "gone"])
def test_a_replaced_git_file_is_never_followed_and_is_mended(bench: Bench, kind: str, tmp_path: Path) -> None:
    dot_git = bench.work / ".git"
    right = dot_git.read_text()
    dot_git.unlink()
    if kind == "redirected":
        dot_git.write_text("gitdir: ./evil\n")
    elif kind == "link":
        dot_git.symlink_to(tmp_path / "victim")
        (tmp_path / "victim").write_text("untouched")
    elif kind == "directory":
        bench.fixture.git("init", "-q", str(bench.work))
    base = bench.repository.tree_of("HEAD")
    assert snapshot(bench.repository, bench.work) == base
    bench.worktrees.create("s1-T1", "autodev/s1/T1", bench.repository.head)
    assert dot_git.read_text() == right
    assert not dot_git.is_symlink()
    if kind == "link":
        assert (tmp_path / "victim").read_text() == "untouched"


def test_a_branch_checked_out_elsewhere_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.fixture.git("branch", "autodev/s1/T2")
    bench.fixture.git("worktree", "add", "-q", str(tmp_path / "users"), "autodev/s1/T2")
    with pytest.raises(RepositoryError, match="already"):
        bench.worktrees.create("s1-T2", "autodev/s1/T2", bench.repository.head)


def test_a_deleted_branch_comes_back(bench: Bench) -> None:
    bench.worktrees.remove(bench.work)
    bench.fixture.git("branch", "-D", "autodev/s1/T1")
    again = bench.worktrees.create("s1-T1", "autodev/s1/T1", bench.repository.head)
    assert bench.fixture.git("branch", "--show-current", cwd=again) == "autodev/s1/T1"


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", ".new-1", "a\nb"])
def test_names_cannot_lead_elsewhere(bench: Bench, name: str) -> None:
    with pytest.raises(ValueError, match="name of a worktree"):
        bench.worktrees.create(name, "autodev/s1/x", bench.repository.head)
    with pytest.raises(ValueError, match="name of a worktree"):
        bench.worktrees.remove(name)


def test_started_in_a_linked_worktree_of_the_users(bench: Bench, tmp_path: Path) -> None:
    bench.fixture.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    repository = open_repository(tmp_path / "side", environ=bench.fixture.environ)
    work = Worktrees(repository, tmp_path / "more").create("s2-T1", "autodev/s2/T1", repository.head)
    (work / "a.py").write_text("x\n")
    assert bench.content(snapshot(repository, work), "a.py") == b"x\n"
    assert bench.fixture.git("status", "--porcelain", cwd=tmp_path / "side") == ""


def test_a_sparse_checkout_of_the_users_does_not_hide_files_from_agents(bench: Bench) -> None:
    bench.fixture.write("far/away.py", "x\n")
    head = bench.fixture.commit("far")
    bench.fixture.git("sparse-checkout", "set", "src")
    assert not (bench.fixture.root / "far").exists()
    repository = open_repository(bench.fixture.root, environ=bench.fixture.environ)
    work = Worktrees(repository, bench.worktrees.directory).create("s1-T2", "autodev/s1/T2", head)
    assert (work / "far/away.py").exists()
    assert snapshot(repository, work) == repository.tree_of(head)
    (work / "far/away.py").write_text("y\n")
    tree = snapshot(repository, work)
    assert repository.bare.run("cat-file", "blob", f"{tree}:far/away.py") == b"y\n"
    assert bench.fixture.status() == ""


# -- check worktrees


def test_a_check_worktree_is_exactly_the_tree_whatever_was_left_in_it(bench: Bench, tmp_path: Path) -> None:
    (bench.fixture.root / ".gitignore").write_text("*.log\n")
    base = bench.fixture.commit("ignore")
    tree = bench.tree({"a.py": "new\n", "only": "here\n", ".gitignore": "*.log\n"})
    path = bench.worktrees.checkout("check", tree)
    assert snapshot(bench.repository, path) == tree
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("keep")
    (path / "x.log").write_text("ignored")
    (path / "__pycache__").mkdir()
    (path / "__pycache__/a.pyc").write_text("stale")
    (path / "a.py").unlink()
    (path / "a.py").mkdir()
    (path / "a.py/inner").write_text("")
    (path / "only").unlink()
    (path / "escape").symlink_to(outside)
    bench.fixture.git("init", "-q", str(path / "nested"))
    (path / ".git").write_text("gitdir: /nowhere\n")
    assert bench.worktrees.checkout("check", base) == path
    files = {one.relative_to(path).as_posix() for one in path.rglob("*") if not one.is_dir()} - {".git"}
    assert files == {".gitignore", "a.py", "src/b.py"}
    assert (path / "a.py").read_text() == "one\ntwo\nthree\n"
    assert (outside / "keep").exists()
    assert bench.fixture.git("status", "--porcelain", "--ignored", cwd=path) == ""
    assert bench.fixture.git("branch", "--show-current", cwd=path) == ""


def test_a_file_forged_with_the_old_time_and_size_is_checked_out_again(bench: Bench) -> None:
    path = bench.worktrees.checkout("check", bench.repository.head)
    before = (path / "a.py").stat()
    (path / "a.py").write_text("ONE\ntwo\nthree\n")
    os.utime(path / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    bench.worktrees.checkout("check", bench.repository.head)
    assert (path / "a.py").read_text() == "one\ntwo\nthree\n"


def test_directories_without_permissions_do_not_stop_it(bench: Bench) -> None:
    path = bench.worktrees.checkout("check", bench.repository.head)
    (path / "locked/inner").mkdir(parents=True)
    (path / "locked/inner/file").write_text("")
    (path / "locked/inner").chmod(0)
    (path / "locked").chmod(0)
    bench.worktrees.checkout("check", bench.repository.head)
    assert not (path / "locked").exists()


def test_the_same_tree_is_the_same_commit(bench: Bench) -> None:
    tree = bench.tree({"a.py": "x\n"})
    one = bench.worktrees.checkout("one", tree)
    two = bench.worktrees.create_detached("two", tree)
    heads = {bench.fixture.git("rev-parse", "HEAD", cwd=path) for path in (one, two)}
    assert len(heads) == 1


# -- removing


def test_removed_worktrees_leave_nothing(bench: Bench) -> None:
    (bench.work / "sub").mkdir()
    (bench.work / "sub/file").write_text("")
    (bench.work / "sub").chmod(0)
    bench.worktrees.remove(bench.work)
    bench.worktrees.remove("s1-T1")
    assert list(bench.worktrees.directory.iterdir()) == []
    assert bench.fixture.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert bench.fixture.git("fsck", "--no-dangling") == ""


def test_orphans_are_reaped_and_only_they(bench: Bench, tmp_path: Path) -> None:
    bench.worktrees.create("s0-T1", "autodev/s0/T1", bench.repository.head)
    bench.worktrees.create("s0-T2", "autodev/s0/T2", bench.repository.head)
    shutil.rmtree(bench.worktrees.directory / "s0-T2")
    (bench.worktrees.directory / ".new-12").mkdir()
    bench.fixture.git("worktree", "add", "-q", "-b", "users", str(tmp_path / "users"))
    fresh = Worktrees(bench.repository, bench.worktrees.directory)
    assert set(fresh.reap({"s1-T1"})) == {"s0-T1", "s0-T2", ".new-12"}
    assert [one.name for one in fresh.list()] == ["s1-T1"]
    assert [path.name for path in fresh.directory.iterdir()] == ["s1-T1"]
    assert (tmp_path / "users/a.py").exists()


# -- .worktreeinclude


def test_included_files_are_copied_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    root = bench.fixture.root
    secret = tmp_path / "secret"
    secret.write_text("secret")
    bench.fixture.write(".gitignore", ".env*\nconfig/\nlinks/\n*.cache\n")
    bench.fixture.write(".worktreeinclude", ".env*\n!.env.prod\nconfig/**\nlinks/\nmine\n")
    head = bench.fixture.commit("include")
    for path in (".env", ".env.prod", "config/deep/x", "y.cache", "mine", "links/target"):
        bench.fixture.write(path, path)
    (root / ".env").chmod(0o600)
    (root / "links/inside").symlink_to("target")
    (root / "links/outside").symlink_to(secret)
    (root / "links/up").symlink_to("../../secret")
    patterns = (root / ".worktreeinclude").read_bytes()
    trusting = Worktrees(bench.repository, bench.worktrees.directory, include=patterns)
    work = trusting.create("s1-T2", "autodev/s1/T2", head)
    copied = {path.relative_to(work).as_posix() for path in work.rglob("*") if not path.is_dir()}
    assert copied - {".git", ".gitignore", ".worktreeinclude", "a.py", "src/b.py"} == {
        ".env", "config/deep/x", "links/inside", "links/target",
    }  # fmt: skip
    assert (work / ".env").stat().st_mode & 0o777 == 0o600
    assert (work / "links/inside").readlink() == Path("target")
    assert snapshot(bench.repository, work) == bench.repository.tree_of(head)


def test_included_files_never_overwrite_what_an_agent_changed(bench: Bench) -> None:
    bench.fixture.write(".gitignore", ".env\n")
    bench.fixture.write(".worktreeinclude", ".env\n")
    head = bench.fixture.commit("include")
    bench.fixture.write(".env", "user\n")
    trusting = Worktrees(bench.repository, bench.worktrees.directory, include=b".env\n")
    work = trusting.create("s1-T2", "autodev/s1/T2", head)
    (work / ".env").write_text("agent\n")
    trusting.create("s1-T2", "autodev/s1/T2", head)
    assert (work / ".env").read_text() == "agent\n"


def test_what_nobody_trusted_includes_nothing_and_no_exact_checkout_does(bench: Bench) -> None:
    bench.fixture.write(".gitignore", ".env\n")
    bench.fixture.write(".worktreeinclude", ".env\n")
    head = bench.fixture.commit("include")
    bench.fixture.write(".env", "user\n")
    assert not (bench.worktrees.create("s1-T3", "autodev/s1/T3", head) / ".env").exists()
    trusting = Worktrees(bench.repository, bench.worktrees.directory, include=b".env\n")
    for _ in range(2):  # made, then reset
        assert not (trusting.checkout("s1-check", head) / ".env").exists()
