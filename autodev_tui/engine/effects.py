"""An effect that happens once: started before, recorded after, and judged by its postcondition on resume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.board import Board, Record

Do = Callable[[Step], Awaitable[dict[str, Any]]]
Judge = Callable[[Step], Awaitable[dict[str, Any] | None]]


async def not_done(_: Step) -> dict[str, Any] | None:
    """The judgement of effects that may simply run again: they write nothing, or always the same."""
    return None


async def once(
    board: Board,
    kind: StepKind,
    task: str | None,
    name: str,
    do: Do,
    *,
    intent: dict[str, Any] | None = None,
    judge: Judge = not_done,
    begin: Sequence[Record] = (),
    also: Callable[[dict[str, Any]], list[Record]] = lambda result: [],
) -> dict[str, Any]:
    """The result of the effect called `name`, which runs only if it has not been done yet.

    `do` gets the durable step and returns the result. `judge` looks, after a crash, whether the started
    effect was done, and returns its result if so. `begin` are records committed in one line with the start,
    `also` in one with the result.
    """
    step = board.named(kind, task, name)
    if step and step.state is StepState.DONE:
        return step.result
    attempt = 0
    if step and step.state is StepState.STARTED:
        attempt = step.attempt + 1
        found = await judge(step)
        if found is not None:
            await board.commit(_done(board, step, found), *also(found))
            return found
        await board.commit(step.but(state=StepState.INTERRUPTED, ended=board.clock()))
    step = board.new_step(
        kind, task, name, state=StepState.STARTED, attempt=attempt, intent=intent or {}, started=board.clock()
    )
    await board.commit(step, *begin)
    try:
        result = await do(step)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        await board.commit(step.but(state=StepState.FAILED, result={"why": why}, ended=board.clock()))
        raise
    await board.commit(_done(board, step, result), *also(result))
    return result


def _done(board: Board, step: Step, result: dict[str, Any]) -> Step:
    return step.but(state=StepState.DONE, result=result, ended=board.clock())
