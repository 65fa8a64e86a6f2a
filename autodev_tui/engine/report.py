"""Text about a session for people outside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.session import Session
from autodev_tui.engine.queries import tasks_of
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError
from autodev_tui.vcs.pull_request import pr_text
from autodev_tui.vcs.repository import Repository
from store.files import replace_file

if TYPE_CHECKING:
    from store.database import Database

BREAKING = "BREAKING CHANGE: "


def pull_request(repository: Repository, database: Database, session: Session) -> str:
    """Text for a pull request with all its sections; empty while nothing has changed. Sync.

    Once the session's commits are gone it is the text as it was kept.
    """
    if not session.head_commit or session.head_commit == session.base_commit:
        return ""
    try:
        return _text(repository, database, session)
    except (RepositoryError, GitError):
        kept = _kept(database, session)
        return kept.read_text(encoding="utf-8") if kept.is_file() else ""


def keep_pull_request(repository: Repository, database: Database, session: Session) -> None:
    """Keep the text with the session, as it stands now. Sync."""
    replace_file(_kept(database, session), [_text(repository, database, session).encode()])


def _kept(database: Database, session: Session) -> Path:
    return database.directory / "sessions" / session.id / "pull_request.md"


def _text(repository: Repository, database: Database, session: Session) -> str:
    tree = repository.tree_of(session.head_commit)
    changes = change_set(repository, repository.tree_of(session.base_commit), tree)
    found = [
        Evidence(**{name: one[name] for name in Evidence.model_fields}) for one in database.all("evidence")
    ]
    evidence = [one for one in found if one.tree == tree]
    messages = repository.git.text("log", "--format=%B", f"{session.base_commit}..{session.head_commit}")
    breaking = [line.removeprefix(BREAKING) for line in messages.splitlines() if line.startswith(BREAKING)]
    return pr_text(session, tasks_of(database, session.id), changes, evidence, breaking)
