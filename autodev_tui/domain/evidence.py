"""Evidence: what the engine's own run of a check says about one git tree."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from autodev_tui.domain.base import Frozen

MAX_WORDS = 160
"""Characters of a cause's message on one line."""


class CheckKind(StrEnum):
    """What a check measures, with its weight in the gate (DESIGN §4)."""

    BEHAVIOUR = "behaviour"
    TYPES = "types"
    LINT = "lint"
    SECURITY = "security"
    COVERAGE = "coverage"

    @property
    def weight(self) -> float:
        """Its share of the score, 0–1."""
        return {"behaviour": 0.5, "types": 0.15, "lint": 0.15, "security": 0.1, "coverage": 0.1}[self.value]


class Check(Frozen):
    """A command whose exit code says something about a tree."""

    name: str
    command: str
    kind: CheckKind = CheckKind.BEHAVIOUR
    paths: list[str] = Field(default_factory=list)
    """Globs: run only when one of them changed; empty means always."""
    source: str = "detected"


class Cause(Frozen):
    """What made a check red, as it was read out of its output: the primary one comes first (S35)."""

    type: str
    """One of the nine types of failure; empty where it cannot be told."""
    message: str
    path: str = ""
    """Relative to the checked tree where it lies in it."""
    line: int | None = None
    code: str = ""
    name: str = ""
    """The test, module or name that it is about."""
    suggestion: str = ""

    @property
    def words(self) -> str:
        """Where and what, on one line."""
        place = f"{self.path}:{self.line}" if self.path and self.line else self.path
        message = self.message if len(self.message) <= MAX_WORDS else f"{self.message[: MAX_WORDS - 1]}…"
        return f"{place}: {message}" if place else message


class Evidence(Frozen):
    """The result of one check on one tree."""

    check: str
    kind: CheckKind
    command: str
    tree: str
    result: str
    """passed, failed, not_run or unverifiable."""
    exit_code: int | None = None
    why: str = ""
    failures: list[str] = Field(default_factory=list)
    """Names of failing tests or findings, sorted, without positions that move."""
    causes: list[Cause] = Field(default_factory=list)
    """What its output says of the failures, the primary one first; a few, with the places as they were."""
    passed_tests: int = 0
    """How many tests passed, as far as they can be told apart."""
    tests: dict[str, str] = Field(default_factory=dict)
    """passed, failed or skipped, of each test that was asked about by name."""
    output_blob: str = ""
    environment: str = ""
    origins: dict[str, str] = Field(default_factory=dict)
    duration_s: float = 0.0
    at: float = 0.0


class GateResult(Frozen):
    """The quality gate's verdict on one tree (S26)."""

    tree: str
    verdict: str
    """pass, fail or ask."""
    score: float
    reasons: list[str] = Field(default_factory=list)
    ran: list[str] = Field(default_factory=list)
    not_run: list[str] = Field(default_factory=list)
    new_failures: dict[str, list[str]] = Field(default_factory=dict)
    old_failures: dict[str, list[str]] = Field(default_factory=dict)
    red_before: list[str] = Field(default_factory=list)
    """Checks that are red in no other way than before the change: they do not count against it."""
    evidence: list[Evidence] = Field(default_factory=list)
    criteria: list[dict[str, Any]] = Field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """What a session and its landing keep of it."""
        return self.model_dump(
            include={"tree", "verdict", "score", "reasons", "ran", "not_run", "red_before"}, mode="json"
        )
