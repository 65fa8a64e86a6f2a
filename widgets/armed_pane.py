"""A pane whose keys decide something: they count only while what is asked is armed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from autodev_tui import domain
from widgets.arming import Arming
from widgets.messages import CommandGiven, Said
from widgets.words import WordsPane

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval

Verdict = Literal["approve", "edit", "reject", "defer", "choose"]
ACTOR = "you"
"""Who decides here; the bridge signs."""


class ArmedPane(WordsPane):
    """Subclasses tell with `ask_about` what is decided now, and guard each deciding key with `may_decide`."""

    ARMED_ACTIONS: frozenset[str] = frozenset()
    """Actions whose keys are dim until the question is armed."""

    class ArmedChanged(Message):
        """The keys that decide count now, or do not any more."""

        def __init__(self, pane: ArmedPane) -> None:
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> ArmedPane:
            """The pane."""
            return self.pane

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.arming = Arming(clock)
        self.now = now
        self._timer: Timer | None = None
        self._was_armed = False
        self._given: dict[str, Approval] = {}
        """Questions that were answered here, as they were then: nobody answers one twice."""

    @property
    def armed(self) -> bool:
        """Whether the keys that decide count now."""
        return self.arming.armed

    def ask_about(self, approval: Approval | None, more: str = "") -> None:
        """This is what the keys decide; `more` tells apart what else is shown of it."""
        self.arming.shown(f"{approval.id} {approval.shown_hash} {more}" if approval else "")
        self._watch_arming()

    def last_row(self) -> int:
        """The row with which what is asked has been read."""
        return self.row_count() - 1

    def render_line(self, y: int) -> Strip:
        """A row; the last one means that everything was drawn."""
        index = round(self.scroll_y) + y - 1
        if 0 < y <= self.body_height and index == self.last_row():
            self.arming.drawn_to_end()
            self.call_after_refresh(self._watch_arming)
        return super().render_line(y)

    def on_key(self, event: events.Key) -> None:
        """Any key restarts the clock."""
        self.arming.key()
        self._watch_arming()

    def on_focus(self) -> None:
        """The clock starts when the focus comes."""
        self.arming.focused(True)
        self._watch_arming()

    def on_blur(self) -> None:
        """Nothing is armed without the focus."""
        self.arming.focused(False)
        self._watch_arming()

    def _watch_arming(self) -> None:
        """Tell when the keys begin or cease to count, and come back when it is time to."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.arming.waits and self.is_running:
            self._timer = self.set_timer(max(self.arming.rest_s, 0.01), self._watch_arming)
        if self.armed is not self._was_armed:
            self._was_armed = self.armed
            self.refresh()
            self.post_message(self.ArmedChanged(self))

    # -- deciding

    def may_decide(self, approval: Approval | None, *, unread: bool = False) -> bool:
        """Whether the key that was pressed decides; says why it does not."""
        if approval is None or self.answered(approval):
            self.ignore("answered already" if approval else self.EMPTY or "nothing to decide")
            return False
        return self.counts(unread=unread)

    def counts(self, *, unread: bool = False) -> bool:
        """Whether the key that was pressed counts, whatever it decides; says why it does not."""
        if refusal := self.arming.refusal(unread=unread):
            self.post_message(Said(refusal, role="asks"))
            return False
        return True

    def answered(self, approval: Approval) -> bool:
        """Whether an answer to exactly this is on its way."""
        return self._given.get(approval.id) == approval

    def keep_answered(self, approvals: dict[str, Approval]) -> None:
        """Forget answers that have arrived, or whose question has changed."""
        for name in [*self._given]:
            if approvals.get(name) != self._given[name]:
                del self._given[name]

    def decide(self, approval: Approval, verdict: Verdict, done: str, **fields: Any) -> None:
        """Send a decision, bound to what was shown."""
        decision = domain.approval.Decision(
            approval=approval.id,
            verdict=verdict,
            shown_hash=approval.shown_hash,
            actor=ACTOR,
            at=self.now(),
            **fields,
        )
        self._given[approval.id] = approval

        def refused(reason: str, moved: list[str]) -> None:
            self._given.pop(approval.id, None)

        self.post_message(CommandGiven(domain.commands.Decide(decision=decision), done, refused=refused))

    def ask_reason(self, approval: Approval, label: str, then: Callable[[str], None]) -> None:
        """Ask why; an empty reason is asked about once."""
        asked = False

        def kept(text: str) -> str | None:
            nonlocal asked
            if not text.strip() and not asked:
                asked = True
                return "no reason given · enter again does it without one"
            then(text.strip())
            return None

        self.ask_words(f"reason:{approval.id}", label, kept)
