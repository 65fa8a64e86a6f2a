"""What several answers begin with: the session that is meant, and its steps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from autodev_tui.domain.session import Session
from autodev_tui.domain.step import Step
from autodev_tui.engine.queries import find_session, latest_session
from autodev_tui.engine.refusal import Refusal

if TYPE_CHECKING:
    from autodev_tui.engine.services import Services
    from autodev_tui.engine.site import Site


def opened(site: Site) -> Services | None:
    """The services of the session that is open, None without one."""
    return site.engine.services if site.engine.session else None


async def session_of(site: Site, name: str = "") -> Session:
    """The session called `name`; without a name the one that is open, else the latest. Raises Refusal."""
    services = opened(site)
    if services and name in ("", services.session.id):
        return services.session
    found = await asyncio.to_thread(_stored, site, name)
    if found is None:
        raise Refusal("no session in this repository yet · type a goal to start one")
    return found


def _stored(site: Site, name: str) -> Session | None:
    return find_session(site.database, name) if name else latest_session(site.database)


async def steps_of(site: Site, session: str) -> list[Step]:
    """All steps of a session in order; those of the open one come from memory."""
    services = opened(site)
    if services and services.session.id == session:
        return services.board.all_steps()
    return await asyncio.to_thread(stored_steps, site, session)


def stored_steps(site: Site, session: str) -> list[Step]:
    """All steps of a session in order. Sync."""
    documents = sorted(site.database.all("steps", session=session), key=lambda one: int(one["seq"]))
    return [Step(**document) for document in documents]


def title_of(session: Session) -> str:
    """What a session is called."""
    return session.title or session.goal.strip().partition("\n")[0]
