"""The plan: every task with needs, level and estimate, the chosen one in full below; edited and approved."""

from __future__ import annotations

from typing import Any

from textual import events

from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line, cut, fit, spread, width_of
from widgets.glyphs import ROLE, TASK
from widgets.keys import bindings
from widgets.messages import WentTo
from widgets.plan_detail import detail, named, task_rule
from widgets.plan_editing import PlanEditing
from widgets.task_facts import cost_range, level_words
from widgets.wording import took

NEEDS, LEVEL, MINUTES = 8, 23, 7
"""Cells of the columns between a task's title and its price."""
NARROW = 72
"""Cells below which the level's column has no room for what holds it."""
DETAIL_SHARE = 0.4
LEAST_HEIGHT = 12
"""Rows of the pane from which there is room for the chosen task in full."""


class PlanPane(ArmedPane, PlanEditing):
    """A table of tasks. The first row names the columns."""

    CONTEXT = "plan"
    EMPTY = "No plan yet. It comes here before anything runs. i, then say what you want."
    BINDINGS = bindings("plan")
    ARMED_ACTIONS = frozenset({"approve", "replan"})

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._order: list[str] = []
        self._tasks: dict[str, Task] = {}
        """The tasks as they were shown last."""
        self._wanted: str | None = None
        self._whole = False
        """Whether all tasks are shown in full instead of the table."""
        self._text: list[tuple[str, Line]] = []
        """All tasks in full: each row with its task."""

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; the cursor stays on its task."""
        here = self._wanted or self.chosen()
        self.mirror, self._tasks = mirror, dict(mirror.tasks)
        question = self.plan_question()
        asked = [str(one.get("id")) for one in question.ask.get("tasks", [])] if question else []
        self._order = [one for one in asked if one in mirror.tasks] or list(mirror.tasks)
        if self._wanted in self._order:
            self._wanted = None
        self._draw()
        if here in self._order and not self._whole:
            self.cursor = self._order.index(here) + 1
        self.cursor = max(self.cursor, 1)
        self.keep_answered(mirror.approvals)
        self.renew()
        self.plan_shown()

    def _draw(self) -> None:
        self._text = self._in_full() if self._whole else []
        self.ask_about(self.plan_question(), "whole" if self._whole else "")

    def on_resize(self) -> None:
        """Another width, other rows."""
        self._draw()

    def title(self) -> tuple[Line, Line]:
        """The goal, and what all of it takes."""
        session = self.mirror.session
        goal = (session.title or session.goal.strip().split("\n")[0]) if session else ""
        if not self._order:
            return _titled(goal, self.size.width - 12), []
        parts = [f"{len(self._order)} task{'s' if len(self._order) != 1 else ''}"]
        minutes = sum(self._tasks[one].estimated_effort for one in self._order) * 60
        parts.append(f"~{took(max(round(minutes), 1) * 60)}")
        if cost := self._estimate().get("cost_usd"):
            parts.append(cost_range(float(cost[0]), float(cost[1])))
        if self.plan_question() is None:
            parts.append("approved" if self._begun_any else "not asked about yet")
        right: Line = [(parts[0], "text"), *[(f" · {part}", "text") for part in parts[1:]]]
        # What it takes matters more than the end of a long goal.
        return _titled(goal, self.size.width - width_of(right) - 16), right

    @property
    def _begun_any(self) -> bool:
        return any(task.state is not TaskState.PLANNED for task in self._tasks.values())

    def _estimate(self) -> dict[str, Any]:
        question = self.plan_question()
        found: dict[str, Any] = question.ask.get("estimate", {}) if question else {}
        return found

    def row_count(self) -> int:
        """The names of the columns, the tasks, what is known of the cost."""
        if self._whole:
            return len(self._text)
        return 1 + len(self._order) + (2 if self._cost_words() else 0) if self._order else 0

    def can_stand(self, index: int) -> bool:
        """Tasks only."""
        return self._whole or 1 <= index <= len(self._order)

    def row(self, index: int) -> Line:
        """A task, or a row of it in full."""
        if self._whole:
            return self._text[index][1]
        if index == 0:
            return self._columns("  task", [("needs", "muted")], [("level", "muted")], "", "estimate")
        if index > len(self._order):
            return [("  " + self._cost_words(), "muted")] if index == len(self._order) + 2 else []
        task = self._tasks[self._order[index - 1]]
        word = self.mirror.word(task)
        glyph = "○" if word == "asks" and task.state is TaskState.PLANNED else TASK[word]
        name = f"{task.id} {visible(task.title, keep='')}"
        needs: Line = [(" ".join(task.dependencies), "text")]
        minutes = took(max(round(task.estimated_effort * 60), 1) * 60)
        line = self._columns(
            name, needs, level_words(self.mirror, task, full=False), minutes, self._price(task.id)
        )
        return [("  ", "text"), (f"{glyph} ", ROLE[word]), *line]

    def _columns(self, name: str, needs: Line, level: Line, minutes: str, price: str) -> Line:
        width = self.body_width - (0 if name.startswith("  ") else 4)
        level_width = LEVEL if self.body_width >= NARROW else LEVEL - 9
        end = f"{minutes:>{MINUTES}}  {price:>{self._price_width}} " if minutes else f"{price} "
        room = width - NEEDS - level_width - (MINUTES + 3 + self._price_width)
        if level_width < LEVEL:
            level = level[:1]
        left: Line = [
            *fit([(name, "data" if minutes else "muted")], max(room, 8) - 1),
            (" ", "text"),
            *fit(needs, NEEDS),
            *level,
        ]
        return spread(left, [(end, "text" if minutes else "muted")], width)

    @property
    def _price_width(self) -> int:
        return max((len(self._price(one)) for one in self._estimate().get("tasks", {})), default=1)

    def _price(self, task: str) -> str:
        told = self._estimate().get("tasks", {}).get(task, {}).get("cost_usd")
        return cost_range(float(told[0]), float(told[1])).replace("~", "") if told else "?"

    def _cost_words(self) -> str:
        estimate = self._estimate()
        unknown = not estimate.get("cost_usd") and estimate.get("why")
        return f"cost {visible(str(estimate['why']), keep='')}" if unknown else ""

    # -- the chosen task below

    @property
    def own_foot(self) -> int:
        """The rows of the chosen task."""
        height = self.size.height
        if self._whole or height < LEAST_HEIGHT or not self._order:
            return 0
        return max(round(height * DETAIL_SHARE), 5)

    def foot_row(self, index: int) -> Line:
        """A row of the chosen task, the first of them a rule."""
        task = self._tasks.get(self.chosen() or "")
        if task is None:
            return []
        if index == 0:
            return task_rule(task, self.size.width)
        rows = detail(task, self.body_width)
        if index >= self.own_foot - 1 and len(rows) > index:
            return [(f"   … {len(rows) - index + 1} more rows · enter reads all in full", "muted")]
        return [(" ", "text"), *rows[index - 1]] if index <= len(rows) else []

    def _in_full(self) -> list[tuple[str, Line]]:
        rows: list[tuple[str, Line]] = []
        for name in self._order:
            task = self._tasks[name]
            rows.append((name, task_rule(task, self.body_width)))
            rows += [(name, line) for line in detail(task, self.body_width)]
            reason = str(task.autonomy.get("reasoning", ""))
            rows += [(name, line) for line in named("level", reason, self.body_width)]
            rows.append((name, []))
        return rows[:-1]

    # -- where the cursor stands

    def chosen(self) -> str | None:
        """The id of the task under the cursor."""
        if self._whole:
            return self._text[self.cursor][0] if self.cursor < len(self._text) else None
        return self._order[self.cursor - 1] if 1 <= self.cursor <= len(self._order) else None

    def stand_on(self, task: str) -> None:
        """Put the cursor on this task, now or as soon as it is there."""
        self._wanted = task
        if task in self._order and not self._whole:
            self.cursor = self._order.index(task) + 1

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Put the cursor on this task."""
        if task:
            self.stand_on(task)
            self._wanted = None

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The plan is answered only while it waits."""
        if action in ("approve", "replan"):
            return self.plan_question() is not None
        return super().check_action(action, parameters)

    def action_approve(self) -> None:
        """The plan holds: it starts."""
        question = self.plan_question()
        if question is not None and self.may_decide(question):
            self.decide(question, "approve", "the plan is approved and starts · u takes it back")

    def action_replan(self) -> None:
        """Another plan, with what should be different about it."""
        question = self.plan_question()
        if question is None or not self.may_decide(question, unread=True):
            return

        def reject(reason: str) -> None:
            self.decide(question, "reject", "another plan is asked for · u takes it back", reason=reason)

        self.ask_reason(question, "what should be different? the planner reads this", reject)

    def action_pin(self) -> None:
        """The level of this task and its reasons."""
        if name := self.chosen():
            self.post_message(WentTo("level", task=name))

    def action_model(self) -> None:
        """The models, to choose one for this task."""
        if name := self.chosen():
            self.post_message(WentTo("models", task=name))

    def action_note(self) -> None:
        """Words for whoever carries this task out."""
        task = self.editable()
        if task is None:
            return

        def kept(text: str) -> str | None:
            return self.edit_plan(
                lambda plan: [one.but(note=text.strip()) if one.id == task.id else one for one in plan],
                f"{task.id} has a note · u undo",
            )

        self.ask_words(f"note:{task.id}", f"a note to whoever does {task.id}", kept, text=task.note)

    def action_open(self) -> None:
        """All tasks in full, and back to the table."""
        if not self._order:
            self.ignore("no plan yet")
            return
        name = self.chosen() or self._order[0]
        self._whole = not self._whole
        self._draw()
        if self._whole:
            self.cursor = next(row for row, (one, _) in enumerate(self._text) if one == name)
            self.renew()
            self.scroll_to(y=self.cursor, animate=False, force=True)
        else:
            self.cursor = self._order.index(name) + 1
            self.renew()

    def on_key(self, event: events.Key) -> None:
        """`escape` goes back to the table."""
        if event.key == "escape" and self.has_focus and self._whole:
            self.action_open()
            event.stop()

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """Cursor by its task, scroll and half-typed words."""
        return super().state() | {"task": self.chosen()}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        super().restore(state)
        if isinstance(task := state.get("task"), str):
            self.stand_on(task)


def _titled(goal: str, width: int) -> Line:
    """`Plan` and the goal, in so many cells."""
    room = max(width, 8)
    return [("Plan", "bold"), *([(f"  {cut(visible(goal, keep=''), room)}", "data")] if goal else [])]
