"""How the workbench carries what panes want to the engine, and back what the engine says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import on, work
from textual.app import SuspendNotSupported
from textual.timer import Timer

from autodev_tui import domain
from autodev_tui.domain.states import ApprovalState
from screens import outside
from screens.frame import Frame
from widgets.line_pane import LinePane
from widgets.messages import Asked, CommandGiven, EditedOutside, Said, SheetOpened
from widgets.needs import at_rest
from widgets.sheet import Sheet
from widgets.slider import Slider
from widgets.wording import plural

if TYPE_CHECKING:
    from autodev_tui.domain.commands import Command
    from autodev_tui.domain.levels import Level
    from autodev_tui.domain.requests import Answer
    from widgets.level_sheet import LevelSheet
    from widgets.needs_row import Offer

SAID_S = 6.0
"""What a key did is said for so long, unless another key comes."""
FLASH_S = 3.0
"""The header names a new level for so long."""


class Steering(Frame):
    """Commands, questions to the engine, the slider, the number of agents, undo."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(now)
        self._return_to: str = ""
        self._sheet_from = "tasks"
        self._hushing: Timer | None = None

    # -- words in the needs-you row

    def say(self, words: str, role: str = "text") -> None:
        """One sentence in the needs-you row, until the next key."""
        self.needs_row.said = [(self.visible_name(words), "data" if role == "text" else role)]
        # Once something was done here, how long nobody was here is no news any more.
        self.needs_row.news = []
        if self._hushing is not None:
            self._hushing.stop()
        # A refusal stays until the next key; anything else gives way to what needs the human.
        self._hushing = None if role == "failed" else self.set_timer(SAID_S, self.hush)
        self.draw()

    def hush(self) -> None:
        """A key was pressed: what the last one did was seen."""
        if self.needs_row.said:
            self.needs_row.said = []
            self.draw()

    def offer(self, offer: Offer) -> None:
        """Something that `enter` does now, and any other key leaves."""
        row = self.needs_row
        row.offer = offer
        row.can_focus = True
        self.set_focus(row, scroll_visible=False)
        self.draw()

    def engine_lost(self, reason: str, restarts_left: int) -> None:
        """The engine ended by itself: typing goes on, what is sent waits for the next one."""
        if restarts_left:
            words = f"✗ engine lost: {reason} · nothing is lost · starting it again"
        else:
            words = f"✗ engine lost again: {reason} · leave and start autodev anew; nothing is lost"
        self.needs_row.lost = [(self.visible_name(words), "failed")]
        self.draw()

    # -- to the engine and back

    @on(CommandGiven)
    def _command(self, event: CommandGiven) -> None:
        event.stop()
        self.tell(event)

    @work
    async def tell(self, given: CommandGiven) -> None:
        """Carry a command across; say what came of it."""
        refused = await self.port.submit(given.command)
        if refused is None:
            if given.done:
                self.say(self._told(given))
            if given.then:
                given.then()
            return
        self.say(f"✗ {refused.reason}", "failed")
        if given.refused:
            given.refused(refused.reason, refused.moved)

    def _told(self, given: CommandGiven) -> str:
        """What was done; while all stands still an answer has no effect until it goes on."""
        if isinstance(given.command, domain.commands.Decide) and at_rest(self.mirror):
            return f"{given.done.removesuffix(' until it is read')} · paused: 1 x go on"
        return given.done

    def command(self, command: Command, done: str = "") -> None:
        """Tell the engine something."""
        self.tell(CommandGiven(command, done))

    @on(Asked)
    def _asked(self, event: Asked) -> None:
        event.stop()
        self.inquire(event)

    @work
    async def inquire(self, asked: Asked) -> None:
        """Ask the engine's side for a widget."""
        answer = await self.port.ask(asked.request)
        asked.answered(answer)
        # What is known now may be something to open.
        self.draw()

    @on(Said)
    def _said(self, event: Said) -> None:
        event.stop()
        self.say(event.words, event.role)

    @on(LinePane.Ignored)
    def _ignored(self, event: LinePane.Ignored) -> None:
        event.stop()
        self.say(event.words, "muted")

    @on(SheetOpened)
    async def _sheet(self, event: SheetOpened) -> None:
        event.stop()
        sheet, self._sheet_from = Sheet(event), self.front
        if not self.desk.display:
            self.front = "desk"
            if not self.desk.current:
                await self.desk.open("text")
            self.lay_out()
        await self.desk.mount(sheet)
        self.set_focus(sheet, scroll_visible=False)

    @on(Sheet.Closed)
    async def _sheet_closed(self, event: Sheet.Closed) -> None:
        event.stop()
        await event.sheet.remove()
        if self.desk.current == "text":
            await self.desk.close()
        if self._sheet_from != "desk" or not self.desk.current:
            # A letter must not decide in the pane that the sheet covered.
            self.front = self._sheet_from if self._sheet_from != "desk" else "tasks"
        self.lay_out()
        self.focus_front()

    # -- the user's own editor and clipboard

    @on(LinePane.Copied)
    def _copied(self, event: LinePane.Copied) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        rows = event.text.count("\n") + 1
        self.say(f"copied {event.what}{f', {rows} rows' if rows > 1 else ''}")

    def action_edit_outside(self) -> None:
        """`ctrl+g`: what is typed, in the user's own editor."""
        if self.typing:
            self.composer.edit_outside()
        else:
            self.say("nothing is typed here · o opens the file", "muted")

    @on(EditedOutside)
    def _edited_outside(self, event: EditedOutside) -> None:
        event.stop()
        settings = self.mirror.facts.settings
        try:
            editor = outside.editor_command(str(settings.get("editor") or ""), os.environ)
            with self.app.suspend():
                if event.path:
                    outside.open_file(editor, self._file(event), event.line)
                    return
                text = outside.edit_text(editor, event.text, event.suffix)
        except outside.EditorProblem as problem:
            self.say(str(problem), "failed")
        except SuspendNotSupported:
            self.say("the terminal cannot be handed over here · e edits on the screen", "muted")
        else:
            if event.edited and text != event.text:
                event.edited(text)
            else:
                self.say("left as it was", "muted")

    def _file(self, event: EditedOutside) -> Path:
        task = self.mirror.tasks.get(event.task or "")
        base = Path(task.worktree) if task and task.worktree else Path(self.mirror.facts.root or ".")
        return Path(event.path) if event.kept else outside.file_in(base, event.path)

    # -- autonomy

    def action_slide(self, step: int) -> None:
        """`[` and `]` in any pane move the slider, which has the focus while a raise is looked at."""
        self._return_to = self.front
        if self.arranged.autonomy or step > 0:
            self.slider.display = True
        if step > 0:
            self.set_focus(self.slider, scroll_visible=False)
        self.slider.action_slide(step)

    @on(Slider.Moved)
    def _moved(self, event: Slider.Moved) -> None:
        event.stop()
        level, slider = event.level, event.slider
        if level.rank < slider.level.rank:
            self._apply(level)
        elif level.rank > slider.level.rank:
            self._preview(level)

    @work(exclusive=True, group="level")
    async def _preview(self, level: Level) -> None:
        answer = await self.port.ask(domain.requests.GetLevelPreview(level=level))
        self._preview_words(level, answer)

    def _preview_words(self, level: Level, answer: Answer) -> None:
        if not isinstance(answer, domain.requests.LevelAnswer) or not answer.decisions:
            words = f"{level.value}: nothing was decided yet that it would have taken alone · enter applies"
        elif self.app.size.width < 120:
            mine = f", {answer.rejected} you rejected" if answer.rejected else ""
            words = (
                f"{level.value}: of {plural(answer.decisions, 'decision')} {answer.asked} asked,"
                f" {answer.alone} alone{mine} · enter applies"
            )
        else:
            rejected = f", {answer.rejected} of which you rejected" if answer.rejected else ""
            words = (
                f"{level.value}: of your last {plural(answer.decisions, 'decision')} it would have asked"
                f" {answer.asked}, taken {answer.alone} alone{rejected} · enter applies"
            )
        if self.slider.mark is level and self.slider.level is not level:
            self.say(words, "asks")

    @on(Slider.Applied)
    def _applied(self, event: Slider.Applied) -> None:
        event.stop()
        self._apply(event.level)
        self._leave_slider()

    @on(Slider.Reset)
    def _reset(self, event: Slider.Reset) -> None:
        event.stop()
        self.hush()
        self._leave_slider()

    @on(Slider.Reasons)
    async def _reasons(self, event: Slider.Reasons) -> None:
        event.stop()
        await self.show_level()

    async def show_level(self, task: str | None = None) -> None:
        """The level of a task (None: the one under the cursor, else the goal) and its reasons."""
        pane = cast("LevelSheet", await self.desk.open("level"))
        current = self.tasks.current_task()
        pane.show_level(self.mirror, task or (current.id if current else None))
        self.look()

    def _leave_slider(self) -> None:
        if self._return_to:
            self.front, self._return_to = self._return_to, ""
        self.focus_front()

    def _apply(self, level: Level) -> None:
        self.slider.level = self.slider.mark = level
        self.slider.refresh()
        if self.mirror.session is None:
            self.command(
                domain.commands.SetOption(name="autonomy", value=level.value), f"new goals: {level.value}"
            )
            return
        self.flash = level.value
        self.set_timer(FLASH_S, self._end_flash)
        self.command(domain.commands.SetSlider(level=level), f"{level.value} from the next action on")

    def _end_flash(self) -> None:
        self.flash = ""
        self.draw()

    def action_fewer(self, step: int) -> None:
        """Fewer or more agents at once."""
        agents = min(max(self.mirror.facts.agents + step, 1), domain.commands.MOST_AGENTS)
        words = "1 agent at once" if agents == 1 else f"{agents} agents at once"
        self.command(domain.commands.SetConcurrency(agents=agents), words)

    # -- taking back

    def action_undo(self) -> None:
        """Take back the last answer, as long as nobody has read it."""
        decided = [
            one
            for one in self.mirror.approvals.values()
            if one.decision
            and not one.read
            and one.state in (ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.REJECTED)
        ]
        if not decided:
            self.say("nothing to take back: what was decided has had its effect", "muted")
            return
        last = max(decided, key=lambda one: one.decision.at if one.decision else 0)
        self.command(domain.commands.Recall(approval=last.id), f"taken back: {last.title} · it asks again")

    def action_redo(self) -> None:
        """Only panes with decisions of their own know what to do again."""
        self.say("nothing to do again here", "muted")

    # -- keeping how it looks

    def view(self) -> dict[str, Any]:
        """How the screen looks, for an exact restart."""
        return {
            "front": self.front,
            "desk": self.desk.current,
            "zoomed": self.zoomed,
            "typing": self.typing,
            "composer": self.composer.state(),
            "tasks": self.tasks.state(),
            "agents": self.agents.state(),
            "panes": self.desk.states(),
            "at": self.now(),
        }

    async def restore(self, view: dict[str, Any]) -> None:
        """Bring the screen back to how it looked."""
        self.composer.restore(view.get("composer", {}))
        self.tasks.restore(view.get("tasks", {}))
        self.agents.restore(view.get("agents", {}))
        self.desk.restore(view.get("panes", {}))
        self.zoomed = bool(view.get("zoomed"))
        name = str(view.get("desk", ""))
        if name:
            pane = await self.desk.open(name)
            show = getattr(pane, "show", None)
            if show:
                show(self.mirror)
        self.front = str(view.get("front", "tasks"))
        self.lay_out()
        if view.get("typing"):
            self.composer.focus_field()
        else:
            self.focus_front()

    def refusal(self, answer: object) -> str:
        """Why a request was refused, "" when it was not."""
        return answer.reason if isinstance(answer, domain.requests.Refused) else ""
