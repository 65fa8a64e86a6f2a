"""What a model thought is kept with its reply, and told apart from its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autodev_tui.domain import requests
from autodev_tui.domain.step import StepKind
from autodev_tui.engine.answers import answer
from autodev_tui.providers.base import Chunk, Request, ThinkingDelta, Turn
from tests.fakes.engine_kit import DONE, Scripted, kit, make_turn, turns

THOUGHT = "The clock must be frozen. " * 100


async def test_thinking_is_counted_and_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Scripted.complete

    async def thinks(self: Scripted, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        on_chunk(ThinkingDelta(THOUGHT[:100]))
        on_chunk(ThinkingDelta(THOUGHT[100:]))
        turn = await whole(self, request, on_chunk)
        return replace(
            turn, content=[{"type": "thinking", "thinking": THOUGHT, "signature": ""}, *turn.content]
        )

    monkeypatch.setattr(Scripted, "complete", thinks)
    async with kit(tmp_path, turns(make_turn(DONE, text="Done."))) as one:
        await one.run()
        step = next(step for step in one.board.steps("T1") if step.kind is StepKind.MODEL)
        assert step.result["thinking"]["characters"] == len(THOUGHT)
        assert step.result["thinking"]["seconds"] >= 0
        for part, text in (("thinking", THOUGHT), ("text", "Done.")):
            found = await answer(one.engine.site, requests.GetOutput(step=step.id, part=part, rows=0))
            assert isinstance(found, requests.TextAnswer)
            assert found.head == text
