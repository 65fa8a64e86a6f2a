"""Puts together what a front end drives: a place with its state and settings, a model, an engine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui import paths
from autodev_tui.domain import commands
from autodev_tui.engine.models import Model

if TYPE_CHECKING:
    from autodev_tui.engine.engine import Engine
    from autodev_tui.logs import Log
    from autodev_tui.providers.recording import Tape
    from autodev_tui.sandbox.spec import Rung
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from prompts import PromptTemplateManager
    from store.database import Database


class BudgetUnknowable(Exception):
    """A budget was given for a model whose price nobody knows: it could not be kept."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the price of {model} is not known, so a budget cannot be kept"
            f' · set [prices."{model}"] in your config.toml, or give no budget'
        )


def price_known(model: str, settings: Settings, *, remote: bool = False) -> bool:
    """Whether what a call costs can be told, of a specification or of a name of Anthropic's.

    `remote`: its server says that it works elsewhere, whatever it is called here.
    """
    from autodev_tui.engine.rates import is_free
    from autodev_tui.providers.pricing import TokenCounts, cost

    if is_free(model, remote=remote):
        return True
    name = _priced_name(model)
    return cost(name, TokenCounts(input=1, output=1), datetime.now(UTC).date(), settings.price_table())[1]


def _priced_name(model: str) -> str:
    """The name that a model's price is listed under."""
    return model.removeprefix("anthropic/").removeprefix("ollama/")


def refuse_unknown_price(
    command: commands.StartSession | commands.ResumeSession,
    database: Database,
    model: str,
    settings: Settings,
    *,
    remote: bool = False,
) -> None:
    """A budget, given now or when the session began, needs a model with a price. Raises BudgetUnknowable."""
    from autodev_tui.engine.queries import find_session

    if isinstance(command, commands.StartSession):
        budget = command.budget_usd
    else:
        budget = find_session(database, command.session).budget_usd
    budgets = settings.budgets
    limits = (budget, settings.budget_usd, budgets.task_usd, budgets.day_usd, budgets.month_usd)
    if any(limits) and not price_known(model, settings, remote=remote):
        raise BudgetUnknowable(_priced_name(model))


@dataclass
class Place:
    """A repository and where its state is."""

    repository: Repository
    state: Path
    environment: Mapping[str, str]
    trusted: bool = True
    untrusted_files: list[str] = field(default_factory=list)
    trusted_files: dict[str, bytes] = field(default_factory=dict)
    """The very bytes that were trusted: a file that trust did not see, or that changed since, has no say."""

    @classmethod
    def find(
        cls, start: Path, environment: Mapping[str, str] = os.environ, *, for_work: bool = True
    ) -> Place:
        """The repository at `start`, in any state unless it is `for_work`. Raises RepositoryError."""
        from autodev_tui.vcs.repository import open_repository

        repository = open_repository(start, for_work=for_work, environ=environment)
        return cls(repository, paths.repository_state(environment, repository.id), environment)

    def open_store(self, *, read_only: bool = False, what: str = "") -> Database:
        """The repository's state, opened by `what`. Raises StoreError: locked, damaged, full, too new."""
        from store.database import Database

        return Database.open(self.state, read_only=read_only, what=what)

    def settings(self, database: Database | None, options: dict[str, Any]) -> Settings:
        """The settings that hold here; the repository's own count only once trusted. Raises SettingsError."""
        from autodev_tui.engine.trust import is_trusted, trust_files
        from autodev_tui.settings import REPOSITORY_CONFIG, load_settings

        files = trust_files(self.repository.root)
        self.trusted = database is not None and is_trusted(database, files)
        self.untrusted_files = [] if self.trusted else sorted(files)
        self.trusted_files = files if self.trusted else {}
        own = self.trusted_files.get(REPOSITORY_CONFIG)
        return load_settings(self.environment, repository=own, options=options)

    def open_log(self) -> Log:
        """The engine's log; only for the owner of the store."""
        from autodev_tui.logs import Log
        from autodev_tui.policy.secrets import Masker, secret_values

        masker = Masker(os.urandom(16), secret_values(self.environment))
        return Log(self.state / "logs", lambda text: masker.mask(text)[0])

    def rules(self) -> tuple[tuple[str, str], ...]:
        """The repository's rules for agents, as `settings` found them trusted."""
        from autodev_tui.engine.trust import rules

        return rules(self.trusted_files)

    def prompts(self) -> PromptTemplateManager:
        """The prompt templates that hold here, as `settings` found them trusted. Raises PromptError."""
        from prompts import PromptTemplateManager

        return PromptTemplateManager(self.trusted_files)

    def hidden(self) -> list[Path]:
        """What no sandbox may see."""
        home = self.environment.get("HOME")
        own = [self.state, paths.state_root(self.environment), paths.config_dir(self.environment)]
        return [*own, *([Path(home)] if home else [])]


