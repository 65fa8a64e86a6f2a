"""A model turn as a durable step: asked, streamed, judged by its stop reason, kept with its calls."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from autodev_tui.agents.roles import PLANNER
from autodev_tui.domain.session import Usage
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.agent import INLINE, OWN_NOTES, Agent
from autodev_tui.engine.board import Record
from autodev_tui.engine.budget import leave_to_call
from autodev_tui.engine.compaction import compact, should_compact
from autodev_tui.engine.conversation import result_text
from autodev_tui.engine.decisions import input_hash
from autodev_tui.engine.fallback import fall_back
from autodev_tui.engine.flow import GaveUp, Interrupted, LimitReached, NoPlan
from autodev_tui.engine.limits import BAD_CALLS, CUT_REPLIES, EMPTY_REPLIES
from autodev_tui.engine.listening import Listener
from autodev_tui.engine.purse import Grant, booked
from autodev_tui.engine.rate import keep_rate
from autodev_tui.providers.base import ProviderError, Request, StopReason, Turn


async def next_turn(agent: Agent) -> None:
    """Ask the model once; afterwards the agent has open calls, is finished, or was told to go on.

    Raises:
        GaveUp: the provider refuses, or the model's replies are of no use.
        LimitReached: turns, time or money are used up.
    """
    services = agent.services
    await keep_rate(agent)
    await services.may_go_on()
    limit = min(agent.role.turns or services.settings.max_turns, services.settings.max_turns)
    if agent.turns >= limit:
        raise LimitReached(f"{agent.task_id or 'the plan'}: {agent.turns} turns used, max_turns is {limit}")
    if agent.role is PLANNER:
        _refuse_bad_plans(agent)
    await services.mailbox.deliver(agent)
    if await should_compact(agent):
        await compact(agent)
    grant = await leave_to_call(agent)
    if grant is None:
        return  # what it waited for may have changed everything: the loop looks again
    try:
        turn = await _ask(agent, grant)
    finally:
        services.purse.give_back(grant)
    if turn is None:
        return
    await _react(agent, turn, grant)


async def _ask(agent: Agent, grant: Grant) -> Turn | None:
    """One provider call as a step. None when the human ended it, or a too long prompt was compacted."""
    services, model = agent.services, grant.model
    step = await _begin(agent, grant)
    heard = Listener(agent)
    request = Request(
        system=agent.system,
        tools=agent.tools,
        messages=agent.conversation.messages_for(model.name),
        model=model.name,
        max_tokens=grant.max_tokens,
        meta=_meta(agent),
    )
    try:
        with services.interruptible():
            turn = await model.provider.complete(request, heard)
    except ProviderError as error:
        usage = error.usage_floor.but(retries=max(error.retries, error.usage_floor.retries))
        why = str(error)
        failed = {"text": why, "why": why, "error": error.kind}
        await _record(agent, step, StepState.FAILED, booked(grant, usage, 0, heard.elapsed_s), grant, failed)
        if error.kind == "too_large" and agent.conversation.messages[1:]:
            await compact(agent)
            return None
        if await fall_back(services, agent.task_id, error):
            return None
        raise GaveUp(why) from error
    except Interrupted:
        await _cut_off(agent, step, grant, heard, "interrupted by the human")
        return None
    except asyncio.CancelledError:
        await _cut_off(agent, step, grant, heard, "cancelled")
        raise
    keeping = asyncio.ensure_future(_keep(agent, step, turn, grant, heard))
    try:
        await asyncio.shield(keeping)
    except asyncio.CancelledError:
        # What was answered and paid for is kept, whoever stops the run in this moment.
        await keeping
        raise
    return turn


async def _begin(agent: Agent, grant: Grant) -> Step:
    """The call's step, durable before it is made; for one that is never made nothing stays set aside."""
    services, board = agent.services, agent.services.board
    agent.turns += 1
    try:
        if agent.system_kept[0] != agent.system:
            # Once is enough: a blob that a step of the session names is kept.
            agent.system_kept = agent.system, await services.keep_text(agent.system)
        step = board.new_step(
            StepKind.MODEL,
            agent.task_id,
            grant.model.name,
            state=StepState.STARTED,
            turn=agent.turns,
            intent={"system": agent.system_kept[1], "model": grant.model.spec, "reserved": grant.doc()},
            started=services.clock(),
        )
        await board.commit(step)
    except asyncio.CancelledError:
        await services.purse.settle(grant, Usage())
        raise
    return step


