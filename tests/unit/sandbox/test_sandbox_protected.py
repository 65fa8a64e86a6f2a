from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from autodev_tui.sandbox.guard import Guards, is_stub, remove_tree


def tree(root: Path) -> dict[str, object]:
    """Everything below a directory: names, modes, contents, link targets."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("dir", path.stat().st_mode)
        else:
            found[name] = (path.stat().st_mode, path.read_bytes())
    return found


@pytest.fixture
def protected(jail):
    config = jail.worktree / ".autodev"
    config.mkdir()
    (config / "config.toml").write_text("safe = true\n")
    (config / "run.sh").write_text("#!/bin/sh\n")
    (config / "run.sh").chmod(0o755)
    flows = jail.worktree / ".github" / "workflows"
    flows.mkdir(parents=True)
    (flows / "ci.yml").write_text("on: push\n")
    (jail.worktree / ".envrc").symlink_to("elsewhere")
    names = [".git", ".autodev", ".github/workflows", ".envrc", ".vscode", "deep/er/missing"]
    return tuple(str(jail.worktree / name) for name in names)


@pytest.mark.parametrize(
    "script",
    [
        "true",
        "echo 'gitdir: ./evil' > .git",
        "rm -f .git; mkdir .git; echo x > .git/config",
        "mv .git away; echo 'gitdir: ./evil' > .git",
        "printf 'gitdir: ./evil' > g; mv -f g .git",
        "ln -sf /etc/passwd .git",
        "echo 'safe = false' > .autodev/config.toml",
        "chmod 777 .autodev/run.sh; chmod 000 .autodev",
        "rm -rf .autodev; ln -s /etc .autodev",
        "echo new > .autodev/hook",
        "mv .github other; mkdir -p .github/workflows; echo evil > .github/workflows/ci.yml",
        "mv .github other; ln -s /tmp .github",
        "rm .envrc; echo evil > .envrc",
        "mkdir .vscode; echo evil > .vscode/tasks.json",
        "ln -s .autodev .vscode",
        "mkdir -p deep/er/missing",
        "mkdir deep; ln -s /etc deep/er",
        "find . -depth -delete",
    ],
)
async def test_protected_paths_are_the_same_afterwards(jail, protected, script):
    keep = (".git", ".autodev", ".github/workflows", ".envrc", ".vscode", "deep/er/missing")
    before = {name: value for name, value in tree(jail.worktree).items() if name.startswith(keep)}
    exited, _ = await jail.sh(script, protected=protected)
    after = {name: value for name, value in tree(jail.worktree).items() if name.startswith(keep)}
    assert after == before
    if script == "true":
        assert exited.violations == ()
        assert not (jail.worktree / ".vscode").exists() and not (jail.worktree / "deep").exists()


async def test_a_change_that_got_through_is_reported(jail, protected):
    exited, _ = await jail.sh("rm .envrc; echo evil > .envrc", protected=protected)
    assert exited.violations == (str(jail.worktree / ".envrc"),)


async def test_reading_protected_paths_is_no_violation(jail, protected):
    exited, text = await jail.sh("cat .git .autodev/config.toml", protected=protected)
    assert text == "gitdir: /somewhere\nsafe = true\n" and exited.violations == ()


async def test_two_commands_share_one_record(jail, protected):
    """The second starts while the first has the path changed: both ends must restore the original."""
    first_spool = {"spool": str(jail.state / "s1"), "exit_file": str(jail.state / "e1")}
    script = "rm .envrc; echo evil > .envrc; touch started; while ! [ -e go ]; do sleep 0.01; done"
    first = asyncio.create_task(jail.sh(script, protected=protected, **first_spool))
    while not (jail.worktree / "started").exists():
        await asyncio.sleep(0.01)
    second = asyncio.create_task(
        jail.sh("while ! [ -e go ]; do sleep 0.01; done; sleep 0.2", protected=protected)
    )
    await asyncio.sleep(0.05)
    (jail.worktree / "go").touch()
    await asyncio.gather(first, second)
    assert str((jail.worktree / ".envrc").readlink()) == "elsewhere"
    assert not (jail.worktree / ".vscode").exists()


def test_a_stub_left_by_a_kill_is_taken_away_by_the_next(tmp_path):
    path = str(tmp_path / ".autodev")
    Guards().begin([path], [str(tmp_path)], stubs=True)
    assert is_stub(path)
    fresh = Guards()
    assert fresh.begin([path], [str(tmp_path)], stubs=True) == [path]
    assert fresh.end([path], [str(tmp_path)]) == [] and not os.path.lexists(path)


def test_an_empty_file_of_the_user_is_no_stub(tmp_path):
    path = tmp_path / ".autodev"
    path.touch()
    path.chmod(0o400)
    guards = Guards()
    guards.begin([str(path)], [str(tmp_path)], stubs=True)
    assert guards.end([str(path)], [str(tmp_path)]) == [] and path.exists()


def test_touching_without_changing_is_no_violation(tmp_path):
    path = tmp_path / "file"
    path.write_text("same")
    guards = Guards()
    guards.begin([str(path)], [str(tmp_path)], stubs=False)
    path.unlink()
    path.write_text("same")
    assert guards.end([str(path)], [str(tmp_path)]) == []


def test_what_is_too_big_to_keep_is_reported_and_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("autodev_tui.sandbox.guard.MAX_BYTES", 10)
    folder = tmp_path / "dir"
    folder.mkdir()
    (folder / "big").write_text("x" * 11)
    guards = Guards()
    guards.begin([str(folder)], [str(tmp_path)], stubs=False)
    (folder / "new").touch()
    assert guards.end([str(folder)], [str(tmp_path)]) == [str(folder)]
    assert (folder / "big").exists() and (folder / "new").exists()


@pytest.mark.parametrize("call", ["open", "rmdir"])
def test_a_tree_that_somebody_else_removes_too_is_gone(tmp_path, monkeypatch, call):
    (tmp_path / "gone" / "2").mkdir(parents=True)
    plain, remove = getattr(os, call), os.rmdir

    def beaten(name, *rest, **more):
        if name == "2":
            remove(tmp_path / "gone" / "2")  # the other one was a moment earlier
        return plain(name, *rest, **more)

    monkeypatch.setattr(os, call, beaten)
    remove_tree(str(tmp_path / "gone"))
    assert not (tmp_path / "gone").exists()


def test_remove_tree_follows_no_link_and_opens_what_is_closed(tmp_path):
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "file").touch()
    inner = tmp_path / "gone" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "link").symlink_to(tmp_path / "keep")
    inner.chmod(0)
    remove_tree(str(tmp_path / "gone"))
    assert not (tmp_path / "gone").exists() and (tmp_path / "keep" / "file").exists()
