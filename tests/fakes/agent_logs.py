"""Hand-made logs of agents, as a front end knows them."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.session import Session, Usage
from autodev_tui.domain.states import SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.domain.updates import EngineFacts, Message, StreamPiece, Update

NOW = 1_000_020.0
RESULTS: dict[str, dict[str, Any]] = {
    "read_file": {"lines": 118, "shown": 118},
    "list_files": {"files": 12},
    "search": {"matches": 6},
    "edit_file": {"added": 31, "removed": 0},
    "run_command": {"exit_code": 0, "duration_s": 0.3},
}


class Logs:
    """Makes steps in the order in which they are asked for, and keeps a mirror of them."""

    def __init__(self) -> None:
        self.mirror = Mirror()
        self._count = 0
        session = Session(
            id="s",
            goal="Add OAuth login",
            model="m",
            slider=Level.COLLABORATIVE,
            state=SessionState.RUNNING,
            target_branch="main",
            base_commit="",
            session_branch="",
            start_time=0.0,
        )
        self.tell(facts=EngineFacts(busy=True), session=session)

    def tell(self, **fields: Any) -> set[str]:
        """An update."""
        return self.mirror.apply(Update(**fields))

    def task(
        self, name: str, title: str, state: TaskState = TaskState.IN_PROGRESS, cost: float = 0.0
    ) -> None:
        """A task, at work."""
        usage = Usage(cost_usd=cost)
        task = Task(id=name, session="s", title=title, state=state, usage=usage, worktree=f"/w/{name}")
        working = [*self.mirror.working, name] if state is TaskState.IN_PROGRESS else None
        self.tell(tasks=[task], working=working)

    def step(self, task: str, kind: StepKind, name: str, *, tell: bool = True, **fields: Any) -> Step:
        """A step, done unless `state` says otherwise; it took two seconds."""
        self._count += 1
        state = fields.setdefault("state", StepState.DONE)
        ended = None if state in (StepState.STARTED, StepState.AWAITING) else NOW - 10.0
        fields = {"turn": 1, "created": NOW - 12.0, "started": NOW - 12.0, "ended": ended} | fields
        step = Step(
            id=f"s/{self._count:06d}", session="s", seq=self._count, task=task or None, kind=kind, name=name,
            **fields,
        )  # fmt: skip
        if tell:
            self.tell(steps=[step])
        return step

    def call(self, task: str, name: str, args: dict[str, Any], **fields: Any) -> Step:
        """A tool call with a result that fits it."""
        if "result" not in fields and fields.get("state", StepState.DONE) is StepState.DONE:
            fields["result"] = RESULTS.get(name, {}) | {"text": "said", "ok": True}
        return self.step(task, StepKind.TOOL, name, args=args, **fields)

    def says(self, task: str, text: str, thinking: str = "", **fields: Any) -> Step:
        """A finished reply of the model."""
        content = [{"type": "thinking", "thinking": thinking, "signature": ""}] if thinking else []
        reply = {"text": text, "content": [*content, {"type": "text", "text": text}], "calls": []}
        result = {"text": text[:200], "calls": [], "reply": reply}
        return self.step(task, StepKind.MODEL, "m", result=result, **fields)

    def asked(self, task: str, **fields: Any) -> Step:
        """A model call that goes on."""
        return self.step(task, StepKind.MODEL, "m", state=StepState.STARTED, **fields)

    def stream(self, task: str, text: str, kind: Any = "text", step: str = "") -> set[str]:
        """A piece of what it says, or of what its command prints."""
        return self.tell(streams=[StreamPiece(task=task, kind=kind, text=text, step=step)])

    def asks(self, step: Step) -> None:
        """The human is asked about this step."""
        approval = Approval(
            id=f"a{step.seq}", session="s", task=step.task, step=step.id, kind=ApprovalKind.COMMAND,
            title=f"{step.task} asks", ask={}, shown_hash="", created=NOW,
        )  # fmt: skip
        self.tell(approvals=[approval])

    def message(self, task: str, text: str, state: Any = "queued") -> None:
        """Words of the human on their way."""
        self.tell(messages=[Message(id="s/m1", session="s", task=task, text=text, state=state, created=NOW)])


def workbench() -> Logs:
    """The agents of the workbench's first mockup: T3 asks, T4 and T5 run."""
    logs = Logs()
    logs.task("T1", "Analyse auth", TaskState.COMPLETED)
    logs.task("T3", "Tests", TaskState.BLOCKED, 0.05)
    logs.task("T4", "Docs", cost=0.02)
    logs.task("T5", "Login page", cost=0.14)
    logs.task("T6", "Migration", TaskState.PLANNED)
    logs.call("T3", "read_file", {"path": "src/tokens.py"})
    logs.call("T3", "edit_file", {"path": "tests/test_tokens.py"})
    failed = {"exit_code": 1, "duration_s": 3.4, "text": "exit code 1\n.F\n2 failed, 4 passed in 3.40s"}
    logs.call("T3", "run_command", {"command": "pytest -q tests"}, result=failed)
    logs.says("T3", "The clock must be frozen; freezegun is not here", turn=2)
    asking = {"command": "pip install freezegun"}
    logs.asks(logs.call("T3", "run_command", asking, state=StepState.AWAITING, turn=2))
    logs.call("T4", "read_file", {"path": "docs/login.md"}, result={"lines": 88, "shown": 88})
    logs.call("T4", "edit_file", {"path": "docs/login.md"}, result={"added": 14, "removed": 2})
    logs.says("T4", "Next: the table of scopes.")
    logs.call("T5", "search", {"pattern": "redirect_uri"})
    logs.call("T5", "edit_file", {"path": "src/views/login.py"}, result={"added": 40, "removed": 11})
    logs.call("T5", "run_command", {"command": "ruff check src"})
    logs.call("T5", "edit_file", {"path": "src/views/callback.py"}, result={"added": 22, "removed": 0})
    logs.asked("T5", turn=2)
    logs.stream("T5", "now: writing src/views/callback.py")
    logs.tell(step_counts={"T3": 9, "T4": 3, "T5": 21})
    return logs
