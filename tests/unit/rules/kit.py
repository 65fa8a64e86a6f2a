"""A worker carried to its end in a directory, its calls done by the real tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autodev_tui.policy.secrets import Masker
from autodev_tui.rules.work import Done, Job, Worker
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.files import plan
from autodev_tui.tools.specs import validate
from autodev_tui.vcs.repository import open_repository
from tests.fakes.repos import FixtureRepository

TURNS = 12


def job(repository: FixtureRepository, title: str = "", description: str = "", **more: Any) -> Job:
    """A job in the repository's own checkout."""
    opened = open_repository(repository.root, environ=repository.environ)
    return Job(title, description, repository.root, 1, repository=opened, **more)


def carry_out(worker: Worker, one: Job) -> list[Done]:
    """The calls of the worker until it finishes, each done for real."""
    done: list[Done] = []
    context = ToolContext(worktree=one.worktree, masker=Masker(b"0" * 16, []), list_paths=list)
    for _ in range(TURNS):
        for name, args in worker(one, done).calls:
            done.append(_call(context, one.worktree, name, args))
        if done and done[-1].name == "finish":
            return done
    raise AssertionError(f"not finished after {TURNS} turns: {done}")


def _call(context: ToolContext, worktree: Path, name: str, args: dict[str, Any]) -> Done:
    valid = validate(name, args)
    assert not isinstance(valid, ToolProblem), valid
    if name not in ("edit_file", "write_file"):
        return Done(name, args, "", False)
    effect = plan(context, name, valid)
    if isinstance(effect, ToolProblem):
        return Done(name, args, str(effect), True)
    file = worktree / effect.path
    file.parent.mkdir(parents=True, exist_ok=True)
    assert effect.blob is not None
    file.write_bytes(effect.blob)
    return Done(name, args, effect.text, False)
