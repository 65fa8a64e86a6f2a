"""What became of a session whose engine ended: judged as a resume would, without touching anything."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.requests import GetResume, RowsAnswer
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.answering.common import opened, title_of
from autodev_tui.engine.finding import ask
from autodev_tui.engine.queries import find_session, tasks_of
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.site import Site
from autodev_tui.engine.steps import Outline, Steps
from autodev_tui.tools.effects import Effect, judge
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError

_OVER = (TaskState.COMPLETED, TaskState.CANCELLED)
_WAITING = (ApprovalState.PENDING, ApprovalState.DEFERRED)
_VERBS = {
    "edit_file": "edit of",
    "write_file": "write of",
    "delete_file": "removal of",
    "move_file": "move of",
}


async def get_resume(site: Site, request: GetResume) -> RowsAnswer:
    """Rows `{state, text}`; state is kept, recovered, again, unknown or untouched."""
    services = opened(site)
    if services and services.session.id == request.session and site.engine.busy:
        raise Refusal(f"{request.session} runs now: there is nothing to go on from")
    known = services.board.outline() if services and services.session.id == request.session else None
    return await asyncio.to_thread(_resume, site, request.session, known)


def _resume(site: Site, name: str, known: Outline | None) -> RowsAnswer:
    session = find_session(site.database, name or None)
    tasks = tasks_of(site.database, session.id)
    steps = known or _outline(site, session.id)
    approvals = [Approval(**one) for one in site.database.all("approvals", session=session.id)]
    drafts = sum(site.database.get("drafts", one.id) is not None for one in approvals)
    rows = [
        {"state": "kept", "text": _kept(steps, approvals, drafts)},
        *({"state": state, "text": text} for state, text in in_flight(tasks, steps.unsettled)),
        {"state": "untouched", "text": _untouched(site, session)},
    ]
    left = site.database.left
    alive = left.alive if left and left.session == session.id else 0.0
    at, why = how_it_ended(session, steps.latest, booted_at(site), alive)
    facts = {
        "session": session.id,
        "title": title_of(session),
        "state": session.state.value,
        "at": at,
        "ago_s": max(0.0, site.clock() - at),
        "how": "ended" if session.code is not None else "killed" if alive else "last step",
        "why": why,
        "done": sum(task.state is TaskState.COMPLETED for task in tasks),
        "tasks": len(tasks),
        "waiting": sum(one.state in _WAITING for one in approvals),
        "cost_usd": session.usage.cost_usd,
        "budget_usd": session.budget_usd,
        "over": session.over,
    }
    return RowsAnswer(rows=rows, facts=facts)


def _outline(site: Site, session: str) -> Outline:
    steps = Steps()
    steps.load(site.database.texts("steps").values(), session)
    return steps.outline()


def how_it_ended(
    session: Session, steps: Sequence[Step], boot: float, alive: float = 0.0
) -> tuple[float, str]:
    """When the session was last at work (seconds since 1970), and why it ended, in words.

    `alive`: when its process last said that it lived; a step may have gone on for long without a word.
    """
    moments = [session.start_time, session.end_time or 0.0, alive]
    moments += [at for step in steps for at in (step.created, step.started, step.ended) if at]
    at = max(moments)
    if session.code is not None:
        words = {
            flow.DONE: "its plan waits for your yes"
            if session.plan_only
            else "it is done, and waits to be landed",
            flow.FAILED: "it failed",
            flow.WAITING_CODE: "it waits for you",
            flow.LIMIT: "a limit was reached",
            flow.INTERRUPTED_CODE: "it was told to stop",
        }
        why = words.get(session.code, f"it ended with code {session.code}")
        told = session.error if session.code in (flow.FAILED, flow.LIMIT) else ""
        return at, f"{why}: {told}" if told else why
    return at, "the machine went down" if at < boot else "its process was killed"


def booted_at(site: Site) -> float:
    """When this machine was started, in seconds since 1970; 0 where it does not say."""
    if sys.platform == "darwin":
        found = re.search(r"sec = (\d+)", ask(["sysctl", "-n", "kern.boottime"], site.environment))
    else:
        text = ""
        with suppress(OSError):
            text = Path("/proc/stat").read_text(errors="replace")
        found = re.search(r"^btime (\d+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _kept(steps: Outline, approvals: Sequence[Approval], drafts: int) -> str:
    decisions = sum(one.decision is not None for one in approvals)
    parts = [
        _count(steps.done, "step"),
        _count(steps.checkpoints, "checkpoint"),
        *([f"your {_count(decisions, 'decision')}"] if decisions else []),
        *([_count(drafts, "draft")] if drafts else []),
    ]
    return ", ".join(parts)


def in_flight(tasks: Sequence[Task], steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Each step that had begun and has no result: what a resume will make of it, and in words. Sync."""
    by_id = {task.id: task for task in tasks}
    for step in steps:
        task = by_id.get(step.task or "")
        if task and task.state in _OVER:
            continue
        if step.state is StepState.UNKNOWN:
            yield "unknown", f"{_what(step)} may have happened"
        elif step.state is StepState.STARTED:
            yield _judged(step, task)


