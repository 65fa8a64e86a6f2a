"""The text of a pull request, from what a session did and what its evidence says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autodev_tui.vcs.wording import is_test_path, kind_of_path

if TYPE_CHECKING:
    from autodev_tui.domain.changeset import ChangeSet
    from autodev_tui.domain.evidence import Evidence
    from autodev_tui.domain.session import Session
    from autodev_tui.domain.task import Task

SECTIONS = (
    "Overview",
    "Summary",
    "Files changed",
    "Test results",
    "Breaking changes",
    "Deployment considerations",
    "Review checklist",
)
_LISTED_FILES = 200
"""More files than this are counted, not listed: code hosts cut long descriptions."""
_CONFIGURATION = (".env.example", ".ini", ".conf", ".yaml", ".yml")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def pr_text(
    session: Session,
    tasks: Sequence[Task],
    changes: ChangeSet,
    evidence: Sequence[Evidence],
    breaking: Sequence[str] = (),
) -> str:
    """Markdown with the sections of SECTIONS, in that order; nothing is claimed that no evidence shows.

    Only evidence of the proposed tree counts; `breaking` are the descriptions of BREAKING CHANGE footers.
    """
    current = [item for item in evidence if item.tree == changes.proposed]
    bodies = (
        [
            _text(session.goal),
            f"Branch `{_code(session.session_branch)}` into `{_code(session.target_branch)}`.",
        ],
        [_task(task) for task in tasks] or ["No tasks."],
        _files(changes),
        _results(current, len(evidence) - len(current)),
        [f"- {_text(line)}" for line in breaking] or ["None."],
        _deployment(changes) or ["Nothing beyond the usual."],
        _checklist(tasks, changes, current),
    )
    joints = ("\n\n", "\n", "\n", "\n", "\n", "\n", "\n")
    return "\n\n".join(
        f"## {title}\n\n{joint.join(lines)}"
        for title, lines, joint in zip(SECTIONS, bodies, joints, strict=True)
    ) + "\n"  # fmt: skip


def _task(task: Task) -> str:
    told = _text(task.summary.strip().split("\n")[0]) if task.summary.strip() else task.state.value
    return f"- **{_text(task.title)}** ({task.id}): {told}"


def _files(changes: ChangeSet) -> list[str]:
    rows = ["| file | change | + | − |", "|---|---|---|---|"]
    for file in changes.files[:_LISTED_FILES]:
        counts = ("binary", "") if file.binary else (str(file.added), str(file.removed))
        rows.append(f"| `{_code(file.path)}` | {file.status} | {counts[0]} | {counts[1]} |")
    rest = changes.files[_LISTED_FILES:]
    added, removed = sum(file.added for file in changes.files), sum(file.removed for file in changes.files)
    total = f"{len(changes.files)} files, +{added} −{removed}."
    return [*rows, "", f"{total} Not listed: {len(rest)}." if rest else total]


def _results(evidence: Sequence[Evidence], stale: int) -> list[str]:
    lines = []
    for item in evidence:
        why = f": {_text(item.why)}" if item.why else ""
        lines.append(f"- {_text(item.check)} (`{_code(item.command)}`): **{item.result}**{why}")
        lines += [f"  - `{_code(name)}`" for name in item.failures[:20]]
    if not any(item.kind == "coverage" for item in evidence):
        lines.append("- Coverage: not measured")
    if stale:
        lines.append(f"- {stale} older results belong to other trees and are left out")
    return lines if evidence else ["- No check ran on this tree", *lines]


def _deployment(changes: ChangeSet) -> list[str]:
    paths = [file.path for file in changes.files]
    migrations = [path for path in paths if "migration" in path.lower() or path.endswith(".sql")]
    configuration = [path for path in paths if path.endswith(_CONFIGURATION) and kind_of_path(path) != "ci"]
    found = (
        ("Dependencies or the build change: install again", [p for p in paths if kind_of_path(p) == "build"]),
        ("Pipelines change", [p for p in paths if kind_of_path(p) == "ci"]),
        ("Database migrations", migrations),
        ("Configuration changes", configuration),
    )
    return [
        f"- {what}: {', '.join(f'`{_code(path)}`' for path in where[:10])}" for what, where in found if where
    ]


def _checklist(tasks: Sequence[Task], changes: ChangeSet, evidence: Sequence[Evidence]) -> list[str]:
    lines = []
    passed = {item.check for item in evidence if item.result == "passed"}
    for task in tasks:
        for criterion in task.acceptance_criteria:
            tick = "x" if criterion.check in passed else " "
            lines.append(f"- [{tick}] {task.id}: {_text(criterion.text)}")
    ran_all = bool(evidence) and all(item.result == "passed" for item in evidence)
    tested = any(is_test_path(file.path) for file in changes.files)
    badges = sorted({badge for hunk in changes.hunks for badge in hunk.badges})
    return [
        *lines,
        f"- [{'x' if ran_all else ' '}] All checks pass on this tree",
        f"- [{'x' if tested else ' '}] Tests are part of the change",
        *(f"- [ ] Looked at: {_text(badge)}" for badge in badges),
        "- [ ] Read by a human",
    ]


def _text(value: str) -> str:
    """Words of users and models on one line; their own Markdown headings, tables and HTML stay words."""
    line = " ".join(_CONTROL.sub("\ufffd", value).split())
    return re.sub(r"([\\`*_<>|\[\]#])", r"\\\1", line)


def _code(value: str) -> str:
    """For between backquotes in a table."""
    line = " ".join(_CONTROL.sub("\ufffd", value).split())
    return line.replace("`", "'").replace("|", "\\|")
