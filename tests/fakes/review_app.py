"""A small app around one review pane: keeps what the pane says, answers what it asks."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import App, ComposeResult
from textual.screen import Screen

from autodev_tui.domain.commands import Command, Decide, SaveDraft
from autodev_tui.domain.requests import FileAnswer, GetFile, GetReview, Refused, ReviewAnswer
from autodev_tui.domain.review import FileText, ReviewDraft, ReviewView
from widgets.line_pane import LinePane
from widgets.messages import Asked, CommandGiven, EditedOutside, Said, WentTo
from widgets.review_pane import ReviewPane


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class ReviewScreen(Screen[None]):
    """One pane, and what was said."""

    CSS = "ReviewPane { height: 1fr; }"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.pane = ReviewPane(clock=clock, now=lambda: 7.0)
        self.commands: list[Command] = []
        self.words: list[str] = []
        self.ignored: list[str] = []
        self.copied: list[str] = []
        self.went: list[WentTo] = []
        self.outside: list[EditedOutside] = []
        self.texts: dict[str, FileText] = {}
        self.refuse: dict[str, str] = {}
        """Path → reason: drafts that decide on it are refused."""
        self.undone = 0
        self.reviews: dict[str, ReviewView] = {}
        self.reviews_asked = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    @on(CommandGiven)
    def _command(self, event: CommandGiven) -> None:
        command = event.command
        if isinstance(command, SaveDraft) and command.path in self.refuse and event.refused:
            event.refused(self.refuse[command.path], [command.path])
            return
        self.commands.append(command)
        if event.then:
            event.then()

    @on(Asked)
    def _asked(self, event: Asked) -> None:
        if isinstance(event.request, GetFile) and event.request.path in self.texts:
            event.answered(FileAnswer(file=self.texts[event.request.path]))
        if isinstance(event.request, GetReview):
            self.reviews_asked += 1
            view = self.reviews.get(event.request.approval)
            event.answered(ReviewAnswer(review=view) if view else Refused(reason="gone"))

    @on(Said)
    def _said(self, event: Said) -> None:
        self.words.append(event.words)

    @on(LinePane.Ignored)
    def _ignored(self, event: LinePane.Ignored) -> None:
        self.ignored.append(event.words)

    @on(LinePane.Copied)
    def _copied(self, event: LinePane.Copied) -> None:
        self.copied.append(event.text)

    @on(WentTo)
    def _went(self, event: WentTo) -> None:
        self.went.append(event)

    @on(EditedOutside)
    def _outside(self, event: EditedOutside) -> None:
        self.outside.append(event)

    def action_undo(self) -> None:
        self.undone += 1

    def action_redo(self) -> None:
        self.undone -= 1

    @property
    def draft(self) -> ReviewDraft | None:
        """The draft that was kept last."""
        drafts = [one.draft for one in self.commands if isinstance(one, SaveDraft)]
        return drafts[-1] if drafts else None

    @property
    def sent(self) -> list[Any]:
        """What was sent."""
        return [one.decision for one in self.commands if isinstance(one, Decide)]


class ReviewApp(App[None]):
    """Hosts the pane."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.ascii_glyphs = False
        self.host = ReviewScreen(self.clock)

    def on_mount(self) -> None:
        self.push_screen(self.host)

    @property
    def pane(self) -> ReviewPane:
        """The pane."""
        return self.host.pane

    def settle(self) -> None:
        """Time passes without a key."""
        self.clock.time += 1.0

    def text(self) -> str:
        """Everything on the screen, as a terminal without colour shows it."""
        width = self.size.width
        rows = []
        for strip in self.screen._compositor.render_strips(self.screen.size):
            rows.append("".join(segment.text for segment in strip)[:width].rstrip())
        return "\n".join(rows)
