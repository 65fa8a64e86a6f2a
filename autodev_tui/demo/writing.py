"""Writes `recording.jsonl`, every branch of it, from the script: `python -m autodev_tui.demo.writing`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from autodev_tui.demo.place import RECORDING
from autodev_tui.demo.repository import text_of
from autodev_tui.demo.script import GOAL, JOBS, SHORT, Change, Job
from autodev_tui.engine.told import MARK
from autodev_tui.vcs.diff import fingerprint

PACE = 160
"""Characters a second: as quick as a quick model."""
SPARE = 6
"""So often an agent can be spoken to after it has finished."""
FULL_AFTER: list[list[str] | None] = [[], ["reject", "reject"]]
"""After these decisions on plans the first one holds: a third task is then the recorded one, no other."""
Reply = dict[str, Any]
Call = dict[str, Any]


def entries() -> Iterator[Reply]:
    """All replies, as they stand in the recording."""
    yield from _planner()
    for number, job in enumerate(JOBS, 1):
        for plan in [None] if job in SHORT else FULL_AFTER:
            for reply in _agent(f"T{number}", job):
                yield reply if plan is None else {**reply, "plan": plan}


def _planner() -> Iterator[Reply]:
    looks = [
        _call("read_file", path=path) for path in ("README.md", "toolshed/fees.py", "tests/test_fees.py")
    ]
    yield _reply(
        None, 1, "I read what is there before I plan.", _call("list_files"), *looks, thinking=_THINKING
    )
    yield _reply(
        None,
        2,
        "The fees, the list and the tidying touch different files: three agents can work side by side.",
        _plan(JOBS),
    )
    for turn in range(3, 3 + SPARE):
        words = "Other words for the planner are not recorded. This is the same plan."
        yield _reply(None, turn, words, _plan(JOBS))
    for turn in range(1, 1 + SPARE):
        yield _reply(None, turn, "Then only the two that matter.", _plan(SHORT), decision="reject")
        yield _reply(
            None,
            turn,
            "There are two plans on this recording. Here is the first one again.",
            _plan(JOBS),
            decision="reject",
            earlier=["reject"],
        )


_THINKING = "The goal names three things. Do they meet anywhere? Which files would each of them change?"


def _plan(jobs: Iterable[Job]) -> Call:
    tasks = [
        {
            "id": job.id,
            "title": job.title,
            "description": job.description,
            "acceptance_criteria": list(job.criteria),
            "files": job.files,
            "estimate_minutes": job.minutes,
            "risk": "low",
        }
        for job in jobs
    ]
    return _call("submit_plan", tasks=tasks)


def _agent(task: str, job: Job) -> Iterator[Reply]:
    edits = [_edit(one.path, one.old, one.new) for one in job.changes]
    run, done = _call("run_command", command=job.command), _call("finish", summary=job.summary)
    reads = (_call("read_file", path=path) for path in job.reads)
    yield _reply(task, 1, job.look, *reads, **({"thinking": job.thinks} if job.thinks else {}))
    yield _reply(task, 2, "", run)
    yield _reply(task, 3, job.says, *edits)
    yield _reply(task, 4, "", run)
    yield _reply(task, 5, "", done)
    yield from _spare(task, 6, done)
    for decision in ("edit", "reject"):
        # Of a command: it was not run, or another one was. The engine's own checks run all the same.
        of: dict[str, Any] = {"decision": decision, "hunks": []}
        yield _reply(task, 1, "Then without that command.", *edits, **of)
        yield _reply(task, 2, "", done, **of)
        yield from _spare(task, 3, done, **of)
    for decision in _decisions():
        yield from _second(task, job, run, decision)


def _decisions() -> Iterator[str]:
    """Every decision after which an agent goes on."""
    for count in (1, 2, 3):
        for words in combinations(("comment", "edit", "reject"), count):
            yield "+".join(words)


def _second(task: str, job: Job, run: Call, decision: str) -> Iterator[Reply]:
    """After a review: another wording of what was rejected or commented, and of nothing else."""
    instead = [
        {**_edit(one.path, found, one.other), "only": f"{verdict} {_mark(one)}"}
        for one in job.changes
        if one.other
        for verdict, found in (("reject", one.old), ("comment", one.new))
    ]
    summary = "I followed the review. Where I have no other proposal, the code stays as it was."
    done = _call("finish", summary=summary)
    reads = (_call("read_file", path=path) for path in job.files)
    yield _reply(task, 1, "I read it again, with your words in mind.", *reads, decision=decision)
    yield _reply(task, 2, "This is how it can be done otherwise.", *instead, run, decision=decision)
    yield _reply(task, 3, "", done, decision=decision)
    yield from _spare(task, 4, done, decision=decision)


def _spare(task: str, first: int, done: Call, **key: Any) -> Iterator[Reply]:
    """For words that are sent after the end, and for checks that a decision turned red."""
    words = "More is not recorded here: my work stands as it is."
    for turn in range(first, first + SPARE):
        yield _reply(task, turn, words, done, **key)


def _reply(task: str | None, turn: int, text: str, *calls: Call, **key: Any) -> Reply:
    of = {"role": "development", "task": task} if task else {"role": "planning"}
    return {**of, "turn": turn, **key, **({"text": text} if text else {}), "calls": list(calls)}


def _call(tool: str, **arguments: Any) -> Call:
    return {"name": tool, "args": arguments}


def _edit(path: str, old: str, new: str) -> Call:
    return _call("edit_file", path=path, old_text=old, new_text=new)


def _mark(change: Change) -> str:
    """How the hunk that proposes this is known, whatever its number is."""
    before = text_of(change.path)
    if before.count(change.old) != 1:
        raise ValueError(f"{change.path} does not hold this once: {change.old!r}")
    after = before.replace(change.old, change.new)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True))
    return fingerprint(change.path, [one for one in lines if not one.startswith(("---", "+++", "@@"))])[:MARK]


def recording() -> str:
    """The whole file."""
    header = {"autodev_recording": 1, "goal": GOAL, "model": "", "pace": PACE}
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (header, *entries()))


if __name__ == "__main__":
    RECORDING.write_text(recording(), encoding="utf-8")
    print(f"wrote {RECORDING}")
