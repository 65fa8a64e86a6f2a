"""What a human does to hunks: decide, take back, choose lines, send. Every act is drafted at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from textual import events

from autodev_tui.domain.approval import Decision, HunkDecision
from autodev_tui.domain.commands import Decide, SaveDraft
from autodev_tui.domain.review import ReviewDraft, ReviewView
from widgets.diff_layout import Kind
from widgets.messages import CommandGiven, Said
from widgets.review_arming import ReviewArming
from widgets.review_compare import only_blanks
from widgets.review_decisions import Change, Decisions, changed_numbers, without
from widgets.review_inputs import ReviewInputs
from widgets.wording import plural

DECIDED = {"accept": "accepted", "reject": "rejected", "edit": "edited"}
FILTERS = ("all", "open", "badged", "commented")
WITHOUT_BLANKS = "what is not blank"
"""What `B` leaves."""
ACTOR = "human"


class ReviewActs(ReviewInputs):
    """Decides on hunks. Each act says itself, and can be undone until it is sent."""

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.clock = clock
        self.arming = ReviewArming(clock)
        self.view: ReviewView | None = None
        self.decisions: Decisions | None = None
        self.moved: set[str] = set()
        """Files that are not what is shown any more."""
        self.sent: ReviewDraft | None = None
        """What was sent last: it is there again when it was taken back."""
        self.only_looks = False
        self.filter = FILTERS[0]
        self._now = now
        self._range: tuple[int, int] | None = None

    # -- whether a key decides

    def on_key(self, event: events.Key) -> None:
        """Every key puts off what is not armed yet; `escape` ends a range."""
        self.arming.key()
        if event.key == "escape" and self._range:
            self._range = None
            event.stop()
            event.prevent_default()
            self.refresh()

    def on_focus(self) -> None:
        """The focus came: what is shown is looked at first. An open input takes it back."""
        if self.focus_input():
            return
        if not self.returning:
            self.arming.focused()
        self.returning = False

    def drew(self, hunk: int) -> None:
        """What was drawn long enough may be decided."""
        self.arming.drawn_hunk(hunk)

    def may_decide(self) -> int:
        """The hunk that a key decides now; 0 where none may, and then it was said why."""
        if self.decisions is None:
            self.ignore("nothing is decided here" if self.only_looks else "nothing to review")
            return 0
        hunk = self.hunk
        if not hunk:
            self.ignore("no hunk here · n p go to one")
        elif not self.arming.armed:
            self.ignore("look first: a key decides when nothing was pressed for a moment")
        elif not self.arming.seen(hunk) or not self.in_view(hunk):
            self.show_row(self.cursor)
            self.ignore("look first: this hunk was not shown yet")
        else:
            return hunk
        return 0

    # -- deciding

    def action_accept(self) -> None:
        """Accept the hunk, or the chosen lines of it."""
        hunk = self.may_decide()
        if hunk:
            lines = self._chosen_lines()
            whole = lines is None or self.whole_file(hunk)
            self.decide(HunkDecision(hunk=hunk, verdict="accept", lines=None if whole else lines))

    def action_reject(self) -> None:
        """Reject the hunk, or the chosen lines of it, with a reason."""
        hunk = self.may_decide()
        if hunk:
            self.ask_reason(hunk)

    def reject(self, hunk: int, reason: str) -> None:
        """The reason is there."""
        lines = self._chosen_lines()
        if lines is None or self.decisions is None or self.whole_file(hunk):
            self.decide(HunkDecision(hunk=hunk, verdict="reject", reason=reason))
            return
        kept = without(self.decisions.hunks[hunk], lines)
        self.decide(HunkDecision(hunk=hunk, verdict="edit", new_lines=kept, reason=reason))

    def action_comment(self) -> None:
        """Say something about the line."""
        row = self.here
        if self.decisions is None or row is None or not row.hunk:
            self.ignore("no hunk here · n p go to one")
            return
        self.ask_comment(row.hunk, row.index if row.kind is Kind.LINE else -1)

    def action_edit(self) -> None:
        """Edit the hunk's new side."""
        hunk = self.may_decide()
        if not hunk or self.decisions is None:
            return
        if self.whole_file(hunk):
            self.ignore("this can only be taken or left as a whole")
        else:
            self.ask_edit(hunk)

    def action_accept_file(self) -> None:
        """Accept what is still open in this file."""
        self._rest_of_file("accept", "")

    def action_reject_file(self) -> None:
        """Reject what is still open in this file, with a reason."""
        hunk = self.may_decide()
        if hunk:
            self.ask_reason(hunk, rest=True)

    def reject_rest(self, reason: str) -> None:
        """The reason for the rest of the file is there."""
        self._rest_of_file("reject", reason)

    def _rest_of_file(self, verdict: str, reason: str) -> None:
        hunk = self.may_decide() if verdict == "accept" else self.hunk
        decisions = self.decisions
        if not hunk or decisions is None or self.model is None:
            return
        numbers = [one.number for one in self.model.files[self.model.file_of(hunk)].hunks]
        together, alone = decisions.rest((n for n in numbers if not self.model.hidden(n)), self.moved)
        if not together:
            open_ones = any(decisions.state(number) == "open" for number in numbers)
            why = (
                "what is open in this file is decided one by one"
                if open_ones
                else "nothing in this file is open"
            )
            self.ignore(why)
            return
        made = [HunkDecision(hunk=number, verdict=verdict, reason=reason) for number in together]
        words = f"{DECIDED[verdict]} {len(made)} hunk{'s' if len(made) != 1 else ''} of the file"
        if alone:
            words += f", {len(alone)} left to be decided alone"
        self._did(decisions.decide(*made), hunk, words)

    def decide(self, decision: HunkDecision) -> None:
        """Decide one hunk, and go on to the next open one."""
        if self.decisions is None:
            return
        number, total = decision.hunk, len(self.decisions.hunks)
        self._did(self.decisions.decide(decision), number, f"{DECIDED[decision.verdict]} {number}/{total}")

    def said(self, hunk: int, line: int, text: str) -> None:
        """Keep a comment."""
        if self.decisions is None:
            return
        change = self.decisions.comment(hunk, line, text)
        if change:
            self._changed(change.path, f"commented {hunk}/{len(self.decisions.hunks)} · u undo")

    def _did(self, change: Change | None, hunk: int, words: str) -> None:
        decisions = self.decisions
        assert decisions is not None
        self._range = None
        following = decisions.next_open(hunk, among=self.hunks_in_view)
        if change is None:
            words += " already"
        else:
            words += " · u undo"
        if not following:
            words += " · all decided, enter sends"
        self._changed(change.path if change else None, words)
        if following:
            self.go_to_hunk(following)

    def _changed(self, path: str | None, words: str) -> None:
        """Draw anew, say what was done, and keep it."""
        self.put_marks()
        self.refresh()
        self.post_message(Said(words, role="text"))
        if path is not None:
            self.save(path)

    def save(self, path: str = "") -> None:
        """Keep the draft; `path` is the file of the last decision."""
        if self.decisions is None:
            return
        draft = self.decisions.draft
        self.post_message(
            CommandGiven(
                SaveDraft(draft=draft, path=path), refused=lambda why, moved: self.refused(why, moved)
            )
        )

    def refused(self, reason: str, moved: list[str]) -> None:
        """The last decision did not hold: it is undone, what moved is marked, nothing of it was recorded."""
        decisions = self.decisions
        if decisions is None:
            return
        change = decisions.revert(moved)
        self.mark_moved(moved)
        self.put_marks()
        if change:
            self.go_to_hunk(change.hunk)
            if moved:
                self.save()

    def mark_moved(self, paths: Iterable[str]) -> None:
        """These files are not what is shown any more; everything is to be looked at again."""
        self.moved.update(paths)
        self.arming.appeared()
        self.refresh()

    # -- the way back

    async def action_undo(self) -> None:
        """Take back the last act; without one the decision here from before a restart, else what was sent."""
        decisions, hunk = self.decisions, self.hunk
        change = decisions.undo() if decisions else None
        if change is None and decisions and hunk:
            change = decisions.take_back(hunk)
        if change is None:
            await self.run_action("screen.undo")
            return
        self._came_back(change, "undone", "U does it again", "")

    async def action_redo(self) -> None:
        """Do again what was taken back last."""
        change = self.decisions.redo() if self.decisions else None
        if change is None:
            await self.run_action("screen.redo")
            return
        self._came_back(change, "done again", "u undo", change.path)

    def _came_back(self, change: Change, what: str, back: str, path: str) -> None:
        decisions = self.decisions
        assert decisions is not None
        count = len(change.before)
        if count == 1:
            words = f"{what}: {change.hunk}/{len(decisions.hunks)} is {decisions.state(change.hunk)}"
        else:
            words = f"{what}: {count} hunks"
        self._changed(path, f"{words} · {back}")
        following = decisions.next_open(change.hunk, among=self.hunks_in_view) if path else change.hunk
        self.go_to_hunk(following or change.hunk)

    # -- sending

    def send(self) -> None:
        """Send what is decided; what is not stays open."""
        decisions = self.decisions
        if decisions is None:
            return
        parts = decisions.parts()
        view = decisions.view
        decision = Decision(
            approval=view.approval,
            verdict=parts.verdict,
            shown_hash=view.shown_hash,
            actor=ACTOR,
            at=self._now(),
            hunks=parts.hunks,
            rest="open",
            comments=parts.comments,
            ticked=decisions.ticked,
            unmet=decisions.unmet,
        )
        left = f", {len(parts.left_open)} left open" if parts.left_open else ""
        done = f"sent {plural(len(parts.hunks), 'decision')}{left} · u takes it back until it is read"
        self.sent = decisions.draft
        given = CommandGiven(Decide(decision=decision), done, refused=self._not_sent, then=decisions.sent)
        self.post_message(given)

    def _not_sent(self, reason: str, moved: list[str]) -> None:
        self.mark_moved(moved)
        self.save()

    # -- choosing

    def action_next_open(self, step: int) -> None:
        """The next or previous open hunk."""
        decisions, near = self.decisions, self.hunk
        if decisions is None or self.model is None:
            return
        near = near or self.model.hunk_near(self.cursor)
        following = decisions.next_open(near, step, self.hunks_in_view)
        if following and following != near:
            self.go_to_hunk(following)
        else:
            self.ignore("no other hunk is open")

    def action_range(self) -> None:
        """Begin or end a range of lines."""
        row = self.here
        if self._range:
            self._range = None
            self.post_message(Said("no range any more"))
        elif row and row.kind is Kind.LINE and self.decisions and not self.whole_file(row.hunk):
            self._range = (row.hunk, row.index)
            self.post_message(Said("range from here: j k to its end, then a r c · v ends it"))
        else:
            self.ignore("no lines to choose from here")
        self.refresh()

    @property
    def _chosen(self) -> tuple[int, int]:
        """First and last line of the range."""
        row = self.here
        start = self._range[1] if self._range else 0
        end = row.index if row and self._range and row.hunk == self._range[0] else start
        return min(start, end), max(start, end)

    def _chosen_lines(self) -> list[int] | None:
        """The changed lines in the range (from 1); None where there is no range, or no change in it."""
        if self._range is None or self.decisions is None or self.hunk != self._range[0]:
            return None
        return changed_numbers(self.decisions.hunks[self._range[0]], *self._chosen) or None

    def whole_file(self, hunk: int) -> bool:
        """Whether a hunk can only be taken or left."""
        return self.model is not None and self.model.hunks[hunk].whole_file

    def action_choose(self) -> None:
        """Show all hunks, only open ones, badged ones, commented ones."""
        decisions = self.decisions
        if decisions is None:
            return
        at = FILTERS.index(self.filter) if self.filter in FILTERS else 0
        for name in (*FILTERS[at + 1 :], *FILTERS[: at + 1]):
            wanted = None if name == "all" else [n for n in decisions.hunks if self._wanted(n, name)]
            if wanted is None or wanted:
                self.filter = name
                self.show_only(wanted)
                if self.hunk == 0 or (self.model and self.model.hidden(self.hunk)):
                    self.go_to_hunk(self.hunks_in_view[0])
                return

    def action_blanks(self) -> None:
        """Hide hunks that change only blanks, or show them again. They stay open: nothing is decided."""
        decisions = self.decisions
        if decisions is None:
            return
        blank = [number for number, hunk in decisions.hunks.items() if only_blanks(hunk)]
        if self.filter == WITHOUT_BLANKS:
            self.filter = FILTERS[0]
            self.show_only(None)
        elif not blank or len(blank) == len(decisions.hunks):
            self.ignore("every hunk changes only blanks" if blank else "no hunk changes only blanks")
        else:
            self.filter = WITHOUT_BLANKS
            self.show_only(number for number in decisions.hunks if number not in blank)
            if self.hunk == 0 or (self.model and self.model.hidden(self.hunk)):
                self.go_to_hunk(self.hunks_in_view[0])
            what = "1 hunk changes" if len(blank) == 1 else f"{len(blank)} hunks change"
            self.post_message(Said(f"{what} only blanks and stays undecided · B shows it again"))

    def _wanted(self, hunk: int, name: str) -> bool:
        assert self.decisions is not None
        if name == "badged":
            return bool(self.badges(hunk))
        if name == "commented":
            return bool(self.decisions.held(hunk).comments)
        return self.decisions.state(hunk) == name

    def row_role(self, index: int) -> str:
        """A range of lines lies under its rows."""
        if self._range and self.model:
            row = self.model.row(index)
            first, last = self._chosen
            if row.kind is Kind.LINE and row.hunk == self._range[0] and first <= row.index <= last:
                return "selected"
        return super().row_role(index)
