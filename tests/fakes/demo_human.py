"""A human in a demo without a screen, who decides at random moments, in random order and ways: by a seed."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from autodev_tui.bridge import EngineThread
from autodev_tui.demo.place import Place
from autodev_tui.demo.script import GOAL
from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision, HunkDecision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import GetReview, ReviewAnswer
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState

OVER = (SessionState.LANDED, SessionState.FAILED, SessionState.CANCELLED)
VERDICTS = ("accept", "accept", "reject", "comment", "edit", "open")
PATIENCE_S = 120.0


class Human:
    """Drives one demo to its end."""

    def __init__(self, place: Place, seed: int, *, slowest_s: float = 0.4) -> None:
        self.engine = EngineThread(place.repository, place.environment, place.options)
        self.mirror = Mirror()
        self.told: list[str] = []
        """Every decision, in words."""
        self._chance = random.Random(seed)
        self._slowest_s = slowest_s
        self._plans = 0

    async def run(self) -> Session:
        """The session as it ended. Raises TimeoutError: it hangs."""
        self.engine.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert await self.engine.submit(commands.StartSession(goal=GOAL)) is None
                deciding: set[asyncio.Task[None]] = set()
                asked: set[str] = set()
                async for update in self.engine.updates():
                    self.mirror.apply(update)
                    for one in self.mirror.pending():
                        if one.id not in asked:
                            asked.add(one.id)
                            deciding.add(asyncio.create_task(self._answer(one)))
                    for task in [one for one in deciding if one.done()]:
                        deciding.remove(task)
                        task.result()
                    if self.mirror.session and self.mirror.session.state in OVER:
                        return self.mirror.session
            raise AssertionError("the engine ended")
        finally:
            await self.engine.aclose()

    async def _answer(self, approval: Approval) -> None:
        await asyncio.sleep(self._chance.uniform(0, self._slowest_s))
        if self._chance.random() < 0.2:
            level = self._chance.choice([Level.GUIDED, Level.COLLABORATIVE])
            await self.engine.submit(commands.SetSlider(level=level))
        answer = await self._decision(approval)
        decision = Decision(
            approval=approval.id, shown_hash=approval.shown_hash, actor="test", at=time.time(), **answer
        )
        self.told.append(f"{approval.kind} {approval.task or ''} {answer}")
        refused = await self.engine.submit(commands.Decide(decision=decision))
        assert refused is None, (self.told[-1], refused)

    async def _decision(self, approval: Approval) -> dict[str, Any]:
        match approval.kind:
            case ApprovalKind.PLAN:
                self._plans += 1
                again = self._plans < 3 and self._chance.random() < 0.3
                return {"verdict": "reject", "reason": "shorter"} if again else {"verdict": "approve"}
            case ApprovalKind.CHANGES:
                return await self._review(approval)
        return {"verdict": "approve"}

    async def _review(self, approval: Approval) -> dict[str, Any]:
        """Hunk by hunk in the first two rounds; then all that is left is accepted."""
        task = self.mirror.tasks[approval.task or ""]
        if task.rounds > 1:
            return {"verdict": "approve"}
        found = await self.engine.ask(GetReview(approval=approval.id))
        assert isinstance(found, ReviewAnswer), found
        hunks = []
        for hunk in found.review.changes.hunks:
            verdict = self._chance.choice(VERDICTS)
            if verdict == "edit":
                lines = [*hunk.new_lines[:-1], hunk.new_lines[-1].rstrip("\n") + "  # seen\n"]
                hunks.append(HunkDecision(hunk=hunk.number, verdict="edit", new_lines=lines))
            elif verdict != "open":
                words = "why?" if verdict in ("reject", "comment") else ""
                hunks.append(HunkDecision(hunk=hunk.number, verdict=verdict, reason=words))
        return {"verdict": "approve", "hunks": hunks, "rest": "open"} if hunks else {"verdict": "approve"}
