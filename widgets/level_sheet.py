"""The level of a task or of the goal: pin one, and why the advice is what it is (UI §2)."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.commands import Pin
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, wrap
from widgets.keys import bindings
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven
from widgets.task_facts import level_words

_MEANS = {
    Level.GUIDED: "asks for every edit, command and change",
    Level.COLLABORATIVE: "edits alone; asks for unknown commands and every change",
    Level.SUPERVISED: "works alone while checks pass; one review of the whole",
    Level.FULL: "the same, and assumes instead of asking",
}
BAR = 20
"""Cells of a contribution of 0.30, the most that one factor can weigh."""


class LevelSheet(LinePane):
    """One row a choice; `enter` pins it. The slider caps whatever is pinned."""

    CONTEXT = "choices"
    EMPTY = "No goal yet. i, then say what you want."
    BINDINGS = bindings("choices")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.mirror = Mirror()
        self._name: str | None = None
        self._reasons: list[Line] = []

    # -- what is shown

    def show_level(self, mirror: Mirror, task: str | None) -> None:
        """The level of this task, None: of the goal."""
        self._name = task
        self.show(mirror)
        pin = self._pin()
        self.cursor = 0 if pin is None else 1 + pin.rank
        self.refresh()

    def show(self, mirror: Mirror) -> None:
        """The newest state."""
        self.mirror = mirror
        self._reasons = self._why() if mirror.session else []
        self.renew()

    def on_resize(self) -> None:
        """Another width, other rows."""
        self.show(self.mirror)

    def _about(self) -> Task | None:
        return self.mirror.tasks.get(self._name or "")

    def _pin(self) -> Level | None:
        task, session = self._about(), self.mirror.session
        return task.pin if task else session.pin if session else None

    def _score(self) -> dict[str, Any]:
        task, session = self._about(), self.mirror.session
        if task:
            return task.autonomy
        return session.autonomy_decisions[-1] if session and session.autonomy_decisions else {}

    def _advice(self) -> Level | None:
        task, session = self._about(), self.mirror.session
        if task:
            return task.recommended
        found = session.analysis.get("recommended") if session else None
        return Level(str(found)) if found else None

    def title(self) -> tuple[Line, Line]:
        """Whose level, and which one holds."""
        task = self._about()
        name = visible(f"{task.id} {task.title}", keep="") if task else "the goal"
        left: Line = [("Level", "bold"), (f"  {name}", "data")]
        return left, level_words(self.mirror, task) if self.mirror.session else []

    def row_count(self) -> int:
        """The choices, then the reasons."""
        return len(Level) + 1 + len(self._reasons) if self.mirror.session else 0

    def can_stand(self, index: int) -> bool:
        """Choices only."""
        return index <= len(Level)

    def row(self, index: int) -> Line:
        """A choice, or a row of the reasons."""
        if index > len(Level):
            return self._reasons[index - len(Level) - 1]
        pin, advice = self._pin(), self._advice()
        mark = ("◆ ", "bold") if (index == 0 if pin is None else index == 1 + pin.rank) else ("◇ ", "text")
        if index == 0:
            words = f"the advice holds: {advice.value}" if advice else "the advice holds"
            return [mark, (f"{'no pin':<15}", "text"), (words, "muted")]
        level = list(Level)[index - 1]
        session = self.mirror.session
        capped = session is not None and level.rank > session.slider.rank
        words = f"capped at {session.slider.value} by the slider: " if capped and session else ""
        line: Line = [mark, (f"{level.value:<15}", "text"), (words, "asks"), (_MEANS[level], "muted")]
        return cut_line(line, self.body_width - 2)

    def _why(self) -> list[Line]:
        """The six contributions and the reason in words."""
        found, width = self._score(), self.body_width
        contributions: dict[str, float] = found.get("contributions", {})
        if not contributions:
            return [[], [("  no score was made of this", "muted")]]
        factors = found.get("factors", {})
        rows: list[Line] = [[], [(f"  score  {float(found['score']):.2f}", "bold"), ("  base 0.50", "muted")]]
        for name, value in contributions.items():
            unmeasured = "  not measured" if name in found.get("unmeasured", []) else ""
            bar = "━" * round(abs(value) / 0.3 * BAR)
            rows.append(
                [
                    (f"  {name.replace('_', ' '):<24}", "text"),
                    (f"{float(factors.get(name, 0)):.2f}  ", "muted"),
                    (f"{value:+.3f}".replace("-", "−"), "done" if value >= 0 else "asks"),
                    (f"  {bar}", "done" if value >= 0 else "asks"),
                    (unmeasured, "muted"),
                ]
            )
        text = visible(str(found.get("reasoning", "")))
        return [*rows, [], *([("  ", "text"), (one, "data")] for one in wrap(text, max(width - 4, 8)))]

    # -- keys

    def action_open(self) -> None:
        """Pin this level, or take the pin away."""
        if self.mirror.session is None or self.cursor > len(Level):
            self.ignore(self.EMPTY)
            return
        level = None if self.cursor == 0 else list(Level)[self.cursor - 1]
        who = self._name or "the goal"
        done = f"{who}: no pin, the advice holds" if level is None else f"{who} pinned to {level.value}"
        self.post_message(
            CommandGiven(Pin(task=self._name, level=level), f"{done} · from the next action on")
        )

    def state(self) -> dict[str, object]:
        """Whose level it shows, and the cursor."""
        return {"task": self._name, "cursor": self.cursor}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        task, cursor = state.get("task"), state.get("cursor", 0)
        self._name = task if isinstance(task, str) else None
        self.show(self.mirror)
        self.cursor = cursor if isinstance(cursor, int) else 0

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Show this task's level."""
        self.show_level(self.mirror, task or self._name)
