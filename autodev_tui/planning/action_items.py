"""The fast lane (S05): a goal in words becomes tasks with order, conditions, urgency and scores, by rules.

Deterministic, and linear in the length of the text. A list with commas is one task; a word of order, a list
item, a semicolon, or a sentence that asks for something begins another. No word of the goal is lost: the
texts of the items, put together, are the goal.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import takewhile

from autodev_tui.planning import wording
from autodev_tui.planning.analysis import named_paths
from autodev_tui.planning.clauses import cut
from autodev_tui.planning.complexity import classify
from autodev_tui.planning.gathering import Draft, asks, gathered, guard, plain
from autodev_tui.planning.items import ActionItem, ActionPlan, priority_of, schedule
from autodev_tui.planning.subtasks import estimate_minutes, subtasks_of

TITLE = 120
_OPENING = re.compile(
    r"^(?:(?:please|pakiusap|pls|plz|and|also|at)\b|[\s,:—–\u200b-\u200f\u202a-\u202e\ufeff-])+", re.I
)
LOOK_BACK = 20
"""So many items before a condition may be what decides it."""
_STOP = wording.word_set(
    """the and for with that this them then when unless only once pass passes passed fail fails failed still
    not are was does have there after kung kapag ang mga lang hindi kung"""
)
_FILE_NAME = re.compile(
    r"(?:^|/)(?:[\w@+-][\w.@+-]*\.(?:py|pyi|js|mjs|cjs|jsx|ts|tsx|json|toml|ya?ml|md|rst|txt|cfg|ini|html?|css|scss"
    r"|rs|go|java|kt|rb|php|sql|sh|c|h|cc|cpp|hpp|cs|swift|vue|svelte|proto|xml|csv|lock|tcss|j2|ipynb)"
    r"|Makefile|Dockerfile|README|LICENSE|CHANGELOG)$"
)


def parse(goal: str, known: Collection[str] = ()) -> ActionPlan:
    """The tasks that a goal names. `known` are the repository's paths, to tell files from other words. Sync.

    An empty goal has no items; any other has at least one.
    """
    drafts = gathered(cut(goal))
    items: list[ActionItem] = []
    for number, draft in enumerate(drafts, 1):
        items.append(_item(f"T{number}", draft, drafts, items, known))
    return schedule(goal, items, classify(goal).score)


def _item(
    name: str, draft: Draft, drafts: Sequence[Draft], before: Sequence[ActionItem], known: Collection[str]
) -> ActionItem:
    text = "".join(clause.text for clause in draft.clauses)
    words = _main_words(draft)
    condition = _condition(words, draft, before)
    files = _files(text, known)
    score = classify(_without_order(text), len(files)).score
    priority = priority_of(text)
    parts = draft.inner or _comma_parts(words)
    return ActionItem(
        id=name,
        title=_title(words),
        text=text,
        context=draft.context,
        condition=condition,
        depends_on=_needs(draft, words, condition, drafts, before),
        priority=priority,
        score=score,
        files=files,
        acceptance_criteria=_criteria(text, draft),
        subtasks=subtasks_of(score, parts, explicit=bool(draft.inner)),
        estimate_minutes=estimate_minutes(score, max(len(parts), len(files))),
        ordered_by="number" if draft.begins == "number" else "words" if draft.begins in _ORDERING else "",
    )


_ORDERING = ("first", "then", "last", "else")


def _main_words(draft: Draft) -> str:
    """The clause that asks, not what leads up to it; unless it only points back to that."""
    if draft.begins in (*_ORDERING, "bullet", "number"):
        return next(
            (one.words for one in draft.clauses if one.begins == draft.begins and one.words), draft.words
        )
    asking = next((one.words for one in draft.clauses if one.words and asks(one.words)), draft.words)
    return draft.words if wording.BACK.match(asking) and _words_before(draft, asking) else asking


def _words_before(draft: Draft, asking: str) -> bool:
    return draft.words != asking and not draft.words.startswith("#")


def _title(words: str) -> str:
    """The words without those of order and without the end's punctuation, in one line."""
    title = _without_order(plain(words))
    title = _OPENING.sub("", title) or title
    title = title.rstrip(" ,;.:") or title
    if len(title) <= TITLE:
        return title
    short = title[: TITLE - 1]
    return (short.rpartition(" ")[0] or short) + "…"


