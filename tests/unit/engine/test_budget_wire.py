"""A budget that is spent while a reply streams in over the wire: the call ends, is booked, then it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine import flow
from autodev_tui.providers.anthropic import AnthropicProvider
from autodev_tui.settings import Settings
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.engine_kit import DONE, Kit, make_turn, until, waiting
from tests.fakes.program import agent, call, plan, reply, task

WORDS = "I read the file and think about what it says. " * 20
SCRIPT = {
    "conversations": [
        plan(
            task("one", "Read slowly", files=["a.txt"]), task("two", "Spend it all at once", files=["b.txt"])
        ),
        agent(
            "Read slowly",
            reply(call("read_file", path="a.txt"), text=WORDS, pace_s=0.02, usage={"output_tokens": 900}),
            reply(call("finish", summary="read")),
        ),
        agent(
            "Spend it all at once",
            reply(call("list_files"), usage={"output_tokens": 60_000}),
            reply(call("finish", summary="spent")),
        ),
    ]
}


def models(kit: Kit, task: str) -> list[Step]:
    return [step for step in kit.board.steps(task) if step.kind is StepKind.MODEL]


@pytest.mark.parametrize("told_at", ["both", "none"])
async def test_a_budget_spent_while_a_reply_streams(tmp_path: Path, told_at: str) -> None:
    SCRIPT["conversations"][1]["replies"][0]["usage_at"] = told_at
    with FakeAnthropic(SCRIPT) as server:
        provider = AnthropicProvider(api_key="k", base_url=server.url)
        kit = Kit(
            tmp_path,
            lambda _: make_turn(DONE),
            own_provider=provider,
            spec="anthropic/claude-opus-5-5",
            settings=Settings(agents=2),
            interactive=True,
        )
        try:
            await kit.start(budget_usd=1.0)
            await until(lambda: kit.engine.session and kit.session.usage.cost_usd > 1.0, "T2's bill")
            (slow,) = models(kit, "T1")
            assert slow.state is StepState.STARTED, "it streams on"
            question = await waiting(kit, "budget")
            await until(lambda: models(kit, "T1")[0].state is StepState.DONE, "the end of the stream")
            await until(lambda: not kit.services.working, "both wait for one answer: nobody is shown at work")
            assert len(kit.services.slots.holders) == 2 and not kit.services.purse._open
            (slow,), (fast,) = models(kit, "T1"), models(kit, "T2")
            used = slow.result["usage"]
            if told_at == "both":
                assert used["output_tokens"] == 900 and "at_least" not in used
            else:
                assert used["at_least"] and used["output_tokens"] >= len(WORDS) / 3.2, "as much as was said"
            planned = kit.board.named(StepKind.MODEL, None, "claude-opus-5-5")
            assert planned
            sums = [step.result["usage"]["cost_usd"] for step in (slow, fast, planned)]
            assert kit.session.usage.cost_usd == pytest.approx(sum(sums))
            assert len(server.requests) == 3, "nobody asked again"
            await kit.answer(question, "choose", choice="stop")
            outcome = await kit.engine.wait()
            assert outcome.code == flow.LIMIT and len(server.requests) == 3
            spent = kit.services.purse.spending.spent(kit.clock())
            assert spent["month"] == pytest.approx(kit.session.usage.cost_usd)
        finally:
            await kit.engine.aclose()
