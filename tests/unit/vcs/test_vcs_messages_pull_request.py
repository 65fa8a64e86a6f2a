"""The text of a pull request claims nothing that no evidence shows."""

from __future__ import annotations

import re

from autodev_tui.domain.changeset import ChangeSet, FileChange
from autodev_tui.domain.evidence import CheckKind, Evidence
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.vcs.pull_request import SECTIONS, pr_text

SESSION = Session(
    id="s", goal="# Fix <b>it</b>\n## Fake", model="m", slider=Level.FULL, target_branch="main",
    base_commit="1", session_branch="autodev/s/session", start_time=0,
)  # fmt: skip
TASK = Task(
    id="T1", session="s", title="Fix it", summary="Fixed.\nmore",
    acceptance_criteria=[Criterion(text="works", check="pytest"), Criterion(text="is nice")],
)  # fmt: skip
CHANGES = ChangeSet(
    base="1", proposed="2",
    files=[
        FileChange(path="a|b.py", status="modified", added=3, removed=1),
        FileChange(path="pyproject.toml", status="modified", added=1),
        FileChange(path="x.png", status="added", binary=True),
    ],
)  # fmt: skip


def evidence(tree: str, result: str) -> Evidence:
    return Evidence(check="pytest", kind=CheckKind.BEHAVIOUR, command="pytest -q", tree=tree, result=result)


def test_sections_in_order_and_nothing_forged() -> None:
    text = pr_text(
        SESSION, [TASK], CHANGES, [evidence("2", "passed"), evidence("1", "failed")], ["v1 is gone"]
    )
    assert re.findall(r"^## (.*)$", text, re.M) == list(SECTIONS)
    assert "<b>" not in re.sub(r"\\<", "", text)
    assert "- [x] T1: works" in text
    assert "- [ ] T1: is nice" in text
    assert "- pytest (`pytest -q`): **passed**" in text
    assert "failed" not in text
    assert "1 older results" in text
    assert "| `a\\|b.py` | modified | 3 | 1 |" in text
    assert "3 files, +4 −1." in text
    assert "`pyproject.toml`" in text.split("## Deployment")[1].split("## Review")[0]
    assert "- v1 is gone" in text


def test_without_evidence_nothing_is_ticked() -> None:
    text = pr_text(SESSION, [TASK], CHANGES, [evidence("1", "passed")])
    assert "[x]" not in text
    assert "No check ran on this tree" in text
    assert "## Breaking changes\n\nNone." in text
