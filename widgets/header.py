"""The header: where this is, what is going on, what it costs. Pure lines; the row itself is in `chrome`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.states import SessionState, TaskState
from widgets.glyphs import SPINNER
from widgets.model_words import RULES, is_model
from widgets.needs import at_rest
from widgets.wording import money, running_time, slug

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from widgets.cells import Line


def counts(mirror: Mirror) -> dict[str, int]:
    """How many run, ask, and wait for review."""
    words = [mirror.word(task) for task in mirror.tasks.values()]
    planner = sum(one.task is None for one in mirror.questions())
    return {
        "running": sum(word in ("running", "retrying") for word in words) + ("" in mirror.working),
        "asks": sum(word in ("asks", "stuck") for word in words) + planner,
        "review": len(mirror.of_kind(ApprovalKind.CHANGES)),
        "conflict": len(mirror.of_kind(ApprovalKind.MERGE)),
        "done": sum(word == "done" for word in words),
        "all": sum(task.state is not TaskState.CANCELLED for task in mirror.tasks.values()),
    }


def working(mirror: Mirror) -> bool:
    """Whether a model or a command really works now."""
    return bool(mirror.facts.busy and mirror.working)


def header(mirror: Mirror, frame: int, width: int, flash: str = "") -> tuple[Line, Line]:
    """Left and right part of the header. `frame` counts the spinner's frames; `flash` names a new level."""
    facts, session = mirror.facts, mirror.session
    left: Line = [(f" {facts.repository or 'autodev'}", "data-bold")]
    if session:
        name = session.title or slug(session.goal)
        left += [("  ", "text"), (session.target_branch, "data"), (" → ", "muted"), (name, "data")]
    elif facts.branch:
        left += [("  ", "text"), (facts.branch, "data")]
    right: Line = [(flash, "asks"), ("  ", "text")] if flash else []
    for words, role in [*_where(mirror), *_counted(mirror, frame), *_state(mirror)]:
        right += [(words, role), ("  ", "text")]
    if session:
        right += [(" ", "text"), *_spent(mirror)]
    if not facts.sandbox and facts.sandbox_problem:
        right += [("   ", "text"), ("! no sandbox", "asks")]
    elif width >= 100 and facts.sandbox:
        right += [("   ", "text"), ("sandbox on", "muted")]
    return left, [*right, (" ", "text")]


def _where(mirror: Mirror) -> Line:
    """Whether this screen drives, and whether there is a model."""
    found: Line = []
    if mirror.facts.owner:
        found.append((f"watching · driven from {mirror.facts.owner}", "asks"))
    known = bool(mirror.facts.settings)
    if mirror.session is None and known and not is_model(mirror.facts.model):
        chosen = mirror.facts.settings.get("model") == RULES
        found.append(("by rules, no model", "muted") if chosen else ("no model yet", "asks"))
    return found


def _counted(mirror: Mirror, frame: int) -> Line:
    """What runs and what waits, by number."""
    number = counts(mirror)
    found: Line = []
    if mirror.of_kind(ApprovalKind.PLAN):
        found.append(("◐ plan waits for you", "asks"))
    if number["running"]:
        spinner = SPINNER[frame % len(SPINNER)] if working(mirror) else "●"
        what = "planning" if "" in mirror.working and not mirror.tasks else f"{number['running']} running"
        found.append((f"{spinner} {what}", "running"))
    if number["asks"]:
        found.append((f"◐ {number['asks']} {'asks' if number['asks'] == 1 else 'ask'}", "asks"))
    for what in ("review", "conflict"):
        if number[what]:
            found.append((f"± {number[what]} {what}{'s' if number[what] > 1 else ''}", "asks"))
    return found


def _state(mirror: Mirror) -> Line:
    """How the session stands, where the counts do not say it."""
    session = mirror.session
    if session is None:
        return []
    match session.state:
        case SessionState.LANDED:
            return [("✓ landed", "done")]
        case SessionState.FAILED:
            return [("✗ failed", "failed")]
        case SessionState.CANCELLED:
            return [("⊘ cancelled", "muted")]
        case SessionState.PAUSED | SessionState.INTERRUPTED:
            return [("‖ paused", "asks")]
    number = counts(mirror)
    done = number["all"] and number["done"] == number["all"]
    found: Line = [(f"{number['done']} of {number['all']} done", "done")] if done else []
    return [*found, ("‖ paused", "asks")] if at_rest(mirror) else found


def _spent(mirror: Mirror) -> Line:
    """What the session costs, in the colour of a warning from 80 % of any limit on."""
    session = mirror.session
    assert session is not None
    usage = session.usage
    spent = money(usage.cost_usd, known=usage.cost_known)
    if usage.local_s and not usage.cost_usd and usage.cost_known:
        spent = f"local {running_time(usage.local_s)}"
    near = "asks" if session.warned else "text"
    if session.budget_usd:
        share = usage.cost_usd / session.budget_usd
        role = "failed" if share >= 1 else "asks" if share >= 0.8 else near
        return [(spent, role), (f" of {session.budget_usd:.2f}", "muted")]
    return [(spent, near)]
