"""Calls that change files: planned, judged, made durable as an intent, applied once."""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.step import Step
from autodev_tui.engine.call_steps import CallSteps, call_name
from autodev_tui.engine.rules import remember
from autodev_tui.policy.rules import edit_pattern
from autodev_tui.policy.table import Action, Verdict
from autodev_tui.tools import files
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.effects import EffectConflict, apply
from autodev_tui.vcs.errors import FilteredPath
from autodev_tui.vcs.filters import check_unfiltered

_NEW_TEXT = {"write_file": "content", "edit_file": "new_text"}
"""The argument that a human may write anew before they approve."""


async def edit(calls: CallSteps, step: Step, args: Any) -> None:
    """Run one write, edit, delete or move. Raises Waiting where the level asks."""
    services, context = calls.services, calls.agent.context
    effect = await asyncio.to_thread(files.plan, context, step.name, args)
    if isinstance(effect, ToolProblem):
        await calls.problem(step, effect)
        return
    touched = [path for path in (effect.path, effect.to) if path]
    try:
        await asyncio.to_thread(check_unfiltered, services.repository, context.worktree, *touched)
    except FilteredPath as error:
        await calls.problem(step, ToolProblem(f"Nothing was changed: {error}"))
        return
    ruling = calls.rule(Action.EDIT)
    approval = rule = None
    if ruling.verdict is Verdict.ASK:
        pattern = edit_pattern(step.name, effect.path, effect.to)
        rule = calls.remembered(step, ruling, pattern)
    if ruling.verdict is Verdict.ASK and rule is None:
        new_text = _NEW_TEXT.get(step.name)
        approval = await calls.ask(
            step,
            ApprovalKind.EDIT,
            f"{step.task} wants to {effect.kind} {effect.path}",
            {
                "task": step.task,
                "tool": step.name,
                "path": effect.path,
                "to": effect.to,
                "diff": effect.diff,
                "why_asked": ruling.why,
                **({"new_text": getattr(args, new_text)} if new_text else {}),
                "remember": remember(pattern),
            },
            Action.EDIT,
            base={"path": effect.path, "pre_hash": effect.pre_hash, "post_hash": effect.post_hash},
            effect=f"edit:{call_name(step)}",
        )
        if approval.state is ApprovalState.REJECTED:
            await calls.refuse(step, approval)
            return
        if approval.state is ApprovalState.EDITED and approval.decision:
            args = args.model_copy(update={new_text: approval.decision.text})
            changed = await asyncio.to_thread(files.plan, context, step.name, args)
            if isinstance(changed, ToolProblem) or changed.pre_hash != effect.pre_hash:
                why = changed.text if isinstance(changed, ToolProblem) else f"{effect.path} has changed"
                await calls.fail(step, f"The human changed your edit, and it was not made: {why}")
                return
            effect = changed
            await calls.tell_edited(step, approval, f"What was made instead:\n{effect.diff}")
    blob = await asyncio.to_thread(services.blobs.put, effect.blob) if effect.blob is not None else ""
    before = await asyncio.to_thread(files.keep_pre_image, context, effect, services.blobs.put)
    intent = {"effect": effect.intent(), "blob": blob, "pre_image": before}
    used = services.broker.rules.used(rule) if rule else []
    await calls.start(step, approval, intent | ({"rule": rule.id} if rule else {}), used)
    try:
        await asyncio.to_thread(apply, context, effect)
    except (EffectConflict, OSError) as error:
        await calls.fail(calls.board.step(step.id), f"Nothing was changed: {error}")
        return
    await calls.end(calls.board.step(step.id), effect.result())
