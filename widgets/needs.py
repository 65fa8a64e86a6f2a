"""What needs the human, in one row: what is most urgent, and the key that works from where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodev_tui.domain.kinds import ApprovalKind
from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from widgets.budget_words import headline
from widgets.wording import running_time

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval
    from autodev_tui.domain.mirror import Mirror
    from widgets.cells import Line

PANES = {
    ApprovalKind.PLAN: ("plan", "1", "plan"),
    ApprovalKind.CHANGES: ("review", "3", "review"),
    ApprovalKind.MERGE: ("conflict", "3", "resolve"),
    ApprovalKind.LAND: ("landing", "1", "land"),
}
"""Kind → desk, the key that opens it from a pane, the verb."""
EVERYBODY = "everybody"
"""Who waits at a budget."""


@dataclass(frozen=True)
class Need:
    """One thing that waits: where it is answered, and how it reads."""

    pane: str
    line: Line
    key: str
    verb: str
    approval: str = ""
    who: str = ""
    since: float = 0.0
    """When it was asked, by the wall clock."""


def needs(mirror: Mirror) -> list[Need]:
    """Everything that waits, the most urgent first: what stops work, questions, reviews."""
    found: list[Need] = []
    pending = mirror.pending()
    stops = [one for one in pending if one.kind is ApprovalKind.BUDGET]
    asks = [one for one in pending if one.kind not in PANES and one.kind is not ApprovalKind.BUDGET]
    desks = [one for one in pending if one.kind in PANES]
    desks.sort(key=lambda one: (one.kind is not ApprovalKind.PLAN, one.kind is not ApprovalKind.MERGE))
    for approval in [*stops, *asks, *desks]:
        if approval.state.value == "deferred":
            continue
        found.append(_need(mirror, approval))
    return found


def asker(approval: Approval) -> str:
    """Who asks: a task, the planner, or the program itself for what all of them need."""
    ours = approval.effect.startswith(("setup:", "check:"))
    return approval.task or ("autodev" if ours else "the planner")


def _need(mirror: Mirror, approval: Approval) -> Need:
    pane, key, verb = PANES.get(approval.kind, ("questions", "4", "answer"))
    who = approval.task or (EVERYBODY if approval.kind is ApprovalKind.BUDGET else asker(approval))
    title = visible(approval.title, keep="")
    line: Line
    match approval.kind:
        case ApprovalKind.PLAN:
            words = "The plan starts when you approve it. Nothing has been changed yet."
            line = [("◐ ", "asks"), (words, "text")]
        case ApprovalKind.CHANGES:
            task = mirror.tasks.get(who)
            name = f"{who} {task.title}" if task else "the whole change"
            count = len(approval.ask.get("hunks", []))
            hunks = f"{count} hunk{'s' if count != 1 else ''} to review"
            line = [("± ", "asks"), (visible(name, keep=""), "data"), (f"  {hunks}", "text")]
        case ApprovalKind.MERGE:
            line = [("± ", "asks"), (title, "data")]
        case ApprovalKind.LAND:
            line = [("± ", "asks"), *_landing(mirror, approval)]
        case ApprovalKind.COMMAND:
            command = visible(str(approval.ask.get("command", "")), keep="")
            network = "   (network)" if approval.ask.get("network") else ""
            line = [("◐ ", "asks"), (f"{who} asks to run  ", "text"), (command, "data-bold")]
            line.append((network, "muted"))
        case ApprovalKind.BUDGET:
            line = [("■ ", "asks"), (headline(approval), "data")]
        case ApprovalKind.ESCALATION:
            line = [("■ ", "asks"), (title, "data")]
        case ApprovalKind.QUESTION:
            question = visible(str(approval.ask.get("question", approval.title)), keep="")
            line = [("◐ ", "asks"), (f"{who} asks  ", "text"), (question, "data")]
        case _:
            line = [("◐ ", "asks"), (title, "data")]
    return Need(pane, line, key, verb, approval.id, who, approval.created)


def waits(need: Need, others: int, now: float) -> Line:
    """What the row says of a question that is looked at already: how long it waits, and what else does."""
    held = f"{others} more wait{'s' if others == 1 else ''}" if others else "nothing else is held up"
    if need.who == EVERYBODY:
        held = "nothing is spent meanwhile"
    return [("◐ ", "asks"), (f"{need.who} waits {running_time(max(now - need.since, 0))} · {held}", "text")]


def _landing(mirror: Mirror, approval: Approval) -> Line:
    if approval.ask.get("why"):
        return [("landing refused  ", "text"), (visible(str(approval.ask["why"]), keep=""), "data")]
    tree = str(mirror.session.quality.get("tree", "")) if mirror.session else ""
    verified = f", verified @{tree[:7]}" if tree else ""
    return [("ready to land", "text"), (verified, "done")]


def binding(mirror: Mirror) -> Line:
    """What holds while one looks at the landing: it binds to the branch as it was shown."""
    approval = mirror.of_kind(ApprovalKind.LAND)[0]
    if "why" in approval.ask or "old" not in approval.ask:
        return [("± ", "asks"), *_landing(mirror, approval)]
    branch, old = visible(str(approval.ask["branch"]), keep=""), str(approval.ask["old"])[:7]
    return [("◐ ", "asks"), (f"{branch} moves only if it is still @{old} when you press a", "data")]


def stopped(mirror: Mirror) -> Line | None:
    """What stops work or went wrong, that no question is about."""
    facts, session = mirror.facts, mirror.session
    if facts.problems:
        return [("✗ ", "failed"), (visible(facts.problems[0], keep=""), "data")]
    if session and session.state is SessionState.FAILED and session.error:
        return [("✗ ", "failed"), (visible(session.error, keep=""), "data")]
    failed = [task for task in mirror.tasks.values() if task.state.value == "failed"]
    if failed:
        words = visible(failed[0].error, keep="") or f"{failed[0].id} failed"
        return [("✗ ", "failed"), (words, "data"), ("  · x in Tasks tries again", "muted")]
    lacking = [task.id for task in mirror.tasks.values() if mirror.word(task) == NEEDS_A_MODEL]
    if (
        lacking
        and session
        and not facts.busy
        and session.state in (SessionState.RUNNING, SessionState.REVIEWING)
    ):
        names = ", ".join(lacking) if len(lacking) < 4 else f"{len(lacking)} tasks"
        words = f"{names} {'need' if len(lacking) > 1 else 'needs'} a model"
        ways = " · Tasks: M gives one, X ends it, x on the goal goes on"
        return [("◇ ", "asks"), (words, "text"), (ways, "muted")]
    return None


def at_rest(mirror: Mirror) -> bool:
    """Whether a session that is not over stands still until the human lets it go on."""
    session = mirror.session
    return session is not None and not (session.over or mirror.facts.busy or mirror.facts.owner)


def idle(mirror: Mirror, here: str, *, typing: bool) -> tuple[Line, Line]:
    """That a session does not go on by itself, and at the right the key that lets it, from where one is."""
    if not at_rest(mirror):
        return [], []
    key = "/continue" if typing else "x" if here == "tasks" else "1 x"
    return (
        [("‖ ", "asks"), ("paused: nothing runs, nothing is spent", "text")],
        [(key, "key"), (" go on", "muted"), (" ", "text")],
    )
