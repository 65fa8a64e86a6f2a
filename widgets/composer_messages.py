"""What the composer says. Whoever hears it carries it out, and gives it back when it was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from autodev_tui.domain.requests import OutlinedTask


class Sent(Message, namespace="composer"):
    """A goal or a message. `target`: GOAL, ALL, PLANNER or a task."""

    def __init__(self, text: str, target: str) -> None:
        super().__init__()
        self.text = text
        self.target = target


class ShellRun(Message, namespace="composer"):
    """A command of the user's own, in this task's worktree (None: the checkout)."""

    def __init__(self, command: str, task: str | None) -> None:
        super().__init__()
        self.command = command
        self.task = task


class CommandRun(Message, namespace="composer"):
    """A `/command`, known by `commands_table`."""

    def __init__(self, name: str, arguments: str) -> None:
        super().__init__()
        self.name = name
        self.arguments = arguments


class TakenBack(Message, namespace="composer"):
    """A queued message is wanted back; its words stand in the field already."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message
        """The message's id."""


class DeliverNow(Message, namespace="composer"):
    """What is queued for this agent (None: the planner) is to be delivered at once."""

    def __init__(self, task: str | None) -> None:
        super().__init__()
        self.task = task


class DraftChanged(Message, namespace="composer"):
    """`state()` is another one: it is to be kept."""


class Advised(Message, namespace="composer"):
    """What the rules say of the goal that is typed; "" when there is none any more."""

    def __init__(self, text: str, outline: Sequence[OutlinedTask] = ()) -> None:
        super().__init__()
        self.text = text
        self.outline = outline
        """The tasks that the rules see in it."""


class Left(Message, namespace="composer"):
    """`escape`: to the panes; `tab` in the empty field: to what waits. The draft stays."""

    def __init__(self, *, to_need: bool = False) -> None:
        super().__init__()
        self.to_need = to_need
