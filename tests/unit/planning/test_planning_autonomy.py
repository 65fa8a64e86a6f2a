from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.domain.levels import Level
from autodev_tui.planning.autonomy import WEIGHTS, score

SHARE = st.floats(0, 1)
FACTORS = st.fixed_dictionaries({}, optional=dict.fromkeys(WEIGHTS, SHARE))


def test_weights_are_those_of_the_specification() -> None:
    assert {name: str(weight) for name, weight in WEIGHTS.items()} == {
        "task_complexity": "-0.3",
        "context_clarity": "0.25",
        "domain_expertise": "0.3",
        "risk_level": "-0.25",
        "precedent_availability": "0.15",
        "stakeholder_preference": "0.05",
    }


def test_all_neutral_is_exactly_the_lower_edge_of_supervised() -> None:
    neutral = score({})
    assert (neutral.level, neutral.score) == (Level.SUPERVISED, 0.6)
    assert neutral == score(dict.fromkeys(WEIGHTS, 0.5)).but(
        unmeasured=list(WEIGHTS), reasoning=neutral.reasoning
    )


@pytest.mark.parametrize(
    ("expertise", "expected"),
    [
        # 0.45 without expertise; 0.3 of it decides.
        ("0.5", Level.SUPERVISED),
        ("0.499999", Level.COLLABORATIVE),
    ],
)
def test_the_edge_of_supervised(expertise: str, expected: Level) -> None:
    assert score({"domain_expertise": float(expertise)}).level is expected


@pytest.mark.parametrize(
    ("factors", "total", "level"),
    [
        ({"domain_expertise": 1.0, "context_clarity": 0.7}, 0.8, Level.FULL),
        ({"domain_expertise": 1.0, "context_clarity": 0.699999}, 0.79999975, Level.SUPERVISED),
        ({"task_complexity": 0.9, "risk_level": 0.82}, 0.4, Level.COLLABORATIVE),
        ({"task_complexity": 0.9, "risk_level": 0.820001}, 0.39999975, Level.GUIDED),
        # The same edges with floats that no decimal can hold.
        ({"domain_expertise": 1.0, "context_clarity": 0.1 + 0.2 + 0.4}, 0.8, Level.FULL),
        ({"domain_expertise": 1.0, "context_clarity": 0.7 - 1e-12}, 0.8, Level.FULL),
    ],
)
def test_band_edges_belong_to_the_higher_level(factors: dict[str, float], total: float, level: Level) -> None:
    result = score(factors)
    assert (result.score, result.level) == (total, level)


def test_extremes_are_clamped() -> None:
    worst = {name: 1.0 if weight < 0 else 0.0 for name, weight in WEIGHTS.items()}
    best = {name: 0.0 if weight < 0 else 1.0 for name, weight in WEIGHTS.items()}
    assert (score(worst).score, score(worst).level) == (0.0, Level.GUIDED)
    assert (score(best).score, score(best).level) == (1.0, Level.FULL)
    assert score({"risk_level": 7.0}) == score({"risk_level": 1.0})


@given(FACTORS)
def test_the_score_is_the_clamped_sum_of_its_contributions(factors: dict[str, float]) -> None:
    result = score(factors)
    assert result.score == pytest.approx(min(1, max(0, 0.5 + sum(result.contributions.values()))), abs=1e-9)
    for name, weight in WEIGHTS.items():
        assert result.contributions[name] == pytest.approx(float(weight) * factors.get(name, 0.5), abs=1e-9)
    assert set(result.unmeasured) == set(WEIGHTS) - set(factors)
    edges = [
        (Decimal("0.8"), Level.FULL),
        (Decimal("0.6"), Level.SUPERVISED),
        (Decimal("0.4"), Level.COLLABORATIVE),
    ]
    shown = Decimal(repr(result.score))
    assert result.level is next((level for edge, level in edges if shown >= edge), Level.GUIDED)


@given(FACTORS, st.sampled_from([name for name, weight in WEIGHTS.items() if weight < 0]), SHARE)
def test_more_risk_or_complexity_never_advises_more(
    factors: dict[str, float], name: str, more: float
) -> None:
    before = score(factors | {name: min(factors.get(name, 0.5), more)})
    after = score(factors | {name: max(factors.get(name, 0.5), more)})
    assert after.level.rank <= before.level.rank


def test_the_reason_names_what_pulls_most_first() -> None:
    reasoning = score({"risk_level": 0.8, "context_clarity": 0.6}).reasoning
    assert reasoning.startswith(
        "collaborative at 0.55: risk level 0.80 lowers it by 0.08; context clarity 0.60"
    )
    assert reasoning.endswith(
        "Not measured, counted as 0.50: task complexity, domain expertise, precedent availability,"
        " stakeholder preference."
    )


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="no such factor: clarity"):
        score({"clarity": 0.5})
    with pytest.raises(ValueError, match="risk_level is nan"):
        score({"risk_level": float("nan")})
