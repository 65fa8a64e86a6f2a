"""The workbench: goes from pane to pane, hands updates to what is seen, and takes what the composer sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import events, on

from autodev_tui.domain import commands
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.requests import DiffAnswer, GetDiff
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import Update
from screens.conversing import Conversing
from screens.desk import PASSING
from widgets.agent_pane import AgentPane
from widgets.checkpoints_pane import CheckpointsPane
from widgets.keys import reachable
from widgets.line_pane import LinePane
from widgets.messages import WentTo
from widgets.needs import needs
from widgets.tasks_pane import TasksPane
from widgets.wording import took

if TYPE_CHECKING:
    from widgets.key_help import KeyHelp
    from widgets.resume_pane import ResumePane

ORDER = ("tasks", "agents", "desk", "slider", "composer")


class Workbench(Conversing):
    """All of the work (UI §2)."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(now)
        self._restored = False
        self._planning = False
        self._offered: set[str] = set()
        """Questions for which an empty desk has opened by itself once."""

    def on_mount(self) -> None:
        """Typing works from the first picture on."""
        self.composer.focus_field()

    # -- updates

    async def updated(self, update: Update, changed: set[str]) -> None:
        """Show what is new. `changed` are the agents whose logs changed."""
        mirror = self.mirror
        if update.reset:
            await self._begin()
            if self.needs_row.lost:
                self._found_again()
        if self._records(update):
            self.tasks.show(mirror)
            self.composer.show(mirror)
            await self._open_by_itself()
        if changed or self._records(update):
            self.agents.show(mirror, changed)
        pane = self.desk.pane
        if pane is not None and self._records(update):
            self._show(pane)
        planning = mirror.session is not None and mirror.session.state is SessionState.PLANNING
        if self.desk.current == "plan" and self._planning and not planning:
            # Approved: now there is work to see. An edited plan asks anew, and stays.
            await self._close_plan()
        self._planning = planning
        self.draw()

    async def _close_plan(self) -> None:
        here = self.front == "desk"
        await self.desk.close()
        if here:
            self.front = "tasks"
        self.lay_out()
        if here and not self.typing:
            self.focus_front()

    @staticmethod
    def _records(update: Update) -> bool:
        """Whether more came than pieces of streams."""
        return bool(update.model_fields_set - {"streams"}) if not update.reset else True

    def _show(self, pane: LinePane) -> None:
        show = getattr(pane, "show", None)
        if show:
            show(self.mirror)

    async def _begin(self) -> None:
        """The first picture of a session: as it was left, else what a first look needs."""
        if self._restored:
            return
        mirror, facts = self.mirror, self.mirror.facts
        name = mirror.session.id if mirror.session else ""
        view = mirror.views.get(name, {})
        self.tasks.show(mirror)
        self.agents.show(mirror, set(mirror.agents()))
        if self.composer.text:
            view = {}  # somebody types already: nothing moves under their hands
        if view:
            await self.restore(view)
        if facts.interrupted and not facts.busy and not facts.owner:
            if view.get("left"):
                self._come_back(view)
            else:
                await self.go("resume")
        elif mirror.session is None and (not facts.repository or not facts.model or facts.untrusted):
            await self.go("first_run")
        elif not view:
            self.composer.focus_field()
        self.lay_out()
        self._restored = True

    def _found_again(self) -> None:
        """A lost engine was started again: what ran goes on."""
        self.needs_row.lost = []
        session = self.mirror.session
        if session is not None and session.id == self.mirror.facts.interrupted:
            self.command(commands.ResumeSession(session=session.id), "the engine is back; what ran goes on")

    def _come_back(self, view: dict[str, Any]) -> None:
        """Left in order: what paused then goes on, and what happened meanwhile is one row."""
        session = self.mirror.session
        if session is None:
            return
        away = took(max(self.now() - float(view.get("at", 0)), 0))
        waiting = len(self.mirror.pending())
        asks = f" · {waiting} question{'s' if waiting != 1 else ''} wait" if waiting else ""
        self.needs_row.news = [(f"You were away {away}; nothing was done meanwhile{asks}", "muted")]
        if view.get("running"):
            self.command(commands.ResumeSession(session=session.id))

    @property
    def restored(self) -> bool:
        """Whether the first picture was made: before that there is nothing worth keeping."""
        return self._restored

    async def show_keys(self) -> None:
        """The keys that work where the focus is."""
        context, pane = self.context()
        help_pane = cast("KeyHelp", await self.desk.open("keys"))
        help_pane.show_context(context, [key for key in reachable(context) if self.works(pane, key)])
        self.front = "desk"
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    async def _open_by_itself(self) -> None:
        """An empty desk opens where that moves nothing, and takes no focus."""
        waiting = needs(self.mirror)
        if not waiting or self.desk.current or self.app.size.width < 100 or self.zoomed:
            return
        first = waiting[0]
        if first.approval in self._offered:
            return
        self._offered.add(first.approval)
        pane = await self.desk.open(first.pane)
        self._show(pane)
        self.lay_out()

    # -- from pane to pane

    async def action_go(self, name: str) -> None:
        """`1` to `7`."""
        if name == "tasks" and self.mirror.of_kind(ApprovalKind.PLAN) and self.desk.current != "plan":
            name = "plan"
        if name == "tasks" and self.mirror.of_kind(ApprovalKind.LAND):
            self.tasks.action_top()
        reviews, conflicts = (
            self.mirror.of_kind(kind) for kind in (ApprovalKind.CHANGES, ApprovalKind.MERGE)
        )
        if name == "review" and conflicts and not reviews:
            name = "conflict"
        await self.go(name)

    async def go(self, name: str, **at: Any) -> None:
        """Show the pane `name` and give it the focus; `at` is a task, question or step to stand at."""
        if name in ("tasks", "agents"):
            self.front = name
            self.lay_out()
            if name == "agents" and at.get("task") is not None:
                self.agents.bring(at["task"], at.get("step", ""))
            self.focus_front()
            return
        pane = await self.desk.open(name)
        self.front = "desk"
        self._show(pane)
        stand = getattr(pane, "stand_at", None)
        if stand:
            stand(**{key: value for key, value in at.items() if value})
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    @on(WentTo)
    async def _went(self, event: WentTo) -> None:
        event.stop()
        if event.pane == "change":
            await self._whole_change()
        else:
            await self.go(event.pane, task=event.task, approval=event.approval, step=event.step)

    async def _whole_change(self) -> None:
        session = self.mirror.session
        if session is None:
            return
        await self.compare(session.base_commit, session.head_commit, "the whole change")

    @on(CheckpointsPane.Compared)
    async def _compared(self, event: CheckpointsPane.Compared) -> None:
        event.stop()
        await self.compare(event.old, event.new, event.title)

    async def compare(self, old: str, new: str, title: str) -> None:
        """What lies between two trees, to look at."""
        answer = await self.port.ask(GetDiff(old=old, new=new))
        if not isinstance(answer, DiffAnswer):
            self.say(self.refusal(answer), "failed")
            return
        pane = await self.desk.open("change")
        pane.show_changes(answer.changes, title)  # type: ignore[attr-defined]
        self.front = "desk"
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    async def action_close(self) -> None:
        """`q`: the pane gives way to what was there before."""
        if self.front != "desk":
            self.say("q closes reviews, questions and other desks · ctrl+q leaves", "muted")
            return
        if self.desk.current in ("first_run", "resume"):
            self.say("ctrl+q leaves", "muted")
            return
        if not await self.desk.close():
            self.front = "tasks"
        elif self.desk.pane is not None:
            self._show(self.desk.pane)
        self.lay_out()
        self.focus_front()

    async def action_back(self) -> None:
        """`escape`: out of a find, a field, a looked-at pane; it decides nothing and stops nobody."""
        focused = self.focused
        if isinstance(focused, LinePane) and focused.finding:
            focused.end_find()
        elif self.typing:
            self.focus_front()
        elif self.zoomed:
            await self.action_zoom()
        elif self.front == "desk" and self.desk.current in PASSING:
            await self.action_close()
        elif self.front == "desk":
            self.focus_front()

    def action_next_pane(self) -> None:
        """`tab`."""
        self._turn(1)

    def action_previous_pane(self) -> None:
        """`shift+tab`."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        shown = {
            "tasks": self.tasks.display or self.app.size.width < 100,
            "agents": self.agents.display or self.app.size.width < 100,
            "desk": bool(self.desk.current),
            "slider": self.slider.display,
            "composer": True,
        }
        stops = [name for name in ORDER if shown[name]]
        here = "composer" if self.typing else "slider" if self.slider.has_focus else self.front
        place = stops.index(here) if here in stops else 0
        name = stops[(place + step) % len(stops)]
        if name == "composer":
            self.composer.focus_field()
        elif name == "slider":
            self.set_focus(self.slider, scroll_visible=False)
        else:
            self.front = name
            self.lay_out()
            self.focus_front()

    def action_type(self) -> None:
        """`i`: to the composer."""
        self.composer.focus_field()

    async def action_zoom(self) -> None:
        """One pane over the whole body, and back."""
        self.zoomed = not self.zoomed
        self.lay_out()
        self.focus_front()

    def action_page(self, direction: int) -> None:
        """Page keys scroll the pane; while typing, the pane above."""
        target = self.pane_in_front()
        if isinstance(target, LinePane):
            target.page(direction)

    # -- tasks and agents

    @on(TasksPane.Messaged)
    def _task_messaged(self, event: TasksPane.Messaged) -> None:
        event.stop()
        self._speak_to(event.task or "")

    @on(AgentPane.Messaged)
    def _agent_messaged(self, event: AgentPane.Messaged) -> None:
        event.stop()
        self._speak_to(event.agent)

    def _speak_to(self, agent: str) -> None:
        self.composer.aim(agent)
        self.composer.focus_field()

    @on(TasksPane.LevelWanted)
    async def _level_wanted(self, event: TasksPane.LevelWanted) -> None:
        event.stop()
        await self.show_level(event.task)

    async def on_resume_pane_chosen(self, event: ResumePane.Chosen) -> None:
        """What to do with a session that was interrupted."""
        event.stop()
        await self.desk.close()
        self.front = "tasks"
        if event.what == "go on":
            self.go_on()
        elif event.what == "new goal":
            self.composer.aim("goal")
            self.composer.focus_field()
        view = self.mirror.views.get(self.mirror.session.id, {}) if self.mirror.session else {}
        if view and event.what != "new goal":
            await self.restore({**view, "desk": "" if view.get("desk") == "resume" else view.get("desk", "")})
        else:
            self.lay_out()
            self.focus_front()

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Somebody is looking again."""
        self.draw()
