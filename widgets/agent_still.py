"""What a log shows while it is not followed: every row stays where it is, what comes is counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from widgets.agent_blocks import Block
from widgets.agent_rows import Row

_BLANK = Row([])
Pair = tuple[Block, list[Row]]
Total = Callable[[str, Sequence[Row]], int]
"""Rows that a block has had in all, those that have left the ring included."""


@dataclass
class _Held:
    block: Block
    rows: list[Row] | None
    """None: it is drawn anew once, at the height that it needs."""
    total: int
    needs: int
    """Rows that it would have if the log were followed."""


class Still:
    """Holds blocks at the height that they have."""

    def __init__(self, pairs: Iterable[Pair], total: Total) -> None:
        self._total = total
        self._held = {block.id: _Held(block, rows, total(block.id, rows), len(rows)) for block, rows in pairs}
        self.new = 0
        """Rows that came since."""

    @classmethod
    def again(cls, natural: Sequence[Pair], total: Total, state: dict[str, Any]) -> Still:
        """Hold what was held before a restart, each block at the height that it had."""
        names = [block.id for block, _ in natural]
        end = names.index(state["last"]) + 1 if state.get("last") in names else len(names)
        still = cls(natural[:end], total)
        for name, count in state.get("rows", {}).items():
            if (one := still._held.get(name)) and one.rows is not None:
                one.total -= max(len(one.rows) - count, 0)
                one.rows = _fit(one.rows, count)
        return still

    def changed(self, block: str) -> None:
        """This block is drawn anew, at the height that it needs now."""
        if one := self._held.get(block):
            one.rows = None

    def change_all(self) -> None:
        """Every block is drawn anew, at the height that it needs now."""
        for one in self._held.values():
            one.rows = None

    def shown(self, natural: Sequence[Pair]) -> list[Pair]:
        """What is held, as it is now; what is older than it comes before, what is newer is only counted."""
        now = {block.id: (block, rows) for block, rows in natural}
        new = 0
        for name, one in self._held.items():
            present, fresh = now.get(name, (one.block, one.rows or []))
            one.block, one.needs = present, len(fresh)
            if one.rows is None:
                one.rows, one.total = fresh, self._total(name, fresh)
            elif present.kind != "message":
                # Words that streamed stay plain until they are followed again: Markdown would move them.
                one.rows = _fit(fresh, len(one.rows))
            new += max(self._total(name, fresh) - one.total, 0)
        older: dict[str, _Held] = {}
        met = not self._held
        for block, rows in natural:
            if block.id in self._held:
                met = True
            elif met:
                new += len(rows)
            else:
                older[block.id] = _Held(block, rows, self._total(block.id, rows), len(rows))
        self.new = max(self.new, new)
        self._held = older | self._held
        return [(one.block, one.rows or []) for one in self._held.values()]

    def state(self) -> dict[str, Any]:
        """What must be known to hold the same again, as JSON."""
        odd = {
            name: len(one.rows)
            for name, one in self._held.items()
            if one.rows is not None and len(one.rows) != one.needs
        }
        return {"last": next(reversed(self._held), ""), "rows": odd}


def _fit(rows: list[Row], count: int) -> list[Row]:
    return (rows + [_BLANK] * count)[:count] if len(rows) != count else rows
