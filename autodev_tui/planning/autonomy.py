"""The autonomy score (S02): six weighted factors, four bands, and the reason in words.

It advises. What holds is decided with the slider and the pin, see `domain.levels.effective_level`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.levels import Level

WEIGHTS = {
    "task_complexity": Decimal("-0.3"),
    "context_clarity": Decimal("0.25"),
    "domain_expertise": Decimal("0.3"),
    "risk_level": Decimal("-0.25"),
    "precedent_availability": Decimal("0.15"),
    "stakeholder_preference": Decimal("0.05"),
}
"""S02, exact."""
BASE = Decimal("0.5")
UNMEASURED = Decimal("0.5")
"""What a factor counts that nothing measures yet."""
BANDS = (
    (Decimal("0.8"), Level.FULL),
    (Decimal("0.6"), Level.SUPERVISED),
    (Decimal("0.4"), Level.COLLABORATIVE),
)
"""Lowest score of each level; below all of them is guided."""
_PLACES = Decimal("1e-9")
"""Factors are rounded here, so that a band's edge does not depend on the order of a float sum."""


class AutonomyScore(Frozen):
    """The recommended level with everything it rests on. Factors are 0–1, contributions factor × weight."""

    level: Level
    score: float
    factors: dict[str, float]
    contributions: dict[str, float]
    unmeasured: list[str]
    reasoning: str


def score(factors: Mapping[str, float]) -> AutonomyScore:
    """The score of the given factors; those that are missing count 0.5, those outside 0–1 are clamped.

    Raises:
        ValueError: a factor that the formula does not have, or that is no number.
    """
    unknown = set(factors) - set(WEIGHTS)
    if unknown:
        raise ValueError(f"no such factor: {', '.join(sorted(unknown))} · there are: {', '.join(WEIGHTS)}")
    values = {name: _value(name, factors[name]) if name in factors else UNMEASURED for name in WEIGHTS}
    contributions = {name: weight * values[name] for name, weight in WEIGHTS.items()}
    total = min(Decimal(1), max(Decimal(0), sum(contributions.values(), BASE)))
    level = next((level for least, level in BANDS if total >= least), Level.GUIDED)
    unmeasured = [name for name in WEIGHTS if name not in factors]
    return AutonomyScore(
        level=level,
        score=float(total),
        factors={name: float(value) for name, value in values.items()},
        contributions={name: float(value) for name, value in contributions.items()},
        unmeasured=unmeasured,
        reasoning=_reasoning(level, total, values, contributions, unmeasured),
    )


def _value(name: str, given: float) -> Decimal:
    if not math.isfinite(given):
        raise ValueError(f"the factor {name} is {given}, not a number from 0 to 1")
    return min(Decimal(1), max(Decimal(0), Decimal(str(given)).quantize(_PLACES)))


def _reasoning(
    level: Level,
    total: Decimal,
    values: Mapping[str, Decimal],
    contributions: Mapping[str, Decimal],
    unmeasured: list[str],
) -> str:
    """What pulls the score away from neutral, the strongest first, then what nobody has measured."""
    pulls = {name: contributions[name] - WEIGHTS[name] * UNMEASURED for name in WEIGHTS}
    parts = [
        f"{_words(name)} {values[name]:.2f} {'raises' if pull > 0 else 'lowers'} it by {abs(pull):.2f}"
        for name, pull in sorted(pulls.items(), key=lambda item: -abs(item[1]))
        if pull
    ]
    text = f"{level.value} at {total:.2f}: " + ("; ".join(parts) if parts else "all factors are neutral")
    if unmeasured:
        text += f". Not measured, counted as 0.50: {', '.join(_words(name) for name in unmeasured)}"
    return f"{text}."


def _words(name: str) -> str:
    return name.replace("_", " ")
