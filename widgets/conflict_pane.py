"""A conflict, place by place: left, right, both, the proposal or lines of one's own; sent all at once."""

from __future__ import annotations

import re
from typing import Any

from autodev_tui.domain.approval import Approval, ApprovalKind, HunkDecision
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Answer, ConflictAnswer, GetConflict, Refused
from autodev_tui.domain.review import ConflictHunk, ConflictView
from autodev_tui.domain.text import visible
from widgets.armed_pane import ArmedPane
from widgets.cells import Line
from widgets.conflict_rows import Chosen, Row, lines_of, path_of, places, rows_of
from widgets.keys import bindings
from widgets.messages import Asked, SheetOpened

AGENT, LEAVE_OUT = "agent", "leave out"
"""The ways out of a conflict besides deciding on its places, as the question names them."""


class ConflictPane(ArmedPane):
    """What was chosen is a draft until it is sent: every key takes it anew, `u` takes it back."""

    CONTEXT = "conflict"
    EMPTY = "No conflict. Tasks that meet in a file join one after the other; what does not merge comes here."
    CURSOR_LINE = False
    BINDINGS = bindings("conflict")

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.mirror = Mirror()
        self.view: ConflictView | None = None
        self.chosen: dict[int, Chosen] = {}
        self._kept: dict[str, dict[int, Chosen]] = {}
        """What was chosen, by the hash of what was shown."""
        self._before: list[dict[int, Chosen]] = []
        self._undone: list[dict[int, Chosen]] = []
        self._wanted = ""
        self._asked_for = ""
        self._trouble = ""
        self._rows: list[Row] = []

    # -- what is shown

    def show(self, mirror: Mirror) -> None:
        """The newest state; a conflict that changed is asked for anew."""
        self.mirror = mirror
        self.keep_answered(mirror.approvals)
        approval = self.approval()
        if approval is None:
            self.view, self._asked_for = None, ""
        elif approval.shown_hash != self._asked_for:
            self._asked_for = approval.shown_hash
            self.post_message(Asked(GetConflict(approval=approval.id), self._answered_with))
        self._draw()

    def approval(self) -> Approval | None:
        """The conflict that is shown: the one that was wanted, else the oldest."""
        waiting = self.mirror.of_kind(ApprovalKind.MERGE)
        for one in waiting:
            if one.id == self._wanted:
                return one
        return waiting[0] if waiting else None

    def _shown(self) -> Approval | None:
        """The question whose places are shown; None while those of another one are still here."""
        approval, view = self.approval(), self.view
        same = approval and view and (approval.id, approval.shown_hash) == (view.approval, view.shown_hash)
        return approval if same else None

    def _answered_with(self, answer: Answer) -> None:
        self._trouble = answer.reason if isinstance(answer, Refused) else ""
        if isinstance(answer, ConflictAnswer):
            view = answer.conflict
            if self.view is None or view.shown_hash != self.view.shown_hash:
                self.chosen = dict(self._kept.get(view.shown_hash, {}))
                self._before, self._undone = [], []
            self.view = view
        self._draw()
        if self.view and not self._number():
            self._go(1)

    def _draw(self) -> None:
        self._rows = rows_of(self.view, self.chosen, self.body_width) if self.view else []
        self.ask_about(self.approval() if self.view else None)
        self.renew()

    def on_resize(self) -> None:
        """Another width, other rows."""
        self._draw()

    def title(self) -> tuple[Line, Line]:
        """Which task, and how far it is decided."""
        left: Line = [("Conflict", "bold")]
        if self._trouble:
            left.append((f"  {visible(self._trouble, keep='')}", "failed"))
        if self.view is None:
            return left, []
        task = self.mirror.tasks.get(self.view.task)
        name = f"{self.view.task} {task.title}" if task else self.view.task
        others = len(self.mirror.of_kind(ApprovalKind.MERGE)) - 1
        right: Line = [(f"{len(self.chosen)} of {places(self.view)} decided", "text")]
        if others > 0:
            right.append((f" · {others} more", "muted"))
        return [*left, (f"  {visible(name, keep='')}", "data")], right

    def row_count(self) -> int:
        """All rows of all places."""
        return len(self._rows)

    def row(self, index: int) -> Line:
        """One row."""
        return self._rows[index].line

    def can_stand(self, index: int) -> bool:
        """In places, not above the first."""
        return self._rows[index].number > 0

    def row_role(self, index: int) -> str:
        """Headings stand out."""
        return "heading" if self._rows[index].heading else ""

    def marked(self, index: int) -> bool:
        """The whole of the place under the cursor."""
        number = self._number()
        return bool(number) and self._rows[index].number == number and bool(self._rows[index].line)

    def _number(self) -> int:
        """The place under the cursor; 0 above the first."""
        return self._rows[self.cursor].number if self.cursor < len(self._rows) else 0

    def _hunk(self) -> ConflictHunk | None:
        number = self._number()
        return next((one for one in self.view.hunks if one.number == number), None) if self.view else None

    # -- moving

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """Show this conflict, or that of this task."""
        for one in self.mirror.of_kind(ApprovalKind.MERGE):
            if one.id == approval or (not approval and task and one.task == task):
                self._wanted = one.id
                self.show(self.mirror)
                break

    def _go(self, number: int) -> None:
        for index, row in enumerate(self._rows):
            if row.number == number and row.heading:
                self.cursor = index
                last = max(place for place, one in enumerate(self._rows) if one.number == number)
                self.show_row(min(last, index + self.body_height - 1))
                self.show_row(index)
                return

    def words_sized(self) -> None:
        """The whole place stays in sight while its lines are edited."""
        self.renew()
        self._go(self._number())

    def next_item(self, step: int) -> None:
        """The next or previous place."""
        self.action_hunk(step)

    def action_hunk(self, step: int) -> None:
        """The next or previous place."""
        if self.view is None:
            return
        number = self._number() + step
        if 1 <= number <= places(self.view):
            self._go(number)
        else:
            self.ignore("no other conflict in that direction")

    def action_files(self) -> None:
        """The next file's first conflict."""
        if self.view is None:
            return
        count, here = places(self.view), max(self._number(), 1)
        path = path_of(self.view, here)
        for offset in range(1, count):
            number = (here - 1 + offset) % count + 1
            if path_of(self.view, number) != path:
                self._go(number)
                return
        self.ignore("all conflicts are in this file")

    # -- choosing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a conflict, and where lines cannot show one, keys that have no use do nothing."""
        if action in ("left", "right", "files", "hunk", "submit", "agent", "leave_out"):
            return self.view is not None
        if action in ("proposal", "both", "edit"):
            hunk = self._hunk()
            return hunk is not None and (action != "proposal" or hunk.proposal is not None)
        return super().check_action(action, parameters)

    def _choose(self, chosen: Chosen) -> None:
        number = self._number()
        if self.view is None or not number:
            return
        self._before.append(dict(self.chosen))
        self._undone.clear()
        self.chosen[number] = chosen
        self._hold()
        count = places(self.view)
        following = [one % count + 1 for one in range(number, number + count)]
        self._go(next((one for one in following if one not in self.chosen), number))

    def _hold(self) -> None:
        if self.view:
            self._kept[self.view.shown_hash] = dict(self.chosen)
        self._draw()

    def _side(self, side: str) -> None:
        hunk = self._hunk()
        self._choose(Chosen(side, lines_of(hunk, side) if hunk else None))

    def action_proposal(self) -> None:
        """What is proposed."""
        self._side("proposal")

    def action_left(self) -> None:
        """What has joined before."""
        self._side("left")

    def action_right(self) -> None:
        """What the task wants."""
        self._side("right")

    def action_both(self) -> None:
        """What has joined before, then what the task wants."""
        self._side("both")

    def action_edit(self) -> None:
        """Lines of one's own, beginning with what is chosen or proposed."""
        hunk = self._hunk()
        if hunk is None or self.view is None:
            return
        number, shown = hunk.number, self.view.shown_hash
        chosen = self.chosen.get(number)
        lines = chosen.lines if chosen and chosen.lines is not None else hunk.proposal
        text = "".join(lines if lines is not None else lines_of(hunk, "both") or [])

        def kept(changed: str) -> str | None:
            if self.view is None or self.view.shown_hash != shown:
                return "this conflict is another one by now · esc keeps your lines as a draft"
            new = changed
            if new and not new.endswith("\n") and not (text and not text.endswith("\n")):
                new += "\n"
            self._go(number)
            # At line feeds alone: other characters that end a line stay in it.
            self._choose(Chosen("edited", re.findall(r"[^\n]*\n|[^\n]+", new)))
            return None

        key = f"edit:{shown[:8]}:{number}"
        self.ask_words(key, f"what holds in place {number}", kept, text=text, editor=True)

    def action_undo(self) -> None:
        """What was chosen last, back."""
        self._swap(self._before, self._undone, "nothing chosen to take back")

    def action_redo(self) -> None:
        """What was taken back, again."""
        self._swap(self._undone, self._before, "nothing to choose again")

    def _swap(self, of: list[dict[int, Chosen]], to: list[dict[int, Chosen]], nothing: str) -> None:
        if not of:
            self.ignore(nothing)
            return
        to.append(dict(self.chosen))
        earlier = of.pop()
        both = {*earlier, *self.chosen}
        changed = [number for number in both if earlier.get(number) != self.chosen.get(number)]
        self.chosen = earlier
        self._hold()
        if changed:
            self._go(changed[0])

    # -- answering

    def action_submit(self) -> None:
        """Send what was chosen for every place, after a last look."""
        approval, view = self._shown(), self.view
        if approval is None or view is None or self.answered(approval):
            self.ignore("no conflict to send")
            return
        still = [one for one in range(1, places(view) + 1) if one not in self.chosen]
        if still:
            self._go(still[0])
            self.ignore(f"{len(still)} of {places(view)} still open")
            return
        rows = [
            f"{number}  {path_of(view, number)}  {one.side}" for number, one in sorted(self.chosen.items())
        ]
        rows += ["", f"The checks run on the result first; if they are red, {view.task} asks again."]
        hunks = [self._decision(number, one) for number, one in sorted(self.chosen.items())]

        def send() -> None:
            self.decide(approval, "approve", f"{view.task} joins as you chose · u takes it back", hunks=hunks)

        title = f"Resolve {view.task}: {places(view)} of {places(view)} decided"
        self.post_message(SheetOpened(title, rows, yes=f"join {view.task}", confirmed=send))

    @staticmethod
    def _decision(number: int, chosen: Chosen) -> HunkDecision:
        if chosen.lines is None:
            return HunkDecision(hunk=number, verdict="reject" if chosen.side == "left" else "accept")
        return HunkDecision(hunk=number, verdict="edit", new_lines=chosen.lines)

    def action_agent(self) -> None:
        """Back to the agent, which makes its work join."""
        approval = self._shown()
        if approval is None or self.answered(approval):
            self.ignore("no conflict here")
            return

        def send_back(reason: str) -> None:
            done = f"{approval.task} resolves it, and its change comes to review"
            self.decide(approval, "choose", done, choice=AGENT, reason=reason)

        self.ask_reason(approval, f"back to {approval.task}: what should it heed?", send_back)

    def action_leave_out(self) -> None:
        """Go on without this task."""
        approval = self._shown()
        if approval is None or self.answered(approval):
            self.ignore("no conflict here")
            return
        task = approval.task or ""
        rows = [f"{task} does not join; its work stays on {approval.ask.get('branch', 'its branch')}."]
        if needing := approval.ask.get("dependents", []):
            rows.append(f"{', '.join(needing)} cannot be done without it and would be cancelled.")

        def leave_out() -> None:
            self.decide(approval, "choose", f"{task} is left out · u takes it back", choice=LEAVE_OUT)

        self.post_message(
            SheetOpened(f"Leave {task} out", rows, yes=f"leave {task} out", confirmed=leave_out, danger=True)
        )

    def copied(self) -> tuple[str, str]:
        """The lines that hold here, else those of the task."""
        hunk = self._hunk()
        if hunk is None:
            return super().copied()
        chosen = self.chosen.get(hunk.number)
        lines = chosen.lines if chosen and chosen.lines is not None else hunk.right
        return "".join(lines), "lines"

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """What was chosen, cursor, scroll and half-typed words."""
        kept = {
            shown: {str(number): [one.side, one.lines] for number, one in chosen.items()}
            for shown, chosen in self._kept.items()
        }
        return super().state() | {"chosen": kept, "approval": self._wanted}

    def restore(self, state: dict[str, object]) -> None:
        """Look as it did."""
        kept = state.get("chosen")
        if isinstance(kept, dict):
            self._kept = {
                str(shown): {int(number): Chosen(*one) for number, one in chosen.items()}
                for shown, chosen in kept.items()
            }
        self._wanted = str(state.get("approval", ""))
        if self.view:
            self.chosen = dict(self._kept.get(self.view.shown_hash, {}))
        super().restore(state)
        self._draw()
