"""The analysis of a goal or task before it is planned (S04): scores, and five classes of risk.

Rules over the text and plain facts of the repository; no model is asked. A model's own view of the risk may
raise the result and never lower it, because a lower risk would let it do more alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Literal

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.task import TaskComplexity
from autodev_tui.planning.complexity import ComplexityClass, classify

COMPLEX_ABOVE = 0.7
LONG_ABOVE_HOURS = 4.0
FEWEST_CRITERIA = 3
DEFAULT_EFFORT_HOURS = 1.0
DEFAULT_RISK = 0.2
HIGH_RISK_ABOVE = 0.7
DEFAULT_SCORE = 0.5
"""All S04, exact. A probability of exactly 0.7 is not high: it is shown as elevated."""

MANIFEST = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in)|Pipfile"
    r"|[\w-]+\.lock|package(?:-lock)?\.json|pnpm-lock\.yaml|Cargo\.toml|go\.(?:mod|sum)|Gemfile|composer\.json"
    r"|pom\.xml|build\.gradle(?:\.kts)?)$"
)
"""Files that say what else a project needs."""
_ABOUT_DEPENDENCIES = re.compile(
    r"\b(?:dependenc(?:y|ies)|lock ?files?|requirements\.txt|(?:upgrade|bump|pin|install) \S+)", re.IGNORECASE
)
_AROUND_WORDS = re.compile(r"[\s`'\"(),;:<>|]+")
_PATH = re.compile(r"(?:\./)?(?P<path>[\w.@+-]+(?:/[\w.@+-]+)+|[\w-]+\.[A-Za-z]\w{0,4})/?")
LONGEST_PATH = 300
_CODE = re.compile(r"`[^`\n]+`|\b\w+\(\)|\b[a-z]+_[a-z_]+\b|\b[A-Z]\w*Error\b|\b[a-z]+[A-Z]\w+\b")
_EXPECTED = re.compile(
    r"\b(?:should|must|expect(?:s|ed)?|so that|instead of|returns?|raises?|fails?|failing|acceptance|given"
    r"|dapat|kailangan)\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:somehow|something|stuff|things|better|nicer?|cleaner|good|etc|whatever|maybe|various|some kind"
    r"|improve|pagandahin|kahit ano|basta)\b",
    re.IGNORECASE,
)
_CRITERION = re.compile(
    r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+\S|\b(?:should|must|shall|dapat)\b", re.MULTILINE | re.IGNORECASE
)
_TEST_PATH = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_[^/]+$|[._-](?:test|spec)\.\w+$")


@dataclass(frozen=True)
class RepositoryFacts:
    """What is known of the repository, as plain data: its tracked paths."""

    paths: tuple[str, ...] = ()

    @cached_property
    def known(self) -> frozenset[str]:
        """The tracked paths, to look one up."""
        return frozenset(self.paths)

    @cached_property
    def has_tests(self) -> bool:
        """Whether a path looks like a test."""
        return any(_TEST_PATH.search(path) for path in self.paths)


RiskKind = Literal["technical", "timeline", "quality", "integration", "dependency"]


class Risk(Frozen):
    """One risk that a rule found. `probability` is 0–1."""

    kind: RiskKind
    name: str
    probability: float
    impact: Literal["medium", "high"]
    mitigation: str
    why: str
    degree: Literal["high", "elevated", "moderate"]
    """How it is shown: high only above 0.7, exactly 0.7 is elevated."""


class Analysis(Frozen):
    """The scores, all 0–1, and what they rest on."""

    complexity: float
    complexity_score: int
    complexity_class: ComplexityClass
    task_complexity: TaskComplexity
    indicators: dict[str, list[str]]
    clarity: float
    """How well the words say what is wanted."""
    context: float
    """How well the repository helps to understand and to check it."""
    risk: float
    feasibility: float
    risks: list[Risk]
    high_risk_areas: list[str]
    recommendations: list[str]

    def factors(self) -> dict[str, float]:
        """Those factors of the autonomy score that are measured here."""
        return {
            "task_complexity": self.complexity,
            "context_clarity": fmean((self.clarity, self.context)),
            "risk_level": self.risk,
        }


def analyse(
    text: str,
    facts: RepositoryFacts,
    *,
    criteria: int | None = None,
    effort_hours: float = DEFAULT_EFFORT_HOURS,
    files: Sequence[str] = (),
    risk: float | None = None,
) -> Analysis:
    """Analyse a goal or task. Sync; some milliseconds for a page, a quarter second for 100 000 characters.

    `criteria` is the number of acceptance criteria; None counts those that the text itself states. `files`
    are the paths it is planned to touch; those that the text names are added. `risk` is a model's own view.
    """
    named = named_paths(text)
    touched = sorted({*files, *(path for path in named if path in facts.known)})
    complexity = classify(text, len(touched))
    if criteria is None:
        criteria = len(_CRITERION.findall(text))
    risks = _risks(text, complexity.level, effort_hours, criteria, touched)
    overall = fmean(one.probability for one in risks) if risks else DEFAULT_RISK
    if risk is not None:
        overall = max(overall, min(1.0, max(0.0, risk)))
    clarity = _clarity(text, named, criteria)
    return Analysis(
        complexity=complexity.level,
        complexity_score=complexity.score,
        complexity_class=complexity.complexity_class,
        task_complexity=complexity.task_complexity,
        indicators=complexity.indicators,
        clarity=clarity,
        context=_context(named, facts),
        risk=overall,
        feasibility=round(1 - fmean((complexity.level, overall, 1 - clarity)), 4),
        risks=risks,
        high_risk_areas=[one.name for one in risks if one.probability > HIGH_RISK_ABOVE],
        recommendations=list(dict.fromkeys(one.mitigation for one in risks)),
    )


def _risks(
    text: str, complexity: float, effort_hours: float, criteria: int, files: Sequence[str]
) -> list[Risk]:
    packages = _packages(files)
    manifests = [path for path in files if MANIFEST.search(path)]
    risks = []
    if complexity > COMPLEX_ABOVE:
        why = f"complexity {complexity:.2f} is above {COMPLEX_ABOVE}"
        advice = "Break into smaller tasks that can each be checked alone"
        risks.append(_risk("technical", "high_technical_complexity", 0.7, "high", advice, why))
    if effort_hours > LONG_ABOVE_HOURS:
        why = f"{effort_hours:g} h of effort are above {LONG_ABOVE_HOURS:g} h"
        advice = "Plan incremental delivery with checkpoints"
        risks.append(_risk("timeline", "extended_development_time", 0.6, "medium", advice, why))
    if criteria < FEWEST_CRITERIA:
        why = f"{criteria} of at least {FEWEST_CRITERIA} acceptance criteria"
        advice = "Generate detailed acceptance criteria"
        risks.append(_risk("quality", "unclear_acceptance_criteria", 0.8, "high", advice, why))
    # S04 gives no figures for the last two classes; these are ours, below its others of the same impact.
    if len(packages) > 1:
        why = f"touches {', '.join(packages)}"
        advice = "Check the packages together after each one has changed"
        risks.append(_risk("integration", "cross_package_change", 0.5, "medium", advice, why))
    if manifests or _ABOUT_DEPENDENCIES.search(text):
        why = f"touches {', '.join(manifests)}" if manifests else "speaks of dependencies"
        advice = "Review every dependency change by hand"
        risks.append(_risk("dependency", "dependency_change", 0.6, "high", advice, why))
    return risks


def _risk(
    kind: RiskKind,
    name: str,
    probability: float,
    impact: Literal["medium", "high"],
    mitigation: str,
    why: str,
) -> Risk:
    high, elevated = probability > HIGH_RISK_ABOVE, probability == HIGH_RISK_ABOVE
    return Risk(
        kind=kind,
        name=name,
        probability=probability,
        impact=impact,
        mitigation=mitigation,
        why=why,
        degree="high" if high else "elevated" if elevated else "moderate",
    )


def _packages(files: Sequence[str]) -> list[str]:
    """The top folders of code that the files are in. Tests go with what they test, so they do not count."""
    tops = {path.partition("/")[0] for path in files if "/" in path and not _TEST_PATH.search(path)}
    if tops == {"src"}:
        tops = {
            "/".join(path.split("/")[:2]) for path in files if path.startswith("src/") and path.count("/") > 1
        }
    return sorted(tops)


def named_paths(text: str) -> list[str]:
    """What looks like a path in the text."""
    words = (word.rstrip(".!?") for word in _AROUND_WORDS.split(text) if len(word) <= LONGEST_PATH)
    matches = (_PATH.fullmatch(word) for word in words)
    return list(dict.fromkeys(match["path"] for match in matches if match))


def _clarity(text: str, named: Sequence[str], criteria: int) -> float:
    """From 0.5: up for anchors, expectations and criteria, down for vague words and brevity."""
    score = DEFAULT_SCORE
    score += 0.15 if named or _CODE.search(text) else 0.0
    score += 0.1 if _EXPECTED.search(text) else 0.0
    score += 0.2 if criteria >= FEWEST_CRITERIA else 0.05 * criteria
    score -= min(0.3, 0.1 * len(_VAGUE.findall(text)))
    score -= 0.2 if len(text.split()) < 4 else 0.0
    return round(min(1.0, max(0.0, score)), 4)


def _context(named: Sequence[str], facts: RepositoryFacts) -> float:
    """From 0.5: up for tests and for named files that exist, down for a repository without either."""
    score = DEFAULT_SCORE
    score += 0.2 if facts.has_tests else -0.1
    existing = sum(path in facts.known for path in named)
    if named:
        score += 0.2 * existing / len(named)
    return round(min(1.0, max(0.0, score)), 4)
