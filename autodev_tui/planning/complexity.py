"""How hard a goal sounds (S05): an integer score by rules, in English and Filipino, without any model."""

from __future__ import annotations

import re
from enum import StrEnum

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.task import TaskComplexity


class ComplexityClass(StrEnum):
    """The three classes of S05."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


CHUNKED, HEAVY, EXPERT = 4, 7, 9
"""Scores from which work is cut lightly, cut heavily (S05: 0–3, 4–6, 7+), and is for experts (S03)."""
NEUTRAL = 2
"""Base of a goal in which no indicator is found."""
BASE = {ComplexityClass.SIMPLE: 1, ComplexityClass.MEDIUM: CHUNKED, ComplexityClass.COMPLEX: HEAVY}
"""The strongest indicator sets the base, so that its class has its own band."""
MODIFIER = 2
"""How far a simple indicator ("small", "maliit") takes a stronger one down."""
TOP = 10

INDICATORS: dict[ComplexityClass, tuple[str, ...]] = {
    ComplexityClass.SIMPLE: (
        "fix typo", "typo", "update comment", "rename", "reword", "bump", "small", "tiny", "trivial",
        "gawa", "maliit", "palitan ang pangalan", "simple lang",
    ),
    ComplexityClass.MEDIUM: (
        "refactor", "optimize", "optimise", "improve", "extend", "restructure", "speed up", "clean up",
        "pagandahin", "i-improve", "i-refactor", "i-optimize", "pabilisin", "ayusin ang istruktura",
    ),
    ComplexityClass.COMPLEX: (
        "implement", "build", "system", "framework", "migrate", "rewrite", "redesign", "architecture",
        "sistema", "i-implement", "bumuo", "buuin", "ilipat",
    ),
}  # fmt: skip
SEQUENCE = ("first", "then", "finally", "afterwards", "una", "tapos", "pagkatapos", "panghuli")
CONDITION = ("if", "when", "unless", "kung", "kapag", "maliban kung")

_THE_BUILD = re.compile(r"\b(?:the|our|this|a|ci|red|broken|failing|ang|ng|yung)\s+build(?:s)?\b")
"""A build that is there is nothing to be built."""
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+\S", re.MULTILINE)


class Complexity(Frozen):
    """The score of a text, 0–10, with what it rests on."""

    score: int
    indicators: dict[str, list[str]]
    """What was found, by class, and under `sequence`, `condition` and `size` what was added for."""

    @property
    def complexity_class(self) -> ComplexityClass:
        """The class of S05, by the score's band."""
        if self.score >= HEAVY:
            return ComplexityClass.COMPLEX
        return ComplexityClass.MEDIUM if self.score >= CHUNKED else ComplexityClass.SIMPLE

    @property
    def task_complexity(self) -> TaskComplexity:
        """The four steps of S03: 0–3 simple, 4–6 moderate, 7–8 complex, from 9 expert."""
        if self.score >= EXPERT:
            return TaskComplexity.EXPERT
        if self.score >= HEAVY:
            return TaskComplexity.COMPLEX
        return TaskComplexity.MODERATE if self.score >= CHUNKED else TaskComplexity.SIMPLE

    @property
    def level(self) -> float:
        """0–1, the factor that feeds the autonomy score: min(1, score / 10)."""
        return min(1.0, self.score / TOP)


def classify(text: str, files: int = 0) -> Complexity:
    """The complexity of a goal or task; `files` is how many files it is known to touch."""
    lowered = _THE_BUILD.sub(" ", text.lower())
    found = {kind: _found(words, lowered) for kind, words in INDICATORS.items()}
    strongest = next((kind for kind in reversed(ComplexityClass) if found[kind]), None)
    score = BASE[strongest] if strongest else NEUTRAL
    if strongest and strongest is not ComplexityClass.SIMPLE:
        score += min(
            2, sum(len(words) for kind, words in found.items() if kind is not ComplexityClass.SIMPLE) - 1
        )
        score -= MODIFIER if found[ComplexityClass.SIMPLE] else 0
    sequence, condition = _found(SEQUENCE, lowered), _found(CONDITION, lowered)
    size = _size(text, files)
    score += min(2, len(sequence)) + min(1, len(condition)) + sum(points for points, _ in size)
    indicators = {kind.value: words for kind, words in found.items()} | {
        "sequence": sequence,
        "condition": condition,
        "size": [why for _, why in size],
    }
    return Complexity(
        score=max(0, min(TOP, score)), indicators={name: words for name, words in indicators.items() if words}
    )


def listed_items(text: str) -> int:
    """How many items the text lists."""
    return len(_LIST_ITEM.findall(text))


def _size(text: str, files: int) -> list[tuple[int, str]]:
    """Points for sheer extent: words, listed items, files; each with its reason."""
    words, items = len(text.split()), listed_items(text)
    measures = (
        (words, "words", ((60, 1), (200, 2))),
        (items, "listed items", ((3, 1), (8, 2))),
        (files, "files", ((5, 1), (15, 2))),
    )
    points = []
    for amount, what, steps in measures:
        reached = [worth for limit, worth in steps if amount >= limit]
        if reached:
            points.append((max(reached), f"{amount} {what}"))
    return points


def _found(words: tuple[str, ...], lowered: str) -> list[str]:
    """Those of `words` that occur as words, with the endings of English verbs; the longest reading counts."""
    hits = [word for word in words if re.search(_pattern(word), lowered)]
    return [word for word in hits if not any(word != other and word in other for other in hits)]


def _pattern(word: str) -> str:
    """`word` as a whole word, spaces of any width, with the endings of English verbs if it is one word."""
    if not word.isalpha():
        return r"(?<![\w-])" + re.escape(word).replace(r"\ ", r"\s+") + r"(?!\w)"
    stem = word.removesuffix("e")
    return rf"(?<![\w-]){stem}(?:e|e?s|e?d|ing|ation)?(?!\w)"
