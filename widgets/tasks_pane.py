"""The task tree: the goal, its tasks, the parts of each; the facts of the chosen one below (UI §3.1)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from textual.message import Message

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.commands import (
    CancelTask,
    ContinueSession,
    ContinueTask,
    PauseSession,
    PauseTask,
    ResumeSession,
)
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, rule, spread
from widgets.glyphs import ROLE, TASK
from widgets.keys import bindings
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.plan_editing import PlanEditing
from widgets.task_facts import facts, goal_facts
from widgets.wording import counted

FACTS_SHARE = 0.44
"""Of the pane's height, what the facts take."""
LEAST_HEIGHT = 18
"""Rows of the pane from which there is room for facts."""
TALL = 50
"""Rows of the pane from which the facts take whatever the tree leaves."""

_TODO = {"completed": ("✓", "done"), "in_progress": ("●", "running")}


class Part(NamedTuple):
    """A row below a task: what it meets, or something that it has set out to do."""

    task: str
    kind: Literal["meets", "todo"]
    place: int


Node = str | Part | None
"""One row of the tree: a task by its id, a part of one, None: the goal."""


class TasksPane(PlanEditing):
    """Shows every task with its state. Rows are made when they are drawn."""

    CONTEXT = "tasks"
    EMPTY = "No goal yet. i, then say what you want."
    BINDINGS = bindings("tasks")

    class Messaged(Message):
        """The human has something to say to a task's agent."""

        def __init__(self, task: str | None) -> None:
            super().__init__()
            self.task = task

    class LevelWanted(Message):
        """The level of a task (None: the goal) and its reasons are wanted."""

        def __init__(self, task: str | None) -> None:
            super().__init__()
            self.task = task

    class Stood(Message):
        """The cursor stands on another task (None: the goal)."""

        def __init__(self, task: str | None) -> None:
            super().__init__()
            self.task = task

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._nodes_shown: list[Node] = []
        self._open: set[str] = set()
        """Tasks whose list of what is to do is open."""
        self._goal_closed = False
        """Whether the goal's branch is closed."""
        self._wanted: str | None = None
        self._facts: list[Line] = []
        self._done = 0

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; the cursor stays on its task."""
        here = self._node()
        self.mirror = mirror
        self._build()
        if self._wanted is not None and self._wanted in mirror.tasks:
            here, self._wanted = self._wanted, None
        self._stand(here)
        self.renew()
        self.plan_shown()

    def _build(self) -> None:
        """The rows anew; with thousands of tasks too, this takes no longer than a frame."""
        mirror = self.mirror
        nodes: list[Node] = [None] if mirror.session is not None else []
        if not self._goal_closed:
            nodes += mirror.tasks
            for name in (self._open | set(mirror.meets)) & mirror.tasks.keys():
                at = nodes.index(name) + 1
                nodes[at:at] = self._parts(name)
        self._nodes_shown = nodes
        self._done = [task.state for task in mirror.tasks.values()].count(TaskState.COMPLETED)

    def _parts(self, name: str) -> list[Node]:
        met: list[Node] = [
            Part(name, "meets", place) for place in range(len(self.mirror.meets.get(name, [])))
        ]
        if name in self._open:
            met += [Part(name, "todo", place) for place in range(len(self.mirror.tasks[name].todos))]
        return met

    def _node(self) -> Node:
        return self._nodes_shown[self.cursor] if self.cursor < len(self._nodes_shown) else None

    def _stand(self, node: Node) -> None:
        """The cursor on this row, else on its task's, else where it is."""
        shown = self._nodes_shown
        if self.cursor < len(shown) and shown[self.cursor] == node:
            return
        if node not in shown and isinstance(node, Part):
            node = node.task
        if node in shown:
            self.cursor = shown.index(node)

    def title(self) -> tuple[Line, Line]:
        """How many tasks are done."""
        count = len(self.mirror.tasks)
        right: Line = [(f"{counted(self._done)} of {counted(count)}", "text")] if count else []
        return [("1 Tasks", "bold")], right

    def row_count(self) -> int:
        """The goal, the tasks and what is open of them."""
        return len(self._nodes_shown)

    def row(self, index: int) -> Line:
        """Glyph, id, title and the word of the state at the right."""
        node = self._nodes_shown[index]
        if node is None:
            return self._goal_row()
        if isinstance(node, Part):
            return self._part_row(node)
        task = self.mirror.tasks[node]
        word = self.mirror.word(task)
        fold = (("▾" if task.id in self._open else "▸") if task.todos else " ") + " "
        title = visible(task.title, keep="")
        left: Line = [
            (fold, "muted"),
            (f"{TASK[word]} ", ROLE[word]),
            (f"{task.id} ", "text"),
            (title, "data"),
        ]
        return spread(left, [(word, ROLE[word]), (" ", "text")], self.body_width)

    def _part_row(self, part: Part) -> Line:
        if part.kind == "meets":
            met = self.mirror.meets[part.task][part.place]
            line: Line = [("     ! ", "asks"), ("meets ", "text"), (visible(met, keep=""), "data")]
            return cut_line(line, self.body_width)
        todo = self.mirror.tasks[part.task].todos[part.place]
        glyph, role = _TODO.get(str(todo.get("status", "")), ("·", "muted"))
        words = visible(str(todo.get("content", "")), keep="")
        return cut_line([(f"     {glyph} ", role), (words, "data")], self.body_width)

    def _goal_row(self) -> Line:
        session = self.mirror.session
        assert session is not None
        goal = session.title or session.goal.strip().split("\n")[0]
        fold = "▸" if self._goal_closed else "▾"
        left: Line = [(f"{fold} ", "muted"), (visible(goal, keep=""), "data-bold")]
        word = _goal_word(session)
        right: Line = [(word, "muted"), (" ", "text")] if word else []
        return spread(left, right, self.body_width)

    # -- facts

    @property
    def own_foot(self) -> int:
        """The facts' rows."""
        height = self.size.height
        if height < LEAST_HEIGHT or not self.mirror.tasks:
            return 0
        share = round(height * FACTS_SHARE)
        if height >= TALL:
            return max(share, min(height - 2 - len(self._nodes_shown), height - height // 3))
        return share

    def foot_row(self, index: int) -> Line:
        """A row of the facts, the first of them a rule."""
        task = self.current_task()
        width = self.body_width
        if index == 0:
            self._facts = facts(self.mirror, task, width) if task else goal_facts(self.mirror, width)
            name = visible(f"{task.id} {task.title}" if task else "Goal", keep="")
            return rule([(name, "data")], [], self.size.width, focused=False)
        line = self._facts[index - 1] if index <= len(self._facts) else []
        return [(" ", "text"), *cut_line(line, width)]

    # -- where the cursor stands

    def current_task(self) -> Task | None:
        """The task under the cursor; None on the goal."""
        return self.mirror.tasks.get(_task_of(self._node()) or "")

    def chosen(self) -> str | None:
        """The id of the task under the cursor."""
        task = self.current_task()
        return task.id if task else None

    def stand_on(self, task: str) -> None:
        """Put the cursor on this task, now or as soon as it is there."""
        if task in self.mirror.tasks:
            self._stand(task)
        else:
            self._wanted = task

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Put the cursor on this task."""
        if task:
            self.stand_on(task)

    def watch_cursor(self, old: int, new: int) -> None:
        """What is said elsewhere of the task under the cursor follows it."""
        super().watch_cursor(old, new)
        if old != new:
            self.post_message(self.Stood(self.chosen()))

    # -- keys

    def action_open(self) -> None:
        """Its agent, review, question or plan, whatever is next for it."""
        task = self.current_task()
        if not self._nodes_shown:
            self.ignore("no goal yet · i, then say what you want")
            return
        if task is None:
            self._open_goal()
            return
        asked = self.mirror.asks_of(task.id)
        if asked:
            self.post_message(WentTo(_pane_of(asked[0]), task=task.id, approval=asked[0].id))
        elif task.state is TaskState.PLANNED and (plan := self.plan_question()):
            self.post_message(WentTo("plan", task=task.id, approval=plan.id))
        elif task.state is TaskState.PLANNED and not self.mirror.steps_of(task.id):
            self.post_message(WentTo("plan", task=task.id))
        else:
            self.post_message(WentTo("agents", task=task.id))

    def _open_goal(self) -> None:
        landing = self.mirror.of_kind(ApprovalKind.LAND)
        plan = self.plan_question()
        if landing:
            self.post_message(WentTo("landing", approval=landing[0].id))
        elif plan:
            self.post_message(WentTo("plan", approval=plan.id))
        elif self.mirror.steps_of(None):
            self.post_message(WentTo("agents", task=""))
        else:
            self.action_fold()

    def action_fold(self) -> None:
        """Open or close the branch under the cursor; a page down where there is none."""
        task = self.current_task()
        if task is None:
            self.action_unfold(self._goal_closed)
        elif task.todos:
            self.action_unfold(task.id not in self._open)
        else:
            self.page(1)

    def action_unfold(self, open_it: bool) -> None:
        """Open or close the branch under the cursor."""
        if not self._nodes_shown:
            return
        node = self._node()
        name = _task_of(node)
        if name is None:
            self._goal_closed = not open_it
        elif open_it:
            self._open.add(name)
        elif name in self._open:
            self._open.discard(name)
        else:
            node = None
        self._build()
        self._stand(node)
        self.renew()

    def action_hold(self) -> None:
        """Pause or continue this agent; on the goal, all of them."""
        task = self.current_task()
        if task is None:
            self._hold_goal()
        elif task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self.ignore(f"{task.id} is {self.mirror.word(task)}: there is nothing to pause")
        elif task.id in self.mirror.paused or task.state is TaskState.FAILED:
            again = "tries again" if task.state is TaskState.FAILED else "goes on"
            self.post_message(CommandGiven(ContinueTask(task=task.id), f"{task.id} {again}"))
        else:
            done = f"{task.id} pauses before its next step · x continue"
            self.post_message(CommandGiven(PauseTask(task=task.id), done))

    def _hold_goal(self) -> None:
        session = self.mirror.session
        if session is None:
            self.ignore("no goal yet · i, then say what you want")
        elif session.over or session.state is SessionState.LANDED:
            self.ignore("this goal is done")
        elif not self.mirror.facts.busy:
            self.post_message(CommandGiven(ResumeSession(session=session.id), "goes on"))
        elif session.state is SessionState.PAUSED:
            self.post_message(CommandGiven(ContinueSession(), "all go on"))
        else:
            self.post_message(CommandGiven(PauseSession(), "all pause before their next step · x continue"))

    def action_cancel(self) -> None:
        """End this task for good, after a question."""
        task = self.current_task()
        if task is None:
            self.ignore("X cancels a task · /cancel or ctrl+c for all")
            return
        if task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self.ignore(f"{task.id} is {self.mirror.word(task)} already")
            return
        needing = [one.id for one in self.mirror.tasks.values() if task.id in one.dependencies]
        rows = [visible(f"{task.id} {task.title}", keep=""), "Its worktree and checkpoints are kept."]
        if needing:
            rows.append(f"{', '.join(needing)} cannot start without it.")

        def cancel() -> None:
            self.post_message(CommandGiven(CancelTask(task=task.id), f"{task.id} cancelled"))

        sheet = SheetOpened(f"Cancel {task.id}", rows, yes=f"cancel {task.id}", confirmed=cancel, danger=True)
        self.post_message(sheet)

    def action_pin(self) -> None:
        """The level of this task, or of the goal, and its reasons."""
        if self.mirror.session is None:
            self.ignore("no goal yet · i, then say what you want")
            return
        self.post_message(self.LevelWanted(self.chosen()))

    def action_why(self) -> None:
        """Its review."""
        task = self.current_task()
        if task is None:
            self.ignore("w shows a task's review")
            return
        for one in self.mirror.asks_of(task.id):
            if one.kind in (ApprovalKind.CHANGES, ApprovalKind.MERGE):
                self.post_message(WentTo(_pane_of(one), task=task.id, approval=one.id))
                return
        self.ignore(f"{task.id} has nothing to review")

    def action_note(self) -> None:
        """Words to this task's agent, or to the planner."""
        if self.mirror.session is None:
            self.ignore("no goal yet · i, then say what you want")
            return
        self.post_message(self.Messaged(self.chosen()))

    def copied(self) -> tuple[str, str]:
        """The task's title."""
        task = self.current_task()
        return (task.title, "title") if task else super().copied()

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """Cursor by its task, what is open, scroll and half-typed words."""
        return super().state() | {
            "task": self.chosen(),
            "open": sorted(self._open),
            "closed": self._goal_closed,
        }

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        found = state.get("open")
        self._open = {str(one) for one in found} if isinstance(found, list) else set()
        self._goal_closed = bool(state.get("closed"))
        self._build()
        super().restore(state)
        if isinstance(task := state.get("task"), str):
            self.stand_on(task)


def _task_of(node: Node) -> str | None:
    return node.task if isinstance(node, Part) else node


def _pane_of(approval: Approval) -> str:
    desks = {
        ApprovalKind.PLAN: "plan",
        ApprovalKind.CHANGES: "review",
        ApprovalKind.MERGE: "conflict",
        ApprovalKind.LAND: "landing",
    }
    return desks.get(approval.kind, "questions")


def _goal_word(session: Session) -> str:
    """The state of the whole, where it says more than the tasks do."""
    return {
        SessionState.PAUSED: "paused",
        SessionState.LANDED: "done",
        SessionState.FAILED: "failed",
        SessionState.CANCELLED: "cancelled",
        SessionState.PLANNING: "planning",
    }.get(session.state, "")
