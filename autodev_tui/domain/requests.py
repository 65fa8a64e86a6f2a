"""What a front end asks the engine's side: closed unions of requests and answers, one JSON line each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from autodev_tui.domain.base import DEFERRED, Frozen
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.levels import Level
from autodev_tui.domain.review import ConflictView, FileText, ReviewView


class GetReview(Frozen):
    """The change set that an approval is about. Answer: ReviewAnswer."""

    kind: Literal["get_review"] = "get_review"
    approval: str


class GetFile(Frozen):
    """Both sides of one file of a review, for its colours and its context. Answer: FileAnswer."""

    kind: Literal["get_file"] = "get_file"
    old_blob: str = ""
    new_blob: str = ""
    path: str


class GetConflict(Frozen):
    """The conflict that an approval is about. Answer: ConflictAnswer."""

    kind: Literal["get_conflict"] = "get_conflict"
    approval: str


class GetDiff(Frozen):
    """What lies between two trees or commits (a session's whole change, a checkpoint). Answer: DiffAnswer."""

    kind: Literal["get_diff"] = "get_diff"
    old: str
    new: str


class GetOutput(Frozen):
    """The text result of a step, head and tail. Answer: TextAnswer."""

    kind: Literal["get_output"] = "get_output"
    step: str
    part: Literal["text", "thinking"] = "text"
    """Of a model's reply: its words, or what it thought before."""
    rows: int = 40
    """Head and tail together; 0: all of it, up to 5,000 rows."""


class GetSessions(Frozen):
    """All sessions of the repository, newest first. Answer: RowsAnswer."""

    kind: Literal["get_sessions"] = "get_sessions"
    archived: bool = False


class GetUsage(Frozen):
    """What was spent. `by`: task, agent, model or day. Answer: RowsAnswer with totals in `facts`."""

    kind: Literal["get_usage"] = "get_usage"
    by: Literal["task", "agent", "model", "day"] = "task"


class GetDoctor(Frozen):
    """What works here and what does not. Answer: RowsAnswer of {name, state, text, todo}."""

    kind: Literal["get_doctor"] = "get_doctor"


class GetModels(Frozen):
    """The models that can be asked, hosted and local ones. Answer: RowsAnswer.

    Of {model, provider, context, max_output, usd_per_million_input, usd_per_million_output, tools, thinking,
    local, loaded, size_bytes, ready, why, default}; what is not known is None, sizes are tokens and bytes.
    """

    kind: Literal["get_models"] = "get_models"


class GetSettings(Frozen):
    """Every option: name, value, default, where it comes from, help, choices. Answer: RowsAnswer."""

    kind: Literal["get_settings"] = "get_settings"


class GetTrust(Frozen):
    """What the repository brings, as text. Answer: TrustAnswer."""

    kind: Literal["get_trust"] = "get_trust"


class GetPaths(Frozen):
    """All tracked paths, for completion. Answer: PathsAnswer."""

    kind: Literal["get_paths"] = "get_paths"


class GetGoalAdvice(Frozen):
    """What the rules say of a goal while it is typed: complexity, tasks, cost. Answer: AdviceAnswer."""

    kind: Literal["get_goal_advice"] = "get_goal_advice"
    goal: str


class GetExamples(Frozen):
    """A few goals that this repository's own facts suggest. Answer: RowsAnswer of {goal, why}."""

    kind: Literal["get_examples"] = "get_examples"


class GetLevelPreview(Frozen):
    """What another slider level would have changed so far. Answer: LevelAnswer."""

    kind: Literal["get_level_preview"] = "get_level_preview"
    level: Level


class GetLanding(Frozen):
    """What a landing would do and what it rests on. Answer: RowsAnswer with everything in `facts`."""

    kind: Literal["get_landing"] = "get_landing"
    approval: str


class GetCheckpoints(Frozen):
    """Checkpoints of the session, newest first. Answer: RowsAnswer."""

    kind: Literal["get_checkpoints"] = "get_checkpoints"


class GetResume(Frozen):
    """What became of an interrupted session: kept, recovered, runs again, unknown. Answer: RowsAnswer."""

    kind: Literal["get_resume"] = "get_resume"
    session: str


class GetPrompts(Frozen):
    """The prompt templates that hold here; with a name, rendered with samples. Answer: RowsAnswer."""

    kind: Literal["get_prompts"] = "get_prompts"
    name: str = ""


class GetExport(Frozen):
    """A session as a document to read or to keep. Answer: TextAnswer."""

    kind: Literal["get_export"] = "get_export"
    session: str = ""
    format: Literal["markdown", "json"] = "markdown"


class GetLog(Frozen):
    """The latest notices and errors. Answer: RowsAnswer."""

    kind: Literal["get_log"] = "get_log"


Request = Annotated[
    GetReview
    | GetFile
    | GetConflict
    | GetDiff
    | GetOutput
    | GetSessions
    | GetUsage
    | GetDoctor
    | GetModels
    | GetSettings
    | GetTrust
    | GetPaths
    | GetGoalAdvice
    | GetExamples
    | GetLevelPreview
    | GetLanding
    | GetCheckpoints
    | GetResume
    | GetPrompts
    | GetExport
    | GetLog,
    Field(discriminator="kind"),
]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request, config=DEFERRED)


