"""A log as a pane: laid out as it comes, followed or standing still, with blocks that fold."""

from __future__ import annotations

import asyncio
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from autodev_tui import domain
from widgets.agent_log import AgentLog, Place, Wanted
from widgets.agent_markdown import markdown_lines
from widgets.agent_rows import INDENT, Row
from widgets.cells import Line, cut_line
from widgets.line_pane import LinePane, Now
from widgets.messages import Asked

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.requests import Answer
    from widgets.agent_blocks import Block

ASKED_AT_ONCE = 8
WHEEL = 3


class LogPane(LinePane):
    """One agent's log. `show` hands over what is known, `frame` draws it; hidden, it computes nothing."""

    EMPTY = "Nothing has happened here yet."

    class Stale(Message):
        """Something was asked for and has come: a frame is due."""

    def __init__(self, agent: str, now: Now, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.agent = agent
        self.content = AgentLog(agent)
        self.mirror: Mirror | None = None
        self.now = now
        self._styles: dict[str, Style] = {}
        self._base: Style | None = None
        self._painted: tuple[int, int, int, str, list[Row]] | None = None
        """What the last frame showed."""
        self._on_screen = False
        self._dirty = False
        self._top: Place = ("", 0)
        self._at: Place = ("", 0)
        self._shift = 0
        self._range: Place | None = None
        self._opening = ""
        """The block that the human opened last, until its text is in view."""
        self._asked: set[Wanted] = set()
        self._rendering: set[tuple[str, int]] = set()

    # -- being kept current

    def on_show(self) -> None:
        """From now on it is drawn."""
        self._on_screen = True
        self.renew()

    def on_hide(self) -> None:
        """From now on nothing is computed."""
        self._on_screen = False

    def show(self, mirror: Mirror) -> None:
        """Something may have changed: the next frame shows it."""
        self.mirror = mirror
        self._dirty = True

    def frame(self) -> bool:
        """Draw what came since the last frame; whether anything did."""
        if not self._dirty or not self._on_screen:
            return False
        self._dirty = False
        self.renew()
        return True

    def _stale(self) -> None:
        self._dirty = True
        self.post_message(self.Stale())

    def renew(self) -> None:
        """Lay out what changed; the end stays in view, or every row where it is."""
        log = self.content
        if self.mirror is None or not self.body_width:
            return
        log.set_width(self.body_width)
        log.build(self.mirror, self.now())
        top = self._put_cursor()
        # Set without a layout of the whole screen, which its scroll bars would need if there were any.
        self.set_reactive(LogPane.virtual_size, Size(self.size.width, len(log.rows) + 1 + self.foot))
        if self.find_text:
            self._look()
        self.scroll_to(y=top, animate=False, force=True)
        self._repaint()
        self._reveal()
        self._fetch()
        if log.more and self._on_screen:
            self.call_later(self.renew)

    def _repaint(self) -> None:
        """Draw what has changed: most frames of a log that stands still change nothing but its title."""
        top, width = round(self.scroll_y), self.size.width
        rows = self.content.rows[top : top + self.body_height]
        view = (top, self.cursor, width, self.find_text, rows)
        before, self._painted = self._painted, view
        same = before is not None and before[:-1] == view[:-1] and len(before[-1]) == len(rows)
        if same and before is not None and all(map(is_, before[-1], rows)):
            self.refresh(Region(0, 0, width, 1))
        else:
            self.refresh()

    def _put_cursor(self) -> int:
        """Put the cursor where it belongs among the rows that are there now; the row that belongs on top."""
        log = self.content
        if log.follow:
            cursor, top = (log.starts[-1] if log.starts else 0), len(log.rows)
        else:
            found_cursor, found_top = log.row_of(self._at), log.row_of(self._top)
            cursor = found_cursor if found_cursor is not None else min(self.cursor, max(len(log.rows) - 1, 0))
            top = found_top if found_top is not None else round(self.scroll_y)
        self.set_reactive(LogPane.cursor, cursor)
        return top

    def _reveal(self) -> None:
        """As much as can be of a block that was just opened, once its text is there."""
        log, block = self.content, self.block
        if block is None or block.id != self._opening or any(one.block == block.id for one in log.wanted):
            return
        self._opening = ""
        if log.block_at(self.cursor) == len(log.blocks) - 1 and log.follow:
            if len(log.rows) - log.starts[-1] <= self.body_height:
                return
            log.set_follow(False)
        self._to_block(log.block_at(self.cursor))

    def _fetch(self) -> None:
        for wanted in self.content.wanted:
            if wanted not in self._asked and len(self._asked) < ASKED_AT_ONCE:
                self._asked.add(wanted)
                request = domain.requests.GetOutput(step=wanted.step, part=wanted.part, rows=wanted.rows)
                self.post_message(Asked(request, partial(self._answered, wanted)))
        for block in self.content.long:
            key = (block.id, self.content.width)
            if key not in self._rendering:
                self._rendering.add(key)
                self.run_worker(
                    self._in_markdown(block, self.content.width - INDENT, key), exit_on_error=False
                )

    def _answered(self, wanted: Wanted, answer: Answer) -> None:
        self._asked.discard(wanted)
        if not isinstance(answer, domain.requests.TextAnswer):
            answer = domain.requests.TextAnswer(head=getattr(answer, "reason", "not there"), rows=1)
        self.content.answered(wanted, answer)
        self._stale()

    async def _in_markdown(self, block: Block, width: int, key: tuple[str, int]) -> None:
        lines = await asyncio.to_thread(markdown_lines, self.content.words(block), width)
        self._rendering.discard(key)
        self.content.rendered(block, width, lines)
        self._stale()

    # -- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of one frame, for which every style is looked up once."""
        self._styles.clear()
        self._base = None
        return super().render_lines(crop)

    @property
    def rich_style(self) -> Style:
        """The pane's own style."""
        if self._base is None:
            self._base = super().rich_style
        return self._base

    def style_of(self, role: str) -> Style:
        """The style of a role here and now."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = super().style_of(role)
        return style

    def row_count(self) -> int:
        """Rows that are laid out."""
        return len(self.content.rows)

    def row(self, index: int) -> Line:
        """One row, scrolled sideways where it is wide."""
        row = self.content.rows[index]
        if row.wide and self._shift and row.line:
            return cut_line([row.line[0], *_without(row.line[1:], self._shift)], self.body_width)
        return cut_line(row.line, self.body_width)

    def row_text(self, index: int) -> str:
        """The whole row, also what is beyond the edge."""
        return _text(self.content.rows[index])

    def row_role(self, index: int) -> str:
        """What lies under a row of a change."""
        return self.content.rows[index].under

    def marked(self, index: int) -> bool:
        """The cursor's row, or the range's."""
        first, last = self._span()
        return self.active and first <= index <= last

    def _span(self) -> tuple[int, int]:
        start = self.content.row_of(self._range) if self._range else None
        return (self.cursor, self.cursor) if start is None else tuple(sorted((start, self.cursor)))  # type: ignore[return-value]

    # -- moving

    @property
    def block(self) -> Block | None:
        """The block under the cursor."""
        log = self.content
        return log.blocks[log.block_at(self.cursor)] if log.blocks else None

    def watch_cursor(self, old: int, new: int) -> None:
        """The human moved: away from the end nothing is followed any more."""
        if old == new:
            return
        super().watch_cursor(old, new)
        if self.content.follow and self.content.blocks and new < self.content.starts[-1]:
            self.content.set_follow(False)
        self._mark()

    def _mark(self) -> None:
        self._at = self.content.place(self.cursor)
        self._top = self.content.place(round(self.scroll_y))

    def _unfollow(self) -> None:
        if self.content.follow:
            self.content.set_follow(False)
            self.refresh()
        self._mark()

    def _let_in(self) -> None:
        """Downwards at the end of what was there: what came meanwhile is shown."""
        if self.content.follow or not self.content.new:
            return
        self.content.let_in()
        self.renew()
        self.content.hold()
        self._mark()

    def go_to(self, step: str) -> None:
        """Stand on this step, as soon as it is laid out."""
        self._unfollow()
        self._at = self._top = (step, 0)
        self.renew()

    def action_move(self, step: int) -> None:
        """A block up or down; a row, while a range of rows is marked."""
        log = self.content
        if not log.blocks:
            return
        if self._range is not None:
            super().action_move(step)
            return
        at = log.block_at(self.cursor)
        if step > 0:
            if at == len(log.blocks) - 1:
                self._let_in()
            self._to_block(min(at + 1, len(log.blocks) - 1))
        else:
            self._to_block(at if self.cursor > log.starts[at] else max(at - 1, 0))
        if step < 0:
            self._unfollow()

    def _to_block(self, at: int) -> None:
        """Stand on a block, with as much of it in view as there is room for."""
        log = self.content
        start = self.cursor = log.starts[at]
        end = log.starts[at + 1] if at + 1 < len(log.starts) else len(log.rows)
        if end - start > self.body_height:
            self.scroll_to(y=start, animate=False, force=True)
        else:
            self.show_row(end - 1)
            self.show_row(start)
        self._mark()

    def action_turn(self, step: int) -> None:
        """The first block of the next or previous turn."""
        log = self.content
        if not log.blocks:
            return
        at = log.block_at(self.cursor)
        turns = [block.turn for block in log.blocks]
        firsts = [number for number in range(len(turns)) if number == 0 or turns[number] != turns[number - 1]]
        if step > 0:
            self._to_block(next((first for first in firsts if first > at), len(turns) - 1))
        else:
            self._to_block(next((first for first in reversed(firsts) if first < at), 0))
            self._unfollow()

    def action_top(self) -> None:
        """The beginning of what is there."""
        super().action_top()
        self._unfollow()

    def action_end(self) -> None:
        """The end, and follow it."""
        self.action_follow(always=True)

    def action_follow(self, always: bool = False) -> None:
        """Follow the end, or stand still."""
        self.content.set_follow(always or not self.content.follow)
        self._mark()
        self.renew()

    def _page(self, rows: int) -> None:
        if rows > 0 and round(self.scroll_y) >= self.max_scroll_y:
            self._let_in()
        super()._page(rows)
        if rows < 0:
            self._unfollow()
        self._mark()

    def _wheel(self, rows: int) -> None:
        self.scroll_to(y=max(round(self.scroll_y) + rows, 0), animate=False, force=True)
        if rows < 0:
            self._unfollow()
        self._mark()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Back in the log."""
        event.stop()
        self._wheel(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """On in the log."""
        event.stop()
        self._wheel(WHEEL)

    # -- over a restart

    def state(self) -> dict[str, Any]:
        """How it is looked at, as JSON."""
        found = self.content.state() | {"shift": self._shift}
        return found if self.content.follow else found | {"top": list(self._top), "at": list(self._at)}

    def restore(self, state: dict[str, Any]) -> None:
        """Look at it as it was looked at."""
        self.content.restore(state)
        self._shift = int(state.get("shift", 0))
        self._top, self._at = (_place(state.get(name)) for name in ("top", "at"))


def _place(value: Any) -> Place:
    return (str(value[0]), int(value[1])) if value else ("", 0)


def _text(row: Row) -> str:
    return "".join(text for text, _ in row.line).rstrip()


def _without(line: Line, cells: int) -> Line:
    """The line without so many characters at its beginning."""
    kept: Line = []
    for text, role in line:
        dropped = min(cells, len(text))
        cells -= dropped
        if text[dropped:]:
            kept.append((text[dropped:], role))
    return kept
