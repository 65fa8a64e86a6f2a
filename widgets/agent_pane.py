"""The live pane of one agent: its log, who it is and how it is, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from autodev_tui import domain
from autodev_tui.domain.text import visible
from widgets import agent_title as titles
from widgets.agent_blocks import EDITS, FILTERS, Block, copy_of
from widgets.agent_log_pane import LogPane
from widgets.keys import bindings
from widgets.messages import CommandGiven, EditedOutside, SheetOpened, WentTo
from widgets.needs import at_rest
from widgets.wording import counted

if TYPE_CHECKING:
    from autodev_tui.domain.commands import Command
    from autodev_tui.domain.mirror import Mirror
    from widgets.cells import Line
    from widgets.line_pane import Now

SIDEWAYS = 8
"""Cells of one step to the left or right."""


class AgentPane(LogPane):
    """One agent."""

    CONTEXT = "agents"
    BINDINGS = bindings("agents")

    class Messaged(Message):
        """The human wants to say something to this agent ("": the planner)."""

        def __init__(self, agent: str) -> None:
            super().__init__()
            self.agent = agent

    class Passed(Message):
        """Another agent is wanted: the next (1) or the one before (-1)."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class LayoutToggled(Message):
        """Tiles instead of tabs, or tabs instead of tiles."""

    class Focused(Message):
        """The human looks at this agent."""

        def __init__(self, agent: str) -> None:
            super().__init__()
            self.agent = agent

    def __init__(self, agent: str, now: Now, *, id: str | None = None) -> None:
        super().__init__(agent, now, id=id)
        self.first = True
        """It stands at the top: the pane's number and name are in its rule."""
        self.tabs: list[str] = []
        """Agents behind it."""

    def title(self) -> tuple[Line, Line]:
        """Who it is; state, step, time and money."""
        mirror = self.mirror
        if mirror is None:
            return [("2 Agents", "bold")], []
        notes = []
        if not self.content.follow:
            new = self.content.new
            notes.append(f"follow off · {counted(new)} new · G" if new else "follow off · G")
        if self.content.only:
            notes.append(f"only {self.content.only}")
        right = titles.state_parts(mirror, self.agent, self.now(), notes)
        return titles.fitting_name(self._names(mirror), right, 1 + len(notes), self.size.width), right

    def _names(self, mirror: Mirror) -> list[Line]:
        head: Line = [("2 Agents", "bold"), ("  ", "text")] if self.first else []
        name, about = titles.name_of(mirror, self.agent)
        own: Line = [(name, "bold")]
        whole: Line = [(f"{name} {visible(about, keep='')}".rstrip(), "bold")]
        names = [[*head, *whole], [*head, *own], [("2 ", "bold"), *own] if self.first else own]
        if self.tabs:
            others = [titles.name_of(mirror, one) for one in self.tabs]
            long: Line = [(f" · {one} {visible(title, keep='')}".rstrip(), "muted") for one, title in others]
            short: Line = [(f" · {one}", "muted") for one, _ in others]
            names = [[*head, *whole, *long], [*head, *whole, *short], [*head, *own, *short], *names]
        return names

    def on_focus(self) -> None:
        """This agent is in front from now on."""
        super().on_focus()
        self.post_message(self.Focused(self.agent))

    # -- looking

    def _changed(self, block: Block) -> None:
        self.content.changed(block.id)
        self._opening = block.id
        self.renew()

    def action_fold(self) -> None:
        """Open or close the block: the beginning and the end of what it has; a page, where it has nothing."""
        block = self.block
        if block is None or not block.opens or block.kind == "message":
            self.page(1)
            return
        if not self.content.opened.pop(block.id, ""):
            self.content.opened[block.id] = "part"
        self._changed(block)

    def action_open(self) -> None:
        """All of the block, or only its row again."""
        block = self.block
        if block is None or not block.opens:
            self.ignore("nothing to open here")
            return
        if self.content.opened.get(block.id) == "full":
            del self.content.opened[block.id]
            self.content.source.discard(block.id)
        else:
            self.content.opened[block.id] = "full"
        self._changed(block)

    def action_layout(self) -> None:
        """The source of an opened message; else tiles or tabs."""
        block = self.block
        if block is None or block.kind != "message" or block.id not in self.content.opened:
            self.post_message(self.LayoutToggled())
            return
        self.content.source ^= {block.id}
        self._changed(block)

    def action_times(self) -> None:
        """With or without the time of day."""
        self.content.times = not self.content.times
        self.content.change_all()
        self.renew()

    def action_wrap(self) -> None:
        """Wrap long rows, or cut them."""
        self.content.wrap = not self.content.wrap
        self._shift = 0
        self.content.change_all()
        self.renew()

    def action_sideways(self, step: int) -> None:
        """Long rows further to the left or right."""
        self._shift = max(self._shift + step * SIDEWAYS, 0)
        self.refresh()

    def action_filter(self) -> None:
        """Show everything, or only the next kind of block."""
        log = self.content
        log.only = FILTERS[(FILTERS.index(log.only) + 1) % len(FILTERS)]
        log.set_follow(True)
        self.renew()

    def action_range(self) -> None:
        """Begin or end a range of rows."""
        self._unfollow()
        self._range = None if self._range else self.content.place(self.cursor)
        self.refresh()

    def copied(self) -> tuple[str, str]:
        """The rows of the range, else what the block is about."""
        if self._range is not None:
            first, last = self._span()
            self._range = None
            self.refresh()
            return "\n".join(self.row_text(index).strip() for index in range(first, last + 1)), "rows"
        block = self.block
        return copy_of(block, self.content.words(block)) if block else ("", "")

    # -- going elsewhere and telling

    def action_other(self, step: int) -> None:
        """The next or previous agent."""
        self.post_message(self.Passed(step))

    def action_where(self) -> None:
        """The hunk that this step made."""
        block = self.block
        if block is None or block.step is None or block.step.name not in EDITS:
            self.ignore("no change was made here")
            return
        self.post_message(WentTo("review", task=self.agent, step=block.step.id))

    def action_outside(self) -> None:
        """The file of this step, or the whole output of its command, in $EDITOR."""
        block = self.block
        step = block.step if block else None
        if block is None or step is None or block.kind != "call":
            self.ignore("no file here")
            return
        answer = self.content.answer(block.id)
        if step.name == "run_command" and answer and answer.path:
            self.post_message(EditedOutside(path=answer.path, kept=True, task=self.agent or None))
            return
        path = str(step.result.get("to") or step.result.get("path") or step.args.get("path") or "")
        if not path or step.name == "run_command":
            self.ignore("no file here" if step.name != "run_command" else "open its output first: space")
            return
        line = int(step.result.get("line") or step.result.get("first") or 1)
        self.post_message(EditedOutside(path=path, line=line, task=self.agent or None))

    def action_message(self) -> None:
        """Words for this agent."""
        self.post_message(self.Messaged(self.agent))

    def words_of(self, action: str) -> str:
        """`x` lets a paused agent go on."""
        word = titles.word_of(self.mirror, self.agent) if self.mirror and action == "hold" else ""
        return {"paused": "go on", "failed": "try again"}.get(word, "")

    def action_hold(self) -> None:
        """Pause the agent at its next step, or let it go on."""
        word = titles.word_of(self.mirror, self.agent) if self.mirror else "finished"
        goes_on = word in ("paused", "failed")
        if word in titles.OVER:
            self.ignore("it has ended")
        elif self.agent == titles.PLANNER:
            command: Command = (
                domain.commands.ContinueSession() if goes_on else domain.commands.PauseSession()
            )
            if self.mirror and self.mirror.session and at_rest(self.mirror):
                command = domain.commands.ResumeSession(session=self.mirror.session.id)
            self.post_message(CommandGiven(command, "goes on" if goes_on else ""))
        elif goes_on:
            self.post_message(
                CommandGiven(domain.commands.ContinueTask(task=self.agent), f"{self.agent} goes on")
            )
        else:
            done = f"{self.agent} pauses before its next step · x continue"
            self.post_message(CommandGiven(domain.commands.PauseTask(task=self.agent), done))

    def action_cancel(self) -> None:
        """End the task for good, after a question."""
        if self.agent == titles.PLANNER or self.mirror is None:
            self.ignore("the planner is no task")
            return
        if titles.word_of(self.mirror, self.agent) in titles.OVER:
            self.ignore("it has ended")
            return
        name, about = titles.name_of(self.mirror, self.agent)
        rows = [
            f"{name} {about} ends for good.",
            "Its worktree and its checkpoints stay; what depends on it does not start.",
        ]

        def confirmed() -> None:
            self.post_message(
                CommandGiven(domain.commands.CancelTask(task=self.agent), f"{self.agent} cancelled")
            )

        self.post_message(
            SheetOpened(
                f"Cancel {name} {about}".rstrip(),
                rows,
                yes=f"cancel {name}",
                confirmed=confirmed,
                danger=True,
            )
        )
