"""The autonomy slider: four stops; less is instant, more is shown first and wants `enter`."""

from __future__ import annotations

from textual.message import Message
from textual.strip import Strip

from autodev_tui.domain.levels import Level
from widgets.cells import Line, spread
from widgets.keys import bindings
from widgets.roles import Drawn

LEVELS = list(Level)


class Slider(Drawn, can_focus=True):
    """One row. `level` is what holds, `mark` where the mark stands while a raise is looked at."""

    BINDINGS = bindings("slider")

    DEFAULT_CSS = """
    Slider { height: 1; width: 1fr; }
    """

    class Moved(Message):
        """The mark moved: down applies at once, up is only looked at."""

        def __init__(self, slider: Slider, level: Level) -> None:
            super().__init__()
            self.slider = slider
            self.level = level

    class Applied(Message):
        """`enter` on a raise."""

        def __init__(self, slider: Slider, level: Level) -> None:
            super().__init__()
            self.slider = slider
            self.level = level

    class Reset(Message):
        """The mark is back where it was; the focus may go back too."""

    class Reasons(Message):
        """Why the advice is what it is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.level = Level.COLLABORATIVE
        self.mark = Level.COLLABORATIVE
        self.advice: Line = []
        """What stands at the right end: it speaks of the task under the cursor."""

    def set(self, level: Level, advice: Line) -> None:
        """The level that holds, as the engine has it."""
        if (level, advice) == (self.level, self.advice):
            return
        if level != self.level:
            self.level = self.mark = level
        self.advice = advice
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        focused = self.has_focus
        line: Line = [("▌" if focused else " ", "focus"), ("autonomy  ", "focus" if focused else "muted")]
        for level in LEVELS:
            if level is not LEVELS[0]:
                line.append((" ─ ", "rule"))
            here = level is self.mark
            role = "asks" if here and self.mark is not self.level else "bold" if here else "muted"
            line.append((f"{'◆' if here else '◇'} {level.value}", role))
        return self.strip(spread(line, [*self.advice, (" ", "text")], self.size.width), self.size.width)

    def action_slide(self, step: int) -> None:
        """Move the mark one stop."""
        place = min(max(self.mark.rank + step, 0), len(LEVELS) - 1)
        if LEVELS[place] is self.mark:
            return
        self.mark = LEVELS[place]
        self.refresh()
        self.post_message(self.Moved(self, self.mark))

    def action_apply(self) -> None:
        """Apply a raise."""
        if self.mark.rank > self.level.rank:
            self.post_message(self.Applied(self, self.mark))
        else:
            self.action_reset()

    def action_reset(self) -> None:
        """As it was."""
        self.mark = self.level
        self.refresh()
        self.post_message(self.Reset())

    def action_reasons(self) -> None:
        """The score and its reasons."""
        self.post_message(self.Reasons())

    def on_blur(self) -> None:
        """A raise that was only looked at is gone."""
        self.mark = self.level
        self.refresh()

    def on_focus(self) -> None:
        """The row says that it is in use."""
        self.refresh()
