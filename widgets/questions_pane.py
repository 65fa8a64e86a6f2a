"""The inbox of questions: who waits above, what the chosen one asks in full below (UI §3.6)."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual import events

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.commands import SendMessage
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line, fit, rule, spread
from widgets.keys import bindings
from widgets.messages import CommandGiven, WentTo
from widgets.question_card import Card, asked_text, card, headline, rule_card, scopes
from widgets.wording import running_time

LISTED = 5
"""Questions listed above the card at most; `n p` reach all of them."""
TICK_S = 1.0
"""How often waiting times are drawn anew."""

_VERBS = {
    ApprovalKind.COMMAND: "run",
    ApprovalKind.EDIT: "edit",
    ApprovalKind.QUESTION: "asks",
    ApprovalKind.BUDGET: "budget",
    ApprovalKind.ESCALATION: "stuck",
}
_EDITABLE = {ApprovalKind.COMMAND: "command", ApprovalKind.EDIT: "new_text"}
"""What `e` may change before it is approved, by the name that the question has for it."""


class QuestionsPane(ArmedPane):
    """Shows one question in full and takes its answer; nothing counts before it is armed."""

    CONTEXT = "questions"
    EMPTY = "Nobody waits for you."
    BINDINGS = bindings("questions")
    ARMED_ACTIONS = frozenset({"approve", "remember", "edit", "reject", "defer"})

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
        who = f"{task.id} {task.title[:1].lower()}{task.title[1:]}" if task else _who(approval)
        verb = _VERBS.get(approval.kind, approval.kind.value)
        waits = running_time(max(self.now() - approval.created, 0))
        word = "answered" if self.answered(approval) else f"{'later' if later else 'waits'} {waits}"
        left: Line = [
            ("◌ " if later else "◐ ", "muted" if later else "asks"),
            *fit([(visible(who, keep=""), "data")], 13),
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

    # -- answering

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that this question has no use for do nothing."""
        approval = self.current()
        if self._saving and action in self.ARMED_ACTIONS:
            return False
        if action == "next":
            return len(self._waiting) > 1 or self.finding
        if action == "remember":
            return approval is not None and bool(scopes(approval))
        if action == "edit" and approval is not None:
            return self._takes_text(approval) or self._editable(approval) is not None
        if action in ("approve", "edit", "reject", "defer", "where", "ask_back"):
            return approval is not None
        return super().check_action(action, parameters)

    @staticmethod
    def _takes_text(approval: Approval) -> bool:
        """Whether free words answer it."""
        if approval.kind is ApprovalKind.ESCALATION:
            return len(approval.choices) == 1
        return approval.kind is ApprovalKind.QUESTION

    @staticmethod
    def _editable(approval: Approval) -> str | None:
        """The text that may be changed before it is approved."""
        text = approval.ask.get(_EDITABLE.get(approval.kind, ""))
        offered = approval.task is not None and "script" not in approval.ask
        return str(text) if text is not None and offered else None

    def action_approve(self) -> None:
        """Approve, or answer with the chosen one; a question for words asks for them."""
        approval = self.current()
        if approval is None or not self.may_decide(approval):
            return
        if approval.choices:
            chosen = approval.choices[min(self._choice, len(approval.choices) - 1)]
            self.decide(approval, "choose", f"answered: {chosen} · u takes it back", choice=chosen)
        elif self._takes_text(approval):
            self._ask_answer(approval)
        else:
            more = " · A next time remembers" if scopes(approval) else " · u takes it back"
            self.decide(approval, "approve", f"approved once{more}")

    def _ask_answer(self, approval: Approval) -> None:
        def kept(text: str) -> str | None:
            if not text.strip():
                return "an answer has words · esc goes back, nothing is answered"
            self.decide(approval, "choose", "answered · u takes it back", text=text.strip())
            return None

        who = _who(approval)
        self.ask_words(f"answer:{approval.id}", f"your answer to {who}", kept)

    def action_edit(self) -> None:
        """Change the command, then approve it; or answer in words of one's own."""
        approval = self.current()
        if approval is None or not self.may_decide(approval):
            return
        if (text := self._editable(approval)) is None:
            self._ask_answer(approval)
            return

        def kept(changed: str) -> str | None:
            if not changed.strip():
                return "nothing is left of it · esc goes back, nothing is approved"
            if changed == text:
                return "that is what it asks already · a approves it, esc goes back"
            self.decide(approval, "edit", "approved as you changed it · u takes it back", text=changed)
            return None

        long = approval.kind is ApprovalKind.EDIT or "\n" in text
        done = "ctrl+o" if long else "enter"
        self.ask_words(
            f"edit:{approval.id}:{approval.shown_hash[:8]}",
            f"{approval.task} runs this instead: {done} approves it"
            if approval.kind is ApprovalKind.COMMAND
            else f"written instead: {done} approves it",
            kept,
            text=text,
            editor=long,
        )

    def action_remember(self) -> None:
        """Show in full what would be allowed without asking."""
        approval = self.current()
        if approval is None or self._saving or not self.may_decide(approval):
            return
        self._saving, self._choice = True, 0
        self.scroll_to(y=0, animate=False, force=True)
        self._draw()

    def action_open(self) -> None:
        """The whole text over the whole pane, and back; where a rule is shown, it is saved."""
        approval = self.current()
        if approval is None:
            self.ignore(self.EMPTY)
        elif self._saving:
            if not self.may_decide(approval):
                return
            scope = scopes(approval)[self._choice]
            self._saving, self._choice = False, 0
            done = "approved, and remembered · /rules takes it back"
            self.decide(approval, "approve", done, remember=scope)
            self._draw()
        else:
            self._whole = not self._whole
            self.scroll_to(y=0, animate=False, force=True)
            self._draw()

    def on_key(self, event: events.Key) -> None:
        """`escape` leaves the rule or the full text, and decides nothing."""
        if event.key == "escape" and self.has_focus and (self._saving or self._whole):
            self._saving = self._whole = False
            self._choice = 0
            self._draw()
            event.stop()

    def action_reject(self) -> None:
        """No, with a reason for the agent."""
        approval = self.current()
        if approval is None or not self.may_decide(approval, unread=True):
            return

        def reject(reason: str) -> None:
            self.decide(approval, "reject", "rejected · u takes it back", reason=reason)

        self.ask_reason(approval, "rejected: why? the agent reads this", reject)

    def action_defer(self) -> None:
        """Put it away: it stays in the list, and the agent goes on waiting."""
        approval = self.current()
        if approval is None or not self.may_decide(approval, unread=True):
            return
        if approval.state is ApprovalState.DEFERRED:
            self.ignore("put away already")
            return
        self._put_away = approval.id
        self.decide(approval, "defer", "put away · it stays in the list below")

    def action_ask_back(self) -> None:
        """Words for whoever asks; the question goes on waiting."""
        approval = self.current()
        if approval is None:
            return
        who = _who(approval)

        def kept(text: str) -> str | None:
            if not text.strip():
                return f"nothing to say to {who} · esc goes back"
            command = SendMessage(task=approval.task, text=text.strip())
            self.post_message(CommandGiven(command, f"queued for {who} · the question still waits"))
            return None

        self.ask_words(f"message:{approval.id}", f"to {who}; the question still waits", kept)

    def action_where(self) -> None:
        """The agent at the step that asks."""
        approval = self.current()
        if approval is not None:
            self.post_message(WentTo("agents", task=approval.task or "", step=approval.step))

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
        return approval.title.removeprefix("budget: ")
    return asked_text(approval)


def _who(approval: Approval) -> str:
    return approval.task or "the planner"
