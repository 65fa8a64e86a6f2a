"""Money: no model call starts once the session's budget is spent, unless the human raises it."""

from __future__ import annotations

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.engine.flow import GaveUp, LimitReached, Waiting
from autodev_tui.engine.services import Services

RAISE, STOP = "raise", "stop"


class BudgetExceeded(LimitReached):
    """The budget is spent, and the question whether to raise it waits."""


async def before_call(services: Services) -> None:
    """Pass if there is money left, else ask: one agent for all of them.

    Raises:
        BudgetExceeded: nobody has answered yet.
        GaveUp: the human said stop.
    """
    if _spent(services):
        await services.alone(services.spending, lambda: _ask(services))


def _spent(services: Services) -> bool:
    budget = services.session.budget_usd
    return budget is not None and services.session.usage.cost_usd >= budget


async def _ask(services: Services) -> None:
    session = services.session
    budget, spent = session.budget_usd, session.usage.cost_usd
    if budget is None or not _spent(services):
        return
    if services.stopped_at == budget:
        raise GaveUp(f"stopped at the budget: ${spent:.2f} of ${budget:.2f} spent")
    ask = {
        "spent_usd": round(spent, 4),
        "budget_usd": budget,
        "raise": f"raise the budget once by ${budget:.2f} to ${spent + budget:.2f}",
        "stop": "stop here; nothing done so far is lost",
    }
    try:
        approval = await services.broker.ask(
            ApprovalKind.BUDGET,
            f"budget: ${spent:.2f} of ${budget:.2f} spent",
            ask,
            effect=f"budget:{budget}",
            base={"budget_usd": budget},
            risk="high",
            choices=[RAISE, STOP],
        )
    except Waiting as waiting:
        raise BudgetExceeded(str(waiting)) from waiting
    decision = approval.decision
    raised = decision is not None and (decision.choice == RAISE or decision.verdict == "approve")
    if not raised:
        await services.broker.used(approval)
        services.stopped_at = budget
        raise GaveUp(f"stopped at the budget: ${spent:.2f} of ${budget:.2f} spent")
    # The session as it is by now: much may have changed while the question waited.
    await services.broker.used(approval, services.session.but(budget_usd=spent + budget))
