"""The workbench's frame: six fixed parts, where they stand at every size, and which of them has the focus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from autodev_tui.domain.text import visible
from screens.desk import PASSING, WHOLE, Desk
from screens.port import EnginePort
from widgets.agents_view import AgentsView
from widgets.armed_pane import ArmedPane
from widgets.arrangement import SMALLEST, Arrangement, arrange
from widgets.chrome import Footer, Row, Separator, strip_line
from widgets.composer import Composer
from widgets.glyphs import ROLE, TASK
from widgets.header import header
from widgets.keys import Key, keys_of, reachable
from widgets.needs_row import NeedsRow
from widgets.slider import Slider
from widgets.tasks_pane import TasksPane

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror


class Frame(Screen[None], inherit_bindings=False):
    """Lays out header, body, needs-you row, autonomy, composer and footer (UI §2, §6)."""

    CSS_PATH = "workbench.tcss"
    AUTO_FOCUS = ""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.now = now
        """The wall clock, in seconds."""
        self.front = "tasks"
        """The pane in use: tasks, agents or desk."""
        self.came_from = "tasks"
        """The pane in use before something was only looked at on the desk."""
        self.zoomed = False
        self.arranged = Arrangement(fits=True)
        self.frame_number = 0
        self.flash = ""
        self.advice = ""
        self._typed = False
        """The composer had the focus when there was no room for it any more."""
        self._aimed_at: str | None = None
        """The agent in front, whom words in the composer are for."""

    def compose(self) -> ComposeResult:
        """The six parts."""
        yield Row(id="header")
        with Container(id="body"):
            yield Row(id="strip")
            yield TasksPane(id="tasks")
            yield Separator(id="first-line")
            yield AgentsView(self.now, id="agents")
            yield Separator(id="second-line")
            yield Desk(self.now, id="desk")
        yield NeedsRow(id="needs")
        yield Slider(id="slider")
        yield Composer(id="composer")
        yield Footer(id="footer")
        yield Row(id="too-small")

    # -- the parts

    @property
    def port(self) -> EnginePort:
        """The door to the engine's side."""
        return cast(EnginePort, self.app)

    @property
    def mirror(self) -> Mirror:
        """All that is known."""
        return self.port.mirror

    @property
    def tasks(self) -> TasksPane:
        """The task tree."""
        return self.query_one("#tasks", TasksPane)

    @property
    def agents(self) -> AgentsView:
        """The agents' panes."""
        return self.query_one("#agents", AgentsView)

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.query_one("#desk", Desk)

    @property
    def needs_row(self) -> NeedsRow:
        """The row of what needs the human."""
        return self.query_one("#needs", NeedsRow)

    @property
    def slider(self) -> Slider:
        """The autonomy slider."""
        return self.query_one("#slider", Slider)

    @property
    def composer(self) -> Composer:
        """Where goals and messages are typed."""
        return self.query_one("#composer", Composer)

    @property
    def typing(self) -> bool:
        """Whether the composer has the focus."""
        return self.composer.has_focus_within

    # -- where everything stands

    def on_resize(self, event: events.Resize) -> None:
        """Another size, another arrangement."""
        self.lay_out()

    def lay_out(self) -> None:
        """Put every part where it belongs now."""
        width, height = self.app.size
        whole = self.desk.current in WHOLE
        plan = arrange(
            width,
            height,
            desk=bool(self.desk.current),
            front=self.front,
            zoomed=self.zoomed,
            whole=whole,
        )
        self.arranged = plan
        self.set_class(not plan.fits, "-too-small")
        too_small = self.query_one("#too-small", Row)
        if not plan.fits:
            words = f"autodev needs {SMALLEST[0]}×{SMALLEST[1]}, this is {width}×{height}. "
            too_small.set([(words + "Agents go on. ctrl+q leaves.", "text")])
            self._typed = self._typed or self.typing
            self.set_focus(None)
            return
        body = self.query_one("#body")
        body.set_class(plan.beside, "-beside")
        self._room("#strip", width if plan.strip else 0, 1)
        top = 1 if plan.strip else 0
        self._place("#tasks", 0, top, plan.tasks, plan.body - top)
        columns, rows = plan.agents
        left = plan.tasks + 1 if plan.tasks and plan.tasks < width else 0
        self._place("#first-line", plan.tasks, top, 1 if left else 0, plan.body - top)
        self.agents.most_tiles = plan.tiles
        self._place("#agents", left, top, columns, rows)
        desk_columns, desk_rows = plan.desk
        if plan.beside:
            self._place("#second-line", left + columns, top, 1, plan.body - top)
            self._place("#desk", left + columns + 1, top, desk_columns, desk_rows)
        else:
            self._place("#second-line", 0, 0, 0, 0)
            self._place("#desk", left if rows else 0, top + rows, desk_columns, desk_rows)
        shares = not plan.autonomy
        self.slider.display = plan.autonomy or (shares and self.needs_row.need is None)
        self.needs_row.display = plan.autonomy or not self.slider.display
        self.draw()
        if self.focused is None:
            self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        """What was hidden lost the focus: it goes where it was."""
        if self.focused is None and self.arranged.fits:
            typed, self._typed = self._typed, False
            if typed:
                self.composer.focus_field()
            else:
                self.focus_front()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be seen nothing is done."""
        return self.arranged.fits and super().check_action(action, parameters)

    def _place(self, selector: str, x: int, y: int, width: int, height: int) -> None:
        part = self._room(selector, width, height)
        part.styles.offset = (x, y)

    def _room(self, selector: str, width: int, height: int) -> Widget:
        part = self.query_one(selector)
        part.display = bool(width and height)
        if part.display:
            part.styles.width, part.styles.height = width, height
        return part

    # -- drawing the rows

    def draw(self) -> None:
        """Draw the rows around the body anew; the panes draw themselves."""
        if not self.is_mounted or not self.arranged.fits:
            return
        mirror = self.mirror
        width = self.app.size.width
        left, right = header(mirror, self.frame_number, width, self.flash)
        self.query_one("#header", Row).set(left, right)
        if self.arranged.strip:
            self.query_one("#strip", Row).set(self._strip(width))
        if self.agents.front is not None and self.agents.front != self._aimed_at:
            self._aimed_at = self.agents.front
            self.composer.aim(self._aimed_at)
        here = "" if self.typing else self.desk.current if self.front == "desk" else self.front
        self.needs_row.show(mirror, self.now(), typing=self.typing, advice=self.advice, here=here)
        if not self.arranged.autonomy:
            busy = bool(self.needs_row.left) and not self.slider.has_focus
            self.slider.display, self.needs_row.display = not busy, busy
        self._draw_slider()
        self._draw_footer()

    def _strip(self, width: int) -> list[tuple[str, str]]:
        parts = []
        for task in self.mirror.tasks.values():
            word = self.mirror.word(task)
            count = self.mirror.step_counts.get(task.id, 0)
            text = {"done": task.id, "planned": task.id, "ready": task.id}.get(word, f"{task.id} {word}")
            if word == "running" and count:
                text = f"{task.id} step {count}"
            parts.append((TASK[word], text, ROLE[word]))
        return strip_line(parts, width)

    def _draw_slider(self) -> None:
        session, task = self.mirror.session, self.tasks.current_task()
        level = session.slider if session else self.mirror.level(None)
        capped = self.mirror.capped(task)
        who = f"{task.id} " if task else ""
        wide = self.app.size.width >= 100
        if capped is not None:
            advice = f"{who}capped, was {capped.value}" if wide else f"{who}capped"
        elif task and (task.pin or (session and session.pin)):
            advice = f"{who}{self.mirror.level(task).value} by pin" if wide else f"{who}pinned"
        elif task and self.mirror.level(task) is not level:
            advice = f"{who}{self.mirror.level(task).value} by advice" if wide else f"{who}by advice"
        else:
            advice = "advice: same"
        self.slider.set(level, [(advice, "muted")])

    def _draw_footer(self) -> None:
        context, pane = self.context()
        keys = sorted((key for key in keys_of(context) if key.rank), key=lambda key: key.rank)
        keys = [self._worded(pane, key) for key in keys if self.works(pane, key)]
        if context not in ("sheet", "slider", "pane"):
            keys += [key for key in reachable(context) if key.rank and key.context == "pane"]
        shown = cast(dict[str, str], self.mirror.facts.settings.get("keys") or {})
        help_key = {"comment": "", "editor": "", "secret": "", "composer": "f1"}.get(context, "?")
        dim = pane.ARMED_ACTIONS if isinstance(pane, ArmedPane) and not pane.armed else frozenset()
        self.query_one("#footer", Footer).show_keys(
            keys, self.arranged.footer_keys, shown=shown, help_key=help_key, dim=dim
        )

    def on_armed_pane_armed_changed(self) -> None:
        """The keys that decide count now, or do not any more."""
        self._draw_footer()

    @staticmethod
    def works(pane: Widget | None, key: Key) -> bool:
        """Whether a key does something in this pane now."""
        return pane is None or "." in key.action or bool(pane.check_action(key.action.split("(")[0], ()))

    @staticmethod
    def _worded(pane: Widget | None, key: Key) -> Key:
        """The key with the pane's own words for what it does now."""
        words_of = getattr(pane, "words_of", None)
        words = words_of(key.action) if words_of else ""
        return replace(key, words=words) if words else key

    def context(self) -> tuple[str, Widget | None]:
        """The context of what has the focus, and the widget itself."""
        focused = self.focused
        for node in focused.ancestors_with_self if focused else ():
            context = getattr(node, "CONTEXT", "")
            if context and isinstance(node, Widget):
                return context, node
        return {
            Slider: "slider",
            NeedsRow: "sheet",
        }.get(type(focused), "field" if focused else "pane"), focused  # type: ignore[arg-type]

    # -- the focus

    def pane_in_front(self) -> Widget:
        """The widget that the pane in use gives the focus to."""
        if self.front == "desk" and self.desk.pane is not None:
            return self.desk.sheet or self.desk.pane
        return self.agents.front_pane if self.front == "agents" else self.tasks

    def focus_front(self) -> None:
        """Give the focus to the pane in use."""
        target = self.pane_in_front()
        if target.focusable:
            self.set_focus(target, scroll_visible=False)

    def to_desk(self) -> None:
        """The desk is in use; what is only looked at there gives way to the pane in use before it."""
        if self.desk.current in PASSING and not any(name in PASSING for name in self.desk.before):
            self.came_from = self.front
        self.front = "desk"

    def look(self) -> None:
        """Show what the desk has opened, and give it the focus."""
        self.to_desk()
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Footer, rules and row speak of what has the focus now."""
        widget = event.widget
        for name, part in (("tasks", self.tasks), ("agents", self.agents), ("desk", self.desk)):
            if part in widget.ancestors_with_self and self.front != name:
                self.front = name
        self.draw()

    def visible_name(self, text: Any) -> str:
        """Somebody's words in one harmless line."""
        return visible(str(text), keep="")
