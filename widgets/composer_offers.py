"""What the composer offers at its cursor, what is wrong with a command, and how advice reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from widgets.commands_table import BY_NAME, COMMANDS
from widgets.completion import Begun, Typed, as_mention, best
from widgets.composer_aim import ALL
from widgets.composer_popup import MOST_ROWS, Offer
from widgets.model_words import RULES, is_local
from widgets.task_facts import cost_range
from widgets.wording import money, plural

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from autodev_tui.domain.requests import AdviceAnswer

AGENTS_FIRST = 3
"""Agents that stand before files where `@` may mean either."""


def commands(found: Begun) -> list[Offer]:
    """Commands that fit, or what the argument of one may be."""
    if found.kind == "command":
        names = best(found.text, BY_NAME, len(COMMANDS)) if found.text else list(BY_NAME)
        return [Offer(name, BY_NAME[name].words, ours=True) for name in names]
    command = BY_NAME.get(found.command)
    names = best(found.text, command.choices if command else (), MOST_ROWS)
    return [] if names == [found.text] else [Offer(name, ours=True) for name in names]


def agents(found: Begun, mirror: Mirror) -> list[Offer]:
    """Agents whose name begins like this; at the very start, where it says whom a text is for, `all` too."""
    every = [Offer(task.id, task.title) for task in mirror.tasks.values()]
    if found.first and every:
        every.append(Offer(ALL, "every agent", ours=True))
    return [one for one in every if one.text.casefold().startswith(found.text.casefold())]


def with_paths(known: Sequence[Offer], paths: Sequence[str]) -> list[Offer]:
    """Agents and files in one list."""
    return [*known[:AGENTS_FIRST], *(Offer(as_mention(path)) for path in paths)]


def problem(typed: Typed) -> str:
    """Why a `/command` cannot be run, "" where it can."""
    command = BY_NAME.get(typed.name)
    if command is None:
        return f"there is no /{typed.name} · tab completes · a space before it sends it as it is"
    if command.required and not typed.text:
        return f"/{command.name} {command.argument}: {command.words}"
    if typed.text and command.choices and typed.text not in command.choices:
        return f"/{command.name} takes {', '.join(command.choices)}"
    return ""


def advice_words(answer: AdviceAnswer, mirror: Mirror) -> str:
    """`moderate 5 · 4 tasks by the model · $0.40–0.80 · advice: same`.

    By rules the number of tasks is that of the plan. No cost where no model or no past is known.
    """
    model = mirror.facts.model
    parts = [f"{answer.complexity} {answer.score}"]
    if model == RULES:
        rest = sum(one.needs_model for one in answer.outline)
        needing = f", {rest} need{'s' if rest == 1 else ''} a model" if rest else ""
        parts.append(f"{plural(len(answer.outline), 'task')} by rules{needing}")
    else:
        lane = " by the model" if model else ""
        parts.append(f"{plural(answer.tasks, 'task')}{lane}")
        if not answer.price_known:
            parts.append("price not known")
        elif is_local(model):
            parts.append("local, nothing to pay")
        elif answer.cost_range_usd is not None:
            parts.append(cost_range(*answer.cost_range_usd))
        elif answer.cost_usd is not None:
            parts.append(f"~{money(answer.cost_usd)}")
    advice = "same" if answer.level is mirror.level(None) else answer.level.value
    return " · ".join([*parts, f"advice: {advice}"])