def _without_order(text: str) -> str:
    """The text without the words of order at its beginning: they tell nothing of how hard it is."""
    text = text.lstrip()
    for pattern in (wording.SEQUENCE, wording.OTHERWISE, wording.BEFORE):
        found = pattern.match(text)
        if found and (rest := text[found.end() :].lstrip(" ,:—–-")):
            return rest
    return text


def _condition(words: str, draft: Draft, before: Sequence[ActionItem]) -> str:
    """What must hold for this item to be done at all, in the goal's words; "" when nothing must."""
    if draft.begins == "else" and before:
        decided = before[-1].condition
        return f"otherwise (not: {decided})" if decided else "otherwise"
    found = wording.SEQUENCE.match(words)
    rest = words[found.end() :].lstrip(" ,:") if found and draft.begins in _ORDERING else words
    if wording.CONDITION.match(rest):
        return plain(guard(rest)[0])
    trailing = wording.TRAILING.search(rest[-400:])
    if trailing and (
        wording.ALWAYS_GUARDS.match(trailing["condition"]) or wording.ABOUT_THE_WORK.search(trailing["what"])
    ):
        return plain(trailing["condition"]).rstrip(".;, ")
    return ""


def _needs(
    draft: Draft, words: str, condition: str, drafts: Sequence[Draft], before: Sequence[ActionItem]
) -> list[str]:
    """What must be done before, by words of order, numbers, conditions and words that point back."""
    if not before:
        return []
    last, other = before[-1], drafts[len(before) - 1]
    numbers = [int(found["number"]) for found in wording.NAMED_BEFORE.finditer(words[:2000])]
    named = [before[number - 1].id for number in numbers if 1 <= number <= len(before)]
    found: list[str] = []
    if draft.begins == "else":
        found = last.depends_on  # what decides the one decides the other
    elif draft.begins == "last":
        found = _leaves(before)
    elif draft.begins == "then":
        listed = list(takewhile(lambda one: one.begins == "bullet", reversed(drafts[: len(before)])))
        found = _leaves(before[-len(listed) :]) if listed and draft.indent < 0 else [last.id]
    elif draft.begins == "number" and not named and _follows(draft, other):
        found = [last.id]
    elif condition:
        found = [_decider(condition, before)]
    elif draft.begins != "first" and wording.BACK.match(words[:200]):
        found = [last.id]
    return list(dict.fromkeys([*found, *named]))


def _leaves(items: Sequence[ActionItem]) -> list[str]:
    """Those that no other of them needs."""
    needed = {one for item in items for one in item.depends_on}
    return [item.id for item in items if item.id not in needed]


def _follows(draft: Draft, other: Draft) -> bool:
    """Whether the two numbered items stand in one list."""
    return draft.number is not None and other.number == draft.number - 1 and other.indent == draft.indent


def _decider(condition: str, before: Sequence[ActionItem]) -> str:
    """The item that the condition speaks of, else the one just before."""
    wanted = _stems(condition)
    for item in reversed(before[-LOOK_BACK:]):
        if wanted & _stems(item.title):
            return item.id
    return before[-1].id


def _stems(text: str) -> set[str]:
    words = re.findall(r"[^\W\d_]{3,}", text[:400].lower())
    return {word[:5].removesuffix("s") for word in words if word not in _STOP}


def _comma_parts(words: str) -> list[str]:
    """The parts of `a, b and c`; none where there is no such list."""
    head = plain(words)[:600].rstrip(".;:")
    if head.count(",") < 1:
        return []
    parts = re.split(r",\s*(?:and\s+|or\s+|at\s+|o\s+)?|\s+(?:and|at)\s+", head)
    parts = [part.strip() for part in parts if part.strip()]
    return parts if len(parts) > 2 and all(len(part.split()) <= 6 for part in parts[1:]) else []


def _criteria(text: str, draft: Draft) -> list[str]:
    """What the goal itself says must hold, sentence by sentence."""
    found = list(draft.criteria)
    for clause in draft.clauses:
        said = plain(clause.words).rstrip(".;,")
        if wording.CRITERION.search(said) and said not in found and len(said) > 3:
            found.append(said[:300])
    return found


def _files(text: str, known: Collection[str]) -> list[str]:
    """The files that the text names: those of the repository, and such as have the name of a file."""
    return [path for path in named_paths(text) if path in known or _FILE_NAME.search(path)]
