"""The keys that edit a plan, for every pane that shows one: each edit goes out at once and can be undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from autodev_tui import domain
from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import TaskState
from widgets import plan_edits
from widgets.messages import CommandGiven, Said
from widgets.plan_edits import Plan, PlanRefused
from widgets.plan_text import PlanTextError, from_text, to_text
from widgets.words import WordsPane

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.domain.plan import PlannedTask

Edit = Callable[[Plan], Plan]
PICTURES = 2
"""After so many pictures since the engine took an edit, one that changed nothing is over, too."""


class _Change(NamedTuple):
    """An edit with what it says when it is made, and the plans that it is undone to."""

    edit: Edit
    done: str
    undo: list[Plan]


class PlanEditing(WordsPane):
    """A pane whose cursor stands on tasks; those that have not begun are edited.

    Edits that come faster than the engine takes them over wait for their turn.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.mirror = Mirror()
        self._before: list[Plan] = []
        self._undone: list[Plan] = []
        self._queue: deque[_Change] = deque()
        self._sent: Plan | None = None
        """The plan that the edit which is on its way was made to."""
        self._pictures = -1
        """How many pictures came since the engine took that edit; -1 before it did."""

    # -- what a subclass gives

    def chosen(self) -> str | None:
        """The task under the cursor."""
        raise NotImplementedError

    def stand_on(self, task: str) -> None:
        """Put the cursor on this task as soon as it is shown."""
        raise NotImplementedError

    # -- the plan

    def plan_question(self) -> Approval | None:
        """The plan that waits for the human."""
        waiting = self.mirror.of_kind(ApprovalKind.PLAN)
        return waiting[0] if waiting else None

    def plan(self) -> Plan:
        """What may still be changed, in the order of the plan."""
        tasks = self.mirror.tasks
        question = self.plan_question()
        order = [str(one.get("id")) for one in question.ask.get("tasks", [])] if question else []
        known = [*(one for one in order if one in tasks), *(one for one in tasks if one not in set(order))]
        return [plan_edits.planned(tasks[one]) for one in known if tasks[one].state is TaskState.PLANNED]

    def begun(self) -> list[str]:
        """Tasks that have begun: they may be needed, not changed."""
        return [one.id for one in self.mirror.tasks.values() if one.state is not TaskState.PLANNED]

    def seen(self) -> str:
        """The hash of the plan as it is shown."""
        question = self.plan_question()
        if question and question.base.get("plan"):
            return str(question.base["plan"])
        return domain.plan.plan_digest(self.mirror.tasks.values())

    def plan_shown(self) -> None:
        """The mirror has moved on: the next edit that waits is made to what is shown now."""
        if self._pictures >= 0:
            self._pictures += 1
        if self._sent is not None and (self.plan() != self._sent or self._pictures > PICTURES):
            self._sent = None
        if self._queue and self._sent is None:
            self._send(self._queue.popleft())

    # -- making edits

    def edit_plan(self, edit: Edit, done: str) -> str | None:
        """Make an edit. Returns why it cannot be made, None where it can."""
        self._undone.clear()
        return self._make(_Change(edit, done, self._before))

    def _make(self, change: _Change) -> str | None:
        if self._sent is not None:
            self._queue.append(change)
            return None
        return self._send(change)

    def _send(self, change: _Change) -> str | None:
        plan = self.plan()
        try:
            changed = change.edit(plan)
        except PlanRefused as refusal:
            self._queue.clear()
            if not self.typing:
                self.post_message(Said(str(refusal), role="asks"))
            return str(refusal)
        if changed == plan:
            return None
        change.undo.append(plan)
        self._sent, self._pictures = plan, -1

        def refused(reason: str, _: list[str]) -> None:
            self._sent = None
            self._queue.clear()
            if change.undo and change.undo[-1] == plan:
                change.undo.pop()

        command = domain.commands.EditPlan(tasks=changed, seen=self.seen())
        self.post_message(CommandGiven(command, change.done, refused=refused, then=self._took))
        return None

    def _took(self) -> None:
        self._pictures = 0

    def editable(self) -> PlannedTask | None:
        """The task under the cursor, if it may be changed."""
        name = self.chosen()
        if name is None:
            self.ignore("no task here")
            return None
        try:
            plan = self.plan()
            return plan[plan_edits.find(plan, name)]
        except PlanRefused as refusal:
            self.ignore(str(refusal))
            return None

    def _fresh_id(self) -> str:
        return plan_edits.new_id(self.plan(), self.begun())

    # -- keys

    def action_edit(self) -> None:
        """The task as text."""
        task = self.editable()
        if task is None:
            return

        def kept(text: str) -> str | None:
            try:
                changed = from_text(text, task)
            except PlanTextError as error:
                return f"{task.id}: {error}"
            return self.edit_plan(
                lambda plan: plan_edits.change(plan, changed, self.begun()), f"{task.id} changed · u undo"
            )

        self.ask_words(f"edit:{task.id}", f"{task.id} as text", kept, text=to_text(task), editor=True)

    def action_insert(self) -> None:
        """A new task below this one."""
        name = self.chosen()
        below = name if any(one.id == name for one in self.plan()) else None

        def kept(text: str) -> str | None:
            title = " ".join(text.split())
            if not title:
                return "a task needs a title"
            new = domain.plan.PlannedTask(id=self._fresh_id(), title=title)
            self.stand_on(new.id)
            return self.edit_plan(
                lambda plan: plan_edits.insert(plan, below, new), f"{new.id} inserted · e says more · u undo"
            )

        where = f"below {below}" if below else "on top"
        self.ask_words(f"insert:{below or ''}", f"a new task {where}: its title", kept)

    def action_split(self) -> None:
        """Two tasks of one: the second comes after the first."""
        task = self.editable()
        if task is None:
            return

        def kept(text: str) -> str | None:
            title = " ".join(text.split())
            if not title:
                return f"the second half of {task.id} needs a title"
            second = task.but(
                id=self._fresh_id(),
                title=title,
                description="",
                acceptance_criteria=[],
                estimated_effort=task.estimated_effort / 2,
                note="",
            )

            def half(plan: Plan) -> Plan:
                parts = plan_edits.split(plan, task.id, second)
                first = parts[plan_edits.find(parts, task.id)].but(estimated_effort=task.estimated_effort / 2)
                return plan_edits.change(parts, first, self.begun())

            return self.edit_plan(half, f"{task.id} split: {second.id} goes on from it · u undo")

        self.ask_words(f"split:{task.id}", f"{task.id} keeps the first half: title of the second", kept)

    def action_merge(self) -> None:
        """This task and the next one as one."""
        if task := self.editable():
            self.edit_plan(
                lambda plan: plan_edits.merge(plan, task.id), f"{task.id} has the next one's work · u undo"
            )

    def action_delete(self) -> None:
        """Without this task."""
        if task := self.editable():
            self.edit_plan(lambda plan: plan_edits.delete(plan, task.id), f"{task.id} deleted · u undo")

    def action_shift(self, step: int) -> None:
        """This task a row up or down; the cursor goes with it."""
        if task := self.editable():
            self.stand_on(task.id)
            where = "up" if step < 0 else "down"
            self.edit_plan(
                lambda plan: plan_edits.shift(plan, task.id, step), f"{task.id} moved {where} · u undo"
            )

    def action_indent(self, step: int) -> None:
        """In: it needs the one above, too. Out: it needs one task less."""
        if task := self.editable():
            change = plan_edits.indent if step > 0 else plan_edits.outdent
            words = "needs the task above" if step > 0 else "needs one task less"
            self.edit_plan(lambda plan: change(plan, task.id), f"{task.id} {words} · u undo")

    def action_blocked_by(self) -> None:
        """Which tasks must be done first."""
        task = self.editable()
        if task is None:
            return

        def kept(text: str) -> str | None:
            wanted = text.replace(",", " ").split()
            wanted = [f"T{one}" if one.isdigit() else one.upper() for one in wanted]
            return self.edit_plan(
                lambda plan: plan_edits.needs(plan, task.id, wanted, self.begun()),
                f"{task.id} needs {', '.join(wanted) or 'no other task'} · u undo",
            )

        label = f"{task.id} is blocked by: T1 T2 …, empty for none"
        self.ask_words(f"needs:{task.id}", label, kept, text=" ".join(task.dependencies))

    async def action_undo(self) -> None:
        """The plan before the last edit; without one, what undo does elsewhere."""
        await self._back(self._before, self._undone, "undone · U does it again", "undo")

    async def action_redo(self) -> None:
        """The edit that was undone, again."""
        await self._back(self._undone, self._before, "done again · u undo", "redo")

    async def _back(self, of: list[Plan], to: list[Plan], done: str, elsewhere: str) -> None:
        if not of:
            await self.run_action(f"screen.{elsewhere}")
            return
        begun = set(self.begun())
        earlier = [task for task in of.pop() if task.id not in begun]
        self._make(_Change(lambda _: earlier, done, to))