async def _cut_off(agent: Agent, step: Step, grant: Grant, heard: Listener, why: str) -> None:
    """The call was ended from here: what is known of its cost is the least that it was."""
    usage = booked(grant, heard.seen.but(at_least=True), heard.streamed, heard.elapsed_s)
    await _record(agent, step, StepState.INTERRUPTED, usage, grant, {"why": why})


def _assignment(agent: Agent) -> dict[str, Any]:
    """What the agent is to do, for a provider that reads no prompt."""
    if task := agent.task:
        note = str(task.context.get("note") or "")
        return {"title": task.title, "description": task.description, "note": note}
    session = agent.services.session
    return {"title": session.goal, "description": "\n\n".join(session.instructions)}


def _meta(agent: Agent) -> dict[str, Any]:
    """Who asks, where it works, and where it stands between the human's decisions."""
    planning = agent.services.board.steps(None) if agent.task_id else ()
    return {
        "role": agent.role.name,
        "task": agent.task_id,
        "turn": agent.turns,
        "worktree": str(agent.context.worktree),
        "repository": agent.services.repository,
        **_assignment(agent),
        **({"facts": agent.facts} if agent.facts else {}),
        **agent.standing.position(agent.steps, planning),
    }


async def _record(
    agent: Agent, step: Step, state: StepState, usage: Usage, grant: Grant, result: dict[str, Any]
) -> None:
    result = result | {"usage": _used(usage)}
    ended = step.but(state=state, result=result, ended=agent.services.clock())
    await agent.services.board.commit(ended, *_spent(agent, usage))
    await agent.services.purse.settle(grant, usage)


def _used(usage: Usage) -> dict[str, Any]:
    """What one call used, without what it did not use."""
    return usage.model_dump(mode="json", exclude_defaults=True)


def _spent(agent: Agent, usage: Usage) -> list[Record]:
    # By what is on its way to the disk: other agents' calls end at the same time.
    session = agent.services.board.newest(agent.services.session)
    records: list[Record] = [session.but(usage=session.usage.plus(usage))]
    if agent.task:
        records.append(agent.task.but(usage=agent.task.usage.plus(usage), turns=agent.turns))
    return records


async def _keep(agent: Agent, step: Step, turn: Turn, grant: Grant, heard: Listener) -> None:
    """The turn and the calls it wants, in one line: a reply is durable before any of its tools starts."""
    services, board = agent.services, agent.services.board
    usage = booked(grant, turn.usage, heard.streamed, heard.elapsed_s)
    ids = [call.id for call in turn.calls]
    dropped = _unusable(turn)
    if not dropped and len(set(ids)) != len(ids):
        dropped = "Your reply had two tool calls with the same id, so none was run."
    reply = {
        "content": turn.content,
        "calls": [{"id": call.id, "name": call.name} for call in turn.calls],
        "text": turn.text,
    }
    text = json.dumps(reply)
    blob = await services.keep_text(text) if len(text) > INLINE else ""
    ends = turn.stop in (StopReason.END, StopReason.STOP_SEQUENCE) and bool(turn.text.strip())
    result = {
        "stop": turn.stop.value,
        "calls": [] if dropped else ids,
        "request_id": turn.request_id,
        "dropped": dropped,
        "ends": ends and not turn.calls,
        "text": turn.text[:200],
        "usage": _used(usage),
        **heard.thought.doc(),
        **({} if blob else {"reply": reply}),
    }
    done = step.but(state=StepState.DONE, result=result, result_blob=blob, ended=services.clock())
    calls: list[Step] = []
    if not dropped:
        for call in turn.calls:
            planned = board.new_step(
                StepKind.TOOL,
                agent.task_id,
                call.name,
                turn=step.turn,
                call_id=call.id,
                args=call.args or {},
                input_hash=input_hash(call.name, call.args or {}),
            )
            if call.args is None:
                planned = planned.but(
                    intent={"malformed": call.error or "the arguments are not a JSON object"}
                )
            calls.append(planned)
    await board.commit(done, *calls, *_spent(agent, usage))
    if not dropped and turn.content:
        agent.conversation.turn(turn.content, step.name)
    agent.open_calls = calls
    await services.purse.settle(grant, usage)


