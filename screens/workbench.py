"""The workbench: goes from pane to pane, hands updates to what is seen, and takes what the composer sends."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import events, on, work

from autodev_tui.domain import commands
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.requests import DiffAnswer, GetDiff, GetExport, TextAnswer
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import Update
from screens.desk import PASSING
from screens.steering import Steering
from widgets.agent_pane import AgentPane
from widgets.composer import Composer
from widgets.keys import reachable
from widgets.line_pane import LinePane
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.needs import needs
from widgets.tasks_pane import TasksPane
from widgets.wording import took

if TYPE_CHECKING:
    from widgets.level_sheet import LevelSheet

    from widgets.key_help import KeyHelp
    from widgets.resume_pane import ResumePane
    from widgets.text_pane import TextPane

ORDER = ("tasks", "agents", "desk", "slider", "composer")


class Workbench(Steering):
    """All of the work (UI §2)."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(now)
        self._restored = False
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
        self.draw()

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
        self._restored = True
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
        if name == "tasks" and self.mirror.of_kind(ApprovalKind.PLAN) and self.front == "tasks":
            name = "plan"
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

    async def show_level(self, task: str | None = None) -> None:
        """The level of a task (None: the one under the cursor, else the goal) and its reasons."""
        pane = cast("LevelSheet", await self.desk.open("level"))
        current = self.tasks.current_task()
        pane.show_level(self.mirror, task or (current.id if current else None))
        self.front = "desk"
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    # -- the composer

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        session = self.mirror.session
        if event.target == "goal":
            self.tell(
                CommandGiven(
                    commands.StartSession(goal=event.text),
                    "",
                    refused=lambda reason, moved: self.composer.give_back(event.text),
                    then=self._goal_begun,
                )
            )
        elif event.target == "all":
            for task in sorted(self.mirror.working):
                self.command(commands.SendMessage(task=task or None, text=event.text), "sent to all")
        elif session is not None:
            task = event.target or None
            given = CommandGiven(
                commands.SendMessage(task=task, text=event.text),
                "",
                refused=lambda reason, moved: self.composer.give_back(event.text),
            )
            self.tell(given)

    def _goal_begun(self) -> None:
        self.advice = ""
        self._offered.clear()

    @on(Composer.Advised)
    def _advised(self, event: Composer.Advised) -> None:
        event.stop()
        self.advice = event.text
        self.draw()

    @on(Composer.TakenBack)
    def _taken_back(self, event: Composer.TakenBack) -> None:
        event.stop()
        self.command(commands.TakeBackMessage(message=event.message), "taken back")

    @on(Composer.DeliverNow)
    def _deliver(self, event: Composer.DeliverNow) -> None:
        event.stop()
        self.command(commands.DeliverMessages(task=event.task), "delivered now")

    @on(Composer.ShellRun)
    def _shell(self, event: Composer.ShellRun) -> None:
        event.stop()
        self.command(commands.RunShell(command=event.command, task=event.task))

    @on(Composer.Left)
    async def _composer_left(self, event: Composer.Left) -> None:
        """`tab` in an empty composer opens exactly what the row names; `escape` goes to the last pane."""
        event.stop()
        need = self.needs_row.need
        if event.to_need and need is not None:
            await self.go(need.pane, approval=need.approval)
        else:
            self.focus_front()

    @on(Composer.CommandRun)
    async def _command_run(self, event: Composer.CommandRun) -> None:
        event.stop()
        await self.run_command(event.name, event.arguments)

    async def run_command(self, name: str, arguments: str = "") -> None:
        """A `/command` of the composer or the palette."""
        words = shlex.split(arguments) if arguments.count('"') % 2 == 0 else [arguments]
        task = self.tasks.current_task()
        session = self.mirror.session
        match name:
            case "level" if words and words[0] in [level.value for level in Level]:
                self._to_level(Level(words[0]))
            case "level":
                await self.show_level()
            case "agents" if words and words[0].isdigit():
                self.command(commands.SetConcurrency(agents=max(1, min(int(words[0]), commands.MOST_AGENTS))))
            case "pause":
                self.command(commands.PauseSession(), "paused before the next step")
            case "continue":
                await self.go_on()
            case "cancel" if task is not None:
                self.post_message(self._cancel_sheet(task.id))
            case "land":
                await self.go("landing")
            case "goal":
                self.composer.aim("goal")
                self.composer.focus_field()
            case "export" if session is not None:
                await self._export()
            case "key":
                await self.go("first_run")
            case "quit":
                await self.app.run_action("leave")
            case "help":
                await self.app.run_action("keys")
            case "drive":
                self.say("only one autodev drives a repository · leave the other one first", "muted")
            case _:
                await self.go(name)

    def _to_level(self, level: Level) -> None:
        self._return_to = self.front
        if level.rank > self.slider.level.rank:
            self.set_focus(self.slider, scroll_visible=False)
            self.slider.mark = level
            self.slider.refresh()
            self._preview(level)
        else:
            self._apply(level)

    def _cancel_sheet(self, task: str) -> SheetOpened:
        rows = ["Its worktree and checkpoints are kept. What depends on it cannot start."]
        return SheetOpened(
            f"Cancel {task}",
            rows,
            yes=f"cancel {task}",
            confirmed=lambda: self.command(commands.CancelTask(task=task), f"{task} cancelled"),
            danger=True,
        )

    async def go_on(self) -> None:
        """Continue what is paused, or resume a session that does not run."""
        session = self.mirror.session
        if session is None:
            self.say("nothing to continue", "muted")
        elif not self.mirror.facts.busy and session.state is not SessionState.LANDED:
            self.command(commands.ResumeSession(session=session.id), "goes on")
        else:
            self.command(commands.ContinueSession(), "goes on")

    async def on_resume_pane_chosen(self, event: ResumePane.Chosen) -> None:
        """What to do with a session that was interrupted."""
        event.stop()
        await self.desk.close()
        self.front = "tasks"
        if event.what == "go on":
            await self.go_on()
        elif event.what == "new goal":
            self.composer.aim("goal")
            self.composer.focus_field()
        view = self.mirror.views.get(self.mirror.session.id, {}) if self.mirror.session else {}
        if view and event.what != "new goal":
            await self.restore({**view, "desk": "" if view.get("desk") == "resume" else view.get("desk", "")})
        else:
            self.lay_out()
            self.focus_front()

    @work
    async def _export(self) -> None:
        answer = await self.port.ask(GetExport())
        if not isinstance(answer, TextAnswer):
            self.say(self.refusal(answer), "failed")
            return
        pane = cast("TextPane", await self.desk.open("text"))
        pane.show_text("the session as a document", answer.head)
        self.front = "desk"
        self.lay_out()
        self.call_after_refresh(self.focus_front)

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Somebody is looking again."""
        self.draw()
