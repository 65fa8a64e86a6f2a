"""Sheets over a review: its files, and what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.strip import Strip

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.changeset import Hunk
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut_path, spread, wrap
from widgets.diff_rows import section, shown
from widgets.glyphs import HUNK, ROLE
from widgets.keys import bindings
from widgets.messages import Said
from widgets.review_arming import ReviewArming
from widgets.review_decisions import STATES, line_number
from widgets.review_inputs import WHY, WITHOUT
from widgets.review_marks import edited_rows
from widgets.words import WordsPane

if TYPE_CHECKING:
    from widgets.review_pane import ReviewPane


class ReviewSheet(WordsPane):
    """Rows over a review. `escape` and `q` close it."""

    CURSOR_LINE: ClassVar[bool] = False

    def __init__(self, review: ReviewPane) -> None:
        super().__init__()
        self.review = review
        self.rows: list[Line] = []

    def on_mount(self) -> None:
        """Write the rows."""
        self.write()

    def on_resize(self) -> None:
        """Rows are as wide as the sheet."""
        self.write()

    def write(self) -> None:
        """Write all rows anew."""
        self.rows = self.lines(max(self.body_width - 1, 20))
        self.renew()

    def lines(self, width: int) -> list[Line]:
        """All rows."""
        raise NotImplementedError

    def row_count(self) -> int:
        """Rows in all."""
        return len(self.rows)

    def row(self, index: int) -> Line:
        """One row."""
        return self.rows[index]

    def on_key(self, event: events.Key) -> None:
        """`q` closes the sheet, not the review."""
        if event.key in ("q", "escape") and not self.finding and not self.typing:
            event.stop()
            event.prevent_default()
            self.action_back()

    def action_back(self) -> None:
        """Close the sheet."""
        self.review.close_inputs()


class FilesSheet(ReviewSheet):
    """The changed files with how far each is decided; `enter` goes to one."""

    CONTEXT: ClassVar[str] = "choices"
    BINDINGS = bindings("choices")

    def title(self) -> tuple[Line, Line]:
        """How many."""
        count = len(self.rows)
        return [("Files", "text")], [(f"{count} file{'' if count == 1 else 's'}", "text")]

    def on_mount(self) -> None:
        """The cursor stands on the file that is read."""
        super().on_mount()
        row = self.review.here
        self.cursor = row.file if row else 0

    def lines(self, width: int) -> list[Line]:
        """One row a file."""
        model = self.review.model
        return [file_row(self.review, at, width) for at in range(len(model.files))] if model else []

    def action_open(self) -> None:
        """Go to the file."""
        at, model = self.cursor, self.review.model
        self.action_back()
        if model and at < len(model.files):
            self.review.go_to_hunk(model.files[at].hunks[0].number)


class SubmitSheet(ReviewSheet):
    """What is sent, word for word, and what stays open."""

    CONTEXT: ClassVar[str] = "submit"
    BINDINGS = bindings("submit")

    def __init__(self, review: ReviewPane) -> None:
        super().__init__(review)
        self.arming = ReviewArming(review.clock)
        self._warned = False

    def title(self) -> tuple[Line, Line]:
        """What is sent."""
        left, right = self.review.review_title()
        return [("Send ", "asks"), *left[1:]], right

    def render_line(self, y: int) -> Strip:
        """A row; what was drawn may be sent."""
        self.arming.drawn()
        return super().render_line(y)

    def on_key(self, event: events.Key) -> None:
        """Every key puts off what is not armed yet."""
        self.arming.key()

    def lines(self, width: int) -> list[Line]:
        """Files, words for the agent, what stays open, what the checks say."""
        decisions, model = self.review.decisions, self.review.model
        if decisions is None or model is None:
            return []
        rows = [file_row(self.review, at, width) for at in range(len(model.files))]
        rows += [[], [("goes to the agent, word for word", "bold")], *self._for_agent(width)]
        parts = decisions.parts()
        together, alone = decisions.rest(decisions.hunks, self.review.moved)
        if parts.left_open:
            rows += [[], [("stays open with enter", "bold")]]
            rows += [self._open_row(number, width) for number in parts.left_open]
        if together:
            words = f"a accepts {len(together)} of them and sends"
            left = f"; {_count(alone)} open, decided one by one" if alone else ""
            rows += [[], [(words + left, "text")]]
        if decisions.unmet:
            rows += [[], [("not met", "bold")]]
            for criterion, why in decisions.unmet.items():
                rows += _indented(f"{criterion}: {why}" if why else criterion, width)
        return rows + self._gate(width)

    def _for_agent(self, width: int) -> list[Line]:
        decisions = self.review.decisions
        assert decisions is not None
        rows: list[Line] = []
        for number in decisions.decided:
            hunk, held = decisions.hunks[number], decisions.held(number)
            word = decisions.state(number)
            reason = held.decision.reason if held.decision else ""
            if word == "accepted" and not held.comments and not (held.decision and held.decision.lines):
                continue
            rows.append([(f"{HUNK[word]} {word} {number} ", ROLE[word]), *_where(hunk)])
            if reason:
                rows += _indented(reason, width)
            elif word == "rejected":
                rows.append([("    without a reason", "muted")])
            if held.decision and held.decision.verdict == "edit":
                changed = edited_rows(hunk, held.decision.new_lines or [])
                rows += [[(f"    {row}", "data")] for row in changed]
            for comment in held.comments:
                if 0 <= comment.line < len(hunk.diff):
                    line = hunk.diff[comment.line].rstrip("\n")
                    rows.append([(f"    > {line_number(hunk, comment.line)} {shown(line)}", "data-muted")])
                rows += _indented(comment.text, width)
        return rows or [[("    nothing: what is accepted needs no words", "muted")]]

    def _open_row(self, number: int, width: int) -> Line:
        decisions = self.review.decisions
        assert decisions is not None
        hunk = decisions.hunks[number]
        badges = ", ".join(visible(badge, keep="") for badge in self.review.badges(number))
        right: Line = [(f"! {badges}", "asks")] if badges else []
        word = self.review.word_of(number)
        return spread([(f"{HUNK[word]} {number} ", ROLE[word]), *_where(hunk)], right, width, gap=2)

    def _gate(self, width: int) -> list[Line]:
        view = self.review.view
        gate = view.gate if view else {}
        reasons = [str(reason) for reason in gate.get("reasons", [])]
        old = {str(name): found for name, found in gate.get("old_failures", {}).items() if found}
        said = " ".join(reasons)
        unsaid = [name for name in old if f"{name}: red before too" not in said]
        rows: list[Line] = []
        for reason in [*reasons, *(f"{name}: red before too: {', '.join(old[name][:3])}" for name in unsaid)]:
            rows += _indented(reason, width)
        return [[], [("checks", "bold")], *rows] if rows else []

    def _armed(self) -> bool:
        if not self.arming.armed:
            self.ignore("look first: a key sends when nothing was pressed for a moment")
        return self.arming.armed

    def action_send(self) -> None:
        """Send what is decided."""
        decisions = self.review.decisions
        if decisions is None or not self._armed():
            return
        if not decisions.parts().hunks:
            self.ignore("nothing is decided yet · a accepts the rest and sends")
            return
        self.action_back()
        self.review.send()

    def action_accept_rest(self) -> None:
        """Accept what is open, but never what is decided one by one, and send."""
        decisions = self.review.decisions
        if decisions is None or not self._armed():
            return
        together, alone = decisions.rest(decisions.hunks, self.review.moved)
        decisions.decide(*(HunkDecision(hunk=number, verdict="accept") for number in together))
        if not decisions.parts().hunks:
            self.ignore(f"nothing was sent: {_count(alone)} open, decided one by one")
            return
        self.action_back()
        self.review.send()
        if alone:
            self.post_message(Said(f"{_count(alone)} open, decided one by one", role="asks"))

    def action_reject_rest(self) -> None:
        """Reject what is open, with one reason; nothing is sent yet."""
        decisions = self.review.decisions
        if decisions is None or not self._armed():
            return
        together, _ = decisions.rest(decisions.hunks, self.review.moved)
        if not together:
            self.ignore("nothing is open that may be decided with the rest")
            return
        self._warned = False
        self.ask_words("rest", f"{WHY}: {len(together)} hunks", self._rejected)

    def _rejected(self, text: str) -> str | None:
        decisions = self.review.decisions
        if decisions is None:
            return None
        if not text.strip() and not self._warned:
            self._warned = True
            return WITHOUT
        together, _ = decisions.rest(decisions.hunks, self.review.moved)
        change = decisions.decide(
            *(HunkDecision(hunk=number, verdict="reject", reason=text.strip()) for number in together)
        )
        if change:
            self.review.put_marks()
            self.review.save()
            self.post_message(Said(f"rejected {len(together)} hunks · enter sends · u undo"))
        self.write()
        return None


def file_row(review: ReviewPane, at: int, width: int) -> Line:
    """A file, what it gained and lost, and how far it is decided."""
    assert review.model is not None
    file, decisions = review.model.files[at], review.decisions
    right: Line = []
    if decisions is not None:
        states = [decisions.state(hunk.number) for hunk in file.hunks]
        counts = [f"{states.count(word)} {word}" for word in STATES if word in states]
        right = [("  ".join(counts), "text")]
    lines = f"+{file.added} −{file.removed}" if file.added or file.removed else ""
    facts = "binary" if file.binary else lines
    name = cut_path(visible(file.path, keep=""), max(width - 44, 16))
    return spread([(name, "data"), (f"  {facts}", "muted")], right, width, gap=2)


def _where(hunk: Hunk) -> Line:
    words, role = section(hunk)
    muted = "data-muted" if role.startswith("data") else "muted"
    return [(f"{visible(hunk.path, keep='')}  ", "data"), (words, muted)]


def _count(hunks: list[int]) -> str:
    """Which hunks stay, as the beginning of a sentence: `2 and 5 stay`."""
    if len(hunks) == 1:
        return f"hunk {hunks[0]} stays"
    names = [str(number) for number in hunks[:3]] + ([f"{len(hunks) - 3} more"] if len(hunks) > 3 else [])
    return f"hunks {', '.join(names[:-1])} and {names[-1]} stay"


def _indented(text: str, width: int) -> list[Line]:
    words = "\n".join(shown(line) for line in text.split("\n"))
    return [[(f"    {row}", "data")] for row in wrap(words, max(width - 4, 20))]
