"""Checkpoints of the session: what can be gone back to, and what each lies before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from autodev_tui.domain.requests import GetCheckpoints, RowsAnswer
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.answering.common import session_of, steps_of
from autodev_tui.engine.site import Site

_EDITS = {
    "edit_file": "edited",
    "write_file": "wrote",
    "delete_file": "deleted",
    "move_file": "moved",
    "run_command": "ran",
}


async def get_checkpoints(site: Site, request: GetCheckpoints) -> RowsAnswer:
    """Newest first. `files` is how many files were changed since the checkpoint before, of the same task."""
    session = await session_of(site)
    steps = await steps_of(site, session.id)
    rows = await asyncio.to_thread(checkpoint_rows, steps)
    return RowsAnswer(rows=rows, facts={"session": session.id, "base": session.base_commit})


def checkpoint_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """One row a checkpoint, newest first; `at` in seconds since 1970."""
    rows = []
    by_task: dict[str | None, list[Step]] = {}
    for step in steps:
        by_task.setdefault(step.task, []).append(step)
    for task, own in by_task.items():
        changed: dict[str, None] = {}
        last = ""
        waiting: list[dict[str, Any]] = []
        for step in own:
            if step.kind is StepKind.CHECKPOINT and step.result.get("commit"):
                row = {
                    "number": int(step.result["ref"].rpartition("/")[2]),
                    "task": task or "",
                    "at": step.ended or step.started or step.created,
                    "commit": step.result["commit"],
                    "tree": step.result["tree"],
                    "ref": step.result["ref"],
                    "title": f"after {last}" if last else f"{task} as it was",
                    "files": len(changed),
                    "paths": list(changed),
                    "step": step.id,
                    "seq": step.seq,
                }
                changed, last = {}, ""
                rows.append(row)
                waiting.append(row)
            elif words := _changed(step):
                last = words
                for row in waiting:
                    row["title"] = f"before {words}"
                waiting = []
                if step.name != "run_command":
                    changed[str(step.args.get("path", ""))] = None
    return sorted(rows, key=lambda row: row["seq"], reverse=True)


def _changed(step: Step) -> str:
    """What a step changed, in words: `T5 edited callback.py`; empty for one that changes nothing."""
    if step.kind is not StepKind.TOOL or step.state is not StepState.DONE or step.name not in _EDITS:
        return ""
    if step.name == "run_command":
        return f"{step.task} ran {str(step.args.get('command', ''))[:60]}"
    return f"{step.task} {_EDITS[step.name]} {PurePosixPath(str(step.args.get('path', ''))).name}"
