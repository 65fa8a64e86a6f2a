"""All sessions of the repository as rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from autodev_tui.domain.requests import GetSessions, RowsAnswer
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, TaskState
from autodev_tui.engine.answering.common import opened, title_of
from autodev_tui.engine.site import Site
from store.database import Database

_WAITING = (ApprovalState.PENDING, ApprovalState.DEFERRED)


async def get_sessions(site: Site, request: GetSessions) -> RowsAnswer:
    """Newest first; archived ones only when asked for."""
    services = opened(site)
    current = services.session.id if services else ""
    rows = await asyncio.to_thread(session_rows, site.database, current)
    archived = sum(row["archived"] for row in rows)
    shown = [row for row in rows if request.archived or not row["archived"]]
    return RowsAnswer(rows=shown, facts={"archived": archived, "current": current})


def session_rows(database: Database, current: str = "") -> list[dict[str, Any]]:
    """One row a session, newest first. Times in seconds since 1970, money in USD. Sync."""
    states: dict[str, Counter[str]] = {}
    for task in database.all("plan_tasks"):
        states.setdefault(task["session"], Counter())[task["state"]] += 1
    waiting = Counter(one["session"] for one in database.all("approvals") if one["state"] in _WAITING)
    sessions = [Session(**document) for document in database.all("sessions")]
    sessions.sort(key=lambda session: session.start_time, reverse=True)
    return [
        {
            "id": session.id,
            "title": title_of(session),
            "goal": session.goal,
            "state": session.state.value,
            "over": session.over,
            "started": session.start_time,
            "ended": session.end_time,
            "active_s": session.active_s,
            "done": states.get(session.id, Counter())[TaskState.COMPLETED],
            "tasks": states.get(session.id, Counter()).total(),
            "cost_usd": session.usage.cost_usd,
            "cost_known": session.usage.cost_known,
            "waiting": waiting[session.id],
            "branch": session.session_branch,
            "target": session.target_branch,
            "landed": session.landed_commit,
            "archived": session.archived,
            "current": session.id == current,
        }
        for session in sessions
    ]
