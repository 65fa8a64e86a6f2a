"""The log of one agent as blocks: a call, words, a note, a question each (UI §7). Pure.

A block says what it is, what filters show it and what copying it gives; `agent_rows` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from autodev_tui.domain.kinds import StepKind
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.text import visible

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror, Stream
    from autodev_tui.domain.step import Step
    from autodev_tui.domain.updates import Message

FILTERS = ("", "messages", "commands", "edits", "failures", "questions")
"""What a pane may show alone, in the order of `&`; the first shows everything."""

Kind = Literal["call", "message", "thinking", "human", "note", "event", "waiting", "end", "queued"]

VERBS = {
    "read_file": "read",
    "list_files": "list",
    "search": "search",
    "edit_file": "edit",
    "write_file": "write",
    "delete_file": "delete",
    "move_file": "move",
    "run_command": "run",
    "ask_user": "ask",
    "update_todos": "todo",
    "finish": "finish",
    "submit_plan": "finish",
}
EDITS = ("edit_file", "write_file", "delete_file", "move_file")
QUIET = ("read_file", "list_files", "search", *EDITS)
"""Calls that open too, but whose row says enough: no fold mark stands before them."""
BAD = (StepState.FAILED, StepState.REFUSED, StepState.UNKNOWN)
OVER = (*BAD, StepState.DONE, StepState.SUPERSEDED, StepState.SKIPPED, StepState.INTERRUPTED)

_NOTES = {
    "task": "the task as the agent got it",
    "goal": "the goal as the planner got it",
    "compaction": "the talk so far in short, the rest left out",
    "circle": "told: the same call with the same result again",
    "cut": "told: the last reply was too long",
    "empty": "told: the last reply was empty",
    "ids": "told: two calls had one id",
    "no plan": "told: the plan must be handed in",
    "rebuilt": "told: the worktree was made again",
    "checks": "told: the checks are red",
    "review": "your review, as the agent got it",
    "resumed": "told: go on",
    "plan rejected": "the plan was rejected",
}
"""Beginning of a note's name → what it is."""
_HUMAN = ("message ", "stuck ")
_SUMMARIES = (re.compile(r"\b(\d+ failed)\b"), re.compile(r"\bFAILED \((?:failures|errors)=(\d+)"))


@dataclass(frozen=True)
class Block:
    """One thing that an agent did, said or was told."""

    id: str
    """Of its step, with the part of it: the same over restarts."""
    kind: Kind
    filters: frozenset[str] = frozenset()
    turn: int = 0
    step: Step | None = None
    text: str = ""
    """Words as they are stored."""
    cut: bool = False
    """`text` is only its beginning: the rest must be asked for."""
    opens: bool = False
    """There is more to see than its row."""
    mark: bool = False
    """The fold mark shows it."""
    at: float = 0.0
    live: bool = False
    """It may still grow."""
    extra: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def task(self) -> str | None:
        """Whose it is."""
        return self.step.task if self.step else None


def blocks_of(step: Step) -> list[Block]:
    """The blocks of a step; none for what says nothing."""
    match step.kind:
        case StepKind.TOOL:
            return [_call(step)]
        case StepKind.MODEL:
            return _turn(step)
        case StepKind.NOTE:
            return [_note(step)]
    return [Block(f"{step.id}", "event", _filters("failures" if step.state in BAD else ""), step=step,
                  text=event_words(step)[1], turn=step.turn, at=step.created)]  # fmt: skip


def _call(step: Step) -> Block:
    filters = {
        "run_command": "commands",
        "ask_user": "questions",
        **dict.fromkeys(EDITS, "edits"),
    }.get(step.name, "")
    bad = step.state in BAD or (step.state is StepState.DONE and failed(step))
    asks = step.state is StepState.AWAITING
    begun = step.state in OVER or (step.state is StepState.STARTED and step.name == "run_command")
    opens = begun and step.state not in (StepState.SUPERSEDED, StepState.SKIPPED)
    return Block(
        step.id,
        "call",
        _filters(filters, "failures" if bad else "", "questions" if asks else ""),
        turn=step.turn,
        step=step,
        opens=opens,
        mark=opens and (step.name not in QUIET or bad),
        at=step.started or step.created,
        live=step.state is StepState.STARTED,
    )


def _turn(step: Step) -> list[Block]:
    result, blocks = step.result, []
    if step.state in (StepState.FAILED, StepState.INTERRUPTED) or result.get("dropped"):
        words = event_words(step)[1]
        bad = "failures" if step.state is not StepState.INTERRUPTED else ""
        return [Block(f"{step.id}:end", "event", _filters(bad), step.turn, step, words, at=step.created)]
    reply = result.get("reply", {})
    thought = "\n\n".join(
        str(block.get("thinking", ""))
        for block in reply.get("content", [])
        if isinstance(block, dict) and block.get("type") == "thinking"
    )
    said = result.get("thinking", {})
    if thought or said:
        blocks.append(
            Block(
                f"{step.id}:thinking",
                "thinking",
                turn=step.turn,
                step=step,
                text=thought,
                cut=not thought,
                opens=bool(thought or step.result_blob),
                mark=bool(thought or step.result_blob),
                at=step.started or step.created,
                extra={"characters": len(thought), **said},
            )
        )
    text = str(reply.get("text", result.get("text", "")))
    if text.strip():
        blocks.append(
            Block(
                f"{step.id}:text",
                "message",
                _filters("messages"),
                step.turn,
                step,
                text,
                cut="reply" not in result and bool(step.result_blob),
                opens=True,
                at=step.started or step.created,
            )
        )
    return blocks


