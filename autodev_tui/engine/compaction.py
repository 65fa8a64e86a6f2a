"""Compaction: when a conversation grows too long, a new one starts from what the step log knows for certain.

The summary is made by rules, not by a model: the task, everything the human said since, word for word, the
to-do list, the files changed and the last results. It is one note in the step log, so the conversation stays
a pure function of the log.
"""

from __future__ import annotations

from collections.abc import Sequence

from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.conversation import COMPACTION, note_text
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.limits import estimated_tokens
from autodev_tui.engine.prompting import prompt, window_tokens

USABLE = 0.8
"""Share of the window, after the reply's allowance, at which a new conversation starts."""
AFTER = 0.5
"""Share of it that the new one may begin with; otherwise it would soon be compacted again."""
LAST_COMMANDS = 8


async def should_compact(agent: Agent) -> bool:
    """Whether the next request would use more of the window than it should."""
    services = agent.services
    window = await window_tokens(services, agent.task_id, agent.output_limit)
    return len(agent.conversation.messages) > 2 and (
        estimated_tokens(agent.conversation.characters) > USABLE * window
    )


async def compact(agent: Agent) -> None:
    """Start a new conversation. Raises GaveUp when the last one was compacted without a turn in between."""
    services = agent.services
    steps = agent.steps
    if _just_compacted(steps):
        raise GaveUp("the task alone does not fit into the model's window")
    notes = [step for step in steps if step.kind is StepKind.NOTE and step.name != COMPACTION]
    stale = [step for step in notes if step.name.startswith("checks ")][:-1]
    # Results of checks that ran again since say nothing any more; all else was said by the human or by us.
    notes = [step for step in notes if step not in stale]
    texts = [note_text(step, services.blobs.get) for step in notes]
    commands = [
        f"{step.args.get('command')}: exit code {step.result.get('exit_code')}"
        for step in steps
        if step.name == "run_command" and step.state is StepState.DONE
    ]
    task = agent.task
    room = int(AFTER * await window_tokens(services, agent.task_id, agent.output_limit))
    text = await prompt(
        services,
        "compaction",
        for_task=agent.task_id,
        max_tokens=room,
        opening=texts[0] if texts else "",
        notes=texts[1:],
        todos=task.todos if task else [],
        changed=sorted(
            {str(step.result["path"]) for step in steps if "path" in step.result and "added" in step.result}
        ),
        commands=commands[-LAST_COMMANDS:],
        last_text=agent.last_text(),
    )
    agent.open_calls = []
    agent.context.read_marks.clear()
    board = services.board
    blob = await services.keep_text(text)
    step = board.new_step(StepKind.NOTE, agent.task_id, COMPACTION, state=StepState.DONE, result_blob=blob)
    await board.commit(step)
    agent.conversation.note(step)


def _just_compacted(steps: Sequence[Step]) -> bool:
    """Whether no turn that counts came since the last compaction; failed and dropped ones do not."""
    for step in reversed(steps):
        if step.kind is StepKind.NOTE and step.name == COMPACTION:
            return True
        if step.kind is StepKind.MODEL and step.state is StepState.DONE and not step.result.get("dropped"):
            return False
    return False
