"""The workbench: goes from pane to pane, hands updates to what is seen, and takes what the composer sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import events, on

from autodev_tui import domain
from autodev_tui.domain.states import SessionState
from screens.conversing import Conversing
from widgets.keys import reachable
from widgets.model_words import is_model
from widgets.needs import needs
from widgets.tasks_pane import TasksPane
from widgets.wording import took

if TYPE_CHECKING:
    from autodev_tui.domain.session import Session
    from autodev_tui.domain.updates import Update
    from widgets.agent_pane import AgentPane
    from widgets.first_run_pane import FirstRunPane
    from widgets.key_help import KeyHelp
    from widgets.resume_pane import ResumePane


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
        self._tell(update)
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

    def _tell(self, update: Update) -> None:
        """What the engine warns of is news once: a limit that is near, a model that gave way to another."""
        warnings = [one for one in update.events if one.kind == "noticed" and one.severity != "info"]
        if warnings and not update.reset:
            last = warnings[-1]
            who = f"{last.task}: " if last.task and last.task not in last.text else ""
            self.needs_row.news = [("! ", "asks"), (self.visible_name(who + last.text), "data")]

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

    async def _begin(self) -> None:
        """The first picture of a session: as it was left, else what a first look needs."""
        if self._restored:
            return
        mirror, facts = self.mirror, self.mirror.facts
        name = mirror.session.id if mirror.session else ""
        view = mirror.views.get(name, {})
        self.tasks.show(mirror)
        self.agents.show(mirror, set(mirror.agents()))
        types = bool(self.composer.text)
        if types:
            view = {}  # nothing moves under their hands
        if view:
            await self.restore(view)
        if facts.interrupted and not facts.busy and not facts.owner:
            if view.get("left"):
                self._come_back(view)
            else:
                await self.go("resume", focus=not types)
        elif mirror.session is None and (
            not facts.repository or not is_model(facts.model) or facts.untrusted
        ):
            await self.go("first_run", focus=False)
            ready = cast("FirstRunPane", self.desk.pane).ready and not facts.untrusted
            if types or ready:
                self.composer.focus_field()
            else:
                self.call_after_refresh(self.focus_front)
        elif mirror.session is None and self.desk.current in ("", "first_run"):
            if not view and not types:
                await self.go("first_run", focus=False)
            self.composer.focus_field()
        elif not view:
            self.composer.focus_field()
        self.lay_out()
        self._restored = True

    def _found_again(self) -> None:
        """A lost engine was started again: what ran goes on, what the human paused does not."""
        self.needs_row.lost = []
        session = self.mirror.session
        if session is not None and session.id == self.mirror.facts.interrupted and not _paused(session):
            self.command(
                domain.commands.ResumeSession(session=session.id), "the engine is back; what ran goes on"
            )

    def _come_back(self, view: dict[str, Any]) -> None:
        """Left in order: what stopped with that goes on, and what happened meanwhile is one row."""
        session = self.mirror.session
        if session is None:
            return
        away = took(max(self.now() - float(view.get("at", 0)), 0))
        waiting = len(self.mirror.pending())
        asks = f" · {waiting} question{'s wait' if waiting != 1 else ' waits'}" if waiting else ""
        paused = " · paused by you: /continue" if _paused(session) else ""
        self.needs_row.news = [(f"You were away {away}; nothing was done meanwhile{asks}{paused}", "muted")]
        if view.get("running") and not paused:
            self.command(domain.commands.ResumeSession(session=session.id))

    @property
    def restored(self) -> bool:
        """Whether the first picture was made: before that there is nothing worth keeping."""
        return self._restored

    async def show_keys(self) -> None:
        """The keys that work where the focus is."""
        context, pane = self.context()
        help_pane = cast("KeyHelp", await self.desk.open("keys"))
        help_pane.show_context(context, [key for key in reachable(context) if self.works(pane, key)])
        self.look()

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

    # -- tasks and agents

    @on(TasksPane.Messaged)
    def _task_messaged(self, event: TasksPane.Messaged) -> None:
        event.stop()
        self._speak_to(event.task or "")

    def on_agent_pane_messaged(self, event: AgentPane.Messaged) -> None:
        """Words for the agent in front."""
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

    def on_first_run_pane_found(self, event: FirstRunPane.Found) -> None:
        """Goals that fit this repository: `down` in the empty composer takes one."""
        event.stop()
        self.composer.examples = event.goals

    def on_first_run_pane_taken(self, event: FirstRunPane.Taken) -> None:
        """A goal was taken: it may be changed before it is sent."""
        event.stop()
        self.composer.put(event.goal)
        self.composer.focus_field()

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Somebody is looking again."""
        self.draw()


def _paused(session: Session) -> bool:
    """Whether the human had paused all agents when the session's run ended."""
    return session.left_state is SessionState.PAUSED
