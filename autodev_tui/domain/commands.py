"""What the engine is told: a closed union of commands, one JSON line each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, TypeAdapter, field_serializer

from autodev_tui.domain.approval import Decision
from autodev_tui.domain.base import DEFERRED, Frozen
from autodev_tui.domain.evidence import Check
from autodev_tui.domain.levels import Level
from autodev_tui.domain.plan import PlannedTask
from autodev_tui.domain.review import ReviewDraft

MOST_AGENTS = 32
"""More agents at once than this nobody can follow, and no machine serves."""


class StartSession(Frozen):
    """A new goal. `level` sets the slider and pins the goal; `timeout_s` bounds this run, in seconds."""

    kind: Literal["start_session"] = "start_session"
    goal: str
    level: Level | None = None
    budget_usd: float | None = None
    timeout_s: float | None = None
    land: bool = False
    plan_only: bool = False
    instructions: list[str] = Field(default_factory=list)
    """More about the goal, word for word, such as a requirements file."""
    tasks: list[PlannedTask] = Field(default_factory=list)
    """The plan, where who asks has it already: it is carried out as it is, and nobody approves it again."""
    checks: list[Check] = Field(default_factory=list)
    """Checks that the human named, beside those of the repository."""


class ResumeSession(Frozen):
    """Go on with a session where it stopped. What is None stays as it was; `level` sets slider and pin."""

    kind: Literal["resume_session"] = "resume_session"
    session: str
    level: Level | None = None
    budget_usd: float | None = None
    timeout_s: float | None = None
    land: bool | None = None
    plan_only: bool | None = None
    leave_out: bool = False
    """Tasks that need a model where there is none are ended, so that the rest can land without them."""


class StopSession(Frozen):
    """Stop now: running calls and commands are ended, nothing is lost."""

    kind: Literal["stop_session"] = "stop_session"


class PauseSession(Frozen):
    """Hold every agent before its next step."""

    kind: Literal["pause_session"] = "pause_session"


class ContinueSession(Frozen):
    """Let paused agents go on."""

    kind: Literal["continue_session"] = "continue_session"


class SetSlider(Frozen):
    """Move the slider; it holds from the next action on."""

    kind: Literal["set_slider"] = "set_slider"
    level: Level


class CancelSession(Frozen):
    """End the session for good: its agents stop; branches, worktrees and checkpoints stay."""

    kind: Literal["cancel_session"] = "cancel_session"


class CancelTask(Frozen):
    """End one task for good; its worktree and checkpoints stay."""

    kind: Literal["cancel_task"] = "cancel_task"
    task: str


class Decide(Frozen):
    """Answer a question."""

    kind: Literal["decide"] = "decide"
    decision: Decision


class OpenSession(Frozen):
    """Show a session without running it: its questions can be answered, nothing is started or spent."""

    kind: Literal["open_session"] = "open_session"
    session: str


class SetConcurrency(Frozen):
    """How many agents may work at once; it holds from the next free slot on."""

    kind: Literal["set_concurrency"] = "set_concurrency"
    agents: int = Field(ge=1, le=MOST_AGENTS)


class Pin(Frozen):
    """Pin a task (None: the goal) to a level, or with None take the pin away."""

    kind: Literal["pin"] = "pin"
    task: str | None = None
    level: Level | None = None


class SetTaskModel(Frozen):
    """The model that works on a task, as in `ollama/qwen3`; None: the session's.

    Only while it has not begun, waits for the human, or is held.
    """

    kind: Literal["set_task_model"] = "set_task_model"
    task: str
    model: str | None = Field(default=None, min_length=1, max_length=300)


class TickCriterion(Frozen):
    """The human saw an acceptance criterion of a task met, or takes that back."""

    kind: Literal["tick_criterion"] = "tick_criterion"
    task: str
    criterion: str
    """Its words."""
    ticked: bool


class TakeOver(Frozen):
    """Drive from here: whoever drives gives way, and what ran there goes on here."""

    kind: Literal["take_over"] = "take_over"


class PauseTask(Frozen):
    """Hold one agent before its next step; with `now` its running call or command is ended first."""

    kind: Literal["pause_task"] = "pause_task"
    task: str
    now: bool = False


class ContinueTask(Frozen):
    """Let one paused, interrupted or failed agent go on."""

    kind: Literal["continue_task"] = "continue_task"
    task: str


class SendMessage(Frozen):
    """Words for an agent (None: the planner), delivered before its next model call; `now` interrupts it."""

    kind: Literal["send_message"] = "send_message"
    task: str | None = None
    text: str
    now: bool = False


class TakeBackMessage(Frozen):
    """Remove a message that was not delivered yet."""

    kind: Literal["take_back_message"] = "take_back_message"
    message: str


class DeliverMessages(Frozen):
    """Deliver what is queued for an agent at once: its running call or command is ended first."""

    kind: Literal["deliver_messages"] = "deliver_messages"
    task: str | None = None


class EditPlan(Frozen):
    """Replace the tasks that have not started. `seen` is the plan's hash as it was shown."""

    kind: Literal["edit_plan"] = "edit_plan"
    tasks: list[PlannedTask]
    seen: str