class ReviewAnswer(Frozen):
    """A change set with everything that is known about it."""

    kind: Literal["review"] = "review"
    review: ReviewView


class FileAnswer(Frozen):
    """Both sides of a file."""

    kind: Literal["file"] = "file"
    file: FileText


class ConflictAnswer(Frozen):
    """A merge conflict."""

    kind: Literal["conflict"] = "conflict"
    conflict: ConflictView


class DiffAnswer(Frozen):
    """A change set that is only looked at."""

    kind: Literal["diff"] = "diff"
    changes: ChangeSet


class TextAnswer(Frozen):
    """A text; where it was too long, `left_out` rows between `head` and `tail`."""

    kind: Literal["text"] = "text"
    head: str
    tail: str = ""
    left_out: int = 0
    rows: int = 0
    path: str = ""
    """The file that keeps all of it, if any."""


class RowsAnswer(Frozen):
    """A table: rows of named values, and facts about the whole."""

    kind: Literal["rows"] = "rows"
    rows: list[dict[str, Any]] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)


class TrustAnswer(Frozen):
    """The files that a repository brings, with the hash of exactly these."""

    kind: Literal["trust"] = "trust"
    files: list[FileText] = Field(default_factory=list)
    shown_hash: str = ""
    trusted: bool = False


class PathsAnswer(Frozen):
    """Tracked paths."""

    kind: Literal["paths"] = "paths"
    paths: list[str]


class OutlinedTask(Frozen):
    """A task that the rules see in a goal."""

    title: str
    needs_model: bool
    """No rule can do it."""


class AdviceAnswer(Frozen):
    """What the rules say of a goal. Money in USD, None where no price is known."""

    kind: Literal["advice"] = "advice"
    complexity: str
    score: int
    tasks: int
    cost_usd: float | None = None
    cost_range_usd: tuple[float, float] | None = None
    """Lower and upper quartile of what so many tasks cost here so far; before enough were done, what
    complexity, prompts and prices say. Zero for a model that costs no money.
    """
    price_known: bool = True
    """Whether anybody knows what the model costs that would do it."""
    outline: list[OutlinedTask] = Field(default_factory=list)
    """The tasks that the rules would make of the words, in order."""
    level: Level
    words: str = ""


class LevelAnswer(Frozen):
    """Of `decisions` of the human so far, what another level would have done."""

    kind: Literal["level"] = "level"
    level: Level
    decisions: int
    asked: int
    alone: int
    rejected: int
    """Of those taken alone, how many the human rejected."""


class Refused(Frozen):
    """A request or command that was not carried out, in words: what, where, what to do."""

    kind: Literal["refused"] = "refused"
    reason: str
    moved: list[str] = Field(default_factory=list)
    """Paths that changed since they were shown, when that is why."""


Answer = Annotated[
    ReviewAnswer
    | FileAnswer
    | ConflictAnswer
    | DiffAnswer
    | TextAnswer
    | RowsAnswer
    | TrustAnswer
    | PathsAnswer
    | AdviceAnswer
    | LevelAnswer
    | Refused,
    Field(discriminator="kind"),
]
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer, config=DEFERRED)
REFUSED: TypeAdapter[Refused | None] = TypeAdapter(Refused | None, config=DEFERRED)
"""What comes back for a command: nothing, once it was carried out."""
