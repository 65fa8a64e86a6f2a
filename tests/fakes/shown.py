"""What screens are shown with: a session of six tasks in every state, its questions, its review."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.domain.evidence import CheckKind, Evidence
from autodev_tui.domain.levels import Level
from autodev_tui.domain.review import HunkInfo, ReviewView
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.domain.updates import EngineFacts, Update

NOW = 1_795_000_000.0
SESSION = "s1"
TREE = "1f3c9e2" + "0" * 33
FACTS = EngineFacts(
    repository="shop",
    branch="main",
    model="anthropic/claude-sonnet-5-5",
    sandbox="bubblewrap",
    busy=True,
    settings={"autonomy": "collaborative", "theme": "textual-dark", "notify": "off"},
)
_NUMBER = iter(range(1, 100_000))


def session(**changes: Any) -> Session:
    """The session "Add OAuth login"."""
    fields: dict[str, Any] = {
        "id": SESSION,
        "goal": "Add OAuth login",
        "state": SessionState.RUNNING,
        "phase": 4,
        "model": "anthropic/claude-sonnet-5-5",
        "slider": Level.COLLABORATIVE,
        "budget_usd": 5.0,
        "target_branch": "main",
        "base_commit": "77ab2c1" + "0" * 33,
        "session_branch": f"autodev/{SESSION}/session",
        "head_commit": "c41d07e" + "0" * 33,
        "start_time": NOW - 600,
        "usage": Usage(requests=40, input_tokens=342_000, output_tokens=15_200, cost_usd=0.42),
        "analysis": {"recommended": "collaborative"},
    }
    return Session(**{**fields, **changes})


def task(number: int, title: str, state: TaskState, **changes: Any) -> Task:
    """One task."""
    return Task(id=f"T{number}", session=SESSION, title=title, state=state, **changes)


def tasks() -> list[Task]:
    """Six tasks: done, in review, asking, two running, planned."""
    spent = {"usage": Usage(requests=3, input_tokens=41_000, output_tokens=1900, cost_usd=0.05)}
    return [
        task(1, "Analyse auth", TaskState.COMPLETED, evidence="verified", evidence_tree=TREE, **spent),
        task(
            2,
            "Token model",
            TaskState.IN_REVIEW,
            dependencies=["T1"],
            files=["src/tokens.py", "src/keys.py"],
            acceptance_criteria=[
                Criterion(text="tokens expire after 1 h", check="pytest"),
                Criterion(text="keys rotate daily", check="pytest"),
                Criterion(text="old key valid for 30 s"),
            ],
            evidence="verified",
            evidence_tree=TREE,
            **spent,
        ),
        task(
            3, "Tests", TaskState.IN_PROGRESS, dependencies=["T1"], files=["tests/"], role="testing", **spent
        ),
        task(4, "Docs", TaskState.IN_PROGRESS, dependencies=["T1"], files=["docs/"], **spent),
        task(5, "Login page", TaskState.IN_PROGRESS, dependencies=["T1"], files=["src/views/"], **spent),
        task(6, "Migration", TaskState.PLANNED, dependencies=["T2", "T5"], pin=Level.GUIDED),
    ]


def step(task_id: str | None, kind: StepKind, name: str, **fields: Any) -> Step:
    """One step, done unless said otherwise."""
    seq = next(_NUMBER)
    given: dict[str, Any] = {
        "id": f"{SESSION}/{seq:06d}",
        "session": SESSION,
        "seq": seq,
        "task": task_id,
        "kind": kind,
        "name": name,
        "state": StepState.DONE,
        "created": NOW - 60,
        "started": NOW - 60,
        "ended": NOW - 58,
    }
    return Step(**{**given, **fields})


def tool(task_id: str, name: str, args: dict[str, Any], result: dict[str, Any], **fields: Any) -> Step:
    """One tool call."""
    return step(task_id, StepKind.TOOL, name, args=args, result={"ok": True, **result}, **fields)


def said(task_id: str | None, text: str) -> Step:
    """A model's turn that says something."""
    reply = {"text": text, "content": [{"type": "text", "text": text}], "calls": []}
    return step(task_id, StepKind.MODEL, "claude-sonnet-5-5", result={"reply": reply, "text": text})


