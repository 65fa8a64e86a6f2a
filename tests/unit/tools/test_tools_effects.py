from __future__ import annotations

import errno
import os

import pytest

from autodev_tui.policy.secrets import Masker
from autodev_tui.tools import files
from autodev_tui.tools.arguments import DeleteFile, EditFile, MoveFile, WriteFile
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.effects import TEMPORARY, Effect, EffectConflict, apply, judge


@pytest.fixture
def context(tmp_path):
    (tmp_path / "f").write_bytes(b"old\n")
    return ToolContext(worktree=tmp_path, masker=Masker(b"salt"), list_paths=list)


def planned(context, args):
    names = {EditFile: "edit_file", WriteFile: "write_file", DeleteFile: "delete_file", MoveFile: "move_file"}
    effect = files.plan(context, names[type(args)], args)
    assert isinstance(effect, Effect), effect
    return effect


EFFECTS = [
    EditFile(path="f", old_text="old", new_text="new"),
    WriteFile(path="a/b/new", content="x\n"),
    DeleteFile(path="f"),
    MoveFile(path="f", to="sub/g"),
]
SYSCALLS = ["open", "mkdir", "fsync", "fchmod", "replace", "unlink", "link"]


class Killed(BaseException):
    """The process ends here: no handler of the code under test may help it."""


def tree(root):
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


@pytest.mark.parametrize("args", EFFECTS, ids=lambda args: type(args).__name__)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_system_call_then_resumed(context, args, after, monkeypatch):
    """Whatever happened before the end, the judgement is right, and doing it again ends in the same tree."""
    effect = planned(context, args)
    before = tree(context.worktree)
    count, at, dead = 0, 0, False
    original = {name: getattr(os, name) for name in SYSCALLS}

    def wrap(name):
        def call(*positional, **keywords):
            nonlocal count, dead
            count += 1
            if count == at and not after:
                dead = True
                raise Killed
            if dead:
                raise Killed  # nothing works any more, cleaning up included
            result = original[name](*positional, **keywords)
            if count == at:
                dead = True
                raise Killed
            return result

        return call

    ends = 0
    for at in range(1, 60):
        for path in sorted(context.worktree.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for name, data in before.items():
            (context.worktree / name).write_bytes(data)
        count = 0
        dead = False
        with monkeypatch.context() as patch:
            for name in SYSCALLS:
                patch.setattr(os, name, wrap(name))
            try:
                apply(context, effect)
                finished = True
            except (Killed, EffectConflict):
                finished = False
        judged = judge(context.worktree, effect)
        assert judged in ("done", "not_done")
        if finished:
            assert judged == "done"
        if judged == "not_done":
            apply(context, effect)
            assert judge(context.worktree, effect) == "done"
        found = tree(context.worktree)
        assert not any(TEMPORARY in name for name in found)
        ends = ends or found
        assert found == ends
        if finished and count < at:
            break
    else:
        pytest.fail("never ran to its end")


@pytest.mark.parametrize("args", EFFECTS, ids=lambda args: type(args).__name__)
def test_an_effect_never_overwrites_what_came_meanwhile(context, args):
    effect = planned(context, args)
    target = context.worktree / effect.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"the user's\n")
    assert judge(context.worktree, effect) == "conflict"
    with pytest.raises(EffectConflict):
        apply(context, effect)
    assert target.read_bytes() == b"the user's\n"


def test_a_move_never_overwrites_what_came_to_its_target(context):
    effect = planned(context, MoveFile(path="f", to="g"))
    (context.worktree / "g").write_bytes(b"the user's\n")
    with pytest.raises(EffectConflict):
        apply(context, effect)
    assert (context.worktree / "g").read_bytes() == b"the user's\n"
    assert (context.worktree / "f").read_bytes() == b"old\n"
    assert judge(context.worktree, effect) == "conflict"


@pytest.mark.parametrize("name", ["replace", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_disk_changes_nothing(context, monkeypatch, name, code):
    effect = planned(context, EditFile(path="f", old_text="old", new_text="new"))

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(OSError, match=os.strerror(code)):
            apply(context, effect)
    assert [path.name for path in context.worktree.iterdir()] == ["f"]
    assert (context.worktree / "f").read_bytes() == b"old\n"
    apply(context, effect)
    assert (context.worktree / "f").read_bytes() == b"new\n"


def test_a_directory_swapped_for_a_link_is_not_written_through(context, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (context.worktree / "d").mkdir()
    effect = planned(context, WriteFile(path="d/x", content="x\n"))
    (context.worktree / "d").rmdir()
    (context.worktree / "d").symlink_to(outside)
    with pytest.raises(EffectConflict):
        apply(context, effect)
    assert list(outside.iterdir()) == []
    assert judge(context.worktree, effect) == "conflict"


def test_content_that_is_not_what_was_planned_is_not_written(context):
    effect = planned(context, EditFile(path="f", old_text="old", new_text="new"))
    with pytest.raises(EffectConflict, match="not what was planned"):
        apply(context, Effect.from_intent(effect.intent(), b"something else"))
    assert (context.worktree / "f").read_bytes() == b"old\n"
