"""One agent at work: its role, its conversation, and what it may know of its worktree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autodev_tui.agents.roles import Role
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.conversation import (
    COMPACTION,
    Conversation,
    is_answered,
    rebuild,
    reply_of,
    result_text,
)
from autodev_tui.engine.limits import StuckDetector
from autodev_tui.engine.services import Services
from autodev_tui.engine.told import Standing

if TYPE_CHECKING:
    from autodev_tui.engine.board import Record
    from autodev_tui.providers.base import ToolSpec
    from autodev_tui.tools.context import ToolContext
    from store.journal import Op

REBUILT = "rebuilt"
"""How the notes are called that tell of a worktree made again: nothing read before counts any more."""
OWN_NOTES = (COMPACTION, "circle ", "cut ", "empty ", "ids ", "no plan ")
"""Beginnings of the names of notes that the engine says by itself while the agent works."""
INLINE = 2000
"""Texts longer than this many characters are blobs, so that the state file stays small."""


class Agent:
    """The memory of one agent. Everything in it can be rebuilt from the step log."""

    def __init__(
        self,
        services: Services,
        role: Role,
        task: str | None,
        context: ToolContext,
        tools: tuple[ToolSpec, ...],
    ) -> None:
        self.services = services
        self.role = role
        self.task_id = task
        self.context = context
        self.tools = tools
        self.system = self._system()
        self.system_kept = ("", "")
        """A system prompt, and the blob that this run has kept it as."""
        self.stuck = StuckDetector()
        self.standing = Standing()
        self.circling: Step | None = None
        """The call at which the agent has to be stopped, because it goes round in circles."""
        self.bad_replies = 0
        self.output_limit = 0
        self.facts: dict[str, Any] = {}
        """What a rule has to know that the files do not say."""
        self.asked = ""
        """The specification of the model that was asked last."""
        self.least_output = 0
        """Fewest tokens of a reply that are of use, where a budget makes it shorter."""
        self.waited = False
        """It was told that the next call waits for money."""
        self.restore()

    def _system(self) -> str:
        """The system prompt that this agent began with: it stands before a history that models check."""
        for step in self.steps:
            if step.kind is StepKind.MODEL and (blob := step.intent.get("system")):
                return self.services.blobs.get(blob).decode()
        return self.services.prompts.render_template(self.role.system_prompt)

    @property
    def task(self) -> Task | None:
        """The task as it is now; None for the planner."""
        return self.services.board.tasks[self.task_id] if self.task_id else None

    @property
    def steps(self) -> Sequence[Step]:
        """The agent's own steps, in order: a live view."""
        return self.services.board.steps(self.task_id)

    def restore(self) -> None:
        """Rebuild conversation, open calls and counters from the step log."""
        self.conversation: Conversation
        self.open_calls: list[Step]
        self.conversation, self.open_calls = rebuild(self.steps, self.services.blobs.get)
        self.turns = max((step.turn for step in self.steps if step.kind is StepKind.MODEL), default=0)
        self.stuck.reset()
        self.circling = None
        # A turn is looked at once all its calls are answered.
        unanswered = {(step.turn, step.kind) for step in self.open_calls}
        for step in self.steps:
            if step.kind is StepKind.NOTE:
                self._heard(step.name)
            elif (
                step.kind is StepKind.TOOL and is_answered(step) and (step.turn, step.kind) not in unanswered
            ):
                self.look(step, result_text(step, self.services.blobs.get))

    def look(self, step: Step, text: str) -> str:
        """Count one answered call. Returns `""`, `"warn"` or `"stop"`, as the detector of circles does."""
        verdict = self.stuck.add(step.name, step.args, text)
        if verdict == "stop":
            self.circling = step
        return verdict

    def _heard(self, note: str) -> None:
        """The human, or a check, said how to go on: what was called before is no circle any more."""
        if not note.startswith(OWN_NOTES):
            self.stuck.reset()
            self.circling = None

    async def say(
        self,
        name: str,
        text: str,
        *records: Record,
        extra: Sequence[Op] = (),
        why: str = "",
        intent: dict[str, Any] | None = None,
    ) -> None:
        """Put a note into the conversation, once: a note of this name that is there is not said again.

        `records` and `extra` change in the same line, so that no crash parts what is said from what follows
        from it. `intent` is kept with the note.
        """
        board = self.services.board
        if board.named(StepKind.NOTE, self.task_id, name):
            if records or extra:
                await board.commit(*records, extra=extra, why=why)
            return
        step = board.new_step(
            StepKind.NOTE, self.task_id, name, state=StepState.DONE, turn=self.turns, intent=intent or {}
        )
        # Rules, diffs and outputs of checks are files' contents too: no secret in them goes to the model.
        text, _ = self.services.masker.mask(text)
        if len(text) > INLINE:
            step = step.but(result_blob=await self.services.keep_text(text))
        else:
            step = step.but(result={"text": text})
        await board.commit(step, *records, extra=extra, why=why)
        if not self.open_calls:
            self.conversation.note(step)
        self._heard(name)

    def answered(self) -> None:
        """All calls of the last turn have results: let the model see them, and notes that came meanwhile."""
        turn = self.last_turn()
        self.conversation.results(self.last_calls())
        self.open_calls = []
        notes = []
        for step in reversed(self.steps):
            if turn is None or step.seq <= turn.seq:
                break
            if step.kind is StepKind.NOTE:
                notes.append(step)
        for note in reversed(notes):
            self.conversation.note(note)

    def last_turn(self) -> Step | None:
        """The last model step that counts."""
        for step in reversed(self.steps):
            if (
                step.kind is StepKind.MODEL
                and step.state is StepState.DONE
                and not step.result.get("dropped")
            ):
                return step
        return None

    def last_calls(self) -> list[Step]:
        """The latest attempts of the last turn's calls, in the order of the calls."""
        turn = self.last_turn()
        if turn is None:
            return []
        latest: dict[str, Step] = {}
        for step in reversed(self.steps):
            if step.seq <= turn.seq:
                break
            if step.kind is StepKind.TOOL and step.turn == turn.turn:
                latest.setdefault(step.call_id, step)
        return [latest[call] for call in turn.result["calls"]]

    def finished(self) -> Step | None:
        """The step that ended the agent's work, if nothing was said to it since."""
        turn = self.last_turn()
        if turn is None:
            return None
        calls = self.last_calls()
        for step in reversed(self.steps):
            if step.seq <= turn.seq:
                break
            if step.kind is StepKind.NOTE:
                return None
        if not calls:
            return turn if turn.result.get("ends") else None
        for call in calls:
            if (
                call.name == self.role.ends_by
                and call.state is StepState.DONE
                and call.result.get("ok", True)
            ):
                return call
        return None

    def last_text(self) -> str:
        """What the model said last."""
        turn = self.last_turn()
        return str(reply_of(turn, self.services.blobs.get)["text"]) if turn else ""