def steps() -> list[Step]:
    """What the three agents did."""
    return [
        tool("T3", "read_file", {"path": "src/tokens.py"}, {"path": "src/tokens.py", "lines": 118}),
        tool(
            "T3",
            "edit_file",
            {"path": "tests/test_tokens.py"},
            {"path": "tests/test_tokens.py", "added": 31, "removed": 0},
        ),
        tool(
            "T3",
            "run_command",
            {"command": "pytest -q tests"},
            {
                "command": "pytest -q tests",
                "exit_code": 1,
                "duration_s": 3.4,
                "text": "2 failed",
                "ok": False,
            },
        ),
        said("T3", "The clock must be frozen; freezegun is not here."),
        tool(
            "T3",
            "run_command",
            {"command": "pip install freezegun"},
            {},
            state=StepState.AWAITING,
            approval="a1",
            ended=None,
        ),
        tool("T4", "read_file", {"path": "docs/login.md"}, {"path": "docs/login.md", "lines": 88}),
        tool(
            "T4",
            "edit_file",
            {"path": "docs/login.md"},
            {"path": "docs/login.md", "added": 14, "removed": 2},
        ),
        said("T4", "Next: the table of scopes."),
        tool("T5", "search", {"pattern": "redirect_uri"}, {"matches": 6}),
        tool(
            "T5",
            "edit_file",
            {"path": "src/views/login.py"},
            {"path": "src/views/login.py", "added": 40, "removed": 11},
        ),
        tool(
            "T5",
            "run_command",
            {"command": "ruff check src"},
            {"command": "ruff check src", "exit_code": 0, "duration_s": 0.3, "text": ""},
        ),
        tool(
            "T5",
            "edit_file",
            {"path": "src/views/callback.py"},
            {"path": "src/views/callback.py", "added": 22, "removed": 0},
        ),
    ]


def approval(kind: ApprovalKind, title: str, ask: dict[str, Any], **fields: Any) -> Approval:
    """One question that waits."""
    given: dict[str, Any] = {
        "id": f"a{next(_NUMBER)}",
        "session": SESSION,
        "kind": kind,
        "title": title,
        "ask": ask,
        "shown_hash": "9b2e" + "0" * 56 + "41c0",
        "state": ApprovalState.PENDING,
        "created": NOW - 48,
    }
    return Approval(**{**given, **fields})


def command_question() -> Approval:
    """T3 asks to install a package."""
    return approval(
        ApprovalKind.COMMAND,
        "T3 asks to run pip install freezegun",
        {
            "command": "pip install freezegun",
            "where": "the worktree of the agent that asks",
            "timeout_s": 300,
            "class": "network",
            "network": True,
            "sandbox": "bubblewrap",
            "why_asked": "runs outside the sandbox or with network: installs packages",
            "remember": {
                "session": "In this session, run exactly `pip install freezegun` without asking.",
                "repository": "In this repository, run exactly `pip install freezegun` without asking.",
            },
        },
        id="a1",
        task="T3",
    )


def word_question() -> Approval:
    """The planner's kind of question, with options."""
    return approval(
        ApprovalKind.QUESTION,
        "Keep sessions of users without e-mail?",
        {"question": "Keep sessions of users without e-mail?", "options": ["keep", "drop"]},
        id="a2",
        task="T6",
        choices=["keep", "drop"],
        created=NOW - 5,
    )


def hunk(number: int, path: str, header: str, start: int, old: list[str], new: list[str]) -> Hunk:
    """A hunk with one line of context above."""
    context = [f"# {header}\n"]
    return Hunk(
        number=number,
        path=path,
        header=header,
        old_start=start,
        old_lines=[*context, *old],
        new_start=start,
        new_lines=[*context, *new],
        diff=[f" {context[0]}", *(f"-{line}" for line in old), *(f"+{line}" for line in new)],
        fingerprint=f"{path}:{number}",
    )


