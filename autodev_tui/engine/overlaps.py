"""Which tasks touch the same files: foreseen from what the plan names, seen in what agents changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from autodev_tui.domain import events
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.task import Task

if TYPE_CHECKING:
    from autodev_tui.engine.board import Board
    from autodev_tui.engine.slots import Signal
    from autodev_tui.vcs.repository import Repository

WILD = "*?["
_ENDED = (TaskState.COMPLETED, TaskState.CANCELLED)


def foreseen(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """What of `ours` (paths, folders, globs) may touch the same files as `theirs`; empty: nothing."""
    return next((one for one in ours for other in theirs if may_touch(one, other)), "")


def may_touch(one: str, other: str) -> bool:
    """Whether two paths, folders or globs can mean the same file. In doubt they can."""
    one, other = _plain(one), _plain(other)
    if not _wild(one) and not _wild(other):
        return _within(one, other) or _within(other, one)
    if not _wild(one):
        one, other = other, one
    if not _wild(other) and fnmatchcase(other, one.replace("**/", "*")):
        return True
    start, other_start = _start(one), _start(other)
    if not (_within(start, other_start) or _within(other_start, start)):
        return False
    if not _wild(other):
        # A glob and something that it does not match itself: only a folder has files that it may match.
        return _within(start, other) or "." not in other.rpartition("/")[2]
    end, other_end = _end(one), _end(other)
    return end.endswith(other_end) or other_end.endswith(end)


def _plain(pattern: str) -> str:
    return pattern.strip().removeprefix("./").rstrip("/").removesuffix("/**")


def _wild(pattern: str) -> bool:
    return any(mark in pattern for mark in WILD)


def _within(path: str, folder: str) -> bool:
    return folder in ("", ".") or path == folder or path.startswith(f"{folder}/")


def _start(pattern: str) -> str:
    """The folder that a glob surely begins with."""
    plain = pattern
    for mark in WILD:
        plain = plain.partition(mark)[0]
    return plain if plain == pattern else plain.rpartition("/")[0]


def _end(pattern: str) -> str:
    """What a glob's last name surely ends with."""
    name = pattern.rpartition("/")[2]
    return name[max(name.rfind(mark) for mark in "*?]") + 1 :]


class Overlaps:
    """What the agents at work have changed, and who waits for whom because of it."""

    def __init__(
        self, board: Board, repository: Repository, signal: Signal, at_work: Callable[[], list[str]]
    ) -> None:
        self._board = board
        self._repository = repository
        self._signal = signal
        self._at_work = at_work
        self._touched: dict[str, frozenset[str]] = {}
        self._waived: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self.planned: dict[str, str] = {}
        """Tasks that begin later, and what they would meet now."""

    async def look(self, task: Task, tree: str) -> None:
        """`tree` is what the task's worktree holds now: note what it changed, where others are at work."""
        if sum(one.state not in _ENDED for one in self._board.tasks.values()) < 2:
            return
        self._touched[task.id] = frozenset(
            await asyncio.to_thread(self._changed_paths, task.base_commit, tree)
        )
        for later, earlier, path in self._pairs():
            if (later, earlier) not in self._told:
                self._told.add((later, earlier))
                text = (
                    f"{later} meets {earlier} in {path}: it waits at its next step until {earlier} has joined"
                )
                self._board.log.emit(events.Noticed(task=later, text=text, severity="warning"))
        self._signal.give()

    def meets(self) -> dict[str, list[str]]:
        """Who waits, and what for: `T4 in src/auth.py`."""
        found = {later: [words] for later, words in self.planned.items()}
        for later, earlier, path in self._pairs():
            found.setdefault(later, []).append(f"{earlier} in {path}")
        return found

    def holds_up(self, task: str) -> bool:
        """Whether this task at work has to wait for an earlier one."""
        return any(later == task for later, _, _ in self._pairs())

    def waive(self, task: str) -> None:
        """The human lets this task go on all the same."""
        self._waived.add(task)

    def is_waived(self, task: str) -> bool:
        """Whether the human let this task go on though it meets another."""
        return task in self._waived

    def _pairs(self) -> Iterator[tuple[str, str, str]]:
        """(later, earlier, path) of those at work that changed the same file, in the order of the plan.

        Only the later ever waits for the earlier, so nobody waits for each other.
        """
        order = list(self._board.tasks)
        at_work = sorted(set(self._at_work()) & set(order), key=order.index)
        for place, later in enumerate(at_work):
            if later in self._waived:
                continue
            for earlier in at_work[:place]:
                both = self._touched.get(later, frozenset()) & self._touched.get(earlier, frozenset())
                if both:
                    yield later, earlier, min(both)

    def _changed_paths(self, base: str, tree: str) -> list[str]:
        """Sync: one git call."""
        return self._repository.bare.fields(
            "diff-tree", "-r", "-z", "--name-only", "--no-renames", self._repository.tree_of(base), tree
        )