def _note(step: Step) -> Block:
    text = str(step.result.get("text", ""))
    if step.name.startswith(_HUMAN):
        return Block(step.id, "human", _filters("messages"), step.turn, step, text,
                     cut=bool(step.result_blob), at=step.created)  # fmt: skip
    shown = _filters("failures") if step.name.startswith("checks ") else frozenset()
    return Block(step.id, "note", shown, step.turn, step, text, cut=bool(step.result_blob), opens=True,
                 mark=True, at=step.created)  # fmt: skip


def live_blocks(step: Step, stream: Stream) -> list[Block]:
    """What a model call that goes on has said so far."""
    if stream.retrying is not None:
        extra = {"retrying": stream.retrying}
        return [Block(f"{step.id}:retry", "waiting", _filters("failures"), step.turn, step,
                      stream.retrying.why, live=True, at=step.created, extra=extra)]  # fmt: skip
    blocks = []
    if stream.thinking:
        blocks.append(
            Block(f"{step.id}:thinking", "thinking", turn=step.turn, step=step, text=stream.thinking,
                  opens=True, mark=True, live=not stream.text, at=step.started or step.created,
                  extra={"characters": len(stream.thinking)})
        )  # fmt: skip
    if stream.text.strip():
        blocks.append(
            Block(f"{step.id}:text", "message", _filters("messages"), step.turn, step, stream.text,
                  live=True, at=step.started or step.created)
        )  # fmt: skip
    if not blocks:
        blocks.append(Block(f"{step.id}:waiting", "waiting", turn=step.turn, step=step, live=True,
                            at=step.started or step.created, extra={"notice": stream.notice}))  # fmt: skip
    return blocks


def model_block(step: Step) -> Block:
    """Another model than before works from this step on."""
    return Block(f"{step.id}:model", "end", text=f"{step.name} works from here on", extra={"glyph": "→"})


def queued_blocks(messages: Iterable[Message]) -> list[Block]:
    """Messages that wait for the agent's next step."""
    return [
        Block(f"queued {one.id}", "queued", _filters("messages"), text=one.text, at=one.created)
        for one in messages
    ]


def end_blocks(mirror: Mirror, agent: str) -> list[Block]:
    """Why nothing goes on here, where the log itself does not say it."""
    task = mirror.tasks.get(agent)
    if task is None:
        return []
    if agent in mirror.paused:
        step = mirror.step_counts.get(agent, len(mirror.steps_of(agent)))
        words = f"paused by you at step {step} · x continue · i say what to change"
        return [Block("end:paused", "end", text=words, extra={"glyph": "‖"})]
    if task.state is TaskState.FAILED and task.error:
        words = f"failed: {task.error} · x try once more"
        return [Block("end:failed", "end", _filters("failures"), text=words, extra={"glyph": "✗"})]
    if task.state is TaskState.CANCELLED:
        words = f"cancelled: {task.error}" if task.error else "cancelled"
        return [Block("end:cancelled", "end", text=words, extra={"glyph": "⊘"})]
    last = next(reversed(mirror.steps.get(agent, {}).values()), None)
    at_rest = agent in mirror.working and (last is None or last.state is not StepState.STARTED)
    if at_rest and (notice := mirror.stream(agent).notice):
        return [Block("end:notice", "end", text=notice, extra={"glyph": "·"})]
    return []


def note_words(name: str) -> str:
    """What a note of the engine is."""
    return next((words for begin, words in _NOTES.items() if name.startswith(begin)), name)


def _filters(*names: str) -> frozenset[str]:
    return frozenset(name for name in names if name)


# -- calls in words


def verb(step: Step) -> str:
    """The verb of a call, in at most six cells."""
    return VERBS.get(step.name) or visible(step.name, keep="")[:6]


def subject(step: Step) -> tuple[str, str]:
    """What a call is about, as it is stored, and how it may be cut: `path`, `command` or `text`."""
    args, result = step.args, step.result
    match step.name:
        case "run_command":
            return str(args.get("command", "")), "command"
        case "search":
            where = args.get("path") or args.get("glob")
            return f"{args.get('pattern', '')}{f'  in {where}' if where else ''}", "text"
        case "list_files":
            return str(args.get("pattern") or "all files"), "text"
        case "move_file":
            return f"{args.get('path', '')} → {args.get('to', '')}", "text"
        case "ask_user":
            return str(args.get("question", "")), "text"
        case "finish":
            return str(args.get("summary", "")), "text"
        case "submit_plan":
            count = len(args.get("tasks") or [])
            return f"the plan: {count} task{'' if count == 1 else 's'}", "text"
        case "update_todos":
            todos = result.get("todos") or []
            active = [one.get("content", "") for one in todos if one.get("status") == "in_progress"]
            return (str(active[0]) if active else ""), "text"
    return str(args.get("path", "")), "path"


