"""The repository: found, refused clearly, asked safely, moved only by compare-and-swap."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autodev_tui.vcs import opening
from autodev_tui.vcs.errors import RefMoved, RepositoryError
from autodev_tui.vcs.git import NO_ID
from autodev_tui.vcs.repository import Repository, open_repository
from tests.fakes.repos import EMAIL, NAME, FixtureRepository, isolated_environment, make_repository


@pytest.fixture
def fixture(tmp_path: Path) -> FixtureRepository:
    return make_repository(tmp_path / "checkout", {"a.txt": "a\n", "d/b.txt": "b\n"})


def opened(fixture: FixtureRepository, **options: bool) -> Repository:
    return open_repository(fixture.root, environ=fixture.environ, **options)


# -- facts


def test_facts_from_a_subdirectory(fixture: FixtureRepository) -> None:
    repository = open_repository(fixture.root / "d", environ=fixture.environ)
    assert repository.root == fixture.root
    assert (repository.branch, repository.head) == ("main", fixture.git("rev-parse", "HEAD"))
    assert repository.head_of("main") == repository.head == repository.head_of("refs/heads/main")
    assert repository.tree_of("main") == fixture.git("rev-parse", "HEAD^{tree}")
    assert repository.tracked_paths("HEAD") == {"a.txt", "d/b.txt"}
    assert repository.tracked_count("HEAD") == 2
    assert repository.blob(fixture.git("rev-parse", "HEAD:a.txt")) == b"a\n"
    assert (repository.user.name, repository.user.email) == (NAME, EMAIL)


def test_a_linked_worktree_of_the_users_has_its_own_head(fixture: FixtureRepository, tmp_path: Path) -> None:
    fixture.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    repository = open_repository(tmp_path / "side", environ=fixture.environ)
    assert repository.branch == "side"
    assert repository.common_dir == fixture.root / ".git"
    assert repository.id == opened(fixture).id


def test_variables_that_point_elsewhere_are_not_believed(fixture: FixtureRepository, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other")
    environ = {**fixture.environ, "GIT_DIR": str(other.root / ".git"), "GIT_INDEX_FILE": "/nowhere"}
    assert open_repository(fixture.root, environ=environ).root == fixture.root


def test_a_missing_branch_is_said(fixture: FixtureRepository) -> None:
    with pytest.raises(RepositoryError, match="no such branch"):
        opened(fixture).head_of("nope")
    with pytest.raises(RepositoryError, match="no such commit"):
        opened(fixture).tree_of("nope")


# -- refusals


def _bare(fixture: FixtureRepository) -> Path:
    fixture.git("clone", "-q", "--bare", ".", "../bare.git")
    return fixture.root.parent / "bare.git"


def _no_commits(fixture: FixtureRepository) -> Path:
    folder = fixture.root.parent / "fresh"
    fixture.git("init", "-q", str(folder))
    return folder


def _detached(fixture: FixtureRepository) -> Path:
    fixture.git("checkout", "-q", "--detach")
    return fixture.root


def _conflict(fixture: FixtureRepository) -> None:
    fixture.git("checkout", "-q", "-b", "other")
    fixture.write("a.txt", "other\n")
    fixture.commit("other")
    fixture.git("checkout", "-q", "main")
    fixture.write("a.txt", "mine\n")
    fixture.commit("mine")


def _merging(fixture: FixtureRepository) -> Path:
    _conflict(fixture)
    fixture.git("merge", "other", ok=(1,))
    return fixture.root


def _rebasing(fixture: FixtureRepository) -> Path:
    _conflict(fixture)
    fixture.git("rebase", "other", ok=(1,))
    return fixture.root


def _picking(fixture: FixtureRepository) -> Path:
    _conflict(fixture)
    fixture.git("cherry-pick", "other", ok=(1,))
    return fixture.root


def _no_repository(fixture: FixtureRepository) -> Path:
    folder = fixture.root.parent / "plain"
    folder.mkdir()
    return folder


def _inside_git(fixture: FixtureRepository) -> Path:
    return fixture.root / ".git"


def _lost_head(fixture: FixtureRepository) -> Path:
    (fixture.root / ".git/refs/heads/main").write_text("1" * 40 + "\n")
    return fixture.root


def _sha256(fixture: FixtureRepository) -> Path:
    folder = fixture.root.parent / "sha256"
    fixture.git("init", "-q", "--object-format=sha256", str(folder))
    return folder


@pytest.mark.parametrize(
    ("make", "what", "hint"),
    [
        (_no_repository, "not a git repository", "git init"),
        (_bare, "bare", "clone"),
        (_inside_git, "inside a .git directory", "checkout"),
        (_no_commits, "no commits yet", "git commit"),
        (_detached, "detached HEAD", "git switch"),
        (_merging, "a merge is in progress", "git merge"),
        (_rebasing, "a rebase is in progress", "git rebase"),
        (_picking, "a cherry-pick is in progress", "git cherry-pick"),
        (_lost_head, "HEAD names no commit", "fsck"),
        (_sha256, "sha256", "default formats"),
    ],
)
def test_bad_states_are_refused(
    fixture: FixtureRepository, make: Callable[[FixtureRepository], Path], what: str, hint: str
) -> None:
    start = make(fixture)
    with pytest.raises(RepositoryError) as caught:
        open_repository(start, environ=fixture.environ)
    assert what in str(caught.value)
    assert hint in caught.value.hint
    assert str(start) in str(caught.value)
    assert caught.value.code == 2


def test_looking_at_what_is_kept_works_in_any_state(fixture: FixtureRepository) -> None:
    identity = opened(fixture).id
    _rebasing(fixture)
    assert opened(fixture, for_work=False).id == identity


def test_no_identity(tmp_path: Path) -> None:
    fixture = make_repository(tmp_path / "checkout")
    environ = isolated_environment(tmp_path / "nobody", identity=False)
    with pytest.raises(RepositoryError, match="does not know who you are"):
        open_repository(fixture.root, environ=environ)
    environ |= {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    assert open_repository(fixture.root, environ=environ).user.name == "x"
    with pytest.raises(RepositoryError, match="author"):
        open_repository(fixture.root, environ=environ | {"GIT_AUTHOR_NAME": " <> "})


def test_another_owner_is_named(fixture: FixtureRepository) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(fixture.root / ".git", 65534, 65534)
    os.chown(fixture.root, 65534, 65534)
    with pytest.raises(RepositoryError, match="another user") as caught:
        opened(fixture)
    assert "safe.directory" in caught.value.hint
    fixture.git("config", "--global", "safe.directory", "*")
    assert opened(fixture).branch == "main"


def test_a_repository_that_cannot_be_written(
    fixture: FixtureRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening.os, "access", lambda path, mode: "objects" not in str(path))
    with pytest.raises(RepositoryError, match=r"cannot be written to.*objects"):
        opened(fixture)


def test_no_git_and_old_git(fixture: FixtureRepository, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="there is no git"):
        open_repository(fixture.root, environ={**fixture.environ, "PATH": str(tmp_path)})
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    with pytest.raises(RepositoryError, match=r"2\.30\.2 is too old.*2\.38"):
        open_repository(fixture.root, environ={**fixture.environ, "PATH": str(old.parent)})


def test_broken_configuration_names_file_and_line(fixture: FixtureRepository) -> None:
    Path(fixture.environ["GIT_CONFIG_GLOBAL"]).write_text("[user\n")
    with pytest.raises(RepositoryError, match=r"bad config line 1 in file"):
        opened(fixture)


# -- the id


def test_the_id_survives_a_move_but_not_a_copy(fixture: FixtureRepository) -> None:
    identity = opened(fixture).id
    copy = fixture.root.parent / "copy"
    shutil.copytree(fixture.root, copy)
    assert open_repository(copy, environ=fixture.environ).id != identity
    assert opened(fixture).id == identity
    moved = fixture.root.parent / "moved"
    fixture.root.rename(moved)
    assert open_repository(moved, environ=fixture.environ).id == identity
    again = moved.rename(fixture.root)
    assert open_repository(again, environ=fixture.environ).id == identity


def test_the_id_is_no_part_of_the_repository(fixture: FixtureRepository) -> None:
    identity = opened(fixture).id
    fixture.git("clean", "-ffdxq")
    assert opened(fixture).id == identity
    assert fixture.status() == ""
    fixture.git("clone", "-q", ".", "../clone")
    assert open_repository(fixture.root.parent / "clone", environ=fixture.environ).id != identity


def test_a_damaged_id_is_made_anew(fixture: FixtureRepository) -> None:
    identity = opened(fixture).id
    (fixture.root / ".git/autodev/id").write_text("{")
    assert opened(fixture).id != identity
    assert opened(fixture).id == opened(fixture).id


# -- commits and refs


def test_commit_tree_is_the_users_commit(fixture: FixtureRepository) -> None:
    repository = opened(fixture)
    fixture.git("config", "commit.gpgSign", "true")
    commit = repository.commit_tree(
        repository.tree_of("HEAD"), [repository.head], "fix: ä\n\nBody\n", date=86400
    )
    shown = fixture.git("show", "-s", "--format=%an <%ae>|%cn|%at|%P|%B", commit)
    assert shown == f"{NAME} <{EMAIL}>|{NAME}|86400|{repository.head}|fix: ä\n\nBody\n"
    assert fixture.git("rev-parse", "HEAD") == repository.head


def test_update_ref_swaps_only_what_was_expected(fixture: FixtureRepository) -> None:
    repository = opened(fixture)
    first, ref = repository.head, "refs/heads/autodev/s/x"
    second = repository.commit_tree(repository.tree_of("HEAD"), [first], "two\n", date=1)
    repository.update_ref(ref, first, NO_ID)
    with pytest.raises(RefMoved):
        repository.update_ref(ref, second, NO_ID)
    with pytest.raises(RefMoved) as caught:
        repository.update_ref(ref, repository.commit_tree(repository.tree_of("HEAD"), [], "3\n"), second)
    assert caught.value.actual == first
    assert caught.value.code == 3
    repository.update_ref(ref, second, first)
    repository.update_ref(ref, second, first)  # The same step again after a crash.
    assert repository.head_of("autodev/s/x") == second
    repository.update_ref(ref, "", second)
    assert not repository.exists(ref)


def test_a_killed_gits_lock_on_our_ref_is_broken_and_on_the_users_is_not(fixture: FixtureRepository) -> None:
    repository = opened(fixture)
    new = repository.commit_tree(repository.tree_of("HEAD"), [repository.head], "two\n", date=1)
    for ref in ("refs/heads/autodev/s/x", "refs/heads/theirs"):
        repository.update_ref(ref, repository.head, NO_ID)
        lock = repository.common_dir / f"{ref}.lock"
        lock.touch()
        with pytest.raises(Exception, match="lock"):
            repository.update_ref(ref, new, repository.head)
        os.utime(lock, (time.time() - 3600, time.time() - 3600))
    repository.update_ref("refs/heads/autodev/s/x", new, repository.head)
    with pytest.raises(Exception, match="lock"):
        repository.update_ref("refs/heads/theirs", new, repository.head)


def test_find_step_believes_trailers_only(fixture: FixtureRepository) -> None:
    repository = opened(fixture)
    tree, start = repository.tree_of("HEAD"), repository.head
    forged = repository.commit_tree(tree, [start], "fix: x\n\nAutodev-Step: s/7 is what I did\n\nThe end.\n")
    real = repository.commit_tree(tree, [forged], "fix: y\n\nBody\n\nAutodev-Step: s/7\nApproved-by: me\n")
    prefix = repository.commit_tree(tree, [real], "fix: z\n\nBody\n\nAutodev-Step: s/77\n")
    repository.update_ref("refs/heads/autodev/s/x", prefix, NO_ID)
    assert repository.find_step("autodev/s/x", "s/7") == real
    assert repository.find_step(f"{start}..autodev/s/x", "s/7") == real
    assert repository.find_step(f"{real}..autodev/s/x", "s/7") is None
    assert repository.find_step("autodev/s/x", "s/8") is None


# -- nothing of the configuration runs


def test_no_configured_program_runs(fixture: FixtureRepository, tmp_path: Path) -> None:
    from autodev_tui.vcs.merging import merge
    from autodev_tui.vcs.trees import change_set
    from autodev_tui.vcs.worktrees import Worktrees

    mark = tmp_path / "ran"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    evil.chmod(0o755)
    fixture.write(".gitattributes", "*.txt diff=evil merge=evil\n*.dat filter=evil\n")
    fixture.write("x.dat", "pointer\n")
    start = fixture.commit("attributes")
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "gpg.program"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
        *("merge.evil.driver", "diff.evil.command", "diff.evil.textconv"),
    ):
        fixture.git("config", key, str(evil))
    fixture.git("config", "filter.evil.required", "true")
    hooks = fixture.root / ".git/hooks"
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit"):
        shutil.copy(evil, hooks / name)
    repository = opened(fixture)
    worktrees = Worktrees(repository, tmp_path / "worktrees")
    work = worktrees.create("t", "autodev/s/t", start)
    assert (work / "x.dat").read_text() == "pointer\n"
    (work / "a.txt").write_text("changed\n")
    from autodev_tui.vcs.trees import snapshot

    tree = snapshot(repository, work)
    one = repository.commit_tree(tree, [start], "one\n")
    (work / "a.txt").write_text("other\n")
    two = repository.commit_tree(snapshot(repository, work), [start], "two\n")
    assert len(change_set(repository, start, tree).hunks) == 1
    assert merge(repository, one, two).conflicts == ("a.txt",)
    worktrees.checkout("c", tree)
    repository.find_step("HEAD", "x")
    worktrees.remove("t")
    assert not mark.exists()


def test_guard_lets_harmless_changes_pass(fixture: FixtureRepository) -> None:
    repository = opened(fixture)
    fixture.git("config", "branch.main.remote", "origin")
    fixture.git("config", "--global", "diff.external", "mine")
    fixture.git("branch", "more")
    assert repository.branch == "main"
    repository.guard.check_hooks()


@pytest.mark.parametrize("how", ["config", "hook", "attributes", "include"])
def test_guard_sees_what_could_run(fixture: FixtureRepository, how: str) -> None:
    repository = opened(fixture)
    git = fixture.root / ".git"
    if how == "config":
        fixture.git("config", "core.fsmonitor", "./evil")
    elif how == "hook":
        (git / "hooks").mkdir(exist_ok=True)
        (git / "hooks/post-commit").write_text("#!/bin/sh\n")
    elif how == "attributes":
        (git / "info").mkdir(exist_ok=True)
        (git / "info/attributes").write_text("* filter=x\n")
    else:
        fixture.git("config", "include.path", "../evil")
    with pytest.raises(RepositoryError, match="changed since autodev started") as caught:
        assert repository.head and how == "hook"
        repository.guard.check_hooks()
    assert caught.value.code == 3


def test_the_users_configuration_is_read_with_its_order(fixture: FixtureRepository, tmp_path: Path) -> None:
    fixture.git("config", "--global", "core.autocrlf", "true")
    fixture.git("config", "core.autocrlf", "input")
    fixture.git("config", "--global", "commit.gpgSign", "yes")
    fixture.git("config", "--global", "gpg.program", "mygpg")
    fixture.git("config", "--global", "core.hooksPath", "~/hooks")
    excludes = Path(fixture.environ["XDG_CONFIG_HOME"]) / "git" / "ignore"
    excludes.parent.mkdir(parents=True)
    excludes.write_text("*.mine\n")
    user = opened(fixture).user
    assert dict(user.harmless)["core.autocrlf"] == "input"
    assert user.gpgsign
    assert user.signing["gpg.program"] == "mygpg"
    assert user.hooks_path == f"{fixture.environ['HOME']}/hooks"
    assert user.excludes == str(excludes)
    fixture.git("config", "gpg.program", "./evil")
    assert opened(fixture).user.signing["gpg.program"] == "mygpg"


def test_git_inherits_nothing(fixture: FixtureRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "secret")
    monkeypatch.setenv("GIT_TRACE", "1")
    seen: dict[str, str] = {}
    real = subprocess.run

    def spy(*args: object, **options: object) -> object:
        seen.update(options["env"])  # type: ignore[call-overload]
        return real(*args, **options)  # type: ignore[call-overload]

    repository = opened(fixture)
    monkeypatch.setattr(subprocess, "run", spy)
    assert repository.head
    assert "MY_API_KEY" not in seen and "GIT_TRACE" not in seen and "HOME" not in seen
