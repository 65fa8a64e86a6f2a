"""Arguments of every tool, as pydantic models: what a model may say, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

MAX_TASKS = 30
RISK_WORDS = {"low": 0.2, "medium": 0.5, "high": 0.8, "critical": 1.0}


class Arguments(BaseModel):
    """Arguments of one tool; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadFile(Arguments):
    """Read a text file of the worktree."""

    path: str = Field(
        description="Relative to the repository's root; `@output/NAME` for a command's full output."
    )
    offset: int | None = Field(None, ge=1, description="First line, from 1.")
    limit: int | None = Field(None, ge=1, description="How many lines at most.")


class ListFiles(Arguments):
    """List files that git does not ignore."""

    pattern: str | None = Field(
        None, description="In gitignore syntax: `*.py` anywhere, `src/**/*.py` below src."
    )


class Search(Arguments):
    """Search file contents line by line."""

    pattern: str = Field(description="A Python regular expression, matched within single lines.")
    path: str | None = Field(None, description="A file or directory to search in.")
    glob: str | None = Field(None, description="Only files matching this, in gitignore syntax, as `*.py`.")


class EditFile(Arguments):
    """Replace one exact piece of text in a file."""

    path: str
    old_text: str = Field(
        description="Exactly as in the file, without line numbers; must occur exactly once."
    )
    new_text: str = Field(description="What stands there afterwards.")
    replace_all: bool = Field(False, description="Replace every occurrence instead.")


class WriteFile(Arguments):
    """Create a file or replace all of it."""

    path: str
    content: str = Field(description="The whole content.")


class DeleteFile(Arguments):
    """Delete one file."""

    path: str


class MoveFile(Arguments):
    """Move or rename one file."""

    path: str
    to: str = Field(description="The new path, file name included; nothing may be there.")


class RunCommand(Arguments):
    """Run a shell command at the repository's root."""

    command: str = Field(min_length=1)
    timeout_s: float | None = Field(None, gt=0, le=3600, description="Seconds until it is ended.")


def _todo(value: Any) -> Any:
    """A bare sentence, and the shapes of other tools' lists, mean the same."""
    if isinstance(value, str):
        return {"content": value}
    if isinstance(value, dict) and "content" not in value:
        known = {key: item for key, item in value.items() if key not in ("text", "title", "done")}
        done = {"status": "completed" if value["done"] else "pending"} if "done" in value else {}
        return {"content": value.get("text", value.get("title", "")), **done, **known}
    return value


class Todo(Arguments):
    """One item of the agent's own list."""

    content: str = Field(min_length=1)
    status: Literal["pending", "in_progress", "completed"] = "pending"


class UpdateTodos(Arguments):
    """Replace the list of what is still to do."""

    todos: list[Annotated[Todo, BeforeValidator(_todo)]] = Field(
        description="The whole list; at most one item is in_progress."
    )


class AskUser(Arguments):
    """Ask the human."""

    question: str = Field(min_length=1)
    options: list[str] | None = Field(
        None, max_length=9, description="Answers to choose from, the best one first."
    )


class LeftRed(Arguments):
    """What is left of a check that was to be healed."""

    check: str
    within: list[str] = Field(default_factory=list)
    """The only paths that were looked at; empty: all."""
    what: list[str] = Field(default_factory=list)
    green: bool = False
    already: bool = False
    """It was green before anything was changed."""


class Finish(Arguments):
    """End the task."""

    summary: str = Field(min_length=1, description="What changed, what was checked, what was not.")
    subject: SkipJsonSchema[str] = ""
    """The commit's conventional subject. Offered to no model, like `left`: rules know what they did."""
    left: SkipJsonSchema[list[LeftRed]] = Field(default_factory=list)


def _risk(value: Any) -> Any:
    return RISK_WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _criterion(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class PlannedCriterion(Arguments):
    """One acceptance criterion; a bare sentence will do."""

    text: str = Field(min_length=1, description="A testable sentence.")
    check: str | None = Field(None, description="The check or test that decides it, as it is called.")


class PlannedTask(Arguments):
    """One task of a plan."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    title: str = Field(min_length=1, max_length=200)
    description: str = ""
    depends_on: list[str] = Field(default_factory=list, description="Ids of tasks that must be done before.")
    acceptance_criteria: list[Annotated[PlannedCriterion, BeforeValidator(_criterion)]] = Field(
        default_factory=list, description="What must hold when it is done."
    )
    role: str = "development"
    files: list[str] = Field(default_factory=list, description="Files it will touch.")
    estimate_minutes: float = Field(60, gt=0, le=10_000)
    risk: Annotated[float, BeforeValidator(_risk)] = Field(0.5, ge=0, le=1, description="From 0 to 1.")


class SubmitPlan(Arguments):
    """Hand in the plan."""

    tasks: list[PlannedTask]
