"""What is known of a task, in rows: needs, level, cost, files, criteria, checks (UI §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.states import TaskState
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_line, cut_path, spread, width_of, wrap
from widgets.glyphs import EVIDENCE, ROLE
from widgets.wording import money, running_time, short_hash, took

if TYPE_CHECKING:
    from autodev_tui.domain.events import Checked
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.task import Criterion, Task

LABEL = 8
"""Cells of a fact's name."""


def facts(mirror: Mirror, task: Task, width: int) -> list[Line]:
    """The rows for one task, the most asked for first; `width` is that beside the cursor's column."""
    rows: list[Line] = []
    if task.error:
        rows += [
            [(" ✗ " if not n else "   ", "failed"), (text, "data")] for n, text in _wrapped(task.error, width)
        ]
    rows.append(_fact("needs", [(", ".join(task.dependencies) or "nothing", "data")]))
    rows += _level(mirror, task, width)
    rows += [_fact("model", [(words, role)]) for words, role in model_line(task)]
    rows.append(_fact("cost", [(cost_words(mirror, task), "text")]))
    if task.files:
        rows.append(_fact("files", [(_files(task.files, width - LABEL - 1), "data")]))
    rows += _checks_row(task)
    if task.acceptance_criteria:
        rows.append([(" done when", "muted")])
        rows += [_criterion(one, task, width) for one in task.acceptance_criteria]
    rows += _checks(mirror, task, width)
    if note := str(task.context.get("note", "")):
        rows += [_fact("note" if not n else "", [(text, "data")]) for n, text in _wrapped(note, width)]
    return rows


def goal_facts(mirror: Mirror, width: int) -> list[Line]:
    """The rows for the goal."""
    session = mirror.session
    if session is None:
        return []
    goal = visible(session.goal, keep="\n")
    rows: list[Line] = [[(f" {text}", "data")] for text in wrap(goal, max(width - 2, 1))]
    rows += _level(mirror, None, width)
    spent = money(session.usage.cost_usd, known=session.usage.cost_known)
    budget = f" of {session.budget_usd:.2f}" if session.budget_usd is not None else ""
    rows.append(_fact("cost", [(spent + budget, "text")]))
    rows.append(_fact("branch", [(session.session_branch, "data")]))
    for text in session.assumptions:
        for number, row in enumerate(wrap(visible(text, keep=""), max(width - 14, 8))):
            mark: Line = [("   ", "text")] if number else [(" ! ", "asks")]
            rows.append([*mark, ("         " if number else "assumed: ", "muted"), (row, "data")])
    return rows


def level_words(mirror: Mirror, task: Task | None, *, full: bool = True) -> Line:
    """The level that holds, and what holds it there; in full also what it would be otherwise."""
    line: Line = [(mirror.level(task).value, "text")]
    session = mirror.session
    wanted = mirror.capped(task)
    if wanted is not None:
        line.append((f"  capped, was {wanted.value}" if full else "  capped", "muted"))
    elif (task and task.pin) or (session and session.pin):
        line.append(("  pinned", "muted"))
    return line


def model_line(task: Task) -> Line:
    """The model of a task where it is not the session's."""
    if task.fallback:
        return [(f"{visible(task.fallback, keep='')} · the one before failed", "data")]
    return [(visible(task.model, keep=""), "data")] if task.model else []


def cost_words(mirror: Mirror, task: Task) -> str:
    """What the task has cost, and what it was thought to; the time of local models."""
    spent = money(task.usage.cost_usd, known=task.usage.cost_known)
    if task.usage.local_s and not task.usage.cost_usd and task.usage.cost_known:
        return f"local {running_time(task.usage.local_s)}"
    estimate = estimated(mirror, task.id)
    if estimate is None or not estimate[1]:
        return spent
    return f"{spent} of {cost_range(*estimate)}".replace("of $", "of ")


def estimated(mirror: Mirror, task: str) -> tuple[float, float] | None:
    """What the plan said the task would cost, least and most, in USD."""
    plans = [one for one in mirror.approvals.values() if one.kind is ApprovalKind.PLAN]
    for plan in sorted(plans, key=lambda one: one.created, reverse=True):
        told = plan.ask.get("estimate", {}).get("tasks", {}).get(task, {}).get("cost_usd")
        if told:
            return float(told[0]), float(told[1])
    return None


