"""What the fast lane finds: items of work and the plan they make (S05)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from autodev_tui.domain.base import Frozen
from autodev_tui.planning import wording
from autodev_tui.planning.complexity import CHUNKED, HEAVY

Priority = Literal["P0", "P1", "P2", "P3"]
USUAL: Priority = "P2"


class ItemType(StrEnum):
    """How an item is carried out (S05)."""

    SIMPLE_DIRECT = "SIMPLE_DIRECT"
    COMPLEX_CHUNKED = "COMPLEX_CHUNKED"


class ActionItem(Frozen):
    """One task that the goal names. `score` is 0–10, `files` are paths within the repository."""

    id: str
    title: str
    text: str
    """The goal's own words for it, all of them."""
    context: str = ""
    """The heading that it stands under."""
    condition: str = ""
    """What must hold for it to be done at all, in the goal's words."""
    depends_on: list[str] = []
    priority: Priority = USUAL
    score: int
    files: list[str] = []
    acceptance_criteria: list[str] = []
    subtasks: list[str] = []
    estimate_minutes: int
    ordered_by: Literal["", "words", "number"] = ""
    """What puts it after others, beside conditions."""
    starts_minute: int = 0
    """Minutes after the beginning at which it can begin, all before it having taken as long as estimated."""

    @property
    def type(self) -> ItemType:
        """Done in one go up to 3, in parts from 4 (S05)."""
        return ItemType.COMPLEX_CHUNKED if self.score >= CHUNKED else ItemType.SIMPLE_DIRECT

    @property
    def chunking(self) -> Literal["none", "light", "heavy"]:
        """The three bands of S05: 0–3, 4–6, 7 and more."""
        return "heavy" if self.score >= HEAVY else "light" if self.score >= CHUNKED else "none"


class ActionPlan(Frozen):
    """The items of a goal in its own order, and what they take."""

    goal: str
    items: list[ActionItem]
    score: int
    order: list[str]
    """Ids in the order to begin them: nothing before what it needs, then the urgent ones first."""
    total_minutes: int
    critical_minutes: int
    """How long it takes with as many agents as can be at work."""
    agents: int
    """How many items can be at work side by side, at most."""
    files: list[str]


def priority_of(text: str) -> Priority:
    """How urgent the words say it is: P0 urgent, P1 important, P2 usual, P3 less than that."""
    if found := wording.NAMED_PRIORITY.search(text):
        return ("P0", "P1", "P2", "P3", "P3")[int(found[1])]
    if wording.NOT_URGENT.search(text):
        return "P3"
    if wording.URGENT.search(text):
        return "P0"
    return "P1" if wording.IMPORTANT.search(text) else USUAL


def schedule(goal: str, items: Sequence[ActionItem], score: int) -> ActionPlan:
    """The plan of these items, each of which depends on earlier ones only."""
    starts: dict[str, int] = {}
    ends: dict[str, int] = {}
    timed: list[ActionItem] = []
    for item in items:
        starts[item.id] = max((ends[one] for one in item.depends_on), default=0)
        ends[item.id] = starts[item.id] + item.estimate_minutes
        timed.append(item.but(starts_minute=starts[item.id]))
    return ActionPlan(
        goal=goal,
        items=timed,
        score=score,
        order=_order(timed),
        total_minutes=sum(item.estimate_minutes for item in timed),
        critical_minutes=max(ends.values(), default=0),
        agents=_side_by_side(starts, ends),
        files=sorted({path for item in timed for path in item.files}),
    )


def _order(items: Sequence[ActionItem]) -> list[str]:
    """What an urgent item needs is as urgent as itself."""
    urgency = {item.id: item.priority for item in items}
    for item in reversed(items):
        for one in item.depends_on:
            urgency[one] = min(urgency[one], urgency[item.id])
    # An item's needs come before it in the text and are at least as urgent: a stable sort keeps them first.
    return sorted(urgency, key=lambda one: urgency[one])


def _side_by_side(starts: dict[str, int], ends: dict[str, int]) -> int:
    moments = sorted([(at, 1) for at in starts.values()] + [(at, -1) for at in ends.values()])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most
