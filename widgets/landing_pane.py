"""The landing: the last decision, with what moves, what it rests on, and the message (UI §3.9)."""

from __future__ import annotations

from functools import partial
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Answer, GetLanding, Refused, RowsAnswer
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line, rule
from widgets.keys import bindings
from widgets.landing_rows import landing_rows, message_rows, refusal_rows
from widgets.messages import Asked, WentTo
from widgets.wording import short_hash, slug


class LandingPane(ArmedPane):
    """Shows the landing that waits, or the one that was refused; says what moved when it has landed."""

    CONTEXT = "landing"
    EMPTY = "Nothing to land yet. It comes here when all tasks are done and the checks have run on the whole."
    CURSOR_LINE = False
    BINDINGS = bindings("landing")
    ARMED_ACTIONS = frozenset({"land", "how", "send_back", "defer"})

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.mirror = Mirror()
        self._checks: list[dict[str, Any]] = []
        self._facts: dict[str, Any] = {}
        self._asked_for = ""
        self._trouble = ""
        self._comment = ""
        self._rows: list[Line] = []
        self._message_at = -1
        """Row of the rule above the message."""

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; a landing that changed is asked for anew."""
        self.mirror = mirror
        self.keep_answered(mirror.approvals)
        approval = self.approval()
        if approval is None or self.refused:
            self._asked_for = ""
        elif approval.shown_hash != self._asked_for:
            self._asked_for = approval.shown_hash
            self._checks, self._facts = [], {}
            told = partial(self._told, approval.shown_hash)
            self.post_message(Asked(GetLanding(approval=approval.id), told))
        self._draw()

    def _told(self, shown_hash: str, answer: Answer) -> None:
        if shown_hash != self._asked_for:
            return  # what another landing rests on
        self._trouble = answer.reason if isinstance(answer, Refused) else ""
        if isinstance(answer, RowsAnswer):
            self._checks, self._facts = answer.rows, answer.facts
        self._draw()

    def approval(self) -> Approval | None:
        """What waits: a refusal before the landing that it is about."""
        waiting = self.mirror.of_kind(ApprovalKind.LAND)
        return next((one for one in waiting if "why" in one.ask), waiting[0] if waiting else None)

    @property
    def refused(self) -> bool:
        """Whether what waits is a landing that was refused."""
        approval = self.approval()
        return approval is not None and "why" in approval.ask

    def _draw(self) -> None:
        approval, width = self.approval(), self.body_width
        self._message_at = -1
        if approval is None:
            self._rows = self._landed()
        elif self.refused:
            self._rows = refusal_rows(approval, width)
        else:
            session = self.mirror.session
            name = slug(session.title or session.goal) if session else "session"
            self._rows = landing_rows(approval, self._checks, self._facts, name, width)
            if self._comment:
                self._rows.append([('  " ', "asks"), (visible(self._comment, keep=""), "data")])
            self._rows.append([])
            self._message_at = len(self._rows)
            self._rows += [[], *message_rows(str(approval.ask.get("message", "")), width)]
        # The facts come a moment after the question: the keys count only once they were drawn, too.
        self.ask_about(approval, "with facts" if self._facts else "")
        self.renew()

    def _landed(self) -> list[Line]:
        session = self.mirror.session
        if session is None or session.state is not SessionState.LANDED:
            return []
        decided = [one for one in self.mirror.approvals.values() if one.kind is ApprovalKind.LAND]
        old = max(decided, key=lambda one: one.created).ask.get("old", "") if decided else session.base_commit
        branch = visible(session.target_branch, keep="")
        words = f"{branch} is now @{short_hash(session.landed_commit)}, was @{short_hash(str(old))}"
        return [[], [("  ✓ ", "done"), (words, "text"), (" · nothing was pushed", "muted")]]

    def on_resize(self) -> None:
        """Another width, other rows."""
        self._draw()

    def title(self) -> tuple[Line, Line]:
        """The goal, and that nothing comes after this."""
        session = self.mirror.session
        goal = (session.title or session.goal.strip().split("\n")[0]) if session else ""
        left: Line = [("Land", "bold"), *([(f"  {visible(goal, keep='')}", "data")] if goal else [])]
        if self._trouble:
            left.append((f"  {visible(self._trouble, keep='')}", "failed"))
        approval = self.approval()
        if approval is None:
            return left, []
        word = "✗ refused" if self.refused else "◐ the last decision"
        return left, [(word, "failed" if self.refused else "asks")]

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, index: int) -> Line:
        """One row."""
        return self._rows[index]

    def bar(self, index: int) -> Line | None:
        """The rule above the message."""
        if index != self._message_at:
            return None
        note = visible(str(self._facts.get("message_note", "")), keep="")
        return rule([("message", "bold")], [(note, "muted")] if note else [], self.size.width, focused=False)

    def marked(self, index: int) -> bool:
        """No row is chosen here."""
        return False

    def action_move(self, step: int) -> None:
        """A row up or down."""
        self.scroll_to(y=max(round(self.scroll_y) + step, 0), animate=False, force=True)

    # -- deciding

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that have no use now do nothing."""
        approval = self.approval()
        if action in ("land", "send_back", "defer"):
            return approval is not None
        if action in ("edit", "comment"):
            return approval is not None and not self.refused
        if action == "how":
            return approval is not None and bool(approval.ask.get("hows"))
        return super().check_action(action, parameters)

    def action_land(self) -> None:
        """Land, or try again what was refused."""
        approval = self.approval()
        if approval is None or not self.may_decide(approval):
            return
        if self.refused:
            self.decide(approval, "choose", "tried again", choice=approval.choices[0])
        else:
            branch = approval.ask["branch"]
            done = f"{branch} moves if it is still @{short_hash(str(approval.ask['old']))}"
            self.decide(approval, "approve", done, reason=self._comment)

    def action_edit(self) -> None:
        """Another message; it is shown so, and asked again."""
        approval = self.approval()
        if approval is None or self.answered(approval):
            return
        message = str(approval.ask.get("message", ""))

        def kept(text: str) -> str | None:
            if not text.strip():
                return "a commit has a message · esc goes back"
            if text != message:
                self.decide(approval, "edit", "the message is changed; a lands", text=text)
            return None

        key = f"message:{approval.id}:{approval.shown_hash[:8]}"
        self.ask_words(key, "the message", kept, text=message, editor=True)

    def action_how(self) -> None:
        """The other way to land; it is shown so, and asked again."""
        approval = self.approval()
        if approval is None or not self.may_decide(approval, unread=True):
            return
        hows = [str(one) for one in approval.ask.get("hows", [])]
        if hows:
            self.decide(approval, "choose", f"how: {hows[0]}; a lands", choice=hows[0])

    def action_send_back(self) -> None:
        """Not like this, with a reason; a refused landing is given up."""
        approval = self.approval()
        if approval is None or not self.may_decide(approval, unread=True):
            return
        label = (
            "give this landing up: why?" if self.refused else "sent back: what is missing? an agent does it"
        )

        def send_back(reason: str) -> None:
            done = "sent back · u takes it back" if reason else "not landed · u takes it back"
            self.decide(approval, "reject", done, reason=reason)

        self.ask_reason(approval, label, send_back)

    def action_defer(self) -> None:
        """Later: nothing moves, the question stays."""
        approval = self.approval()
        if approval is not None and self.may_decide(approval, unread=True):
            self.decide(approval, "defer", "later: nothing moves, the landing stays here")

    def action_comment(self) -> None:
        """Words that are kept with the decision."""
        approval = self.approval()
        if approval is None:
            return

        def kept(text: str) -> str | None:
            self._comment = text.strip()
            self._draw()
            return None

        self.ask_words(
            f"comment:{approval.id}", "a comment, kept with your decision", kept, text=self._comment
        )

    def action_criteria(self) -> None:
        """What all tasks are done when, and how far that is known."""
        self.post_message(WentTo("criteria"))

    def action_open(self) -> None:
        """The whole change."""
        if self.mirror.session is None:
            self.ignore(self.EMPTY)
        else:
            self.post_message(WentTo("change"))

    def copied(self) -> tuple[str, str]:
        """The message."""
        approval = self.approval()
        return (str(approval.ask.get("message", approval.title)), "message") if approval else ("", "")

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """Scroll, the comment and half-typed words."""
        return super().state() | {"comment": self._comment}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        self._comment = str(state.get("comment", ""))
        super().restore(state)
        self._draw()
