"""The answers to questions, key by key: none of them counts before the question is armed (UI §1)."""

from __future__ import annotations

from textual import events

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.commands import SendMessage
from autodev_tui.domain.states import ApprovalState
from widgets.budget_words import answered_words
from widgets.keys import bindings
from widgets.messages import CommandGiven, WentTo
from widgets.question_card import scopes
from widgets.questions_view import QuestionsView, who

_EDITABLE = {ApprovalKind.COMMAND: "command", ApprovalKind.EDIT: "new_text"}
"""What `e` may change before it is approved, by the name that the question has for it."""


class QuestionsPane(QuestionsView):
    """Takes the answer to the question that is shown."""

    CONTEXT = "questions"
    BINDINGS = bindings("questions")
    ARMED_ACTIONS = frozenset({"approve", "remember", "edit", "reject", "defer"})

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
            words = answered_words(chosen) if approval.kind is ApprovalKind.BUDGET else f"answered: {chosen}"
            self.decide(approval, "choose", f"{words} · u takes it back", choice=chosen)
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

        asker = who(approval)
        self.ask_words(f"answer:{approval.id}", f"your answer to {asker}", kept)

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
        asker = who(approval)

        def kept(text: str) -> str | None:
            if not text.strip():
                return f"nothing to say to {asker} · esc goes back"
            command = SendMessage(task=approval.task, text=text.strip())
            self.post_message(CommandGiven(command, f"queued for {asker} · the question still waits"))
            return None

        self.ask_words(f"message:{approval.id}", f"to {asker}; the question still waits", kept)

    def action_where(self) -> None:
        """The agent at the step that asks."""
        approval = self.current()
        if approval is not None:
            self.post_message(WentTo("agents", task=approval.task or "", step=approval.step))
