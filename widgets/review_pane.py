"""The review: a change set with a decision on each hunk, drafted here and sent at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual.strip import Strip

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Answer, GetReview, Refused, ReviewAnswer
from autodev_tui.domain.review import ReviewDraft, ReviewView
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, width_of
from widgets.checkpoints_pane import CheckpointsPane
from widgets.diff_layout import Kind, Row
from widgets.diff_rows import evidence_line
from widgets.glyphs import HUNK, ROLE
from widgets.keys import bindings
from widgets.messages import Asked, EditedOutside, Said, WentTo
from widgets.review_acts import FILTERS, ReviewActs
from widgets.review_compare import comparisons
from widgets.review_criteria import CriteriaSheet
from widgets.review_decisions import Decisions
from widgets.review_inputs import Purpose
from widgets.review_sheets import FilesSheet, SubmitSheet

WIDE = 110
"""Cells from which evidence is told with its commands."""
DECIDES = frozenset(
    {
        "accept", "reject", "edit", "comment", "accept_file", "reject_file", "next_open", "range", "criteria",
        "choose", "blanks", "compare", "submit", "where", "outside", "open",
    }
)  # fmt: skip
"""Actions that mean something only where a change is reviewed."""
EDITING_STEPS = ("edit_file", "write_file", "move_file", "delete_file")


class ReviewPane(ReviewActs):
    """Decides on hunks. Every act is drafted at once, says itself, and can be undone until it is sent."""

    BINDINGS = bindings("review")
    CONTEXT: ClassVar[str] = "review"

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id=id, classes=classes, clock=clock, now=now)
        self.mirror: Mirror | None = None
        self.nothing = "Nothing to review."
        self._asked_for = ""
        self._looked_for_moves = ""
        self._not_to_be_had = ("", "")
        self._state: dict[str, Any] = {}
        self._criteria_wanted = False
        self._compared = 0

    # -- what is reviewed

    def show(self, mirror: Mirror) -> None:
        """Keep up with what is known: the next review when this one is decided, else what moved."""
        self.mirror = mirror
        if self.only_looks:
            return
        view = self.view
        if view is not None:
            approval = mirror.approvals.get(view.approval)
            waits = approval and approval.state in (ApprovalState.PENDING, ApprovalState.DEFERRED)
            if waits and approval and approval.shown_hash == view.shown_hash:
                if view.approval in mirror.moved and view.approval != self._looked_for_moves:
                    self._looked_for_moves = view.approval
                    self._ask_for(view.approval)
                return
        waiting = mirror.of_kind(ApprovalKind.CHANGES)
        if waiting:
            before = self._state.get("approval")
            first = next((one for one in waiting if one.id == before), waiting[0])
            if (first.id, first.shown_hash) != self._not_to_be_had:
                self._ask_for(first.id)
        elif not self._asked_for:
            self.show_nothing()

    def stand_at(self, task: str = "", approval: str = "", step: str = "", sheet: str = "") -> None:
        """Show the review of this task or question, if it is not shown already; with its criteria on top."""
        self._criteria_wanted = bool(sheet)
        if not task and not approval:
            return
        waiting = self.mirror.of_kind(ApprovalKind.CHANGES) if self.mirror else []
        wanted = next((one.id for one in waiting if approval in ("", one.id) and task in ("", one.task)), "")
        if wanted and (self.view is None or self.view.approval != wanted):
            self._ask_for(wanted)
        elif self._criteria_wanted:
            self._open_criteria()

    def _open_criteria(self) -> None:
        """Once what they belong to is shown and has the focus."""
        self._criteria_wanted = False
        self.call_after_refresh(self.call_later, self.action_criteria)

    def _ask_for(self, approval: str) -> None:
        if self._asked_for == approval:
            return
        self._asked_for = approval

        def answered(answer: Answer) -> None:
            if self._asked_for != approval:
                return
            self._asked_for = ""
            if isinstance(answer, ReviewAnswer):
                self._take(answer.review)
            elif isinstance(answer, Refused):
                # It is not asked for again by itself: whoever wants it goes to it.
                known = self.mirror.approvals.get(approval) if self.mirror else None
                self._not_to_be_had = (approval, known.shown_hash if known else "")
                self.post_message(Said(f"✗ {answer.reason}", role="failed"))

        self.post_message(Asked(GetReview(approval=approval), answered))

    def _take(self, view: ReviewView) -> None:
        if self.view and (self.view.approval, self.view.shown_hash) == (view.approval, view.shown_hash):
            # The same review: only what moved under it is new.
            self.mark_moved(view.moved)
            return
        draft = self.mirror.drafts.get(view.approval) if self.mirror else None
        back = self.sent if draft is None and self.sent and self.sent.approval == view.approval else None
        self.open_review(view, draft or back)
        if back:
            self.save()
        if self._criteria_wanted:
            self._open_criteria()

    def open_review(self, view: ReviewView, draft: ReviewDraft | None = None) -> None:
        """Show a review, with the decisions that were drafted before."""
        again = self.view is not None and self.view.approval == view.approval
        place = self.here if again else None
        typed, before = self.typed, self.decisions
        self.drop_input()
        self.view, self.decisions = view, Decisions(view, draft)
        self.moved = set(view.moved)
        self.only_looks = False
        self.filter, self._range, self._compared = FILTERS[0], None, 0
        super().show_changes(view.changes)
        if typed and before:
            self._go_on_typing(*typed, before)
        self._typed_before_the_restart()
        self.put_marks()
        if self._state.get("approval") == view.approval:
            self._stand_as_before()
        elif place is not None and self.model:
            self.cursor = self.model.find(place)
        elif self.model and self.model.hunks:
            self.go_to_hunk(self._first_open())
        self.arming.appeared()

    def _go_on_typing(self, purpose: Purpose, text: str, before: Decisions) -> None:
        """What was being typed when this review took another's place: a draft where its hunk is as it was."""
        assert self.decisions is not None
        old = before.hunks[purpose.hunk]
        same = [
            one.number
            for one in self.decisions.hunks.values()
            if (one.path, one.diff) == (old.path, old.diff)
        ]
        if len(same) != 1:
            self.post_message(
                Said("what you typed for has changed · up in a reason or comment brings it back")
            )
            return
        kind, _, *rest = purpose.key.split(":")
        self.decisions.texts[":".join([kind, str(same[0]), *rest])] = text
        self.post_message(Said(f"other changes came · what you typed for hunk {same[0]} is kept as a draft"))
        self.save()

    def _typed_before_the_restart(self) -> None:
        """What was being typed when the program ended is a draft."""
        typed = self._state.get("typed")
        if self.view is None or self.decisions is None or not isinstance(typed, dict):
            return
        key, text = str(typed.get("key")), str(typed.get("text"))
        if typed.get("shown_hash") == self.view.shown_hash:
            self.decisions.texts[key] = text
            self.save()
        elif self._state.get("approval") == self.view.approval:
            self._reasons.append(text)

    def _first_open(self) -> int:
        decisions = self.decisions
        numbers = list(self.model.hunks) if self.model else []
        return next((one for one in numbers if decisions and decisions.state(one) == "open"), numbers[0])

    def show_changes(self, changes: ChangeSet | None, title: str = "") -> None:
        """Show a change set only to be looked at."""
        self.drop_input()
        self.view = self.decisions = None
        self.only_looks = changes is not None
        self.moved = set()
        super().show_changes(changes, title)

    def show_nothing(self) -> None:
        """There is nothing to review."""
        if self.view is not None or self.model is not None:
            self.show_changes(None)
        self.nothing = "Nothing to review."
        tasks = self.mirror.tasks.values() if self.mirror else ()
        following = next((task for task in tasks if task.state is TaskState.IN_PROGRESS), None)
        if following:
            self.nothing += f" {following.id} is next."
        self.refresh()

    def state(self) -> dict[str, Any]:
        """How it looks, for an exact restart."""
        row, view = self.here, self.view
        if row is None or view is None:
            return self._state
        place = {
            "kind": row.kind.value,
            "file": row.file,
            "hunk": row.hunk,
            "index": row.index,
            "gap": row.gap,
        }
        above = self.cursor - round(self.scroll_y)
        state: dict[str, Any] = {"approval": view.approval, "row": place, "above": above}
        if self.typed:
            purpose, text = self.typed
            state["typed"] = {"key": purpose.key, "text": text, "shown_hash": view.shown_hash}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Look as it did, as soon as the same review is there."""
        self._state = state
        if self.view and state.get("approval") == self.view.approval:
            if not self.typed:
                self._typed_before_the_restart()
                self.put_marks()
            self._stand_as_before()

    def _stand_as_before(self) -> None:
        place, above = self._state.get("row"), self._state.get("above", 0)
        self._state = {}
        if self.model and isinstance(place, dict):
            kind = Kind(str(place.get("kind", "line")))
            file, hunk, index, gap = (int(place.get(name, 0)) for name in ("file", "hunk", "index", "gap"))
            self.move_to(self.model.find(Row(kind, file, hunk, index, gap)))
            self.scroll_to(y=max(self.cursor - int(above), 0), animate=False, force=True)

    # -- how it looks

    def review_title(self) -> tuple[Line, Line]:
        """What is reviewed, and how far the decisions are."""
        if self.view is None or self.decisions is None:
            return super().review_title() if self.only_looks else ([("3 Review", "text")], [])
        view = self.view
        right: Line = [(f"only {self.filter} · ", "asks")] if self.filter != FILTERS[0] else []
        for word, count in self.decisions.counts().items():
            if count or word == "open":
                gap = "  " if right and not right[-1][0].endswith("· ") else ""
                right.append((f"{gap}{count} {word}", "text"))
        left: Line = [("3 Review ", "text"), (f"{view.task or 'the whole change'} ", "data")]
        if view.task:
            # The title gives way to the counts.
            room = self.size.width - width_of([*left, *right]) - 9
            left.append((cut(_small(visible(view.title, keep="")), max(room, 8)), "data"))
        return left, right

    def badges(self, hunk: int) -> list[str]:
        """What stands out about a hunk, hard gates included."""
        info = self.decisions.infos.get(hunk) if self.decisions else None
        return list(dict.fromkeys([*info.badges, *info.hard_gates])) if info else super().badges(hunk)

    def state_of(self, hunk: int) -> Line:
        """State and number of a hunk."""
        if self.decisions is None:
            return super().state_of(hunk)
        word = self.word_of(hunk)
        more = " under you, look again" if word == "moved" else ""
        total = len(self.decisions.hunks)
        return [(f"{HUNK[word]} {word}{more}", ROLE[word]), (f" {hunk}/{total}", "text")]

    def word_of(self, hunk: int) -> str:
        """The one word of a hunk's state."""
        decisions = self.decisions
        assert decisions is not None
        word = decisions.state(hunk)
        if decisions.hunks[hunk].path in self.moved:
            return "moved"
        info = decisions.infos.get(hunk)
        came_back = info is not None and info.rejected_before is not None
        return "came back" if word == "open" and came_back else word

    def proven(self) -> Line:
        """What the checks said of the proposed tree."""
        view = self.view
        if view is None:
            return []
        old, new = view.gate.get("old_failures", {}), view.gate.get("new_failures", {})
        before = {name for name, found in old.items() if found and not new.get(name)}
        wide = self.size.width >= WIDE
        return evidence_line(view.evidence, view.changes.proposed, wide=wide, before=before)

    def render_line(self, y: int) -> Strip:
        """A row of the view; while there is nothing to review, what will be here."""
        self.arming.drawn()
        if y == 2 and not self.row_count():
            return self.strip([("  ", "text"), (self.nothing, "data-muted")], self.size.width)
        return super().render_line(y)

    # -- looking closer

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where a change is only looked at, or there is none, nothing is decided."""
        decides = self.view is not None and not self.only_looks
        return (decides or action not in DECIDES) and super().check_action(action, parameters)

    def action_where(self) -> None:
        """The step that wrote this file last, in its agent's log."""
        row, view = self.here, self.view
        if row is None or self.model is None or view is None or self.mirror is None:
            self.ignore("nothing here was written by a step")
            return
        path, text = self.model.files[row.file].path, row.text.strip()
        steps = [
            step
            for step in self.mirror.steps_of(view.task)
            if step.name in EDITING_STEPS and path in (step.args.get("path"), step.args.get("to"))
        ]
        wrote = [step for step in steps if text and text in str(step.args)]
        if not steps:
            self.ignore("no step of its agent edited this file: a command wrote it")
            return
        self.post_message(WentTo("agents", task=view.task, step=(wrote or steps)[-1].id))

    def action_compare(self) -> None:
        """What changed since the last review, the next time since each checkpoint before."""
        view = self.view
        found = comparisons(self.mirror, view.approval) if view and self.mirror else []
        if not found:
            self.ignore("there is nothing earlier to compare with" if view else "nothing is reviewed here")
            return
        title, old, new = found[self._compared % len(found)]
        self._compared += 1
        more = " · q, then = for another" if len(found) > 1 else ""
        self.post_message(CheckpointsPane.Compared(old, new, f"{title}{more}"))

    def action_outside(self) -> None:
        """Open the file at this line in the user's own editor."""
        row = self.here
        if row and self.model:
            task = self.view.task if self.view else None
            line = row.new or next((one for one in (row.old,) if one), 1)
            self.post_message(EditedOutside(path=self.model.files[row.file].path, line=line, task=task))

    # -- sheets

    def action_open(self) -> None:
        """`enter` opens what is sent."""
        self.action_submit()

    def action_submit(self) -> None:
        """Look at what is sent, and send it from there."""
        if self.decisions is None:
            self.ignore("nothing is decided here")
        else:
            self.open_sheet(SubmitSheet(self))

    def action_files(self) -> None:
        """The changed files."""
        if self.model and self.model.files:
            self.open_sheet(FilesSheet(self))

    def action_criteria(self) -> None:
        """The acceptance criteria."""
        if self.decisions is None or not self.decisions.view.criteria:
            self.ignore("this review has no acceptance criteria")
        else:
            self.open_sheet(CriteriaSheet(self))


def _small(title: str) -> str:
    """A title inside a line: its first letter small, unless it begins with an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
