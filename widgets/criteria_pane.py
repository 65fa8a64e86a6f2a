"""The acceptance criteria of a task or of the whole session: how far each is known to be met."""

from __future__ import annotations

import time
from typing import Any

from autodev_tui.domain.approval import ApprovalKind, Decision
from autodev_tui.domain.commands import Decide, SendMessage, TickCriterion
from autodev_tui.domain.events import Checked
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.domain.text import visible
from widgets.armed_pane import ACTOR
from widgets.cells import Line, spread, wrap
from widgets.glyphs import EVIDENCE, ROLE
from widgets.keys import bindings
from widgets.line_pane import Now
from widgets.messages import CommandGiven
from widgets.review_inputs import WHY, WITHOUT
from widgets.table_pane import TablePane, TableRow, more
from widgets.task_facts import criterion_word

_BEGINNINGS = (TaskState.PLANNED, TaskState.ASSIGNED)
_WORD = 20
"""Cells kept for the state's word."""


class CriteriaPane(TablePane):
    """Ticked as seen, or not met: that goes to the task's agent, or sends the landing back."""

    CONTEXT = "criteria"
    EMPTY = "No criteria. They come with the plan: e changes a task and what it is done when."
    BINDINGS = bindings("criteria")

    def __init__(self, *, now: Now = time.time, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self.whose = ""
        """Whose they are; "": all of the session."""
        self._warned = False

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Those of this task; of all tasks without one."""
        self.whose = task
        self.rebuild()

    # -- what is shown

    def title(self) -> tuple[Line, Line]:
        """Whose they are, and how many are ticked or verified."""
        known = [word for task in self._tasks() for word in self._told(task)]
        met = sum(word in ("ticked", "verified") for word in known)
        right: Line = [(f"{met} of {len(known)} verified or ticked", "text")] if known else []
        return [("Criteria", "bold"), *([(f"  {self.whose}", "data")] if self.whose else [])], right

    def build(self, width: int) -> list[TableRow]:
        """A row for each criterion, under its task."""
        rows: list[TableRow] = []
        for task in self._tasks():
            if not task.acceptance_criteria:
                continue
            if rows:
                rows.append(TableRow())
            title = visible(f"{task.id} {task.title}", keep="")
            state = self.mirror.word(task)
            rows.append(TableRow(spread([(title, "bold")], [(state, ROLE[state])], width - 1, gap=2)))
            for number, criterion in enumerate(task.acceptance_criteria):
                word = criterion_word(criterion, task)
                first, *rest = wrap(visible(criterion.text, keep=""), max(width - _WORD, 20))
                left: Line = [(f" {EVIDENCE[word]} ", ROLE[word]), (first, "data")]
                line = spread(left, [(word, ROLE[word])], width - 1, gap=2)
                rows += [TableRow(line, key=f"{task.id}/{number}"), *(more(one, 3, "data") for one in rest)]
        return rows

    def _tasks(self) -> list[Task]:
        return [one for one in self.mirror.tasks.values() if self.whose in ("", one.id)]

    @staticmethod
    def _told(task: Task) -> list[str]:
        return [criterion_word(one, task) for one in task.acceptance_criteria]

    def _here(self) -> tuple[Task, Criterion] | None:
        """The criterion under the cursor, of a task that has something to show."""
        name, _, number = self.key.partition("/")
        task = self.mirror.tasks.get(name)
        if task is None or int(number) >= len(task.acceptance_criteria):
            return None
        return task, task.acceptance_criteria[int(number)]

    def _may(self) -> tuple[Task, Criterion] | None:
        found = self._here()
        if found is None:
            self.ignore("no criterion here")
        elif found[0].state in _BEGINNINGS:
            self.ignore(f"{found[0].id} has not begun: there is nothing to see yet")
        elif self.mirror.word(found[0]) == "review":
            self.ignore(f"{found[0].id} is in review: 3, then C, and it goes with what you send")
        else:
            return found
        return None

    # -- keys

    def action_tick(self) -> None:
        """Ticked as seen, or not any more."""
        if found := self._may():
            task, criterion = found
            words = "not ticked any more" if criterion.ticked else "ticked as seen by you"
            self.post_message(
                CommandGiven(
                    TickCriterion(task=task.id, criterion=criterion.text, ticked=not criterion.ticked), words
                )
            )

    def action_unmet(self) -> None:
        """Not met, and why: to the agent that works on it, else the landing goes back."""
        found = self._may()
        if found is None:
            return
        task, criterion = found
        landing = next((one for one in self.mirror.of_kind(ApprovalKind.LAND) if "why" not in one.ask), None)
        if landing is None and task.state is TaskState.COMPLETED:
            self.ignore(f"{task.id} is done and nothing waits to land: say it as a new goal")
            return
        if landing is None and task.state in (TaskState.FAILED, TaskState.CANCELLED):
            self.ignore(f"{task.id} is {self.mirror.word(task)}: nobody works on it")
            return
        self._warned = False
        what = "the landing goes back" if landing else f"{task.id} reads this"
        where = landing.shown_hash if landing else ""

        def kept(text: str) -> str | None:
            if not text.strip() and not self._warned:
                self._warned = True
                return WITHOUT
            why = f": {text.strip()}" if text.strip() else ""
            words = f"{task.id}, criterion not met: {criterion.text}{why}"
            if landing is None:
                self.post_message(CommandGiven(SendMessage(task=task.id, text=words), f"told {task.id}"))
                return None
            decision = Decision(
                approval=landing.id,
                verdict="reject",
                shown_hash=where,
                actor=ACTOR,
                at=self._now(),
                reason=words,
            )
            self.post_message(CommandGiven(Decide(decision=decision), "sent back · u takes it back"))
            return None

        self.ask_words(f"unmet:{self.key}", f"not met: {WHY} · {what}", kept)

    def action_evidence(self) -> None:
        """What proves it."""
        found = self._here()
        if found is None:
            self.ignore("no criterion here")
            return
        task, criterion = found
        check = criterion.check or ""
        if not check:
            self.ignore("no check decides this one: it is what the agent claims, until you tick it")
            return
        ran: Any = next(
            (
                event
                for event in reversed(self.mirror.log)
                if isinstance(event, Checked) and event.tree == task.evidence_tree and event.check == check
            ),
            None,
        )
        result = ran.result.replace("_", " ") if ran else criterion_word(criterion, task)
        self.ignore(f"{visible(check, keep='')}: {result}")

    async def action_back(self) -> None:
        """To what was there before."""
        await self.run_action("screen.back")
