"""Where words are typed in a review: reasons and comments below their line, the editor of a hunk, sheets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from textual.widget import Widget
from textual.widgets import TextArea

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.diff_layout import FIELD, Insert, Kind, Row
from widgets.diff_rows import section
from widgets.diff_view import DiffView
from widgets.field import Field
from widgets.line_pane import LinePane
from widgets.messages import Said
from widgets.review_decisions import Decisions, editable, edited, line_number
from widgets.review_marks import inserts, last_line
from widgets.text_editor import TextEditor

WHY = "why? the agent reads this"
WITHOUT = f"{WHY} · enter again: without a reason"
LEFT = 7
"""Cells between the pane's edge and an input below a line."""
EDITED_LINES = 5000
"""Longer hunks are edited outside."""


@dataclass
class Purpose:
    """What an open input is for. `key` is where its draft is kept."""

    key: str
    hunk: int
    line: int
    what: str
    """comment, reject, rest or edit."""
    warned: bool = False
    """It was said that a reason is missing."""


class Note(Field):
    """Words below a line."""

    CONTEXT = "comment"


class ReviewInputs(DiffView):
    """Opens one input at a time over the diff, which stays visible. Half-typed words are a draft."""

    DEFAULT_CSS = """
    ReviewInputs {
        & > Note { position: absolute; background: $surface; }
        & > TextEditor, & > LinePane { dock: top; height: 100%; width: 100%; }
        & > TextEditor { margin: 1 0 0 0; }
    }
    """

    decisions: Decisions | None

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._input: Widget | None = None
        self._purpose: Purpose | None = None
        self._reasons: list[str] = []
        self.returning = False
        """The focus comes back from an input: what is shown was looked at."""

    # -- what a review does with the words

    def reject(self, hunk: int, reason: str) -> None:
        """A hunk is rejected."""
        raise NotImplementedError

    def reject_rest(self, reason: str) -> None:
        """The rest of the file is rejected."""
        raise NotImplementedError

    def said(self, hunk: int, line: int, text: str) -> None:
        """Something is said about a line."""
        raise NotImplementedError

    def decide(self, decision: HunkDecision) -> None:
        """A hunk is decided."""
        raise NotImplementedError

    def save(self, path: str = "") -> None:
        """The draft has changed."""
        raise NotImplementedError

    # -- opening

    def ask_reason(self, hunk: int, *, rest: bool = False) -> None:
        """Ask why, below the hunk."""
        assert self.model is not None
        what = "rest" if rest else "reject"
        line = last_line(self.model.hunks[hunk])
        self._open_field(Purpose(f"{what}:{hunk}", hunk, line, what), WHY, self._reasons)

    def ask_comment(self, hunk: int, line: int) -> None:
        """Ask what is said about a line."""
        assert self.model is not None and self.decisions is not None
        there = self.model.hunks[hunk]
        where = f"line {line_number(there, line)}" if line >= 0 else "this change"
        said = next((one.text for one in self.decisions.held(hunk).comments if one.line == line), "")
        self._open_field(Purpose(f"comment:{hunk}:{line}", hunk, line, "comment"), f"about {where}", [], said)

    def _open_field(self, purpose: Purpose, words: str, earlier: list[str], text: str = "") -> None:
        if self._input is not None or self.decisions is None:
            return
        draft = self.decisions.texts.get(purpose.key, text)
        field = Note(draft, placeholder=words, earlier=list(earlier))
        self._input, self._purpose = field, purpose
        self.mount(field)
        field.focus()
        self.put_marks()

    def ask_edit(self, hunk: int) -> None:
        """The new side of a hunk, to be changed."""
        assert self.model is not None and self.decisions is not None
        there, held = self.model.hunks[hunk], self.decisions.held(hunk).decision
        if self._input is not None:
            return
        if len(there.new_lines) > EDITED_LINES:
            self.ignore("this hunk is too long to edit here · o opens the file")
            return
        text = editable(there)
        if held and held.new_lines is not None:
            text = "".join(visible(line) for line in held.new_lines)
        key = f"edit:{hunk}"
        suffix = PurePosixPath(there.path).suffix or ".txt"
        editor = TextEditor(self.decisions.texts.get(key, text), suffix=suffix)
        self._input, self._purpose = editor, Purpose(key, hunk, -1, "edit")
        self.mount(editor)
        editor.focus()
        self.refresh()

    def open_sheet(self, sheet: LinePane) -> None:
        """A sheet over the pane."""
        if self._input is None:
            self._input, self._purpose = sheet, None
            self.mount(sheet)
            sheet.focus()

    # -- closing

    def close_inputs(self) -> None:
        """Close what is open; its words are kept as a draft by whoever typed them."""
        gone, self._input, self._purpose = self._input, None, None
        if gone is not None:
            inside = gone.has_focus_within
            gone.remove()
            if inside:
                self.returning = True
                self.focus()

    @property
    def typed(self) -> tuple[Purpose, str] | None:
        """What is being typed, and what for; None where that is nothing yet."""
        purpose, model = self._purpose, self.model
        if purpose is None or model is None or not isinstance(self._input, Field | TextEditor):
            return None
        text = self._input.text
        same = editable(model.hunks[purpose.hunk]) if purpose.what == "edit" else ""
        return (purpose, text) if text.strip() and text != same else None

    def drop_input(self) -> None:
        """What is typed for loses its place: the words come back with `up`."""
        if self.typed:
            self._reasons.append(self.typed[1].strip())
        self.close_inputs()

    def focus_input(self) -> bool:
        """Give the focus to what is open; whether something is."""
        if self._input is None:
            return False
        self._input.focus()
        return True

    def on_field_kept(self, message: Field.Kept) -> None:
        """The words hold."""
        message.stop()
        purpose, text = self._purpose, message.text.strip()
        if purpose is None or self.decisions is None:
            return
        if not text and purpose.what != "comment" and not purpose.warned:
            purpose.warned = True
            message.field.placeholder = WITHOUT
            self.post_message(Said(WITHOUT, role="asks"))
            return
        self.decisions.texts.pop(purpose.key, None)
        self.close_inputs()
        if text and purpose.what != "comment":
            self._reasons = [*(one for one in self._reasons if one != text), text]
        if purpose.what == "comment":
            self.said(purpose.hunk, purpose.line, text)
        elif purpose.what == "rest":
            self.reject_rest(text)
        else:
            self.reject(purpose.hunk, text)
        self.put_marks()

    def on_field_left(self, message: Field.Left) -> None:
        """Back; the words are a draft."""
        message.stop()
        self._leave(message.text, same="")

    def on_text_editor_kept(self, message: TextEditor.Kept) -> None:
        """The text takes the place of the hunk's new side."""
        message.stop()
        purpose, model = self._purpose, self.model
        if purpose is None or model is None or self.decisions is None:
            return
        hunk = model.hunks[purpose.hunk]
        lines = edited(hunk, message.text)
        self.decisions.texts.pop(purpose.key, None)
        self.close_inputs()
        if lines == hunk.new_lines:
            self.decide(HunkDecision(hunk=hunk.number, verdict="accept"))
        else:
            self.decide(HunkDecision(hunk=hunk.number, verdict="edit", new_lines=lines))

    def on_text_editor_left(self, message: TextEditor.Left) -> None:
        """Back; the text is a draft, the hunk is as it was."""
        message.stop()
        hunk = self._purpose.hunk if self._purpose else 0
        self._leave(message.text, same=editable(self.model.hunks[hunk]) if self.model and hunk else "")

    def _leave(self, text: str, *, same: str) -> None:
        purpose, decisions = self._purpose, self.decisions
        self.close_inputs()
        if purpose is None or decisions is None:
            return
        before = decisions.texts.get(purpose.key)
        if text.strip() and text != same:
            decisions.texts[purpose.key] = text
        else:
            decisions.texts.pop(purpose.key, None)
        self.put_marks()
        if decisions.texts.get(purpose.key) != before:
            self.save()

    # -- where the field is

    def put_marks(self) -> None:
        """Put comments, reasons and the open field between the lines."""
        if self.decisions is None or self.model is None:
            return
        place = None
        if self._purpose and isinstance(self._input, Field):
            rows = int(self._input.styles.height.value) if self._input.styles.height else 1
            place = self._purpose.hunk, self._purpose.line, rows
        self.put(inserts(self.decisions, self.body_width, place))
        self._place_field()

    def _place_field(self) -> None:
        field, purpose = self._input, self._purpose
        if self.model is None or purpose is None or not isinstance(field, Field):
            return
        wanted = Insert(purpose.line, FIELD, ())
        row = Row(Kind.INSERT, self.model.file_of(purpose.hunk), purpose.hunk, insert=wanted)
        y = self.model.find(row)
        rows = int(field.styles.height.value) if field.styles.height else 1
        self.show_row(y + rows - 1)
        field.styles.width = max(self.body_width - LEFT, 10)
        field.styles.offset = (LEFT, y + 1)

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        """A field that grew moves what is below it."""
        if message.text_area is self._input and isinstance(self._input, Field):
            self.call_after_refresh(self.put_marks)

    def on_resize(self) -> None:
        """What is between the lines is wrapped anew."""
        self.put_marks()

    def title(self) -> tuple[Line, Line]:
        """While a hunk is edited: which one."""
        if self._purpose and self._purpose.what == "edit" and self.model and self.decisions:
            hunk = self.model.hunks[self._purpose.hunk]
            left: Line = [(f"edit {hunk.number}/{len(self.model.hunks)}  ", "asks")]
            left += [(f"{visible(hunk.path, keep='')} ", "data"), section(hunk)]
            return left, [("the new side", "muted")]
        return self.review_title()

    def review_title(self) -> tuple[Line, Line]:
        """What is reviewed."""
        return super().title()