class SaveDraft(Frozen):
    """Keep the decisions on a change set that is not sent yet.

    `path` names the file of the last decision: it is refused when that file changed since it was shown.
    """

    kind: Literal["save_draft"] = "save_draft"
    draft: ReviewDraft
    path: str = ""


class Recall(Frozen):
    """Take back an answer that nobody has read yet."""

    kind: Literal["recall"] = "recall"
    approval: str


class RevokeRule(Frozen):
    """Forget a remembered approval."""

    kind: Literal["revoke_rule"] = "revoke_rule"
    rule: str


class SaveView(Frozen):
    """Keep how the screen looks: focus, scroll positions, half-typed words. `name` is a session or ""."""

    kind: Literal["save_view"] = "save_view"
    name: str
    view: dict[str, Any]


class RunShell(Frozen):
    """A command of the user's own from the composer, sandboxed, in a task's worktree or the checkout."""

    kind: Literal["run_shell"] = "run_shell"
    command: str
    task: str | None = None


class RenameSession(Frozen):
    """Give a session another title."""

    kind: Literal["rename_session"] = "rename_session"
    session: str
    title: str


class ArchiveSession(Frozen):
    """Put an ended or stopped session out of the list, or back into it."""

    kind: Literal["archive_session"] = "archive_session"
    session: str
    archived: bool = True


class DeleteSession(Frozen):
    """Remove a session that does not run: its records, branches, worktrees and checkpoints."""

    kind: Literal["delete_session"] = "delete_session"
    session: str


class TrustFiles(Frozen):
    """Trust what the repository brings, exactly as it was shown; with an empty hash trust nothing."""

    kind: Literal["trust_files"] = "trust_files"
    shown_hash: str


class SetKey(Frozen):
    """Keep a provider's key in the user's configuration directory, readable by the user alone."""

    kind: Literal["set_key"] = "set_key"
    provider: Literal["anthropic"] = "anthropic"
    key: SecretStr

    @field_serializer("key", when_used="json")
    def _plain(self, key: SecretStr) -> str:
        return key.get_secret_value()


class InitRepository(Frozen):
    """Make the folder that the program was started in a git repository."""

    kind: Literal["init_repository"] = "init_repository"


class SetOption(Frozen):
    """Change one of the user's own settings, written to their config.toml; None takes it out."""

    kind: Literal["set_option"] = "set_option"
    name: str
    value: Any = None


Command = Annotated[
    StartSession
    | ResumeSession
    | StopSession
    | PauseSession
    | ContinueSession
    | SetSlider
    | CancelTask
    | CancelSession
    | Decide
    | OpenSession
    | SetConcurrency
    | Pin
    | SetTaskModel
    | TickCriterion
    | TakeOver
    | PauseTask
    | ContinueTask
    | SendMessage
    | TakeBackMessage
    | DeliverMessages
    | EditPlan
    | SaveDraft
    | Recall
    | RevokeRule
    | SaveView
    | RunShell
    | RenameSession
    | ArchiveSession
    | DeleteSession
    | TrustFiles
    | SetKey
    | InitRepository
    | SetOption,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command, config=DEFERRED)
