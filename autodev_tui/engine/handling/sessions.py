"""Sessions in the list: renamed, put away, deleted with everything that is theirs."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

from autodev_tui.domain.commands import ArchiveSession, DeleteSession, RenameSession
from autodev_tui.domain.session import Session
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.site import Site
from autodev_tui.vcs.worktrees import Worktrees
from store.journal import Op

LONGEST_TITLE = 200
_OWN = ("plan_tasks", "steps", "approvals", "messages", "rules")
"""Tables whose documents name their session."""


async def rename_session(site: Site, command: RenameSession) -> None:
    """Give a session another title; an empty one makes it the first line of its goal again."""
    title = " ".join(command.title.split())
    if len(title) > LONGEST_TITLE:
        raise Refusal(f"a title has at most {LONGEST_TITLE} characters, this one {len(title)}")
    session = _session(site, command.session)
    await _keep(site, session.but(title=title))


async def archive_session(site: Site, command: ArchiveSession) -> None:
    """Put a session out of the list, or back into it."""
    session = _session(site, command.session)
    if command.archived:
        _refuse_running(site, session, "put away")
    await _keep(site, session.but(archived=command.archived))


async def delete_session(site: Site, command: DeleteSession) -> None:
    """Remove a session's worktrees, branches, checkpoints, files and records, its records last.

    Cut off in the middle it is still in the list, and is deleted once more. What landed stays landed, and no
    branch of the user's is touched.

    Raises:
        Refusal: it runs, or one of its branches is checked out by the user.
    """
    session = _session(site, command.session)
    _refuse_running(site, session, "deleted")
    await asyncio.to_thread(_refuse_checked_out, site, session)
    if site.engine.session and site.engine.session.id == session.id:
        site.engine.leave()
    await asyncio.to_thread(_remove_files, site, session)
    ops = await asyncio.to_thread(lambda: list(_records(site, session)))
    await site.engine.keep(ops)
    site.changed()


def _session(site: Site, name: str) -> Session:
    """The session of exactly this id. Raises LookupError."""
    if site.engine.session and site.engine.session.id == name:
        return site.engine.session
    document = site.database.get("sessions", name)
    if document is None:
        raise LookupError(f"no session {name} in this repository")
    return Session(**document)


async def _keep(site: Site, session: Session) -> None:
    if site.engine.session and site.engine.session.id == session.id:
        await site.engine.services.board.commit(session)
    else:
        await site.engine.keep([("sessions", session.id, session.doc())])


def _refuse_running(site: Site, session: Session, what: str) -> None:
    if site.engine.busy and site.engine.session and site.engine.session.id == session.id:
        raise Refusal(f"{session.id} runs now and cannot be {what} · stop it first")


def _refuse_checked_out(site: Site, session: Session) -> None:
    """Git would leave a checkout without its branch."""
    prefix = f"refs/heads/autodev/{session.id}/"
    own = site.state / "worktrees"
    place = ""
    for field in site.repository.git.fields("worktree", "list", "--porcelain", "-z"):
        key, _, value = field.partition(" ")
        if key == "worktree":
            place = value
        elif key == "branch" and value.startswith(prefix) and Path(place).parent != own.resolve():
            name = value.removeprefix("refs/heads/")
            raise Refusal(f"{name} is checked out in {place} · check another branch out there first")


def _remove_files(site: Site, session: Session) -> None:
    worktrees = Worktrees(site.repository, site.state / "worktrees")
    names = {one.name for one in worktrees.list()} | {path.name for path in worktrees.directory.iterdir()}
    for name in sorted(names):
        if name.startswith(f"{session.id}-"):
            worktrees.remove(name)
    for prefix in (f"refs/heads/autodev/{session.id}/", f"refs/autodev/{session.id}/"):
        for ref, value in site.repository.refs(prefix).items():
            site.repository.update_ref(ref, "", value)
    shutil.rmtree(site.state / "sessions" / session.id, ignore_errors=True)


def _records(site: Site, session: Session) -> Iterator[Op]:
    """Removes every document of the session."""
    database = site.database
    for table in _OWN:
        for document in database.all(table, session=session.id):
            key = f"{session.id}/{document['id']}" if table == "plan_tasks" else document["id"]
            yield (table, key, None)
            if table == "approvals":
                yield ("drafts", key, None)
    for run in database.all("history", session_id=session.id):
        yield ("history", f"{session.id}/{int(run['end_time'] * 1000)}", None)
    yield ("views", f"view {session.id}", None)
    yield ("sessions", session.id, None)
