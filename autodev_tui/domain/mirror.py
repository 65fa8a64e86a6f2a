"""All that a front end knows: the newest records of one session and what streams, kept current by updates."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.facts import EngineFacts
from autodev_tui.domain.kinds import ApprovalKind, StepKind
from autodev_tui.domain.levels import Level, effective_level
from autodev_tui.domain.rule import NEEDS_A_MODEL, RULES_MODEL, needs_model
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.domain.events import Event, Retrying
    from autodev_tui.domain.review import ReviewDraft
    from autodev_tui.domain.session import Session
    from autodev_tui.domain.step import Step
    from autodev_tui.domain.task import Task
    from autodev_tui.domain.updates import Message, Rule, Update

STREAM_CHARACTERS = 64 * 1024
"""Of a reply that is still being written, per agent: more than any pane shows."""
STEPS_KEPT = 2000
"""Steps of one agent that a front end keeps; older ones are asked for again."""
LOG_KEPT = 500

_WORDS = {
    TaskState.PLANNED: "planned",
    TaskState.ASSIGNED: "ready",
    TaskState.IN_PROGRESS: "running",
    TaskState.BLOCKED: "blocked",
    TaskState.IN_REVIEW: "review",
    TaskState.COMPLETED: "done",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}


@dataclass
class Stream:
    """What an agent says right now, before its step is done."""

    text: str = ""
    text_count: int = 0
    """Characters of all words so far, of which `text` is the end."""
    text_from: int = 0
    """How many had come when the present words began."""
    thinking: str = ""
    output: str = ""
    """Of the command that runs."""
    output_count: int = 0
    output_step: str = ""
    retrying: Retrying | None = None
    notice: str = ""
    """What was told since the present call began, such as that a model is being loaded."""

    def forget_words(self) -> None:
        """What was said until now does not count any more."""
        self.text = self.thinking = ""
        self.text_from = self.text_count


@dataclass
class Mirror:
    """The newest state of everything that is shown. `apply` is the only way it changes."""

    facts: EngineFacts = field(default_factory=EngineFacts)
    session: Session | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    """In the order of the plan."""
    approvals: dict[str, Approval] = field(default_factory=dict)
    steps: dict[str, dict[str, Step]] = field(default_factory=dict)
    """Task ("": the planner) → step id → step, in order."""
    step_counts: dict[str, int] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    drafts: dict[str, ReviewDraft] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    meets: dict[str, list[str]] = field(default_factory=dict)
    working: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    streams: dict[str, Stream] = field(default_factory=dict)
    log: deque[Event] = field(default_factory=lambda: deque(maxlen=LOG_KEPT))

    def apply(self, update: Update) -> set[str]:
        """Take over an update. Returns the agents (tasks, "" for the planner) whose log changed."""
        if update.reset:
            self._forget()
        if update.facts is not None:
            self.facts = update.facts
        if update.session is not None:
            self.session = update.session
        for gone in update.gone_tasks:
            self.tasks.pop(gone, None)
        self.tasks.update((task.id, task) for task in update.tasks)
        self.approvals.update((one.id, one) for one in update.approvals)
        self.messages.update((one.id, one) for one in update.messages)
        self.drafts.update((draft.approval, draft) for draft in update.drafts)
        for gone in update.gone_drafts:
            self.drafts.pop(gone, None)
        if update.rules is not None:
            self.rules = update.rules
        self.views.update(update.views)
        self.step_counts.update(update.step_counts)
        self.paused = set(update.paused) if update.paused is not None else self.paused
        self.meets = update.meets if update.meets is not None else self.meets
        self.working = set(update.working) if update.working is not None else self.working
        self.moved.update(update.moved)
        self.log.extend(update.events)
        changed = {message.task or "" for message in update.messages}
        # First the steps: what streams now belongs to the newest of them.
        for step in update.steps:
            self._step(step)
            changed.add(step.task or "")
        ended = {one.task for one in update.steps if one.kind is StepKind.MODEL and one.ended is not None}
        for event in update.events:
            if event.kind == "retrying" and event.task not in ended:
                stream = self.stream(event.task)
                stream.forget_words()
                stream.retrying = event
                changed.add(event.task or "")
            elif event.kind == "noticed" and event.task not in ended:
                self.stream(event.task).notice = event.text
                changed.add(event.task or "")
            elif event.kind == "plan_ready":
                self._in_order([str(task.get("id")) for task in event.tasks])
        for piece in update.streams:
            self._stream(piece.task, piece.kind, piece.text, piece.step)
            changed.add(piece.task or "")
        return changed

    def _forget(self) -> None:
        views = self.views
        fresh = Mirror()
        self.__dict__.update(fresh.__dict__)
        self.views = views

    def _in_order(self, plan: list[str]) -> None:
        """The tasks in the order of the plan: it is what plans are hashed in, and people may change it."""
        known = [name for name in plan if name in self.tasks]
        rest = [name for name in self.tasks if name not in set(known)]
        self.tasks = {name: self.tasks[name] for name in [*known, *rest]}

    def _step(self, step: Step) -> None:
        own = self.steps.setdefault(step.task or "", {})
        own[step.id] = step
        while len(own) > STEPS_KEPT:
            del own[next(iter(own))]
        stream = self.stream(step.task)
        if step.kind is StepKind.MODEL:
            # Begun: what streams now belongs to it. Ended: its words are in the step itself.
            stream.forget_words()
            stream.retrying = None
            stream.notice = ""
        if stream.output_step == step.id and step.state is not StepState.STARTED:
            stream.output = stream.output_step = ""

    def _stream(self, task: str | None, kind: str, text: str, step: str) -> None:
        stream = self.stream(task)
        if kind == "output":
            if stream.output_step != step:
                stream.output, stream.output_step, stream.output_count = "", step, 0
            stream.output_count += len(text)
            stream.output = (stream.output + text)[-STREAM_CHARACTERS:]
            return
        stream.retrying = None
        if kind == "text":
            stream.text_count += len(text)
            stream.text = (stream.text + text)[-STREAM_CHARACTERS:]
        else:
            stream.thinking = (stream.thinking + text)[-STREAM_CHARACTERS:]

    # -- reading

    def stream(self, task: str | None) -> Stream:
        """What this agent says right now."""
        return self.streams.setdefault(task or "", Stream())

    def pending(self) -> list[Approval]:
        """What waits for the human, oldest first; what was put away comes last."""
        waiting = [one for one in self.approvals.values() if one.state is ApprovalState.PENDING]
        put_away = [one for one in self.approvals.values() if one.state is ApprovalState.DEFERRED]
        return sorted(waiting, key=lambda one: one.created) + sorted(put_away, key=lambda one: one.created)

    def of_kind(self, *kinds: ApprovalKind) -> list[Approval]:
        """What waits of these kinds, oldest first."""
        return [one for one in self.pending() if one.kind in kinds]

    def questions(self) -> list[Approval]:
        """What waits and is neither a plan, a review, a conflict nor a landing: the inbox."""
        desks = (ApprovalKind.PLAN, ApprovalKind.CHANGES, ApprovalKind.MERGE, ApprovalKind.LAND)
        return [one for one in self.pending() if one.kind not in desks]

    def asks_of(self, task: str) -> list[Approval]:
        """What waits about this task."""
        return [one for one in self.pending() if one.task == task]

    def word(self, task: Task) -> str:
        """The task's state in the one word that the screen uses for it (UI §5)."""
        asked = self.asks_of(task.id)
        if task.state is not TaskState.CANCELLED and any(one.kind is ApprovalKind.MERGE for one in asked):
            # Also of a task whose own work is completed: it has not joined the others.
            return "conflict"
        if task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            return _WORDS[task.state]
        for one in asked:
            if one.kind is ApprovalKind.CHANGES:
                return "review"
        if any(one.kind is ApprovalKind.ESCALATION and "stuck" in one.title for one in asked):
            return "stuck"
        if asked:
            return "asks"
        if task.id in self.paused:
            return "paused"
        if task.state is TaskState.IN_PROGRESS and self.session and self.session.state is SessionState.PAUSED:
            return "paused"
        if task.state is TaskState.IN_PROGRESS and self.facts.busy and task.id not in self.working:
            return "ready"
        if task.state in (TaskState.IN_PROGRESS, TaskState.ASSIGNED) and not self.facts.busy:
            return "paused"
        if task.state is TaskState.PLANNED and self.lacks_model(task):
            return NEEDS_A_MODEL
        if self.stream(task.id).retrying and task.state is TaskState.IN_PROGRESS:
            return "retrying"
        return _WORDS[task.state]

    def lacks_model(self, task: Task) -> bool:
        """Whether nobody can work on it: it needs a model, and its model is none."""
        spec = task.fallback or task.model or (self.session.model if self.session else "")
        return spec == RULES_MODEL and needs_model(task.description)

    def level(self, task: Task | None) -> Level:
        """The level that holds for a task, or for the goal."""
        session = self.session
        if session is None:
            return Level(str(self.facts.settings.get("autonomy", Level.COLLABORATIVE)))
        advice = session.analysis.get("recommended", session.slider)
        recommended = task.recommended if task else Level(str(advice))
        return effective_level(session.slider, recommended, (task.pin if task else None) or session.pin)

    def capped(self, task: Task | None) -> Level | None:
        """The level that pin or advice would give, where the slider caps it."""
        session = self.session
        if session is None:
            return None
        advice = session.analysis.get("recommended", session.slider)
        wanted = (task.pin if task else None) or session.pin
        wanted = wanted or (task.recommended if task else Level(str(advice)))
        return wanted if wanted.rank > session.slider.rank else None

    def queued(self, task: str | None) -> list[Message]:
        """Messages to this agent that were not delivered yet, oldest first."""
        own = [one for one in self.messages.values() if one.task == task and one.state == "queued"]
        return sorted(own, key=lambda one: one.created)

    def steps_of(self, task: str | None) -> list[Step]:
        """The steps of an agent that are known here, in order."""
        return list(self.steps.get(task or "", {}).values())

    def agents(self) -> Iterator[str]:
        """Who has a log: the planner ("") while there is a session, then tasks that have begun."""
        if self.steps.get("") or (self.session and self.session.state is SessionState.PLANNING):
            yield ""
        for task in self.tasks.values():
            if task.state is not TaskState.PLANNED or self.steps.get(task.id):
                yield task.id
