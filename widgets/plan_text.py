"""A planned task as a text of `key: value` lines, to be edited and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui import domain
from autodev_tui.domain.levels import Level

if TYPE_CHECKING:
    from autodev_tui.domain.plan import PlannedTask
    from autodev_tui.domain.task import Criterion

KEYS = ("title", "what", "needs", "role", "minutes", "files", "level", "done when", "note")
"""In this order; `done when` may stand more than once, further lines of a value begin with two spaces."""


class PlanTextError(ValueError):
    """A text that says no task, with its line."""


def to_text(task: PlannedTask) -> str:
    """The task as text."""
    lines = [
        f"title: {task.title}",
        f"what: {_more(task.description)}",
        f"needs: {' '.join(task.dependencies)}",
        f"role: {task.role}",
        f"minutes: {round(task.estimated_effort * 60)}",
        f"files: {', '.join(task.files)}",
        f"level: {task.pin.value if task.pin else ''}",
    ]
    for criterion in task.acceptance_criteria:
        check = f" | {criterion.check}" if criterion.check else ""
        lines.append(f"done when: {_more(criterion.text)}{check}")
    return "\n".join([*lines, f"note: {_more(task.note)}"]) + "\n"


def from_text(text: str, task: PlannedTask) -> PlannedTask:
    """`task` as the text has it; what the text leaves out is as it was.

    Raises:
        PlanTextError: a line that no one could act on.
    """
    found: dict[str, tuple[int, str]] = {}
    criteria: list[str] = []
    for number, key, value in _values(text):
        if key == "done when":
            criteria += [value] if value else []
        elif key in found:
            raise PlanTextError(f"line {number}: {key} stands there twice")
        else:
            found[key] = number, value
    changes: dict[str, object] = {}
    for key, (number, value) in found.items():
        changes |= _change(key, value, number, task)
    if not str(changes.get("title", task.title)).strip():
        raise PlanTextError("the title is empty")
    return task.but(**changes, acceptance_criteria=[_criterion(one, task) for one in criteria])


def _values(text: str) -> list[tuple[int, str, str]]:
    """(line, key, value) of each value."""
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("  ") and found:
            first, key, value = found[-1]
            found[-1] = first, key, f"{value}\n{line[2:].rstrip()}"
        elif not line.strip():
            if found:
                first, key, value = found[-1]
                found[-1] = first, key, f"{value}\n"
        else:
            key, colon, value = line.partition(":")
            key = key.strip().lower()
            if not colon or key not in KEYS:
                raise PlanTextError(f"line {number}: begins with none of {', '.join(KEYS)}")
            found.append((number, key, value.strip()))
    return [(number, key, value.strip()) for number, key, value in found]


def _change(key: str, value: str, number: int, task: PlannedTask) -> dict[str, object]:
    match key:
        case "title":
            return {"title": " ".join(value.split())}
        case "what":
            return {"description": value}
        case "needs":
            return {"dependencies": list(dict.fromkeys(value.replace(",", " ").split()))}
        case "role":
            if len(value.split()) != 1:
                raise PlanTextError(f"line {number}: a role is one word, such as development")
            return {"role": value}
        case "minutes":
            try:
                minutes = float(value)
            except ValueError:
                raise PlanTextError(f"line {number}: {value or 'nothing'} is no number of minutes") from None
            if not 0 < minutes <= 60_000:
                raise PlanTextError(f"line {number}: {value} minutes cannot be")
            same = minutes == round(task.estimated_effort * 60)
            return {} if same else {"estimated_effort": minutes / 60}
        case "files":
            return {"files": [one.strip() for one in value.split(",") if one.strip()]}
        case "level":
            if value and value not in list(Level):
                raise PlanTextError(f"line {number}: no level {value} · there are {', '.join(Level)}")
            return {"pin": Level(value) if value else None}
        case _:
            return {"note": value}


def _criterion(text: str, task: PlannedTask) -> Criterion:
    words, bar, check = text.rpartition(" | ")
    if not bar:
        words, check = text, ""
    old = next((one for one in task.acceptance_criteria if one.text == words), None)
    return domain.task.Criterion(text=words, check=check or None, ticked=bool(old and old.ticked))


def _more(text: str) -> str:
    """Further lines further in."""
    return text.replace("\n", "\n  ")
