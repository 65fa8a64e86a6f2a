"""The last line of a task's description that names the rule which can do it without a model: `rule: heal`."""

from __future__ import annotations

import re

HEAL, CHANGELOG, API_DOCS, NEEDS_A_MODEL = "heal", "changelog", "api docs", "needs a model"
RULES_MODEL = "rules"
"""The specification of the model that is none: what it says is computed."""

_LINE = re.compile(r"[ \t]*rule:[ \t]*(.*\S)[ \t]*", re.IGNORECASE)


def rule_of(description: str) -> str:
    """What the last line says after `rule:`, such as `heal pytest -q`; "" when it names none."""
    lines = description.rstrip().rsplit("\n", 1)
    found = _LINE.fullmatch(lines[-1])
    return found[1] if found else ""


def with_rule(description: str, rule: str) -> str:
    """The description with its last line naming `rule`."""
    return f"{description.rstrip()}\n\nrule: {rule}" if description.strip() else f"rule: {rule}"


def needs_model(description: str) -> bool:
    """Whether no rule can do this task."""
    first = rule_of(description).lower()
    named = next((name for name in (HEAL, CHANGELOG, API_DOCS) if re.match(rf"{name}(?:\s|$)", first)), "")
    return not named
