"""The inbox of questions: who waits above, what the chosen one asks in full below (UI §3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual import events

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line, fit, rule, spread
from widgets.needs import EVERYBODY, asker
from widgets.question_card import Card, asked_text, card, headline, rule_card
from widgets.wording import running_time

LISTED = 5
"""Questions listed above the card at most; `n p` reach all of them."""
TICK_S = 1.0
"""How often waiting times are drawn anew."""

_VERBS = {
    ApprovalKind.COMMAND: "run",
    ApprovalKind.EDIT: "edit",
    ApprovalKind.QUESTION: "asks",
    ApprovalKind.BUDGET: "limit",
    ApprovalKind.ESCALATION: "stuck",
}


class QuestionsView(ArmedPane):
    """Shows one question in full, and which others wait."""

    EMPTY = "No question waits for you."

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id=id, classes=classes, clock=clock, now=now)
        self.mirror = Mirror()
        self._waiting: list[Approval] = []
        self._current = ""
        self._choice = 0
        self._saving = False
        """Whether the rule that `A` would keep is shown instead of the card."""
        self._whole = False
        """Whether the card has the whole pane."""
        self._put_away = ""
        """The question that was put away last: the next one takes its place."""
        self._card = Card([], {})
        self._first = 0
        """The first question that is listed."""

    def on_mount(self) -> None:
        """Waiting times go on."""
        self.set_interval(TICK_S, self._tick)

    def _tick(self) -> None:
        if self._waiting and self.is_on_screen:
            self.refresh()

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; the question under the cursor stays there as long as it waits."""
        self.mirror = mirror
        before = [one.id for one in self._waiting]
        self._waiting = mirror.questions()
        self.keep_answered(mirror.approvals)
        names = [one.id for one in self._waiting]
        here = self.current()
        if here and here.id == self._put_away and here.state is ApprovalState.DEFERRED:
            self._put_away = ""
            self._turn_to(names[0])
        if self._current not in names:
            place = before.index(self._current) if self._current in before else 0
            self._turn_to(names[min(place, len(names) - 1)] if names else "")
        self._draw()

    def _turn_to(self, name: str) -> None:
        if name != self._current:
            self._current, self._choice = name, 0
            self._saving = self._whole = False
            self.scroll_to(y=0, animate=False, force=True)

    def _draw(self) -> None:
        """Lay out the chosen question anew."""
        approval, width = self.current(), self.body_width
        if approval is None:
            self._card = Card([], {})
        elif self._saving:
            self._card = rule_card(approval, width, self._choice)
        else:
            self._card = card(approval, width, self._choice)
        place = self._rank()
        self._first = min(max(place - LISTED + 1, self._first), place)
        self.cursor = place - self._first
        self.ask_about(approval, "rule" if self._saving else "")
        self.renew()

    def on_resize(self) -> None:
        """Another width, other rows."""
        self._draw()

    def current(self) -> Approval | None:
        """The question whose card is shown."""
        return next((one for one in self._waiting if one.id == self._current), None)

    def _rank(self) -> int:
        return next((place for place, one in enumerate(self._waiting) if one.id == self._current), 0)

    @property
    def _listed(self) -> int:
        """Rows of the list."""
        return 0 if self._whole else min(len(self._waiting) - self._first, LISTED)

    @property
    def _head(self) -> int:
        """Rows above the card: the list, a blank one, the rule."""
        return self._listed + 2 if self._listed else 1

    def title(self) -> tuple[Line, Line]:
        """Which of how many."""
        if not self._waiting:
            return [("4 Questions", "bold")], []
        return [("4 Questions", "bold")], [(f"{self._rank() + 1} of {len(self._waiting)}", "text")]

    def row_count(self) -> int:
        """List, rule and card."""
        return self._head + len(self._card.rows) if self._waiting else 0

    def row(self, index: int) -> Line:
        """A question of the list, or a row of the card."""
        if index < self._listed:
            return self._list_row(self._waiting[self._first + index])
        return self._card.rows[index - self._head] if index >= self._head else []

    def bar(self, index: int) -> Line | None:
        """The rule above the card."""
        return self._card_rule() if index == self._head - 1 else None

    def marked(self, index: int) -> bool:
        """The chosen question, and its chosen answer."""
        listed = index < self._listed and index == self.cursor
        return listed or self._option_at(index) == self._choice

    def can_stand(self, index: int) -> bool:
        """Questions only: `j k` go over answers or rows by themselves."""
        return index < self._listed

    def _option_at(self, index: int) -> int | None:
        return self._card.options.get(index - self._head)

    def _list_row(self, approval: Approval) -> Line:
        later = approval.state is ApprovalState.DEFERRED
        task = self.mirror.tasks.get(approval.task or "")
        name = f"{task.id} {task.title[:1].lower()}{task.title[1:]}" if task else who(approval)
        verb = _VERBS.get(approval.kind, approval.kind.value)
        waits = running_time(max(self.now() - approval.created, 0))
        word = "answered" if self.answered(approval) else f"{'later' if later else 'waits'} {waits}"
        left: Line = [
            ("◌ " if later else "◐ ", "muted" if later else "asks"),
            *fit([(visible(name, keep=""), "data")], 13),
            (f" {verb:<6}", "text"),
            (visible(_object(approval), keep=""), "data"),
            ("   (network)" if approval.ask.get("network") else "", "muted"),
        ]
        return spread(left, [(word, "muted"), (" ", "text")], self.body_width)

    def _card_rule(self) -> Line:
        approval = self.current()
        if approval is None:
            return []
        left = "A rule of yours" if self._saving else headline(approval)
        return rule([(left, "bold")], [(f"risk {approval.risk}", "text")], self.size.width, focused=False)

    # -- moving

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Turn to this question, or to the first one of this task."""
        for one in self._waiting:
            if one.id == approval or (not approval and task and one.task == task):
                self._turn_to(one.id)
                break
        self._draw()

    def next_item(self, step: int) -> None:
        """The next or previous question."""
        if len(self._waiting) < 2:
            self.ignore("no other question waits")
            return
        place = (self._rank() + step) % len(self._waiting)
        self._turn_to(self._waiting[place].id)
        self._draw()

    def action_move(self, step: int) -> None:
        """Another answer where there are several, else a row of the text."""
        count = len(self._card.options)
        if count > 1:
            self._choice = min(max(self._choice + step, 0), count - 1)
            self._draw()
            row = next(row for row, place in self._card.options.items() if place == self._choice)
            self.show_row(self._head + row, margin=1)
        else:
            self.scroll_to(y=max(round(self.scroll_y) + step, 0), animate=False, force=True)

    def action_top(self) -> None:
        """The first row."""
        self.scroll_to(y=0, animate=False, force=True)

    def action_end(self) -> None:
        """The last row."""
        self.scroll_to(y=self.row_count(), animate=False, force=True)

    def _page(self, rows: int) -> None:
        self.scroll_to(y=max(round(self.scroll_y) + rows, 0), animate=False, force=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A question of the list, or an answer."""
        index = round(self.scroll_y) + event.y - 1
        if event.y < 1:
            return
        if index < self._listed:
            self._turn_to(self._waiting[self._first + index].id)
        elif (option := self._option_at(index)) is not None:
            self._choice = option
        self._draw()

    def copied(self) -> tuple[str, str]:
        """What is asked, as it is stored."""
        approval = self.current()
        return (asked_text(approval), "what is asked · a approves") if approval else ("", "")

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """The question, the chosen answer, scroll and half-typed words."""
        return super().state() | {"approval": self._current, "choice": self._choice, "whole": self._whole}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        self._current = str(state.get("approval", ""))
        choice = state.get("choice", 0)
        self._choice = choice if isinstance(choice, int) else 0
        self._whole = bool(state.get("whole"))
        super().restore(state)
        self._draw()


def _object(approval: Approval) -> str:
    if approval.kind is ApprovalKind.EDIT:
        return str(approval.ask.get("path", approval.title))
    if approval.kind is ApprovalKind.BUDGET:
        return asked_text(approval).removeprefix("budget: ")
    return asked_text(approval)


def who(approval: Approval) -> str:
    """Who asks."""
    if approval.kind is ApprovalKind.BUDGET:
        return approval.task or EVERYBODY
    return asker(approval)