def told_text(step: Step) -> str:
    """What a call says when it is opened, where its result says less than its arguments; "" elsewhere."""
    if step.state is not StepState.DONE:
        return ""
    match step.name:
        case "finish":
            return str(step.args.get("summary", ""))
        case "ask_user":
            return f"{step.args.get('question', '')}\n{step.result.get('text', '')}"
        case "submit_plan":
            return "\n".join(f"{one.get('id')}  {one.get('title')}" for one in step.args.get("tasks") or [])
        case "update_todos":
            marks = {"completed": "✓", "in_progress": "●"}
            todos = step.result.get("todos") or []
            return "\n".join(
                f"{marks.get(str(one.get('status')), '○')} {one.get('content')}" for one in todos
            )
    return ""


def failed(step: Step) -> bool:
    """Whether a call that was done came to nothing good: a command's exit code, a search that was stopped."""
    if step.name == "run_command":
        return step.result.get("exit_code") != 0
    return not step.result.get("ok", True)


def failure(step: Step) -> str:
    """Why a command is red, as short as can be: `2 failed`, `exit 1`, `timed out`."""
    if step.result.get("timed_out"):
        return "timed out"
    text = str(step.result.get("text", ""))[-2000:]
    for pattern in _SUMMARIES:
        if found := pattern.findall(text):
            return found[-1] if " " in found[-1] else f"{found[-1]} failed"
    code = step.result.get("exit_code")
    return "killed" if code is None else f"exit {code}"


def why(step: Step) -> str:
    """Why a call was not done, without the name that its row has already."""
    words = str(step.result.get("why") or step.result.get("text") or "").strip().partition("\n")[0]
    for name in (str(step.args.get("path", "")), step.name):
        if name and words.startswith(f"{name}: "):
            words = words[len(name) + 2 :]
    return words


def event_words(step: Step) -> tuple[str, str]:
    """Glyph and words of a step that is neither call nor words."""
    state, result = step.state, step.result
    if state is StepState.STARTED or state is StepState.PLANNED:
        glyph = "●"
    else:
        glyph = {StepState.DONE: "✓", StepState.INTERRUPTED: "↺", StepState.UNKNOWN: "?"}.get(state, "✗")
    reason = str(result.get("why", ""))
    match step.kind:
        case StepKind.MODEL:
            if state is StepState.INTERRUPTED:
                return "↺", "the model's reply was interrupted; it is asked again"
            if result.get("dropped"):
                return "✗", f"the model's reply was not used: {result['dropped']}"
            return "✗", f"the model's call failed: {reason or result.get('text', '')}"
        case StepKind.CHECKPOINT:
            number = PurePosixPath(str(result.get("ref", ""))).name
            return ("·" if glyph == "✓" else glyph), f"checkpoint {number}".rstrip()
        case StepKind.CHECK:
            good = result.get("result") in ("passed", None)
            if state is StepState.DONE and not good:
                glyph = "·" if result.get("result") == "not_run" else "✗"
            tree = str(result.get("tree", ""))[:7]
            name = str(result.get("check") or step.name.partition(":")[0])
            said = f" · {reason}" if reason and not good else ""
            return glyph, f"{name}{f' @{tree}' if tree else ''}{said}"
        case StepKind.COMMIT:
            commit = str(result.get("commit", ""))[:7]
            return glyph, f"commit @{commit}" if commit else "nothing to commit"
        case StepKind.SETUP:
            return glyph, f"set-up of what the checks need{f' · {reason}' if reason else ''}"
        case StepKind.FOLLOW:
            return glyph, "the worktree follows your review"
        case StepKind.MERGE:
            left = str(result.get("left_out", ""))
            return ("⊘", left) if left else (glyph, f"joined @{str(result.get('head', ''))[:7]}".rstrip(" @"))
    return glyph, f"{step.name}{f' · {reason}' if reason else ''}"


def copy_of(block: Block, said: str = "") -> tuple[str, str]:
    """What `y` copies of a block, as stored but with everything hidden made visible, and what it is called.

    `said` is its words where the block has only their beginning.
    """
    step = block.step
    if block.kind != "call" or step is None:
        return visible(said or block.text), {"event": "row", "queued": "message"}.get(block.kind, block.kind)
    if patch := patch_of(step):
        return visible(patch), "patch"
    text, how = subject(step)
    return visible(text), {"command": "command", "path": "path"}.get(how, "text")


def patch_of(step: Step) -> str:
    """The change that an edit made, as a unified diff; "" where there is none."""
    effect = step.intent.get("effect", {}) if step.name in EDITS else {}
    return str(effect.get("diff", "")) if step.state is StepState.DONE else ""
