"""Whether the condition of a task holds, where it is about the checks: they are run, and decide it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from autodev_tui.rules.work import CannotGoOn, Done, Job, Move

SAYS = "Only if it holds: "
"""Begins the line of a task's description that names its condition."""
_LINE = re.compile(rf"^{SAYS}(?P<condition>.+)$", re.MULTILINE)
_NOT = re.compile(
    r"^(?:otherwise \(not: (?P<other>.+)\)|(?:but\s+)?(?:unless|maliban\s+kung)\s+(?P<unless>.+))$",
    re.I | re.S,
)
_GREEN = re.compile(
    r"\b(?:pass(?:es|ed|ing)?|green|succeeds?|clean|works?|is\s+fine|pumasa|pumapasa|pasado|gumagana|gumana|berde|maayos)\b",
    re.IGNORECASE,
)
_RED = re.compile(
    r"\b(?:fail(?:s|ed|ing|ures?)?|red|broken|breaks?|errors?|bumagsak|bumabagsak|bagsak|sira|pumalya)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|not|never|don't|doesn't|do\s+not|does\s+not|without|hindi|walang|di)\b", re.IGNORECASE
)
_WHAT: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"\b(?:unit\s*)?tests?\b|\bsuite\b|\bpytest\b", re.I), frozenset(("behaviour",))),
    (
        re.compile(r"\blint\w*\b|\bruff\b|\bflake8\b|\bstyle\b|\bformat\w*\b", re.I),
        frozenset(("lint", "format")),
    ),
    (re.compile(r"\btypes?\b|\bmypy\b|\btyping\b", re.I), frozenset(("types",))),
    (
        re.compile(r"\b(?:checks?|builds?|ci|pipeline|everything|all|it|they|that|lahat|ito|iyon)\b", re.I),
        frozenset(),
    ),
)
"""What a condition is about, and the kinds of checks that tell; all of them where it names none."""
_NOT_RUN = ("", "126", "127")
"""What a shell says of a command that is not there; nothing at all of one that was not begun."""
_CODE = re.compile(r"exit code (-?\d+)")


@dataclass(frozen=True)
class Guard:
    """A condition that checks decide: that those of these `kinds` (all where empty) are green, or are not."""

    condition: str
    green: bool
    kinds: frozenset[str]


def parsed(condition: str) -> Guard | None:
    """The condition as one about checks; None where it is about anything else."""
    inverted = _NOT.match(condition.strip())
    inner = (inverted["other"] or inverted["unless"]) if inverted else condition
    about = next((kinds for words, kinds in _WHAT if words.search(inner)), None)
    green, red = bool(_GREEN.search(inner)), bool(_RED.search(inner))
    if about is None or green == red:
        return None
    wanted = green != bool(_NEGATED.search(re.sub(r"^\s*(?:if|when|once)\s+not\b", "not", inner, flags=re.I)))
    return Guard(condition.strip(), wanted != bool(inverted), about)


def guard_of(description: str) -> Guard | None:
    """The condition that a task's description names, where checks decide it."""
    found = _LINE.search(description)
    return parsed(found["condition"]) if found else None


def own_calls(done: Sequence[Done]) -> int:
    """How many of the first calls were made to decide."""
    return sum(1 for _ in takewhile(lambda one: one.name == "run_command", done))


def decide(guard: Guard, job: Job, done: Sequence[Done]) -> Move | None:
    """What follows as long as the condition is not known to hold; None once it does.

    Raises:
        CannotGoOn: no check tells.
    """
    runs = done[: own_calls(done)]
    if not runs:
        checks: Sequence[Mapping[str, Any]] = job.facts.get("checks", ())
        wanted = [one for one in checks if not guard.kinds or str(one["kind"]) in guard.kinds]
        if not wanted:
            raise CannotGoOn(f"no check is known here that tells whether this holds: {guard.condition}")
        calls: list[tuple[str, dict[str, Any]]] = [
            ("run_command", {"command": str(one["command"])}) for one in wanted
        ]
        return Move(f"Whether it holds: {guard.condition}", calls)
    codes = [found[1] if (found := _CODE.match(one.result)) else "" for one in runs]
    if not set(codes).isdisjoint(_NOT_RUN):
        raise CannotGoOn(
            f"the checks could not be run, so nobody knows whether this holds: {guard.condition}"
        )
    green = all(code == "0" for code in codes)
    if green == guard.green:
        return None
    said = "green" if green else "red"
    return Move(
        calls=[
            (
                "finish",
                {"summary": f"Not done, as it does not hold: {guard.condition} (the checks are {said})."},
            )
        ]
    )
