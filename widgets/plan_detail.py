"""One planned task in full, in rows: what it is about, when it is done, where it works. Pure."""

from __future__ import annotations

from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, rule, spread, wrap
from widgets.glyphs import EVIDENCE, ROLE
from widgets.task_facts import criterion_word

LABEL = 11


def task_rule(task: Task, width: int) -> Line:
    """The rule above a task: its name, role and risk."""
    risk = "low" if task.risk < 0.34 else "medium" if task.risk < 0.67 else "high"
    right: Line = [(f"role {visible(task.role, keep='')}", "text"), (f" · risk {risk}", "text")]
    return rule([(visible(f"{task.id} {task.title}", keep=""), "bold")], right, width, focused=False)


def detail(task: Task, width: int) -> list[Line]:
    """The rows below the rule, `width` cells wide beside the cursor's column."""
    room = max(width - 4, 8)
    rows: list[Line] = []
    if task.description:
        rows += [[("  ", "text"), (text, "data")] for text in wrap(visible(task.description), room)]
    checks = [cut(visible(one.check or "", keep=""), room // 2) for one in task.acceptance_criteria]
    column = max(map(len, checks), default=0)
    for number, criterion in enumerate(task.acceptance_criteria):
        word = criterion_word(criterion, task)
        first, *more = wrap(visible(criterion.text), max(room - LABEL - 3 - column, 8))
        head = f"  {'done when' if number == 0 else '':<{LABEL}}"
        left: Line = [(head, "muted"), (f"{EVIDENCE[word]} ", ROLE[word]), (first, "data")]
        rows.append(spread(left, [(f"{checks[number]:<{column}}", "data-muted"), (" ", "text")], width))
        rows += [[(" " * (LABEL + 4), "text"), (text, "data")] for text in more]
    if len(task.dependencies) > 2:
        rows += named("needs", ", ".join(task.dependencies), width)
    rows += named("files", ", ".join(task.files), width)
    rows += named("model", task.fallback or task.model or "", width)
    rows += named("note", str(task.context.get("note", "")), width)
    return rows


def named(name: str, text: str, width: int) -> list[Line]:
    """A named text, over as many rows as it takes; none for an empty one."""
    if not text:
        return []
    lines = wrap(visible(text), max(width - LABEL - 4, 8))
    return [[(f"  {'' if n else name:<{LABEL}}", "muted"), (line, "data")] for n, line in enumerate(lines)]
