"""The provider without a model: `rules`. It answers with tool calls that workers compute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autodev_tui.domain.rule import API_DOCS, CHANGELOG, HEAL, RULES_MODEL, rule_of
from autodev_tui.domain.session import Usage
from autodev_tui.providers.base import (
    CallStarted,
    Chunk,
    ModelLimits,
    ProviderError,
    Request,
    TextDelta,
    ToolCall,
    Turn,
)
from autodev_tui.rules.guards import decide, guard_of, own_calls
from autodev_tui.rules.work import CannotGoOn, Done, Job, Move, Worker

LIMITS = ModelLimits(context=10**12, max_output=10**9, known=True, unbounded=True)
"""Nothing is sent anywhere and nothing is forgotten: the history is never compacted."""


class RulesProvider:
    """Answers each turn with the worker that the role, or the task's rule, names."""

    name = RULES_MODEL

    def __init__(self, workers: Mapping[str, Worker] | None = None) -> None:
        self._workers = workers

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """One turn, computed in a thread. Raises ProviderError when no rule can do this."""
        try:
            move = await asyncio.to_thread(self._move, request)
        except CannotGoOn as error:
            raise ProviderError("invalid", str(error)) from error
        if move.text:
            on_chunk(TextDelta(move.text))
        for name, _ in move.calls:
            on_chunk(CallStarted(name))
        return _turn(request, move)

    async def limits(self, model: str) -> ModelLimits:
        """There are none."""
        return LIMITS

    async def aclose(self) -> None:
        """Nothing is open."""

    def _move(self, request: Request) -> Move:
        job, done = read(request)
        if str(request.meta.get("role")) == "planning":
            from autodev_tui.rules import planning

            return planning.work(job, done)
        worker = self._worker(rule_of(job.description).lower())
        if worker is None:
            raise CannotGoOn(
                f"{request.meta.get('task')} needs a model: autodev resume --model PROVIDER/MODEL"
            )
        if guard := None if rule_of(job.description).lower().startswith(HEAL) else guard_of(job.description):
            if move := decide(guard, job, done):
                return move
            done = done[own_calls(done) :]
        return worker(job, done)

    def _worker(self, rule: str) -> Worker | None:
        """By the first words of the rule; the rest of its line is the worker's own."""
        workers = self._workers if self._workers is not None else default_workers()
        names = [name for name in workers if rule == name or rule.startswith(f"{name} ")]
        return workers[max(names, key=len)] if names else None


def default_workers() -> dict[str, Worker]:
    """The workers by the first words of their rules."""
    return {HEAL: _heal, CHANGELOG: _changelog, API_DOCS: _api_docs}


def _heal(job: Job, done: Sequence[Done]) -> Move:
    from autodev_tui.rules import healing

    return healing.work(job, done)


def _changelog(job: Job, done: Sequence[Done]) -> Move:
    from autodev_tui.rules import documents

    return documents.changelog(job, done)


def _api_docs(job: Job, done: Sequence[Done]) -> Move:
    from autodev_tui.rules import documents

    return documents.api_docs(job, done)


def read(request: Request) -> tuple[Job, list[Done]]:
    """The job and the calls so far, from what a model would be sent."""
    calls: dict[str, tuple[str, Any]] = {}
    done: list[Done] = []
    notes: list[str] = []
    for message in request.messages:
        for block in message["content"]:
            match block["type"]:
                case "tool_use":
                    calls[block["id"]] = block["name"], block["input"]
                case "tool_result":
                    name, args = calls[block["tool_use_id"]]
                    done.append(Done(name, args, _text(block["content"]), bool(block.get("is_error"))))
                case "text" if message["role"] == "user":
                    notes.append(block["text"])
    meta = request.meta
    job = Job(
        title=str(meta.get("title", "")),
        description=str(meta.get("description", "")),
        worktree=Path(str(meta["worktree"])),
        turn=int(meta.get("turn", 1)),
        decision=str(meta.get("decision", "")),
        notes=tuple(notes[1:]),
        repository=meta.get("repository"),
        facts=meta.get("facts") or {},
    )
    return job, done


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks: Sequence[Mapping[str, Any]] = content
    return "".join(str(block.get("text", "")) for block in blocks)


def _turn(request: Request, move: Move) -> Turn:
    turn = request.meta.get("turn", 1)
    calls = tuple(
        ToolCall(id=f"rules_{turn}_{place}", name=name, args=args)
        for place, (name, args) in enumerate(move.calls, 1)
    )
    return Turn.of(move.text, calls, Usage(), RULES_MODEL)
