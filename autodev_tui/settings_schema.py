"""The keys that settings have, with their defaults and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.commands import MOST_AGENTS
from autodev_tui.domain.evidence import Check
from autodev_tui.domain.levels import Level


class _Part(Frozen):
    """No key takes an infinite or undefined number."""

    model_config = ConfigDict(allow_inf_nan=False)


class ConfiguredCheck(Check):
    """A check from `[[checks]]`: name, command, kind and paths."""

    source: Literal["configured"] = "configured"


class EnvironmentSettings(_Part):
    """`[environment]`: how the checks' environment is made."""

    setup: str = ""
    """A shell command that installs what the checks need; empty means that it is detected."""


class Limits(_Part):
    """`[limits]`: sizes and times that bound single actions."""

    context_tokens: int = Field(default=150_000, ge=10_000)
    """Prompt size from which a conversation is compacted, below the model's own window."""
    local_context_tokens: int | None = Field(default=None, ge=4_096)
    """Window that local models are loaded with (num_ctx); None: the model's own, else 32,768."""
    command_timeout_s: float = Field(default=300.0, gt=0)
    """For an agent's command that names no time of its own."""
    requests_per_minute: int = Field(default=0, ge=0)
    """Model calls of one agent in any 60 s; one more waits. 0 is no limit of ours (S09 names 100)."""
    check_timeout_s: float = Field(default=600.0, gt=0)
    """For one check."""


class Budgets(_Part):
    """`[budgets]`: how much may be spent before it asks, in USD; None is no limit."""

    task_usd: float | None = Field(default=None, gt=0)
    """For one task, over all its rounds."""
    day_usd: float | None = Field(default=None, gt=0)
    """For all your sessions of a calendar day, in every repository."""
    month_usd: float | None = Field(default=None, gt=0)
    """For all your sessions of a calendar month, in every repository."""


class Price(_Part):
    """`[prices."MODEL"]`: USD per million tokens, over the shipped table."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    cache_read: float | None = Field(default=None, ge=0)


class Settings(_Part):
    """What holds for a run."""

    model: str | None = Field(default=None, min_length=1)
    """As in `anthropic/NAME`, `ollama/NAME` or `rules`; None takes what the environment offers."""
    autonomy: Level = Level.COLLABORATIVE
    """Where the slider starts (S01)."""
    budget_usd: float | None = Field(default=None, gt=0)
    """Most a session may cost before it asks; None is no limit."""
    fallbacks: tuple[Annotated[str, Field(min_length=1, max_length=300)], ...] = ()
    """Models that go on with a task, in this order, when its own fails for good; each as in `model`."""
    budgets: Budgets = Budgets()
    agents: int = Field(default=5, ge=1, le=MOST_AGENTS)
    """How many may work at once (S19)."""
    max_turns: int = Field(default=200, ge=1)
    """Model calls of one task."""
    max_time_s: float = Field(default=3600.0, gt=0)
    """Running time of a session, waiting for the human not counted (S01)."""
    quality_threshold: float = Field(default=0.85, ge=0, le=1)
    """Score from which the gate passes (S01, S26)."""
    environment: EnvironmentSettings = EnvironmentSettings()
    checks: tuple[ConfiguredCheck, ...] = ()
    """Commands that say something about the code; they replace what is detected of the same kind."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """USD per million tokens of models, over the shipped table."""
    theme: str = Field(default="auto", min_length=1)
    """Colours of the workbench; auto is the program's own choice."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """Signs for states; auto asks the terminal whether it draws them one cell wide."""
    notify: Literal["off", "bell", "desktop", "both"] = "bell"
    """How it calls while its terminal is not in front: for questions, reviews, ends and stops."""
    editor: str = ""
    """Command that opens files; empty takes $VISUAL, then $EDITOR."""
    times: Literal["ago", "clock"] = "ago"
    """How long ago something was, or the time of day."""
    keys: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Other keys for bindings, by the binding's id: "review.accept" = "a"."""
    flags: dict[str, Annotated[int, Field(ge=0, le=100)]] = Field(default_factory=dict)
    """New behaviour by name: in how many of a hundred repositories it is on; 0 where nothing is said."""
    limits: Limits = Limits()
    _notices: tuple[str, ...] = PrivateAttr(default=())

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user has to know of how these settings came to be: ignored keys of the repository."""
        return self._notices

    def with_notices(self, notices: Sequence[str]) -> Self:
        """The same settings that tell `notices`."""
        told = self.model_copy()
        told._notices = tuple(notices)
        return told

    def price_table(self) -> dict[str, dict[str, float]]:
        """`prices` in the shape of the shipped table, which tells two ways of writing to the cache apart."""
        table = {}
        for model, price in self.prices.items():
            entry = {
                "input": price.input,
                "output": price.output,
                "cache_read": price.cache_read,
                "cache_write_5m": price.cache_write,
                "cache_write_1h": price.cache_write,
            }
            table[model] = {name: value for name, value in entry.items() if value is not None}
        return table

    @field_validator("fallbacks")
    @classmethod
    def _are_models(cls, chain: tuple[str, ...]) -> tuple[str, ...]:
        for spec in chain:
            provider, _, name = spec.partition("/")
            if spec != "rules" and not (provider in ("anthropic", "ollama") and name.strip()):
                raise ValueError(f"{spec!r} is no model · write anthropic/NAME, ollama/NAME or rules")
            if chain.count(spec) > 1:
                raise ValueError(f"{spec} is there twice")
        return chain

    @field_validator("checks")
    @classmethod
    def _names_differ(cls, checks: tuple[ConfiguredCheck, ...]) -> tuple[ConfiguredCheck, ...]:
        names = [check.name for check in checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two checks are called {twice[0]}")
        return checks
