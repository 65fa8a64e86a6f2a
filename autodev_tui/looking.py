"""What a folder turns out to be: its state, what holds in it, what is wrong with it.

All of it is sync, and waits for the disk. Nothing here is a reason to give up but a state that cannot be
read: the rest is told as facts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autodev_tui.assembly import Place, find_model
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import EngineFacts
from autodev_tui.engine.models import Model
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.missing import MissingProvider
from autodev_tui.sandbox.processes import terminal_of
from autodev_tui.settings import Settings, SettingsError, load_settings
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from prompts import PromptError, PromptTemplateManager
from store.lock import owner
from store.recovery import JOURNAL, STATE

if TYPE_CHECKING:
    from autodev_tui.logs import Log
    from store.database import Database

RESUMABLE = (
    SessionState.PLANNING,
    SessionState.RUNNING,
    SessionState.PAUSED,
    SessionState.REVIEWING,
    SessionState.INTERRUPTED,
)


class Found(NamedTuple):
    """What holds in a place."""

    settings: Settings
    prompts: PromptTemplateManager
    model: Model
    facts: EngineFacts


@dataclass
class Opened:
    """A place that is open: for driving, or only for watching who drives."""

    place: Place
    database: Database
    log: Log | None
    found: Found


def open_place(place: Place, options: Mapping[str, Any], *, read_only: bool = False) -> Opened:
    """Raises StoreError: locked, damaged, full, too new."""
    database = place.open_store(read_only=read_only, what="workbench")
    try:
        found = look(place, database, options, Settings())
        if read_only:
            found = found._replace(facts=found.facts.but(owner=_owner_of(place)))
        return Opened(place, database, None if read_only else place.open_log(), found)
    except BaseException:
        database.close()
        raise


def look(place: Place, database: Database, options: Mapping[str, Any], before: Settings) -> Found:
    """What holds now; `before` where the configuration cannot be used."""
    problems: list[str] = []
    try:
        settings = place.settings(database, dict(options))
    except SettingsError as error:
        problems += str(error).splitlines()
        settings = before
    problems += settings.notices
    try:
        prompts = place.prompts()
    except PromptError as error:
        problems.append(str(error))
        prompts = PromptTemplateManager()
    model, model_problem = _model(place.environment, settings, options)
    root = place.repository.root
    try:
        Place.find(root, place.environment)
    except (RepositoryError, GitError) as error:
        problems.append(str(error))
    facts = EngineFacts(
        repository=root.name,
        root=str(root),
        branch=place.repository.branch,
        model=model.spec,
        model_problem=model_problem,
        untrusted=place.untrusted_files,
        dirty=_changed(place),
        settings=settings.model_dump(mode="json"),
        problems=problems,
    )
    return Found(settings, prompts, model, facts)


def look_outside(environment: Mapping[str, str], options: Mapping[str, Any], problem: str) -> EngineFacts:
    """What holds in a folder that is no repository."""
    problems, settings = [problem], Settings()
    try:
        settings = load_settings(environment, options=options)
    except SettingsError as error:
        problems += str(error).splitlines()
    model, model_problem = _model(environment, settings, options)
    return EngineFacts(
        model=model.spec,
        model_problem=model_problem,
        settings=settings.model_dump(mode="json"),
        problems=problems,
    )


def _model(
    environment: Mapping[str, str], settings: Settings, options: Mapping[str, Any]
) -> tuple[Model, str]:
    """The model that a new session gets, and why there is none."""
    try:
        return find_model(environment, None, None, settings, options), ""
    except ProviderError as error:
        return Model(MissingProvider(str(error)), "", ""), str(error)


def session_to_show(database: Database, *, watching: bool) -> Session | None:
    """The session that was going on when its engine ended; for who watches, the latest."""
    sessions = [Session(**document) for document in database.all("sessions")]
    if not watching:
        sessions = [one for one in sessions if one.state in RESUMABLE and not one.archived]
    return max(sessions, key=lambda session: session.start_time, default=None)


def _changed(place: Place) -> int:
    """How many tracked files the user has changed."""
    with contextlib.suppress(RepositoryError, GitError):
        return len(place.repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD"))
    return 0


def _owner_of(place: Place) -> str:
    """Who drives here, for people."""
    holder = owner(place.state)
    if holder is None or not holder.pid:
        return "another autodev"
    terminal = terminal_of(holder.pid)
    return f"pid {holder.pid} on {terminal}" if terminal else f"pid {holder.pid}"


def stamp(state: Path) -> list[tuple[int, int]]:
    """Another one whenever something was written to the state."""
    stamps = []
    for name in (STATE, JOURNAL):
        with contextlib.suppress(FileNotFoundError):
            found = (state / name).stat()
            stamps.append((found.st_mtime_ns, found.st_size))
    return stamps
