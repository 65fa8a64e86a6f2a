"""The log of one agent as rows: laid out once, then only what changed; still while it is not followed. Pure.

A log is laid out from its end backwards, a little at a time, so that the newest rows are there at once and
no frame waits for the oldest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from autodev_tui.domain.kinds import StepKind
from autodev_tui.domain.states import StepState
from widgets.agent_blocks import (
    EDITS,
    Block,
    blocks_of,
    end_blocks,
    live_blocks,
    model_block,
    queued_blocks,
    told_text,
)
from widgets.agent_markdown import markdown_lines
from widgets.agent_rows import INDENT, PART, Look, Row, inline_answer, rows_of, streaming
from widgets.agent_still import Pair, Still
from widgets.text_flow import RING, Flow

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror, Stream
    from autodev_tui.domain.requests import TextAnswer
    from autodev_tui.domain.step import Step
    from widgets.cells import Line

BUDGET = 4000
"""Characters of words that are laid out in one go: well under a frame."""
LONG = 3000
"""Longer words are rendered in a thread, and stand plain until then."""
MOST = 20_000
"""Still longer ones stay plain: what Markdown makes of them may take seconds."""
CIRCLE = 3
"""Calls that are opened where an agent is stuck."""
_LEAST = 60
"""What a block costs that has no words."""

Place = tuple[str, int]
"""A row by the block it belongs to and its number in it."""


@dataclass(frozen=True)
class Wanted:
    """Text of a step that must be asked for."""

    block: str
    step: str
    rows: int
    part: Literal["text", "thinking"] = "text"


class AgentLog:
    """What a pane shows of an agent. `build` takes over what is known; nothing else changes the rows."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.width = 0
        self.wrap = False
        self.times = False
        self.only = ""
        self.follow = True
        self.opened: dict[str, str] = {}
        self.source: set[str] = set()
        self.rows: list[Row] = []
        self.blocks: list[Block] = []
        self.starts: list[int] = []
        self.more = False
        """Older blocks wait to be laid out."""
        self.live = False
        """Something is going on whose time is shown."""
        self.wanted: list[Wanted] = []
        self.long: list[Block] = []
        """Words to be rendered in a thread."""
        self._made: dict[str, tuple[Step, list[Block]]] = {}
        self._drawn: dict[str, tuple[Block, list[Row]]] = {}
        self._answers: dict[str, tuple[int, TextAnswer]] = {}
        self._markdown: dict[str, tuple[int, Sequence[Line]]] = {}
        self._flows: dict[str, tuple[Flow[Row], int, int]] = {}
        self._stuck = False
        self._switches: dict[str, Block] = {}
        """Step from which another model than before works → its block."""
        self._models: tuple[str, str] = "", ""
        """The last step that was looked at for that, and the model by then."""
        self._still: Still | None = None
        self._restored: dict[str, Any] | None = None

    # -- what the pane tells

    def answered(self, wanted: Wanted, answer: TextAnswer) -> None:
        """The text of a step has come."""
        self._answers[wanted.block] = (wanted.rows, answer)
        self.changed(wanted.block)

    def rendered(self, block: Block, width: int, lines: Sequence[Line]) -> None:
        """Long words have been rendered."""
        self._markdown[block.id] = (width, lines)
        self.changed(block.id)

    def changed(self, block: str) -> None:
        """This block is drawn anew, at the height that it needs now."""
        self._drawn.pop(block, None)
        if self._still:
            self._still.changed(block)

    def set_width(self, width: int) -> None:
        """The pane is as wide as this; everything is wrapped anew."""
        if width != self.width:
            self.width = width
            self.change_all()

    def change_all(self) -> None:
        """Every block is drawn anew, at the height that it needs now."""
        self._drawn.clear()
        self._flows.clear()
        if self._still:
            self._still.change_all()

    def set_follow(self, on: bool) -> None:
        """Follow the end, or keep every row where it is."""
        self.follow = on
        self._restored = None
        self._still = None if on else Still(self._shown(), self._total)

    @property
    def new(self) -> int:
        """Rows that came since the log is not followed."""
        return self._still.new if self._still else 0

    def let_in(self) -> None:
        """What came meanwhile is shown from the next build on, which must be followed by `hold`."""
        self._still = None

    def hold(self) -> None:
        """From now on every row that is there stays where it is."""
        self.set_follow(False)

    def answer(self, block: str) -> TextAnswer | None:
        """What is known of a step's text."""
        return self._answers[block][1] if block in self._answers else None

    # -- places

    def block_at(self, row: int) -> int:
        """The number of the block that this row belongs to."""
        return max(bisect_right(self.starts, row) - 1, 0)

    def place(self, row: int) -> Place:
        """Where a row is, whatever comes above it."""
        if not self.blocks:
            return "", 0
        at = self.block_at(row)
        return self.blocks[at].id, row - self.starts[at]

    def row_of(self, place: Place) -> int | None:
        """The row of a place (a step will do for its block); None while it is not laid out."""
        if not place[0]:
            return None
        for at in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[at].id == place[0] or self.blocks[at].id.startswith(f"{place[0]}:"):
                end = self.starts[at + 1] if at + 1 < len(self.starts) else len(self.rows)
                return min(self.starts[at] + place[1], end - 1)
        return None

    # -- laying out

    def build(self, mirror: Mirror, now: float) -> None:
        """Take over what the mirror knows. Costs what changed, and a bounded part of what is missing."""
        self.wanted, self.long, self.live = [], [], False
        self._open_circle(mirror)
        natural = self._natural(mirror, now)
        if self._restored is not None and not self.more:
            self._still = Still.again(natural, self._total, self._restored)
            self._restored = None
        pairs = self._still.shown(natural) if self._still else natural
        self.blocks, self.rows, self.starts = [], [], []
        for block, rows in pairs:
            self.blocks.append(block)
            self.starts.append(len(self.rows))
            self.rows.extend(rows)

    def _open_circle(self, mirror: Mirror) -> None:
        """Of an agent that goes round in circles, the last calls are opened, once."""
        task = mirror.tasks.get(self.agent)
        stuck = task is not None and mirror.word(task) == "stuck"
        if stuck and not self._stuck:
            calls = [step for step in mirror.steps_of(self.agent) if step.kind is StepKind.TOOL][-CIRCLE:]
            for step in calls:
                if step.input_hash == calls[-1].input_hash and step.id not in self.opened:
                    self.opened[step.id] = "part"
                    self.changed(step.id)
        self._stuck = stuck

    def _total(self, block: str, rows: Sequence[Row]) -> int:
        return self._flows[block][0].count if block in self._flows else len(rows)

    def _shown(self) -> list[Pair]:
        ends = [*self.starts[1:], len(self.rows)] if self.starts else []
        spans = zip(self.blocks, self.starts, ends, strict=True)
        return [(block, self.rows[start:end]) for block, start, end in spans]

    def _natural(self, mirror: Mirror, now: float) -> list[Pair]:
        """Every block that is laid out so far, with the rows that it needs."""
        stream = mirror.stream(self.agent)
        busy = mirror.facts.busy
        found: list[Pair] = []
        count = 0
        closing = [*end_blocks(mirror, self.agent), *queued_blocks(mirror.queued(self.agent or None))]
        for block in reversed(closing):
            count += self._take(found, block, stream, now, busy)
        budget, self.more = BUDGET, False
        steps = mirror.steps_of(self.agent)
        self._find_switches(steps)
        for step in reversed(steps):
            known = self._made.get(step.id)
            if known is None and budget <= 0:
                self.more = True
                break
            live = step.state is StepState.STARTED and step.kind is StepKind.MODEL
            if known is None or known[0] is not step or live:
                made = live_blocks(step, stream) if live else blocks_of(step)
                self._made[step.id] = (step, made)
                budget -= _LEAST + sum(len(block.text) for block in made if not live)
            else:
                made = known[1]
            for block in reversed(made):
                count += self._take(found, block, stream, now, busy)
            if step.id in self._switches:
                count += self._take(found, self._switches[step.id], stream, now, busy)
            if count >= RING:
                break
        found.reverse()
        return found

    def _find_switches(self, steps: Sequence[Step]) -> None:
        """Where another model took over: looked at once for each step."""
        last, model = self._models
        new = list(takewhile(lambda step: step.id != last, reversed(steps)))
        model = model if len(new) < len(steps) else ""
        for step in reversed(new):
            if step.kind is StepKind.MODEL and step.name:
                if model and step.name != model:
                    self._switches[step.id] = model_block(step)
                model = step.name
        if steps:
            self._models = steps[-1].id, model

    def _take(self, found: list[Pair], block: Block, stream: Stream, now: float, busy: bool) -> int:
        if self.only and self.only not in block.filters:
            return 0
        rows = self._rows(block, stream, now, busy)
        found.append((block, rows))
        return len(rows)

    def _rows(self, block: Block, stream: Stream, now: float, busy: bool) -> list[Row]:
        drawn = self._drawn.get(block.id)
        if drawn is not None and drawn[0] is block and not block.live:
            return drawn[1]
        opened = self.opened.get(block.id, "")
        look = Look(self.width, now, opened, block.id in self.source, self.wrap, self.times, busy=busy)
        if block.live:
            self.live = True
            self._look_live(block, look, stream)
        else:
            self._flows.pop(block.id, None)
            self._look_final(block, look)
        rows = rows_of(block, look)[-RING:]
        if not any(one.block == block.id for one in self.wanted) and block not in self.long:
            self._drawn[block.id] = (block, rows)
        return rows

    def _look_live(self, block: Block, look: Look, stream: Stream) -> None:
        if block.kind == "message":
            look.flow = self._flow(block, stream.text, stream.text_count, stream.text_from)
        elif block.kind == "call" and block.step and stream.output_step == block.step.id:
            look.last = stream.output[-4000:].rstrip().rpartition("\n")[2]
            if look.open:
                look.flow = self._flow(block, stream.output, stream.output_count)

    def _flow(self, block: Block, text: str, count: int, begun: int = 0) -> Flow[Row]:
        """The rows of a text of which `count` characters have come, those before `begun` for nothing."""
        flow, seen, since = self._flows.get(block.id) or (None, 0, 0)
        fresh = count - seen
        if flow is None or since != begun or not 0 <= fresh <= len(text):
            # It begins, began anew, or some of it never came here.
            flow, fresh = streaming(block, self.width, self.wrap), len(text)
        if fresh:
            flow.feed(text[-fresh:])
        self._flows[block.id] = (flow, count, begun)
        return flow

    def _look_final(self, block: Block, look: Look) -> None:
        if block.step is None:
            return
        asks = look.open and not (block.step.name in EDITS and block.step.state is StepState.DONE)
        if (block.cut and (block.kind != "thinking" or look.open)) or (
            asks and block.kind in ("call", "note")
        ):
            look.answer = self._answer(block, look.open)
        if block.kind == "message" and not look.source:
            # Markdown that shows nothing of its words is none.
            look.markdown = self._lines(block, look) or None

    def _answer(self, block: Block, opened: str) -> TextAnswer | None:
        step = block.step
        assert step is not None
        rows = 0 if opened == "full" or block.kind in ("message", "human", "thinking") else 2 * PART
        if told := told_text(step):
            return inline_answer(told, rows)
        if not step.result_blob and not _spooled(step):
            return inline_answer(str(step.result.get("text") or step.result.get("why") or block.text), rows)
        known = self._answers.get(block.id)
        if known is None or known[0] != rows:
            part: Literal["text", "thinking"] = "thinking" if block.kind == "thinking" else "text"
            self.wanted.append(Wanted(block.id, step.id, rows, part))
        return known[1] if known else None

    def _lines(self, block: Block, look: Look) -> Sequence[Line] | None:
        width = self.width - INDENT
        if (known := self._markdown.get(block.id)) and known[0] == width:
            return known[1]
        text = look.answer.head if block.cut and look.answer else block.text
        if block.cut and look.answer is None:
            return None
        if len(text) > MOST:
            return None
        if len(text) > LONG:
            self.long.append(block)
            return None
        lines = markdown_lines(text, width)
        self._markdown[block.id] = (width, lines)
        return lines

    def words(self, block: Block) -> str:
        """The words of a block, whole where they are known."""
        answer = self.answer(block.id)
        return answer.head if block.cut and answer is not None else block.text

    # -- over a restart

    def state(self) -> dict[str, Any]:
        """How the log is looked at, as JSON."""
        found: dict[str, Any] = {
            "opened": self.opened,
            "source": sorted(self.source),
            "wrap": self.wrap,
            "times": self.times,
            "only": self.only,
            "follow": self.follow,
            "stuck": self._stuck,
        }
        if self._still:
            found["held"] = self._still.state()
        return found

    def restore(self, state: dict[str, Any]) -> None:
        """Look at it as it was looked at; what is not known any more is as it always is."""
        self.opened = dict(state.get("opened", {}))
        self.source = set(state.get("source", ()))
        self.wrap, self.times = bool(state.get("wrap")), bool(state.get("times"))
        self.only = str(state.get("only", ""))
        self.follow = bool(state.get("follow", True))
        self._stuck = bool(state.get("stuck"))
        self._still = None
        self._restored = None if self.follow else dict(state.get("held", {}))


def _spooled(step: Step) -> bool:
    """Whether the step's output is kept in a file of its own."""
    ran = "exit_code" in step.result or step.state in (StepState.INTERRUPTED, StepState.UNKNOWN)
    return step.name == "run_command" and ran