def _unusable(turn: Turn) -> str:
    """Why this reply must not stay in the conversation; empty when it may."""
    match turn.stop:
        case StopReason.MAX_TOKENS:
            return (
                "Your last reply was longer than allowed and was cut, so nothing of it was used. "
                "Make smaller calls: write a large file in parts."
            )
        case StopReason.REFUSAL | StopReason.CONTEXT_EXCEEDED:
            return turn.stop.value
        case _ if not turn.content:
            return "Your last reply was empty. Go on with the task, or call the tool that ends it."
    return ""


async def _react(agent: Agent, turn: Turn, grant: Grant) -> None:
    match turn.stop:
        case StopReason.REFUSAL:
            detail = turn.stop_detail or "no reason given"
            raise GaveUp(
                f"the model refused ({detail}) · {turn.model} · another model or another wording may do"
            )
        case StopReason.CONTEXT_EXCEEDED:
            await compact(agent)
            return
        case StopReason.MAX_TOKENS if grant.lowered:
            # No fault of the reply: the budget left no more, and is asked about before the next.
            agent.least_output = 2 * grant.max_tokens
            await agent.say(f"cut {agent.turns}", _unusable(turn))
            return
        case StopReason.MAX_TOKENS:
            agent.output_limit *= 2
            await _complain(agent, "cut", _unusable(turn), CUT_REPLIES)
            return
        case StopReason.PAUSE if turn.content:
            return
    if not turn.content or (not turn.calls and not turn.text.strip()):
        text = "Your last reply was empty. Go on with the task, or call the tool that ends it."
        await _complain(agent, "empty", text, EMPTY_REPLIES)
    elif agent.open_calls and all("malformed" in call.intent for call in agent.open_calls):
        agent.bad_replies += 1
        if agent.bad_replies >= BAD_CALLS:
            raise _useless(agent)(f"{agent.bad_replies} replies in a row had no usable tool call")
    elif turn.calls and not agent.open_calls:
        await _complain(agent, "ids", "Your reply had two tool calls with one id; none was run.", BAD_CALLS)
    elif not turn.calls and agent.role is PLANNER:
        await _complain(
            agent, "no plan", "Hand in the plan with `submit_plan`; text alone is not read.", BAD_CALLS
        )
    else:
        agent.bad_replies = 0


async def _complain(agent: Agent, what: str, text: str, at_most: int) -> None:
    agent.bad_replies += 1
    if agent.bad_replies >= at_most:
        raise _useless(agent)(
            f"the model's replies were of no use {agent.bad_replies} times in a row ({what})"
        )
    await agent.say(f"{what} {agent.turns}", text)


def _useless(agent: Agent) -> type[GaveUp]:
    """Where a plan was wanted, another way to one is left."""
    return NoPlan if agent.role is PLANNER else GaveUp


def _refuse_bad_plans(agent: Agent) -> None:
    """Raises NoPlan: one plan after the other could not be taken, and the human said nothing to that."""
    refused: list[Step] = []
    for step in reversed(agent.steps):
        if step.kind is StepKind.NOTE and not step.name.startswith(OWN_NOTES):
            break
        if step.name == PLANNER.ends_by and (
            step.state is StepState.FAILED or not step.result.get("ok", True)
        ):
            refused.append(step)
    if len(refused) >= BAD_CALLS:
        why = result_text(refused[0], agent.services.blobs.get)
        raise NoPlan(f"{len(refused)} plans could not be taken, the last one: {why[:200]}")
