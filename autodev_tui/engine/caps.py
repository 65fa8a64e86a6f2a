"""The limits of what may be spent: on a task, in a session, in a day, in a month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Period = Literal["day", "month"]
Scope = Literal["task", "session", "day", "month"]
TINY = 1e-9
"""USD that rounding may make of nothing."""
NEARLY = 0.8
"""The share of a limit from which it is told."""


@dataclass(frozen=True)
class Cap:
    """One limit, in USD: what of it is spent, and what calls under way may still take (`open`)."""

    scope: Scope
    limit_usd: float
    spent_usd: float
    open_usd: float = 0.0
    whose: str = ""
    """The task, the day or the month that it is the limit of."""

    @property
    def left(self) -> float:
        """What one more call may cost now."""
        return self.limit_usd - self.spent_usd - self.open_usd

    def leaves(self, usd: float) -> bool:
        """Whether one more call fits that may cost `usd`."""
        return self.left + TINY >= usd

    @property
    def key(self) -> str:
        """Tells it from every other, and from itself with another limit."""
        return " ".join(filter(None, (self.scope, self.whose, f"{self.limit_usd:.6g}")))

    @property
    def name(self) -> str:
        """Whose limit it is, in words; empty for the session's, which is the one that is meant."""
        return {"session": "", "task": f"{self.whose} ", "day": "today ", "month": "this month "}[self.scope]

    @property
    def near(self) -> bool:
        """Whether it is nearly reached."""
        return self.spent_usd >= NEARLY * self.limit_usd - TINY
