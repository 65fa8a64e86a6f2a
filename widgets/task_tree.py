"""The rows of the task tree: what is open of it, where each row stands, how it reads. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, spread
from widgets.glyphs import ROLE, TASK
from widgets.model_words import model_of, short

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.session import Session
    from autodev_tui.domain.task import Task

WIDE = 33
"""Cells of the tree from which a model that is not the session's stands beside the title."""
_TODO = {"completed": ("✓", "done"), "in_progress": ("●", "running")}
_GOAL = {
    SessionState.PAUSED: "paused",
    SessionState.LANDED: "done",
    SessionState.FAILED: "failed",
    SessionState.CANCELLED: "cancelled",
    SessionState.PLANNING: "planning",
}
"""The state of the whole, where it says more than the tasks do."""


class Part(NamedTuple):
    """A row below a task: what it meets, or something that it has set out to do."""

    task: str
    kind: Literal["meets", "todo"]
    place: int


Node = str | Part | None
"""One row of the tree: a task by its id, a part of one, None: the goal."""


def task_of(node: Node) -> str | None:
    """The task that a row belongs to; None: the goal."""
    return node.task if isinstance(node, Part) else node


class TaskTree:
    """A picture of the tasks at one moment: what changes later is not half in it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.open: set[str] = set()
        """Tasks whose list of what is to do is open."""
        self.closed = False
        """Whether the goal's branch is closed."""
        self.done = 0
        self.tasks: dict[str, Task] = {}
        self._meets: dict[str, list[str]] = {}
        self._session: Session | None = None

    def build(self, mirror: Mirror) -> None:
        """The rows anew; with thousands of tasks too, this takes no longer than a frame."""
        self.tasks, self._meets, self._session = dict(mirror.tasks), dict(mirror.meets), mirror.session
        nodes: list[Node] = [None] if self._session is not None else []
        if not self.closed:
            nodes += self.tasks
            for name in (self.open | self._meets.keys()) & self.tasks.keys():
                at = nodes.index(name) + 1
                nodes[at:at] = self._parts(name)
        self.nodes = nodes
        self.done = [task.state for task in self.tasks.values()].count(TaskState.COMPLETED)

    def _parts(self, name: str) -> list[Node]:
        parts: list[Node] = [Part(name, "meets", at) for at in range(len(self._meets.get(name, [])))]
        if name in self.open:
            parts += [Part(name, "todo", at) for at in range(len(self.tasks[name].todos))]
        return parts

    def node(self, at: int) -> Node:
        """What stands in a row; the goal, where there is no such row."""
        return self.nodes[at] if at < len(self.nodes) else None

    def place(self, node: Node, here: int) -> int:
        """The row of `node`, else of its task, else `here`."""
        if here < len(self.nodes) and self.nodes[here] == node:
            return here
        if node not in self.nodes and isinstance(node, Part):
            node = node.task
        return self.nodes.index(node) if node in self.nodes else here

    def unfold(self, node: Node, open_it: bool) -> Node:
        """Open or close the branch of a row; gives the row to stand on then."""
        name = task_of(node)
        if name is None:
            self.closed = not open_it
        elif open_it:
            self.open.add(name)
        elif name in self.open:
            self.open.discard(name)
        else:
            return None
        return node

    def line(self, mirror: Mirror, at: int, width: int) -> Line:
        """One row: glyph, id, title, and the word of the state at the right."""
        node = self.nodes[at]
        if node is None:
            return self._goal(width)
        if isinstance(node, Part):
            return self._part(node, width)
        task = self.tasks[node]
        word = mirror.word(task)
        fold = (("▾" if task.id in self.open else "▸") if task.todos else " ") + " "
        glyph = (f"{TASK[word]} ", ROLE[word])
        left: Line = [(fold, "muted"), glyph, (f"{task.id} ", "text"), (visible(task.title, keep=""), "data")]
        own = model_of(task)
        if own and width >= WIDE:
            left.append((f"  {short(own)}", "data-muted"))
        return spread(left, [(word, ROLE[word]), (" ", "text")], width)

    def _part(self, part: Part, width: int) -> Line:
        if part.kind == "meets":
            met = visible(self._meets[part.task][part.place], keep="")
            return cut_line([("     ! ", "asks"), ("meets ", "text"), (met, "data")], width)
        todo = self.tasks[part.task].todos[part.place]
        glyph, role = _TODO.get(str(todo.get("status", "")), ("·", "muted"))
        words = visible(str(todo.get("content", "")), keep="")
        return cut_line([(f"     {glyph} ", role), (words, "data")], width)

    def _goal(self, width: int) -> Line:
        session = self._session
        assert session is not None
        goal = session.title or session.goal.strip().split("\n")[0]
        left: Line = [("▸ " if self.closed else "▾ ", "muted"), (visible(goal, keep=""), "data-bold")]
        word = _GOAL.get(session.state, "")
        return spread(left, [(word, "muted"), (" ", "text")] if word else [], width)
