"""How a block of an agent's log is drawn: one row a call, words in as many as they need (UI §7). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from autodev_tui.domain.requests import TextAnswer
from autodev_tui.domain.states import StepState
from autodev_tui.domain.text import visible
from widgets import agent_blocks as blocks
from widgets.cells import Line, cut_path, pad, spread, width_of
from widgets.text_flow import LONGEST, TAB, Flow, wrap_line
from widgets.wording import counted, lines, running_time, tokens, took

if TYPE_CHECKING:
    from autodev_tui.domain.step import Step
    from widgets.agent_blocks import Block

INDENT = 2
"""Cells before words: the fold mark's."""
PART = 20
"""Rows of an output's beginning, and of its end, that `space` shows."""
FULL = 5000
CHARACTERS_A_TOKEN = 4
_UNDER = {"+": "added", "-": "removed", "@": "heading"}


class Row(NamedTuple):
    """A row without the cursor's column."""

    line: Line
    wide: bool = False
    """All but its first segment may be scrolled sideways."""
    under: str = ""
    """A role that lies under all of it."""


@dataclass
class Look:
    """How blocks are to be drawn, and what is known of this one besides its step."""

    width: int
    """Cells beside the cursor's column."""
    now: float = 0.0
    open: str = ""
    """`part`, `full`, or "" for closed."""
    source: bool = False
    wrap: bool = False
    times: bool = False
    answer: TextAnswer | None = None
    """The text of the step, as far as it was asked for."""
    markdown: Sequence[Line] | None = None
    flow: Flow[Row] | None = None
    """Of words that stream, or of a running command's output."""
    last: str = ""
    """Last row of a running command's output."""
    busy: bool = True
    """The engine runs: what has begun goes on."""


def rows_of(block: Block, look: Look) -> list[Row]:
    """The rows of a block; at least one."""
    match block.kind:
        case "call":
            return _call(block, look)
        case "message":
            return _message(block, look)
        case "thinking":
            return _thinking(block, look)
        case "human":
            return _spoken("you: ", _words(block, look), look)
        case "queued":
            return _queued(block, look)
        case "note":
            return _note(block, look)
        case "waiting":
            told = _plain(str(block.extra.get("notice") or ""), look.width - INDENT)
            rows = [Row([("  ", "text"), (row, "data-muted")]) for row in told if row]
            return [Row(_waiting(block, look)), *rows]
        case "end":
            return _end(block, look)
    return _event(block, look)


# -- calls


def _call(block: Block, look: Look) -> list[Row]:
    step = block.step
    assert step is not None
    head = Row(_head(block, look, blocks.verb(step), *blocks.subject(step), result_of(step, look)))
    if step.state is StepState.STARTED and step.name == "run_command":
        if not look.open:
            return [
                head,
                Row([(" " * 9, "text"), (visible(look.last[:LONGEST], keep=""), "data-muted")], wide=True),
            ]
        shown = list(look.flow.rows) if look.flow else []
        return [head, *(shown if look.open == "full" else shown[-PART:])]
    if not look.open:
        return [head]
    if patch := blocks.patch_of(step):
        return [head, *_patch(patch, look)]
    return [head, *_answer(block, look)]


def _head(block: Block, look: Look, verb: str, text: str, how: str, result: Line) -> Line:
    mark = ("▾" if look.open else "▸") if block.mark or look.open else " "
    left: Line = [(f"{mark} ", "muted")]
    if look.times:
        left.append((clock(block.at) + " ", "muted"))
    left.append((pad(verb, 6) + " ", "text"))
    # One blank column at the right edge, one at least before the result.
    width = look.width - 1
    room = max(width - width_of(left) - width_of(result) - 1, 8)
    left += _marked(fitted(text, how, room), text.strip())
    return spread(left, result, width)