def cost_range(least: float, most: float) -> str:
    """`~$0.20`, or `$0.60–1.40` where the two are apart."""
    if most < 0.01:
        return "<$0.01" if most > 0 else "$0.00"
    if round(least, 2) == round(most, 2):
        return f"~${most:.2f}"
    return f"${least:.2f}–{most:.2f}"


def criterion_word(criterion: Criterion, task: Task) -> str:
    """How far a criterion is known to be met, in the words of evidence."""
    if criterion.ticked:
        return "ticked"
    if task.state in (TaskState.PLANNED, TaskState.ASSIGNED) or not (task.evidence_tree or task.summary):
        return "not checked"
    return task.evidence if criterion.check and task.evidence in EVIDENCE else "claimed"


def _level(mirror: Mirror, task: Task | None, width: int) -> list[Line]:
    """The level, with what holds it on a row of its own where there is no room beside."""
    words = level_words(mirror, task)
    if width_of(words) <= width - LABEL - 2:
        return [_fact("level", words)]
    rest = [(row, role) for text, role in words[1:] for _, row in _wrapped(text.strip(), width)]
    return [_fact("level", words[:1]), *(_fact("", [one]) for one in rest)]


def _fact(name: str, line: Line) -> Line:
    return [(f" {name:<{LABEL}}", "muted"), *[(visible(text, keep=""), role) for text, role in line]]


def _wrapped(text: str, width: int) -> list[tuple[int, str]]:
    return list(enumerate(wrap(visible(text, keep="\n"), max(width - LABEL - 1, 8))))


def _files(files: list[str], width: int) -> str:
    """The first files, and how many more there are."""
    shown = cut_path(visible(files[0], keep=""), width - (4 if len(files) > 1 else 0))
    taken = 1
    for path in files[1:]:
        longer = f"{shown}, {visible(path, keep='')}"
        if len(longer) + 4 > width:
            break
        shown, taken = longer, taken + 1
    return f"{shown}, +{len(files) - taken}" if len(files) > taken else shown


def _criterion(criterion: Criterion, task: Task, width: int) -> Line:
    word = criterion_word(criterion, task)
    line: Line = [(f"  {EVIDENCE[word]} ", ROLE[word]), (visible(criterion.text, keep=""), "data")]
    return cut_line(line, width)


def _checks_row(task: Task) -> list[Line]:
    """`checks  · not run yet`, as long as there is nothing to list."""
    if task.evidence_tree:
        return []
    return [_fact("checks", [("· not run yet", "muted")])]


def _checks(mirror: Mirror, task: Task, width: int) -> list[Line]:
    """The checks of the task's tree, each with its result."""
    if not task.evidence_tree:
        return []
    ran: dict[str, Checked] = {}
    for event in mirror.log:
        if event.kind == "checked" and event.tree == task.evidence_tree:
            ran[event.check] = event
    word = task.evidence if task.evidence in EVIDENCE else "claimed"
    tree = short_hash(task.evidence_tree)
    head: Line = [(f" checks @{tree} ", "muted"), (f"{EVIDENCE[word]} {word}", ROLE[word])]
    return [head, *[row for one in ran.values() for row in (_check(one, width), *_why(one, width))]]


def _why(event: Checked, width: int) -> list[Line]:
    """Where and what failed first, below a red check: two rows at most, so that the others stay in sight."""
    rows = [text for _, text in _wrapped(event.cause, width + LABEL - 4)] if event.cause else []
    return [cut_line([("    ", "text"), (text, "data")], width) for text in rows[:2]]


def _check(event: Checked, width: int) -> Line:
    word = {"passed": "verified", "failed": "failing", "not_run": "not checked"}.get(
        event.result, "unverifiable"
    )
    result = (
        took(event.duration_s) if event.result in ("passed", "failed") else event.result.replace("_", " ")
    )
    name = visible(event.check, keep="")
    left: Line = [(f"  {EVIDENCE[word]} ", ROLE[word]), (name, "data")]
    return spread(left, [(result, "muted"), (" ", "text")], width)