def find_model(
    environment: Mapping[str, str],
    database: Database | None,
    command: commands.StartSession | commands.ResumeSession | None,
    settings: Settings,
    options: Mapping[str, Any],
) -> Model:
    """The model that a session goes on with, or that a new one gets. Sync; nothing is sent.

    Raises:
        ProviderError: no key, no such provider; the message says what to do.
        LookupError: no such session.
    """
    from autodev_tui.domain.rule import RULES_MODEL
    from autodev_tui.engine.queries import find_session
    from autodev_tui.providers.registry import default_model

    own = None
    if database and isinstance(command, commands.ResumeSession) and not options.get("model"):
        own = find_session(database, command.session).model
    spec = own or settings.model or default_model(environment) or RULES_MODEL
    return make_model(spec, environment, settings)


def make_model(spec: str, environment: Mapping[str, str], settings: Settings) -> Model:
    """The model that a specification names. Raises ProviderError."""
    from autodev_tui.domain.rule import RULES_MODEL
    from autodev_tui.providers.registry import make_provider

    if spec == RULES_MODEL:
        from autodev_tui.rules.provider import RulesProvider

        return Model(RulesProvider(), RULES_MODEL, RULES_MODEL)
    if spec.startswith("replay:"):
        from autodev_tui.providers.replay import whole_spec

        spec = whole_spec(spec)
    provider, name = make_provider(
        spec,
        environment,
        prices=settings.price_table(),
        local_context=settings.limits.local_context_tokens,
    )
    return Model(provider, name, spec)


def open_tape(
    place: Place,
    database: Database,
    command: commands.StartSession | commands.ResumeSession,
    model: str,
    file: str,
) -> Tape:
    """What records a session's models into `file`; `model` is the specification that it names.

    Raises:
        ProviderError: kind `config`: it cannot be written, or there is something else.
    """
    from autodev_tui.engine.queries import find_session
    from autodev_tui.policy.secrets import Masker, secret_values
    from autodev_tui.providers.base import ProviderError
    from autodev_tui.providers.recorded import RecordingError
    from autodev_tui.providers.recording import Tape

    if isinstance(command, commands.StartSession):
        goal = command.goal
    else:
        goal = find_session(database, command.session).goal
    masker = Masker(os.urandom(16), secret_values(place.environment))
    try:
        return Tape.open(Path(file).expanduser().absolute(), goal=goal, model=model, mask=masker.text)
    except RecordingError as error:
        raise ProviderError("config", str(error)) from error


async def look_up(model: Model, settings: Settings) -> bool:
    """Whether it works elsewhere though its name does not say so, before anything begins.

    A misspelt one ends here, not in a plan. One that only does not answer now is let through where others
    of the user's chain stand behind it.

    Raises:
        ProviderError: there is none, or it cannot be reached.
    """
    from autodev_tui.engine.fallback import FOR_GOOD
    from autodev_tui.providers.base import ProviderError

    try:
        return (await model.provider.limits(model.name)).remote
    except ProviderError as error:
        if not settings.fallbacks or error.kind not in FOR_GOOD - {"config", "not_found"}:
            raise
        return False


def make_engine(
    place: Place,
    database: Database,
    settings: Settings,
    model: Model,
    rung: Rung,
    prompts: PromptTemplateManager,
    *,
    interactive: bool = False,
    tape: Tape | None = None,
) -> Engine:
    """An engine for the place, which owns the store and the provider from now on. Sync.

    What its models say goes onto the `tape`, which stays the caller's to close.
    """
    from autodev_tui.engine.engine import Engine
    from autodev_tui.providers.recording import RecordingProvider
    from autodev_tui.vcs.include import INCLUDE_FILE

    def taped(model: Model) -> Model:
        return Model(RecordingProvider(model.provider, tape), model.name, model.spec) if tape else model

    model = taped(model)

    return Engine(
        place.repository,
        database,
        place.state,
        settings,
        model.provider,
        model.name,
        model.spec,
        paths.client_secret(place.environment),
        maker=lambda spec, settings: taped(make_model(spec, place.environment, settings)),
        rung=rung,
        hidden=place.hidden(),
        environment=place.environment,
        rules=place.rules(),
        prompts=prompts,
        include=place.trusted_files.get(INCLUDE_FILE, b""),
        interactive=interactive,
        spending=paths.state_root(place.environment) / "spending",
    )