def changes() -> ChangeSet:
    """Seven hunks over three files."""
    places = [
        ("src/tokens.py", "def issue", 40, ["    return jwt.encode(claims)\n"], ["    now = clock.now()\n"]),
        ("src/tokens.py", "def verify", 57, ["    return Claims()\n"], ["    raw = decode(token)\n"]),
        ("src/tokens.py", "class Claims", 66, ["    sub: str\n"], ["    sub: UserId\n"]),
        ("src/keys.py", "def rotate_keys", 12, [], ["    KEYS.rotate()\n"]),
        ("src/keys.py", "def key_for", 40, ["    return KEY\n"], ["    return KEYS[at]\n"]),
        ("src/keys.py", "def old_key", 61, ["    return None\n"], ["    return KEYS.previous\n"]),
        ("tests/test_keys.py", "def test_rotation", 9, [], ["    assert rotate() is None\n"]),
    ]
    hunks = [
        hunk(number, path, header, start, old, new)
        for number, (path, header, start, old, new) in enumerate(places, 1)
    ]
    files = []
    for path in dict.fromkeys(one.path for one in hunks):
        own = [one for one in hunks if one.path == path]
        files.append(
            FileChange(
                path=path,
                status="modified",
                old_blob="0" * 40,
                new_blob="1" * 40,
                old_mode="100644",
                new_mode="100644",
                added=sum(line[0] == "+" for one in own for line in one.diff),
                removed=sum(line[0] == "-" for one in own for line in one.diff),
                hunks=own,
            )
        )
    return ChangeSet(base="b" * 40, proposed=TREE, files=files)


def review_question(**fields: Any) -> Approval:
    """T2's change set waits for review."""
    hunks = [{"number": one.number, "path": one.path} for one in changes().hunks]
    given: dict[str, Any] = {"id": "a3", "task": "T2", "base": {"base": "b" * 40, "proposed": TREE}}
    return approval(
        ApprovalKind.CHANGES,
        "T2 Token model: 7 hunks in 3 files",
        {"hunks": hunks, "files": [], "task": "T2"},
        **{**given, **fields},
    )


def review_view(*, badges: dict[int, list[str]] | None = None) -> ReviewView:
    """What the review of T2 shows; `badges` are hard gates by hunk."""
    badges = badges or {}
    question = review_question()
    return ReviewView(
        approval=question.id,
        shown_hash=question.shown_hash,
        task="T2",
        title=question.title,
        changes=changes(),
        hunks=[
            HunkInfo(
                number=one.number, badges=badges.get(one.number, []), hard_gates=badges.get(one.number, [])
            )
            for one in changes().hunks
        ],
        evidence=[
            Evidence(
                check=name,
                kind=kind,
                command=name,
                tree=TREE,
                result="passed",
                passed_tests=count,
                duration_s=1.2,
                at=NOW - 50,
            )
            for name, kind, count in (("pytest", CheckKind.BEHAVIOUR, 41), ("ruff", CheckKind.LINT, 0))
        ],
        gate={"verdict": "pass", "score": 1.0, "reasons": [], "ran": ["pytest", "ruff"], "not_run": []},
        criteria=["tokens expire after 1 h", "keys rotate daily", "old key valid for 30 s"],
    )


def plan_question() -> Approval:
    """The plan waits."""
    planned = [
        {"id": one.id, "title": one.title, "depends_on": one.dependencies, "estimate_minutes": 10}
        for one in tasks()
    ]
    return approval(
        ApprovalKind.PLAN,
        "plan: 6 tasks",
        {"goal": "Add OAuth login", "tasks": planned, "digest": "d" * 64},
        id="a4",
        base={"plan": "d" * 64},
    )


def update(**changes: Any) -> Update:
    """All there is of the session, as the first update tells it."""
    given: dict[str, Any] = {
        "reset": True,
        "facts": FACTS,
        "session": session(),
        "tasks": tasks(),
        "approvals": [command_question(), word_question(), review_question()],
        "steps": steps(),
        "step_counts": {"T1": 12, "T2": 20, "T3": 9, "T4": 3, "T5": 21},
        "working": ["T4", "T5"],
    }
    return Update(**{**given, **changes})
