"""Leave for the next model call; where a limit is in its way, one question for all agents, or the end.

What the human may say: raise the limit once, go on with a cheaper model, or stop and look at what is there.
Raising a limit is a hard gate: it is asked at every level, and never remembered.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.states import ApprovalState, StepState, TaskState
from autodev_tui.domain.step import StepKind
from autodev_tui.engine.caps import Cap
from autodev_tui.engine.cheaper import cheaper_models, use_cheaper
from autodev_tui.engine.estimates import ahead
from autodev_tui.engine.fallback import model_for
from autodev_tui.engine.flow import LimitReached, Waiting
from autodev_tui.engine.purse import LEAST_OUTPUT, Grant, wanted_grant
from autodev_tui.engine.rates import most_tokens

if TYPE_CHECKING:
    from autodev_tui.engine.agent import Agent
    from autodev_tui.engine.models import Model
    from autodev_tui.engine.services import Services

RAISE, STOP, CHEAPER = "raise", "stop", "cheaper:"
OUTPUT_TOKENS = 16_000
"""First allowance for a reply, thinking included; doubled when a reply was cut by it."""
FRAME_TOKENS = 25
"""Around each message, beside what it says; three or four are new with each call."""
RAISE_SHARE = 5
"""A limit is raised by a fifth of itself, or by what is needed if that is more."""


class BudgetExceeded(LimitReached):
    """The budget is spent, and the question whether to raise it waits."""


class StoppedAtBudget(LimitReached):
    """The human said stop: what is there is looked at, and nothing more is asked of a model."""


async def leave_to_call(agent: Agent) -> Grant | None:
    """Leave for one call of this agent; None when something changed while it waited: look again.

    Raises:
        BudgetExceeded: nobody is there to answer.
        StoppedAtBudget: the human said stop.
        GaveUp: the model cannot be reached, or what it costs cannot be known though there is a limit.
    """
    services = agent.services
    model, limits = await model_for(services, agent.task_id)
    if model.spec != agent.asked:
        # The sizes that the other one has, and what was found out about its replies, count no more.
        agent.asked, agent.output_limit, agent.least_output = model.spec, 0, LEAST_OUTPUT
    agent.output_limit = min(agent.output_limit or OUTPUT_TOKENS, limits.max_output)
    characters = agent.conversation.characters
    wanted = wanted_grant(
        services,
        agent.task,
        model,
        agent.turns + 1,
        prompt_tokens(agent, model),
        agent.output_limit,
        characters,
        remote=limits.remote,
    )
    granted = await services.purse.grant(wanted, min(agent.least_output, agent.output_limit))
    if isinstance(granted, Grant):
        agent.waited = False
        return granted
    under_way = [cap for cap in granted if cap.open_usd]
    if under_way:
        _tell_wait(agent, under_way[0])
        await services.purse.changed(under_way)
    else:
        await services.alone(services.asking_for_money, lambda: _ask(services, granted[0], wanted))
    return None


def prompt_tokens(agent: Agent, model: Model) -> int:
    """An upper bound for the tokens of the next prompt: what the last reply told, and what came since."""
    conversation = agent.conversation
    turn = agent.last_turn()
    kept = turn.intent.get("reserved") if turn and turn.name == model.name else None
    if turn and kept and kept["characters"] <= conversation.characters:
        usage = turn.result.get("usage", {})
        told = sum(usage.get(f"{name}_tokens", 0) for name in ("input", "cache_read", "cache_write"))
        if told:
            new = conversation.characters - kept["characters"]
            return int(told) + most_tokens(new, min(new, conversation.other)) + 4 * FRAME_TOKENS
    fixed = len(agent.system) + sum(
        len(tool.name) + len(tool.description) + len(json.dumps(tool.schema)) for tool in agent.tools
    )
    frames = FRAME_TOKENS * (len(conversation.messages) + 1)
    return most_tokens(fixed + conversation.characters, conversation.other) + frames


def _tell_wait(agent: Agent, cap: Cap) -> None:
    if agent.waited:
        return
    agent.waited = True
    text = (
        f"the next call waits for calls under way: {cap.name}${max(cap.left, 0):.2f} of"
        f" {cap.limit_usd:.2f} is free"
    )
    agent.services.board.log.emit(events.Noticed(task=agent.task_id, text=text))


async def _ask(services: Services, cap: Cap, wanted: Grant) -> None:
    """Ask about the limit, and do what was said. Somebody else may have been asked meanwhile."""
    stop = f"stopped at the budget: {words(cap)}"
    if cap.key in services.stopped_at:
        raise StoppedAtBudget(stop)
    if not await _in_the_way(services, cap, wanted):
        return
    effect = f"budget:{cap.key}"
    asked = services.broker.find(effect)
    # The same question as long as nobody answered: what is spent meanwhile takes no answer back.
    ask = asked.ask if asked else await _question(services, cap, wanted)
    choices = [RAISE, *(f"{CHEAPER}{one['model']}" for one in ask["cheaper"]), STOP]
    try:
        approval = await services.broker.ask(
            ApprovalKind.BUDGET,
            f"budget: {words(cap)}{_next(cap, ask)}",
            ask,
            effect=effect,
            base={"budget_usd": cap.limit_usd, "scope": cap.scope, "whose": cap.whose},
            risk="high",
            choices=choices,
        )
    except Waiting as waiting:
        raise BudgetExceeded(str(waiting)) from waiting
    decision = approval.decision
    said = decision.choice if decision else ""
    if said == RAISE or (decision and decision.verdict == "approve" and not said):
        await _raise(services, cap, approval)
    elif said.startswith(CHEAPER):
        await use_cheaper(services, cap, said.removeprefix(CHEAPER), approval)
    else:
        await services.broker.used(approval)
        services.stopped_at.add(cap.key)
        raise StoppedAtBudget(stop)


def words(cap: Cap) -> str:
    """What of the limit is spent."""
    return f"{cap.name}${cap.spent_usd:.2f} of ${cap.limit_usd:.2f} spent"


def _next(cap: Cap, ask: dict[str, Any]) -> str:
    """Why it is asked though much is left."""
    return "" if cap.near else f" · the next call may cost ${ask['next_usd']:.2f}"


async def _in_the_way(services: Services, cap: Cap, wanted: Grant) -> bool:
    """Whether that very limit still is, and the model still the one that the call was for."""
    task = services.board.tasks[wanted.task] if wanted.task else None
    caps = await services.purse.caps(wanted.task)
    return services.models.spec_of(task) == wanted.model.spec and cap.key in {one.key for one in caps}


async def _question(services: Services, cap: Cap, wanted: Grant) -> dict[str, Any]:
    left = [one for one in services.board.tasks.values() if one.state is not TaskState.CANCELLED]
    tasks = [one for one in left if cap.scope != "task" or one.id == cap.whose]
    likely = await ahead(services, tasks)
    more = raised_by(cap, wanted.usd, likely[1] if likely else 0.0)
    return {
        "scope": cap.scope,
        **({"whose": cap.whose} if cap.whose else {}),
        "spent_usd": round(cap.spent_usd, 4),
        "budget_usd": cap.limit_usd,
        "ahead_usd": [round(one, 4) for one in likely] if likely else None,
        "next_usd": round(wanted.usd, 4),
        "raise": f"raise the budget once by ${more:.2f} to ${cap.limit_usd + more:.2f}",
        "raise_usd": more,
        "cheaper": await cheaper_models(services, cap, wanted),
        "stop": "stop here and look at what is there; nothing done so far is lost",
    }


def raised_by(cap: Cap, call: float, likely: float) -> float:
    """By how much it is raised: a fifth of it, or what the next call, or all that is ahead, needs more."""
    short = max(call, likely) - (cap.limit_usd - cap.spent_usd)
    wanted = max(cap.limit_usd / RAISE_SHARE, short)
    # Up to two figures, so that it can be read at a glance: 1.37 becomes 1.40.
    place = 10.0 ** (math.floor(math.log10(wanted)) - 1)
    return round(math.ceil(round(wanted / place, 6)) * place, 6)


async def _raise(services: Services, cap: Cap, approval: Approval) -> None:
    # The limit as it is by now: it may have been changed while the question waited.
    more = float(approval.ask["raise_usd"])
    if cap.scope == "session":
        session = services.session
        limit = None if session.budget_usd is None else round(session.budget_usd + more, 6)
        await services.broker.used(approval, session.but(budget_usd=limit))
    elif cap.scope == "task":
        task = services.board.tasks[cap.whose]
        now = task.budget_usd or services.settings.budgets.task_usd
        await services.broker.used(approval, task.but(budget_usd=round(now + more, 6) if now else None))
    else:
        # First there, then here: what is raised for one answer counts once, however often it is written.
        spending = services.purse.spending
        await asyncio.to_thread(spending.raise_limit, approval.id, approval.created, cap.whose, more)
        await services.broker.used(approval)


async def withdraw_moot(services: Services) -> None:
    """A run begins: what was asked about a limit that is another one by now needs no answer."""
    asked = [one for one in services.board.pending() if one.kind is ApprovalKind.BUDGET]
    if not asked:
        return
    caps = await services.purse.caps(None)
    caps += [cap for task in services.board.tasks for cap in services.purse.own_caps(task)]
    effects = {f"budget:{cap.key}" for cap in caps}
    moot = [one.but(state=ApprovalState.SUPERSEDED) for one in asked if one.effect not in effects]
    if moot:
        await services.board.commit(*moot)


async def settle_lost(services: Services) -> None:
    """After a kill: calls that stand as under way get what is known of them, once.

    One whose step is over costs what the step says; one without a step was never made.
    """
    spending, at = services.purse.spending, services.clock()
    recorded = services.purse.recorded
    for call in await recorded(spending.open_of, services.session.id, at) or []:
        entry = await recorded(spending.entry, call, at)
        step = next((one for one in _model_steps(services) if one.intent["reserved"]["id"] == call), None)
        usage = step.result.get("usage", {}) if step else {}
        if step and step.state is StepState.STARTED:
            continue  # judged, and booked, when it is recovered
        usd = usage.get("cost_usd", 0.0) + usage.get("held_usd", 0.0)
        if entry:
            await recorded(spending.book, call, entry.at, usd)
    for step in _last_model_steps(services):
        kept, usage = step.intent["reserved"], step.result.get("usage", {})
        usd = usage.get("cost_usd", 0.0) + usage.get("held_usd", 0.0)
        if usd:
            await recorded(spending.book, kept["id"], kept["at"], usd)


def _model_steps(services: Services) -> list[Any]:
    steps = services.board.all_steps()
    return [one for one in steps if one.kind is StepKind.MODEL and "reserved" in one.intent]


def _last_model_steps(services: Services) -> list[Any]:
    """Of every agent: only its last call can be one that was ended and not booked."""
    found = []
    for task in (None, *services.board.tasks):
        for step in reversed(services.board.steps(task)):
            if step.kind is StepKind.MODEL:
                if "reserved" in step.intent and step.state is not StepState.STARTED:
                    found.append(step)
                break
    return found
