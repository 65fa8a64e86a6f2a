"""The question about a budget in words: how much of what is spent, and what each answer means. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodev_tui.domain.text import visible
from widgets.model_words import is_local, price_words
from widgets.task_facts import cost_range
from widgets.wording import money

if TYPE_CHECKING:
    from autodev_tui.domain.approval import Approval

CHEAPER = "cheaper:"
_WHOSE = {"session": "budget", "day": "budget of today", "month": "budget of this month"}


def headline(approval: Approval) -> str:
    """`budget: $5.00 of 5.00, ~$0.60 to finish`."""
    ask = approval.ask
    if "spent_usd" not in ask or "budget_usd" not in ask:
        return visible(approval.title, keep="")
    whose = visible(str(ask.get("whose") or ""), keep="")
    scope = str(ask.get("scope", "session"))
    name = f"budget of {whose}" if scope == "task" else _WHOSE.get(scope, "budget")
    words = f"{name}: {money(float(ask['spent_usd']))} of {float(ask['budget_usd']):,.2f}"
    return f"{words}, {ahead}" if (ahead := _ahead(ask)) else words


def _ahead(ask: dict[str, Any]) -> str:
    told = ask.get("ahead_usd")
    return f"{cost_range(float(told[0]), float(told[1]))} to finish" if told else ""


def left_words(approval: Approval) -> str:
    """Why it is asked before all is spent: no call starts that may cost more than what is left."""
    ask = approval.ask
    left = float(ask.get("budget_usd") or 0) - float(ask.get("spent_usd") or 0)
    return f"the next call may cost more than the {money(left)} that is left" if left > 0 else ""


def option_words(approval: Approval, choice: str) -> str:
    """What an answer means: for a cheaper model its price."""
    if not choice.startswith(CHEAPER):
        return visible(str(approval.ask.get(choice) or choice), keep="")
    spec = choice.removeprefix(CHEAPER)
    offers = approval.ask.get("cheaper") or []
    offer: dict[str, Any] = next((one for one in offers if one.get("model") == spec), {})
    return f"go on with {visible(spec, keep='')}: {_price(spec, offer)}"


def _price(spec: str, offer: dict[str, Any]) -> str:
    if is_local(spec):
        can = visible(str(offer.get("can") or ""), keep="")
        return ", ".join(filter(None, ("on this machine, nothing to pay", can)))
    into, out = price_words(offer)
    if "?" in (into, out):
        return "its price is not known"
    return f"${into} in, ${out} out per million"


def answered_words(choice: str) -> str:
    """What was answered, once it was."""
    if choice.startswith(CHEAPER):
        return f"goes on with {visible(choice.removeprefix(CHEAPER), keep='')}"
    return {"raise": "raised once", "stop": "stopped; nothing done so far is lost"}.get(choice, choice)
