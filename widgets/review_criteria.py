"""The acceptance criteria of what is reviewed: ticked as seen, or not met with a reason."""

from __future__ import annotations

from typing import ClassVar

from autodev_tui.domain.text import visible
from widgets.cells import Line, spread, wrap
from widgets.glyphs import EVIDENCE, ROLE
from widgets.keys import bindings
from widgets.review_inputs import WHY, WITHOUT
from widgets.review_sheets import ReviewSheet

_MARKS = {"passed": EVIDENCE["verified"], "failed": EVIDENCE["failing"]}


class CriteriaSheet(ReviewSheet):
    """One row a criterion; claimed ones never hold anything up, they are listed to be ticked."""

    CONTEXT: ClassVar[str] = "criteria"
    BINDINGS = bindings("criteria")

    def title(self) -> tuple[Line, Line]:
        """How many are ticked."""
        decisions = self.review.decisions
        if decisions is None:
            return [("Criteria", "text")], []
        total = len(decisions.view.criteria)
        return [("Criteria", "text")], [(f"{len(decisions.ticked)} of {total} ticked", "text")]

    def lines(self, width: int) -> list[Line]:
        """The criteria, then what the checks said."""
        decisions = self.review.decisions
        if decisions is None:
            return []
        rows: list[Line] = []
        self._of_row: list[str] = []
        for criterion in decisions.view.criteria:
            word = self._word(criterion)
            glyph, role = (EVIDENCE[word], ROLE[word]) if word in EVIDENCE else ("✗", "failed")
            text = wrap(visible(criterion), max(width - 20, 20))
            rows.append(spread([(f"{glyph} ", role), (text[0], "data")], [(word, role)], width, gap=2))
            rows += [[(f"  {more}", "data")] for more in text[1:]]
            why = decisions.unmet.get(criterion)
            if why:
                rows += [[(f"    {more}", "data-muted")] for more in wrap(visible(why), max(width - 4, 20))]
            self._of_row += [criterion] * (len(rows) - len(self._of_row))
        checks = [
            spread(
                [(f"{_MARKS[one.result]} ", "text"), (visible(one.command, keep=""), "data")],
                [(f"{one.result}  {one.duration_s:.1f} s", "muted")],
                width,
                gap=2,
            )
            for one in decisions.view.evidence
            if one.result in _MARKS
        ]
        return rows + ([[], [("checks", "bold")], *checks] if checks else [])

    def can_stand(self, index: int) -> bool:
        """On criteria."""
        named = self._of_row
        return index < len(named) and (index == 0 or named[index] != named[index - 1])

    def _word(self, criterion: str) -> str:
        decisions = self.review.decisions
        assert decisions is not None
        if criterion in decisions.unmet:
            return "not met"
        if criterion in decisions.ticked:
            return "ticked"
        found = self._bound(criterion)
        return {"passed": "verified", "failed": "failing"}.get(str(found.get("result", "")), "claimed")

    def _bound(self, criterion: str) -> dict[str, object]:
        view = self.review.view
        listed = view.gate.get("criteria", []) if view else []
        return next((dict(one) for one in listed if one.get("text") == criterion), {})

    @property
    def _here(self) -> str:
        return self._of_row[self.cursor] if self.cursor < len(self._of_row) else ""

    def action_tick(self) -> None:
        """Ticked as seen, or not any more."""
        decisions, criterion = self.review.decisions, self._here
        if decisions is None or not criterion:
            return
        decisions.unmet.pop(criterion, None)
        if criterion in decisions.ticked:
            decisions.ticked.remove(criterion)
        else:
            decisions.ticked.append(criterion)
        self._changed()

    def action_unmet(self) -> None:
        """Not met, and why."""
        if self._here:
            self._warned = False
            self.ask_words(f"unmet:{self._here}", f"not met: {WHY}", self._not_met)

    def _not_met(self, text: str) -> str | None:
        decisions, criterion = self.review.decisions, self._here
        if decisions is None or not criterion:
            return None
        if not text.strip() and not self._warned:
            self._warned = True
            return WITHOUT
        decisions.unmet[criterion] = text.strip()
        if criterion in decisions.ticked:
            decisions.ticked.remove(criterion)
        self._changed()
        return None

    def _changed(self) -> None:
        self.write()
        self.review.save()

    def action_evidence(self) -> None:
        """What proves it."""
        found = self._bound(self._here)
        if found.get("check"):
            self.ignore(f"{visible(str(found['check']), keep='')}: {found.get('result', 'not run')}")
        else:
            self.ignore("no check decides this one: it is what the agent claims, until you tick it")
