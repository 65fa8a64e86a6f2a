"""Text about a session for people outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.session import Session
from autodev_tui.engine.queries import tasks_of
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.pull_request import pr_text
from autodev_tui.vcs.repository import Repository

if TYPE_CHECKING:
    from store.database import Database


def pull_request(repository: Repository, database: Database, session: Session) -> str:
    """Text for a pull request with SPEC's sections; empty while nothing has changed. Sync."""
    if not session.head_commit or session.head_commit == session.base_commit:
        return ""
    tree = repository.tree_of(session.head_commit)
    changes = change_set(repository, repository.tree_of(session.base_commit), tree)
    found = [
        Evidence(**{name: one[name] for name in Evidence.model_fields}) for one in database.all("evidence")
    ]
    evidence = [one for one in found if one.tree == tree]
    return pr_text(session, tasks_of(database, session.id), changes, evidence)