def _marked(shown: str, text: str, role: str = "data") -> Line:
    """What is shown of `text`; the mark where it was cut is ours, and so are the words behind it."""
    before, mark, after = shown.partition("…") if "…" not in text else shown.rpartition("…")
    if not mark or shown == text:
        return [(shown, role)]
    ours = after.startswith(" +")
    return [(before, role), (mark, "muted"), (after, "muted" if ours else role)]


def fitted(text: str, how: str, width: int) -> str:
    """What a call is about in `width` cells: paths lose their middle, commands say how much is hidden."""
    text = text.strip()
    first = text.partition("\n")[0][:LONGEST]
    shown = visible(first, keep="\t").replace("\t", " ")
    if how == "path":
        return cut_path(shown, width)
    hidden = len(text) - len(first)
    if cell_len(shown) <= width and not hidden:
        return shown
    if how != "command":
        return shown if cell_len(shown) <= width else set_cell_size(shown, max(width - 1, 0)).rstrip() + "…"
    kept = shown
    while kept and cell_len(kept) + len(f"… +{len(shown) - len(kept) + hidden}") > width:
        over = cell_len(kept) + len(f"… +{len(shown) - len(kept) + hidden}") - width
        kept = kept[: -max(over // 2, 1)]
    return f"{kept}… +{len(shown) - len(kept) + hidden}"


def result_of(step: Step, look: Look) -> Line:
    """The right end of a call's row: what came of it."""
    match step.state:
        case StepState.PLANNED:
            return [("○ planned", "muted")]
        case StepState.APPROVED:
            return [("◌ ready", "muted")]
        case StepState.AWAITING:
            return [("◐ asks", "asks")]
        case StepState.STARTED if not look.busy:
            return [("‖ paused", "muted")]
        case StepState.STARTED:
            return [(f"● {running_time(look.now - (step.started or look.now))}", "running")]
        case StepState.REFUSED:
            return _reason("✗ rejected", "failed", str(step.result.get("why", "")))
        case StepState.SUPERSEDED:
            return [("⊘ not run", "muted")]
        case StepState.SKIPPED:
            return [("⊘ skipped", "muted")]
        case StepState.INTERRUPTED:
            return [("↺ interrupted", "muted")]
        case StepState.UNKNOWN:
            return [("? unknown", "asks")]
        case StepState.FAILED if step.result.get("denied"):
            return _reason("⊘ denied", "failed", blocks.why(step))
        case StepState.FAILED:
            return _reason("✗ failed", "failed", blocks.why(step))
    return _done(step)


def _reason(words: str, role: str, why: str) -> Line:
    said = visible(why.partition("\n")[0], keep="")
    return [(words + (": " if said else ""), role), *([(said[:60], "data-muted")] if said else [])]


def _done(step: Step) -> Line:
    result = step.result
    match step.name:
        case "run_command":
            time = took(float(result.get("duration_s") or 0.0))
            bad = blocks.failed(step)
            return [(f"✗ {blocks.failure(step)} {time}", "failed")] if bad else [(f"✓ {time}", "done")]
        case "read_file":
            total, shown = result.get("lines"), result.get("shown")
            count = shown if total is None else total
            part = f"{shown} of " if shown is not None and total is not None and shown < total else ""
            return [(f"{part}{counted(int(count or 0))} lines", "muted")]
        case "list_files":
            return [(_count(result.get("files"), "file"), "muted")]
        case "search":
            words = _count(result.get("matches"), "hit")
            return [(f"✗ stopped, {words}", "failed")] if result.get("cut") else [(words, "muted")]
        case "move_file":
            return [("✓ moved", "done")]
        case "ask_user":
            return [("✓ answered", "done")]
        case "update_todos":
            return [(str(result.get("text", "")).partition(",")[0], "muted")]
    if "added" in result or "removed" in result:
        return [(lines(int(result.get("added", 0)), int(result.get("removed", 0))), "muted")]
    return [("✓", "done")]


def _count(number: object, what: str) -> str:
    found = int(str(number or 0))
    return f"{counted(found)} {what}{'' if found == 1 else 's'}"


def _patch(patch: str, look: Look) -> list[Row]:
    rows = []
    for line in patch.split("\n")[:FULL]:
        if line and not line.startswith(("--- ", "+++ ", "diff ", "index ")):
            rows += _output([line], look, "code", under=_UNDER.get(line[0], ""))
    return rows


def _answer(block: Block, look: Look) -> list[Row]:
    """The text of a step: head, what is left out, tail."""
    answer = look.answer
    if answer is None:
        return [Row([("  …", "muted")])]
    rows = _output(_rows(answer.head), look)
    if answer.left_out:
        where = "kept in a file · o opens" if answer.path else "more · enter shows them"
        rows.append(Row([(f"  … {counted(answer.left_out)} rows {where}", "muted")]))
    rows += _output(_rows(answer.tail), look)
    if not rows:
        rows.append(Row([("  no output", "muted")]))
    return rows


def _rows(text: str) -> list[str]:
    return text.split("\n") if text else []


def _output(texts: Iterable[str], look: Look, role: str = "data-muted", under: str = "") -> list[Row]:
    rows = []
    for text in texts:
        beyond = len(text) - LONGEST
        shown = visible(text[:LONGEST], keep="\t").replace("\t", TAB)
        for row in wrap_line(shown, look.width - INDENT) if look.wrap else [shown]:
            rows.append(Row([("  ", "text"), (row, role)], wide=not look.wrap, under=under))
        if beyond > 0:
            rows[-1] = rows[-1]._replace(line=[*rows[-1].line, (f"… +{counted(beyond)}", "muted")])
    return rows


def inline_answer(text: str, rows: int) -> TextAnswer:
    """The text of a step that is there in whole, as if it had been asked for; 0 rows: all of it."""
    found = text.removesuffix("\n").split("\n") if text else []
    rows = rows or FULL
    if len(found) <= rows:
        return TextAnswer(head="\n".join(found), rows=len(found))
    half = rows // 2
    head, tail = "\n".join(found[:half]), "\n".join(found[-half:])
    return TextAnswer(head=head, tail=tail, left_out=len(found) - 2 * half, rows=len(found))


# -- words


def _words(block: Block, look: Look) -> str:
    """The words of a block, whole as soon as they are known."""
    return look.answer.head if block.cut and look.answer is not None else block.text


def _plain(text: str, width: int) -> list[str]:
    flow = Flow(width, str, FULL)
    flow.feed(text)
    return list(flow.rows)


def streaming(block: Block, width: int, wrap: bool) -> Flow[Row]:
    """An empty flow for the words of a block, or for the output of a command that runs."""
    if block.kind == "message":
        return Flow(width - INDENT, lambda row: Row([("  ", "text"), (row, "data")]))
    wrapped = width - INDENT if wrap else 0
    return Flow(wrapped, lambda row: Row([("  ", "text"), (row, "data-muted")], wide=not wrap))


def _message(block: Block, look: Look) -> list[Row]:
    width = look.width - INDENT
    if look.flow is not None:
        return _stamped(block, look, list(look.flow.rows))
    if look.source or look.markdown is None:
        text = _words(block, look)
        return _stamped(block, look, [Row([("  ", "text"), (row, "data")]) for row in _plain(text, width)])
    rows = []
    for line in look.markdown:
        code = bool(line) and line[-1][1] == "code"
        if code and look.wrap:
            pieces = wrap_line("".join(text for text, _ in line), width)
            rows += [Row([("  ", "text"), (piece, "code")]) for piece in pieces]
        else:
            rows.append(Row([("  ", "text"), *line], wide=code))
    return _stamped(block, look, rows)


def _stamped(block: Block, look: Look, rows: list[Row]) -> list[Row]:
    return [Row([(f"  {clock(block.at)}", "muted")]), *rows] if look.times else rows


def _thinking(block: Block, look: Look) -> list[Row]:
    step = block.step
    assert step is not None
    seconds = block.extra.get("seconds")
    if seconds is None and step.started is not None:
        seconds = (
            look.now if step.ended is None and look.busy else step.ended or step.started
        ) - step.started
    words = "thinking"
    if seconds is not None:
        words += f" {seconds:.0f} s" if seconds < 60 else f" {took(seconds)}"
    if characters := int(block.extra.get("characters", 0)):
        words += f" · ~{tokens(max(characters // CHARACTERS_A_TOKEN, 1))} tokens"
    mark = ("▾" if look.open else "▸") if block.mark else " "
    head = Row([(f"{mark} ", "muted"), (words, "muted")])
    if not look.open:
        return [head]
    text = _words(block, look)
    if not text:
        return [head, Row([("  …" if block.cut else "", "muted")])]
    return [head, *(Row([("  ", "text"), (row, "data-muted")]) for row in _plain(text, look.width - INDENT))]


def _spoken(who: str, text: str, look: Look) -> list[Row]:
    width = look.width - INDENT
    first, *rest = _plain(f"{who}{text}".strip(), width) or [who]
    named: Line = [("› ", "bold"), (first[: len(who)], "bold"), (first[len(who) :], "data")]
    return [Row(named), *(Row([("  ", "text"), (row, "data")]) for row in rest)]


def _queued(block: Block, look: Look) -> list[Row]:
    rows = _spoken("queued: ", block.text, look)
    hint = "  · goes with the next step · up takes it back"
    last = rows[-1].line
    if width_of(last) + len(hint) <= look.width - 1:
        return [*rows[:-1], Row([*last, (hint, "muted")])]
    return [*rows, Row([("  " + hint.strip(), "muted")])]


def _note(block: Block, look: Look) -> list[Row]:
    assert block.step is not None
    count = len(block.text.split("\n"))
    result: Line = [] if block.cut else [(f"{counted(count)} row{'' if count == 1 else 's'}", "muted")]
    head = Row(_head(block, look, "note", blocks.note_words(block.step.name), "text", result))
    return [head, *_answer(block, look)] if look.open else [head]


def _waiting(block: Block, look: Look) -> Line:
    retrying = block.extra.get("retrying")
    if not look.busy:
        return [("‖ ", "muted"), ("paused before the model's reply", "muted")]
    if retrying is None:
        since = block.step.started if block.step and block.step.started else look.now
        words = f"waiting for the model  {running_time(max(look.now - since, 0))}"
        return [("  ", "text"), (words, "muted")]
    left = max(retrying.at + retrying.wait_s - look.now, 0.0) if retrying.at else retrying.wait_s
    words = f"retrying {retrying.attempt} of {retrying.of}, {left:.0f} s"
    return [("↺ ", "running"), (words, "running"), (f" · {visible(retrying.why, keep='')}", "data-muted")]


def _end(block: Block, look: Look) -> list[Row]:
    role = "failed" if (glyph := str(block.extra["glyph"])) == "✗" else "muted"
    first, *rest = _plain(block.text, look.width - INDENT)
    rows = [Row([(f"{glyph} ", role), (first, "data")])]
    return rows + [Row([("  ", "text"), (row, "data")]) for row in rest]


def _event(block: Block, look: Look) -> list[Row]:
    step = block.step
    assert step is not None
    glyph, words = blocks.event_words(step)
    role = {"✓": "done", "✗": "failed", "●": "running", "?": "asks"}.get(glyph, "muted")
    right: Line = []
    if step.started and step.ended and role in ("done", "failed"):
        right = [(took(step.ended - step.started), "muted")]
    if role == "failed":
        first, *rest = _plain(words.strip(), look.width - INDENT - 1 - width_of(right)) or [""]
        head = spread([(f"{glyph} ", role), (first, "data")], right, look.width - 1)
        return [Row(head), *(Row([("  ", "text"), (row, "data-muted")]) for row in rest)]
    shown = visible(words.partition("\n")[0], keep="")
    return [Row(spread([(f"{glyph} ", role), (shown, "data-muted")], right, look.width - 1))]


def clock(at: float) -> str:
    """The time of day, local."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")