def _judged(step: Step, task: Task | None) -> tuple[str, str]:
    what = _what(step)
    if step.kind is not StepKind.TOOL:
        if step.kind is StepKind.LAND:
            return "recovered", f"{what} is completed from what was written down before it began"
        return "again", f"{what} had begun; whether it was done is looked at first"
    if step.name == "run_command":
        return _command(step, what)
    if "effect" not in step.intent:
        return "again", f"{what} had not happened"
    if task is None or not Path(task.worktree).is_dir():
        return "again", f"{what}: its worktree is made again from the last checkpoint"
    match judge(Path(task.worktree), Effect.from_intent(step.intent["effect"], None), clear=False):
        case "done":
            return "recovered", f"{what} had been written: not redone"
        case "not_done":
            return "again", f"{what} had not happened"
    return "unknown", f"{what}: the file is neither as before nor as after"


def _command(step: Step, what: str) -> tuple[str, str]:
    from autodev_tui.engine.shell_calls import REPEATED
    from autodev_tui.sandbox.client import read_exit

    ended = read_exit(Path(f"{step.intent['record']}.exit")) if "record" in step.intent else None
    if ended is not None and not ended.cancelled:
        how = f"exit code {ended.code}" if ended.code is not None else f"signal {ended.signal}"
        return "recovered", f"{what} had ended with {how}: not redone"
    if step.intent.get("repeatable") and step.attempt < REPEATED:
        return "again", f"{what} changes nothing, so it runs again"
    return "unknown", f"{what} may have run"


def _what(step: Step) -> str:
    """`T5 edit of src/a.py`, `T3 command ./seed.sh`, `T4 reply of the model`."""
    who = step.task or ("the planner's" if step.kind in (StepKind.MODEL, StepKind.TOOL) else "the session's")
    match step.kind:
        case StepKind.MODEL:
            return f"{who} reply of the model"
        case StepKind.TOOL if step.name == "run_command":
            return f"{who} command {step.args.get('command', '')}"
        case StepKind.TOOL:
            path = step.args.get("path", "")
            return f"{who} {_VERBS.get(step.name, step.name.replace('_', ' '))} {path}".rstrip()
    return f"{who} {step.kind.value}"


def _untouched(site: Site, session: Session) -> str:
    """How the user's own branch and files are."""
    branch = session.target_branch or "HEAD"
    repository = site.repository
    try:
        head = repository.head_of(session.target_branch) if session.target_branch else repository.head
        dirty = len(repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD"))
    except (RepositoryError, GitError) as error:
        return f"{branch} cannot be read: {error}"
    if session.landed_commit and head == session.landed_commit:
        place = f"{branch} is at @{head[:7]}, as it was landed"
    elif head == session.base_commit:
        place = f"{branch} is still @{head[:7]}"
    else:
        place = f"{branch} was @{session.base_commit[:7]} and is @{head[:7]} by your own commits"
    if not dirty:
        return f"{place}, nothing uncommitted"
    return f"{place}, your {_count(dirty, 'uncommitted file')} {'is' if dirty == 1 else 'are'} there"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
