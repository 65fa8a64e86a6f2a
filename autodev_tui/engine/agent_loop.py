"""The agent loop: ask the model, run what it calls, let it see the results, until it says it is done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.agents.roles import Role
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.acting import act, stop_circling
from autodev_tui.engine.agent import REBUILT, Agent
from autodev_tui.engine.call_steps import apply_marks, forget
from autodev_tui.engine.conversation import COMPACTION
from autodev_tui.engine.services import Services
from autodev_tui.engine.shell_calls import CommandOutputs
from autodev_tui.engine.turns import next_turn
from autodev_tui.providers.base import ToolSpec
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.specs import EDITING, TOOLS
from autodev_tui.vcs.listing import listed_paths

if TYPE_CHECKING:
    from autodev_tui.engine.verify import Verifier
    from autodev_tui.engine.workspace import Workspace

CHANGING = EDITING | {"run_command"}
"""Calls after which a checkpoint of the worktree is made."""


async def make_agent(services: Services, role: Role, task: str | None, worktree: Path) -> Agent:
    """An agent with its memory rebuilt from the step log."""
    context = ToolContext(
        worktree=worktree,
        masker=services.masker,
        list_paths=lambda: listed_paths(services.repository, worktree),
        outputs=CommandOutputs(services),
    )
    specs = tuple(
        ToolSpec(TOOLS[name].name, TOOLS[name].description, TOOLS[name].schema) for name in sorted(role.tools)
    )
    agent = await asyncio.to_thread(Agent, services, role, task, context, specs)
    for step in agent.steps:
        if step.kind is StepKind.FOLLOW:
            forget(context, step.result.get("changed", []))
        elif step.name == COMPACTION or step.name.startswith(REBUILT):
            context.read_marks.clear()
        apply_marks(context, step.result.get("read_marks", {}))
    return agent


async def work(agent: Agent, verifier: Verifier, workspace: Workspace | None) -> Step:
    """The step that ended the agent's work.

    Raises:
        Waiting: a call needs the human.
        Halt: the agent cannot go on.
    """
    await stop_circling(agent)
    # A checkpoint is made while the model thinks; it is durable before anything else changes.
    checkpoint: asyncio.Task[None] | None = None
    try:
        while True:
            if agent.open_calls:
                if checkpoint:
                    await checkpoint
                await act(agent, verifier, workspace)
                if workspace and agent.task and any(step.name in CHANGING for step in agent.last_calls()):
                    checkpoint = asyncio.create_task(_checkpoint(agent, workspace))
                agent.answered()
            elif ended := await _end(agent):
                return ended
            else:
                await next_turn(agent)
    finally:
        if checkpoint:
            await checkpoint


async def _checkpoint(agent: Agent, workspace: Workspace) -> None:
    """What the worktree holds now is kept, and compared with what other agents changed."""
    assert agent.task
    tree = await workspace.propose(agent.task)
    await agent.services.overlaps.look(agent.task, tree)


async def _end(agent: Agent) -> Step | None:
    """The step that ended the agent's work, unless the human has something to say to it."""
    if agent.finished():
        await agent.services.mailbox.deliver(agent)
    return agent.finished()
