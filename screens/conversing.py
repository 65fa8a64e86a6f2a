"""What the composer sends, and what `/commands` do: goals, messages, the user's own commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual import on, work

from autodev_tui import domain
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import SessionState
from screens.desk import WHOLE
from screens.going import Going
from widgets.composer import Composer
from widgets.messages import CommandGiven, SheetOpened

if TYPE_CHECKING:
    from widgets.first_run_pane import FirstRunPane
    from widgets.settings_pane import SettingsPane
    from widgets.text_pane import TextPane


class Conversing(Going):
    """Carries words from the composer to where they belong."""

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        if event.target == "goal":
            self._start(event.text)
        elif event.target == "all":
            for task in sorted(self.mirror.working):
                self.command(domain.commands.SendMessage(task=task or None, text=event.text), "sent to all")
            if not self.mirror.working:
                self.composer.give_back(event.text, event.target)
                self.say("nobody works, so nobody would hear this", "asks")
        else:
            given = CommandGiven(
                domain.commands.SendMessage(task=event.target or None, text=event.text),
                "",
                refused=lambda reason, moved: self.composer.give_back(event.text, event.target),
            )
            self.tell(given)

    def _start(self, goal: str) -> None:
        self.tell(
            CommandGiven(
                domain.commands.StartSession(goal=goal),
                "",
                refused=lambda reason, moved: self.composer.give_back(goal, "goal"),
                then=self._goal_begun,
            )
        )

    def _goal_begun(self) -> None:
        self.advice = ""
        self.composer.examples = []  # of what was there before this goal
        self.run_worker(self._make_room())

    async def _make_room(self) -> None:
        """A goal begins: what was looked at before gives way to the tasks and agents."""
        if self.desk.current in WHOLE:
            await self.desk.close()
            self.front = "tasks"
            self.lay_out()

    @on(Composer.Advised)
    def _advised(self, event: Composer.Advised) -> None:
        event.stop()
        self.advice = event.text
        if self.desk.current == "first_run":
            cast("FirstRunPane", self.desk.pane).outline(event.outline)
        self.draw()

    @on(Composer.TakenBack)
    def _taken_back(self, event: Composer.TakenBack) -> None:
        event.stop()
        self.command(domain.commands.TakeBackMessage(message=event.message), "taken back")

    @on(Composer.DeliverNow)
    def _deliver(self, event: Composer.DeliverNow) -> None:
        event.stop()
        self.command(domain.commands.DeliverMessages(task=event.task), "delivered now")

    @on(Composer.ShellRun)
    def _shell(self, event: Composer.ShellRun) -> None:
        event.stop()
        self.command(domain.commands.RunShell(command=event.command, task=event.task))

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
        words = arguments.split()
        match name, words:
            case "level", [level] if level in list(Level):
                self._to_level(Level(level))
            case "level", _:
                await self.show_level()
            case "agents", [number] if number.isdigit():
                agents = max(1, min(int(number), domain.commands.MOST_AGENTS))
                self.command(domain.commands.SetConcurrency(agents=agents), f"{agents} at once")
            case "goal", _ if arguments:
                self._start(arguments)
            case _ if name in self._own:
                self._own[name]()
            case "quit", _:
                await self.app.run_action("leave")
            case "demo", _:
                await self.app.run_action("demo")
            case "help", _:
                await self.app.run_action("keys")
            case "settings", [name]:
                await self.go("settings", option=name)
            case "key", _:
                await self.go("settings")
                cast("SettingsPane", self.desk.pane).ask_key()
            case _:
                await self.go({"land": "landing", "start": "first_run"}.get(name, name))

    @property
    def _own(self) -> dict[str, Callable[[], None]]:
        """Commands without an argument that are no pane."""
        drive = domain.commands.TakeOver()
        return {
            "pause": lambda: self.command(domain.commands.PauseSession(), "paused before the next step"),
            "continue": self.go_on,
            "cancel": self._cancel,
            "goal": self._new_goal,
            "export": self._show_export,
            "drive": lambda: self.command(drive, "asked the one that drives to give way"),
        }

    def _new_goal(self) -> None:
        self.composer.aim("goal")
        self.composer.focus_field()

    def _cancel(self) -> None:
        session = self.mirror.session
        if session is None:
            self.say("there is no session to cancel", "muted")
            return
        rows = ["Its agents stop. Branches, worktrees and checkpoints are kept; nothing of yours changes."]
        self.post_message(
            SheetOpened(
                "Cancel this session",
                rows,
                yes="cancel the session",
                confirmed=lambda: self.command(domain.commands.CancelSession(), "the session is cancelled"),
                danger=True,
            )
        )

    def _to_level(self, level: Level) -> None:
        self._return_to = self.front
        if level.rank > self.slider.level.rank:
            self.set_focus(self.slider, scroll_visible=False)
            self.slider.mark = level
            self.slider.refresh()
            self._preview(level)
        else:
            self._apply(level)

    def go_on(self) -> None:
        """Continue what is paused, or resume a session that does not run."""
        session = self.mirror.session
        if session is None:
            self.say("nothing to continue", "muted")
        elif not self.mirror.facts.busy and session.state is not SessionState.LANDED:
            self.command(domain.commands.ResumeSession(session=session.id), "goes on")
        else:
            self.command(domain.commands.ContinueSession(), "goes on")

    def _show_export(self) -> None:
        self._export()

    @work
    async def _export(self) -> None:
        answer = await self.port.ask(domain.requests.GetExport())
        if not isinstance(answer, domain.requests.TextAnswer):
            self.say(self.refusal(answer), "failed")
            return
        pane = cast("TextPane", await self.desk.open("text"))
        pane.show_text("the session as a document", answer.head)
        self.look()
