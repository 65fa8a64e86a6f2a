"""The task tree: the goal, its tasks, the parts of each; the facts of the chosen one below (UI §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from autodev_tui import domain
from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, rule
from widgets.keys import bindings
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.needs import at_rest
from widgets.plan_editing import PlanEditing
from widgets.task_facts import facts, goal_facts
from widgets.task_tree import TaskTree, task_of
from widgets.wording import counted

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.task import Task

FACTS_SHARE = 0.44
"""Of the pane's height, what the facts take."""
LEAST_HEIGHT = 18
"""Rows of the pane from which there is room for facts."""
TALL = 50
"""Rows of the pane from which the facts take whatever the tree leaves."""


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
        self._rows = TaskTree()
        self._wanted: str | None = None
        self._facts: list[Line] = []

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; the cursor stays on its task."""
        here = self._rows.node(self.cursor)
        self.mirror = mirror
        self._rows.build(mirror)
        if self._wanted is not None and self._wanted in mirror.tasks:
            here, self._wanted = self._wanted, None
        self.cursor = self._rows.place(here, self.cursor)
        self.renew()
        self.plan_shown()

    def title(self) -> tuple[Line, Line]:
        """How many tasks are done."""
        count = len(self._rows.tasks)
        right: Line = [(f"{counted(self._rows.done)} of {counted(count)}", "text")] if count else []
        return [("1 Tasks", "bold")], right

    def row_count(self) -> int:
        """The goal, the tasks and what is open of them."""
        return len(self._rows.nodes)

    def row(self, index: int) -> Line:
        """One row of the tree."""
        return self._rows.line(self.mirror, index, self.body_width)

    # -- facts

    @property
    def own_foot(self) -> int:
        """The facts' rows."""
        height = self.size.height
        if height < LEAST_HEIGHT or not self._rows.tasks:
            return 0
        share = round(height * FACTS_SHARE)
        if height >= TALL:
            return max(share, min(height - 2 - len(self._rows.nodes), height - height // 3))
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
        return self._rows.tasks.get(task_of(self._rows.node(self.cursor)) or "")

    def chosen(self) -> str | None:
        """The id of the task under the cursor."""
        task = self.current_task()
        return task.id if task else None

    def stand_on(self, task: str) -> None:
        """Put the cursor on this task, now or as soon as it is there."""
        if task in self._rows.tasks:
            self.cursor = self._rows.place(task, self.cursor)
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
        if not self._rows.nodes:
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
            self.action_unfold(self._rows.closed)
        elif task.todos:
            self.action_unfold(task.id not in self._rows.open)
        else:
            self.page(1)

    def action_unfold(self, open_it: bool) -> None:
        """Open or close the branch under the cursor."""
        if not self._rows.nodes:
            return
        node = self._rows.unfold(self._rows.node(self.cursor), open_it)
        self._rows.build(self.mirror)
        self.cursor = self._rows.place(node, self.cursor)
        self.renew()

    def action_hold(self) -> None:
        """Pause or continue this agent; on the goal, all of them."""
        task = self.current_task()
        alone = task is not None and (task.id in self.mirror.paused or task.state is TaskState.FAILED)
        if task is None or (at_rest(self.mirror) and not alone):
            self._hold_goal()
        elif task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self.ignore(f"{task.id} is {self.mirror.word(task)}: there is nothing to pause")
        elif alone or self.mirror.word(task) == "paused":
            again = "tries again" if task.state is TaskState.FAILED else "goes on"
            self.post_message(CommandGiven(domain.commands.ContinueTask(task=task.id), f"{task.id} {again}"))
        else:
            done = f"{task.id} pauses before its next step · x continue"
            self.post_message(CommandGiven(domain.commands.PauseTask(task=task.id), done))

    def words_of(self, action: str) -> str:
        """`x` lets go on what stands still."""
        task, session = self.current_task(), self.mirror.session
        if action != "hold" or session is None:
            return ""
        if task is not None and task.state is TaskState.FAILED:
            return "try again"
        paused = self.mirror.word(task) == "paused" if task else session.state is SessionState.PAUSED
        return "go on" if paused or at_rest(self.mirror) else ""

    def _hold_goal(self) -> None:
        session = self.mirror.session
        if session is None:
            self.ignore("no goal yet · i, then say what you want")
        elif session.over or session.state is SessionState.LANDED:
            self.ignore("this goal is done")
        elif not self.mirror.facts.busy:
            self.post_message(CommandGiven(domain.commands.ResumeSession(session=session.id), "goes on"))
        elif session.state is SessionState.PAUSED:
            self.post_message(CommandGiven(domain.commands.ContinueSession(), "all go on"))
        else:
            self.post_message(
                CommandGiven(domain.commands.PauseSession(), "all pause before their next step · x continue")
            )

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
        if self.mirror.lacks_model(task):
            # What only waited for a model holds nothing up that rules can do.
            ends = [one for one in needing if self.mirror.lacks_model(self.mirror.tasks[one])]
            rows += [f"{', '.join(ends)} {'end' if len(ends) > 1 else 'ends'} with it."] if ends else []
            on = [one for one in needing if one not in ends]
            rows += [f"{', '.join(on)} {'go' if len(on) > 1 else 'goes'} on without it."] if on else []
        elif needing:
            rows.append(f"{', '.join(needing)} cannot start without it.")

        def cancel() -> None:
            self.post_message(CommandGiven(domain.commands.CancelTask(task=task.id), f"{task.id} cancelled"))

        sheet = SheetOpened(f"Cancel {task.id}", rows, yes=f"cancel {task.id}", confirmed=cancel, danger=True)
        self.post_message(sheet)

    def action_pin(self) -> None:
        """The level of this task, or of the goal, and its reasons."""
        if self.mirror.session is None:
            self.ignore("no goal yet · i, then say what you want")
            return
        self.post_message(self.LevelWanted(self.chosen()))

    def action_model(self) -> None:
        """The models, to choose one for this task."""
        task = self.current_task()
        if task is None:
            self.ignore("M chooses a task's model · /models that of new goals")
        elif task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self.ignore(f"{task.id} is {self.mirror.word(task)}: nothing works on it any more")
        else:
            self.post_message(WentTo("models", task=task.id))

    def action_criteria(self) -> None:
        """What this task, or on the goal every task, is done when."""
        task = self.current_task()
        reviews = (
            [one for one in self.mirror.asks_of(task.id) if one.kind is ApprovalKind.CHANGES] if task else []
        )
        if self.mirror.session is None:
            self.ignore("no goal yet · i, then say what you want")
        elif task and not task.acceptance_criteria:
            self.ignore(f"{task.id} has no acceptance criteria")
        elif task and reviews:
            self.post_message(WentTo("review", task=task.id, approval=reviews[0].id, sheet="criteria"))
        else:
            self.post_message(WentTo("criteria", task=task.id if task else ""))

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

    def action_approve(self) -> None:
        """To the plan that waits: it is approved where it was read."""
        waiting = self.mirror.of_kind(ApprovalKind.PLAN)
        if waiting:
            self.post_message(WentTo("plan", approval=waiting[0].id))
        else:
            self.ignore("no plan waits to be approved")

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
            "open": sorted(self._rows.open),
            "closed": self._rows.closed,
        }

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        found = state.get("open")
        self._rows.open = {str(one) for one in found} if isinstance(found, list) else set()
        self._rows.closed = bool(state.get("closed"))
        self._rows.build(self.mirror)
        super().restore(state)
        if isinstance(task := state.get("task"), str):
            self.stand_on(task)


def _pane_of(approval: Approval) -> str:
    desks = {
        ApprovalKind.PLAN: "plan",
        ApprovalKind.CHANGES: "review",
        ApprovalKind.MERGE: "conflict",
        ApprovalKind.LAND: "landing",
    }
    return desks.get(approval.kind, "questions")
