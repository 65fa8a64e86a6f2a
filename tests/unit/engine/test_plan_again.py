"""A planner that hands in the very plan that was rejected: it is asked about again, and nothing spins."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.domain.levels import Level
from autodev_tui.engine import flow
from autodev_tui.providers.base import Request, Turn
from autodev_tui.providers.scripted import make_turn
from tests.fakes.engine_kit import DONE, PLAN, kit, waiting


async def test_the_same_plan_handed_in_again_is_asked_about_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Turn:
        asked.append(str(request.meta["role"]))
        return make_turn(PLAN if asked[-1] == "planning" else DONE, first_id=100 * len(asked))

    async with kit(tmp_path, answer) as one:
        assert (await one.run(level=Level.COLLABORATIVE)).code == flow.WAITING_CODE
        for _ in range(2):
            rejected = await waiting(one, "plan")
            await one.answer(rejected, verdict="reject", reason="another one")
            assert (await one.resume()).code == flow.WAITING_CODE
            assert (await waiting(one, "plan")).id != rejected.id
        await one.answer(await waiting(one, "plan"))
        await one.resume()
    assert asked == ["planning"] * 3 + ["development"]
