"""What panes say to the screen around them: past participles, nested ones where only one widget says them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from autodev_tui.domain.commands import Command
    from autodev_tui.domain.requests import Answer, Request


class CommandGiven(Message):
    """The human wants the engine to do this. `done` is said when it was taken, `refused` is called if not."""

    def __init__(
        self,
        command: Command,
        done: str = "",
        *,
        refused: Callable[[str, list[str]], None] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.command = command
        self.done = done
        self.refused = refused
        """Gets the reason, and the paths that changed since they were shown."""
        self.then = then


class Asked(Message):
    """A widget needs to know something from the engine's side; `answered` gets it."""

    def __init__(self, request: Request, answered: Callable[[Answer], None]) -> None:
        super().__init__()
        self.request = request
        self.answered = answered


class WentTo(Message):
    """Another pane is wanted, at a task, question or step."""

    def __init__(
        self, pane: str, *, task: str | None = None, approval: str = "", step: str = "", sheet: str = ""
    ) -> None:
        super().__init__()
        self.pane = pane
        self.sheet = sheet
        """What is to be open over it: `criteria`."""
        self.task = task
        self.approval = approval
        self.step = step


class EditedOutside(Message):
    """A file (in a task's worktree) or a text is to be opened in the user's own editor."""

    def __init__(
        self,
        *,
        path: str = "",
        kept: bool = False,
        line: int = 1,
        task: str | None = None,
        text: str = "",
        suffix: str = ".txt",
        edited: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.kept = kept
        """The path is that of a file which the program keeps; any other one stays in the worktree."""
        self.line = line
        self.task = task
        self.text = text
        self.suffix = suffix
        self.edited = edited
        """Gets the new text, where a text was given."""


class Said(Message):
    """One sentence for the needs-you row: what a key did, or why it did nothing."""

    def __init__(self, words: str, *, role: str = "text") -> None:
        super().__init__()
        self.words = words
        self.role = role


class SheetOpened(Message):
    """A sheet over the desk is wanted: rows to read, and what `enter` does."""

    def __init__(
        self, title: str, rows: list[str], *, yes: str, confirmed: Callable[[], None], danger: bool = False
    ) -> None:
        super().__init__()
        self.title = title
        self.rows = rows
        self.yes = yes
        """Verb of `enter`: `cancel T3`."""
        self.confirmed = confirmed
        self.danger = danger
