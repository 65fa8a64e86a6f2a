"""Which clauses of a goal are one item (S05): those that ask begin one, those that tell belong to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from autodev_tui.planning import wording
from autodev_tui.planning.clauses import Clause
from autodev_tui.planning.wording import word_set

_SPACE = re.compile(r"\s+")
_NOUNS = word_set(
    """test tests build check lint format fix change update release reset report document search list review
    log support move mark measure merge print process sort split start stop tag type use run work limit name
    open filter lower copy close drop"""
)
"""Actions that are things as well: without a comma they do not end a condition."""


@dataclass
class Draft:
    """An item while its clauses are gathered."""

    begins: str
    number: int | None
    indent: int
    context: str = ""
    clauses: list[Clause] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    """What its inner list names."""
    criteria: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Its first clause that has words, without list marker."""
        return next((clause.words for clause in self.clauses if clause.words), "")


def gathered(clauses: Sequence[Clause]) -> list[Draft]:
    """The items with their clauses: all clauses, in their order."""
    gathering = _Gathering(clauses)
    for place in range(len(clauses)):
        gathering.take(place)
    return gathering.end()


class _Gathering:
    """The items so far, while the clauses are read one after the other."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self._clauses = clauses
        self._drafts: list[Draft] = []
        self._lead: list[Clause] = []
        """What stands before the next item and belongs to it."""
        self._context = ""
        self._criteria = self._details = False
        """Whether the list that is being read tells criteria, or details, of the item before it."""

    def take(self, place: int) -> None:
        """Put the next clause where it belongs."""
        clause = self._clauses[place]
        if clause.begins != "fence" and not any(map(str.isalnum, clause.words)):
            self._attach(clause)
            return
        listed = clause.begins in ("bullet", "number")
        self._look(place, listed)
        if self._criteria and self._drafts:
            self._drafts[-1].clauses += [*self._lead, clause]
            self._lead = []
            if listed:
                self._drafts[-1].criteria.append(plain(clause.words))
        elif clause.begins == "heading" or _heads(self._clauses, place, self._details):
            self._context = plain(clause.words).strip("# :")
            self._lead.append(clause)
        elif listed and self._is_inner(clause):
            self._drafts[-1].clauses.append(clause)
            self._drafts[-1].inner.append(plain(clause.words))
        elif _begins_item(clause, bool(self._drafts or self._lead)):
            self._begin(clause, clause.indent if listed else -1)
        else:
            self._attach(clause)

    def end(self) -> list[Draft]:
        """The items, with what was left at the end."""
        if self._lead and self._drafts:
            self._drafts[-1].clauses += self._lead
        elif any(clause.words for clause in self._lead):
            self._drafts.append(Draft("line", None, -1, "", self._lead))
        return self._drafts

    def _look(self, place: int, listed: bool) -> None:
        clause = self._clauses[place]
        if wording.CRITERIA_HEADING.match(clause.words):
            self._criteria = True
        elif clause.begins in ("heading", "line"):
            self._criteria = False
        if not listed:
            self._details = clause.begins != "fence" and _introduces(self._clauses, place)

    def _is_inner(self, clause: Clause) -> bool:
        if not self._drafts or self._lead:
            return False
        return self._details or clause.indent > self._drafts[-1].indent >= 0

    def _begin(self, clause: Clause, indent: int) -> None:
        spoken = any(map(str.isalnum, "".join(one.words for one in self._lead)))
        if spoken and clause.begins in ("then", "last", "else", "semicolon"):
            self._drafts.append(Draft("line", None, -1, self._context, self._lead))
            self._lead = []
        self._drafts.append(Draft(clause.begins, clause.number, indent, self._context, [*self._lead, clause]))
        self._lead = []

    def _attach(self, clause: Clause) -> None:
        (self._drafts[-1].clauses if self._drafts and not self._lead else self._lead).append(clause)


def _heads(clauses: Sequence[Clause], place: int, details: bool) -> bool:
    """Whether this line with a colon at its end only announces the list of tasks below it."""
    clause = clauses[place]
    if clause.begins in ("fence", "bullet", "number") or details or not clause.words.endswith(":"):
        return False
    following = next((one for one in clauses[place + 1 : place + 4] if one.words), None)
    return following is not None and following.begins in ("bullet", "number")


def _begins_item(clause: Clause, after: bool) -> bool:
    match clause.begins:
        case "fence" | "heading":
            return False
        case "bullet" | "number" | "first" | "then" | "last" | "else":
            return True
        case "semicolon":
            return after and _first_word(clause.words) not in wording.NO_ACTION
        case _:
            goes_on = after and _first_word(clause.words) in wording.GOES_ON
            return not goes_on and asks(clause.words)


def asks(words: str) -> bool:
    """Whether a sentence asks for something, under a condition or not."""
    if wording.asks(words):
        return True
    return bool(wording.CONDITION.match(words)) and bool(guard(words)[1])


def _introduces(clauses: Sequence[Clause], place: int) -> bool:
    """Whether the list after this clause tells its details: it asks for something, the list for nothing."""
    if not wording.asks(clauses[place].words):
        return False
    asked = listed = 0
    for clause in clauses[place + 1 : place + 9]:
        if clause.begins not in ("bullet", "number"):
            break
        listed += 1
        asked += wording.asks(clause.words)
    if not listed:
        return False
    return asked * 2 <= listed and (asked == 0 or clauses[place].words.endswith(":"))


def _first_word(words: str) -> str:
    return next(iter(wording.first_words(words, 1)), "")


def guard(words: str) -> tuple[str, str]:
    """A clause that begins with a condition, as (condition, what is to be done then)."""
    head = words[:400]
    for found in re.finditer(r",\s*(?:then\b\s*)?|\s+then\s+", head):
        if rest := words[found.end() :].strip():
            return head[: found.start()], rest
    places = list(re.finditer(r"\S+", head))
    for place in places[2:]:
        word = place[0].strip(".,:;()\"'").lower()
        if word not in _NOUNS and wording.is_action(word):
            return head[: place.start()].strip(), words[place.start() :]
    return words, ""


def plain(words: str) -> str:
    """The words in one line."""
    return _SPACE.sub(" ", words[:2000]).strip()
