"""A demo without a screen: the same engine, and a human's decisions made by this program."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from autodev_tui.bridge import EngineLost, EngineThread
from autodev_tui.demo.place import Place
from autodev_tui.demo.script import GOAL
from autodev_tui.demo.telling import Story
from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision, HunkDecision
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import Refused
from autodev_tui.domain.states import SessionState

PATIENCE_S = 180.0
"""Longer than any step of it takes: then something hangs."""
REASON = "one return is easier to read than two"
COMMENT = "is there a format for this?"


class Stopped(Exception):
    """It did not come to its end; the message says why."""


async def run_alone(place: Place, story: Story) -> None:
    """Carry out the goal and decide what waits, until it has landed. Raises Stopped."""
    engine = EngineThread(place.repository, place.environment, place.options)
    mirror = Mirror()
    engine.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _begin(engine, story)
            await _follow(engine, mirror, story)
    except TimeoutError as error:
        raise Stopped(f"nothing more happened within {PATIENCE_S:.0f} s") from error
    except EngineLost as error:
        raise Stopped(f"the engine was lost: {error}") from error
    finally:
        await engine.aclose()


async def _begin(engine: EngineThread, story: Story) -> None:
    story.say("goal", GOAL)
    if refused := await engine.submit(commands.StartSession(goal=GOAL)):
        raise Stopped(refused.reason)


async def _follow(engine: EngineThread, mirror: Mirror, story: Story) -> None:
    asked: set[str] = set()
    problem = ""
    async for update in engine.updates():
        mirror.apply(update)
        if mirror.facts.sandbox_problem and not problem:
            problem = mirror.facts.sandbox_problem
            story.say("autodev", f"no sandbox works here, so every command asks ({problem})")
        for event in update.events:
            story.event(event, mirror)
        for approval in mirror.pending():
            if approval.id not in asked:
                asked.add(approval.id)
                await _decide(engine, mirror, approval, story)
        session = mirror.session
        if session and session.state is SessionState.LANDED:
            story.say(
                "landed", f"{session.target_branch} is now @{session.landed_commit[:7]}, nothing was pushed"
            )
            return
        if session and session.state in (SessionState.FAILED, SessionState.CANCELLED):
            raise Stopped(session.error or f"the session is {session.state}")


async def _decide(engine: EngineThread, mirror: Mirror, approval: Approval, story: Story) -> None:
    answer, words = _answer(mirror, approval)
    story.say("you", words)
    decision = Decision(
        approval=approval.id, shown_hash=approval.shown_hash, actor="demo", at=time.time(), **answer
    )
    refused = await engine.submit(commands.Decide(decision=decision))
    if isinstance(refused, Refused):
        raise Stopped(refused.reason)


def _answer(mirror: Mirror, approval: Approval) -> tuple[dict[str, Any], str]:
    """The decision, and how it reads."""
    task = mirror.tasks.get(approval.task or "")
    match approval.kind:
        case ApprovalKind.CHANGES if task and task.id == "T1" and not task.rounds:
            hunks = [
                HunkDecision(hunk=1, verdict="accept"),
                HunkDecision(hunk=2, verdict="accept"),
                HunkDecision(hunk=3, verdict="reject", reason=REASON),
                HunkDecision(hunk=4, verdict="comment", reason=COMMENT),
            ]
            words = f"review T1: accept 1 and 2 · reject 3: {REASON} · comment on 4: {COMMENT}"
            return {"verdict": "approve", "hunks": hunks, "rest": "open"}, words
        case ApprovalKind.CHANGES:
            count = len(approval.ask.get("hunks", ()))
            again = " again" if task and task.rounds else ""
            hunk = f"{count} hunk{'s' if count != 1 else ''}"
            return {"verdict": "approve"}, f"review {approval.task}{again}: accept {hunk}"
        case ApprovalKind.PLAN:
            return {"verdict": "approve"}, "approve the plan"
        case ApprovalKind.LAND:
            return {"verdict": "approve"}, "land it"
        case ApprovalKind.COMMAND | ApprovalKind.EDIT:
            return {"verdict": "approve"}, f"approve: {approval.title}"
    raise Stopped(f"nobody is here to answer: {approval.title}")
