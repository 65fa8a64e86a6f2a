"""`autodev heal`: what is red is mended without a model, and what was done is told plainly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

import click

from autodev_tui.cli_errors import Failure
from autodev_tui.domain import commands
from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.domain.levels import Level
from autodev_tui.domain.plan import PlannedTask
from autodev_tui.domain.rule import HEAL, RULES_MODEL, with_rule
from autodev_tui.domain.task import Criterion
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place, run, to_stderr

Options = dict[str, Any]
LONGEST_CHECK = 1000
"""Characters: whoever needs more has a script."""
WAITS = 3
_KINDS = (
    (CheckKind.LINT, r"\b(?:ruff|flake8|black|isort|pylint|eslint|prettier|clippy)\b|\bfmt\b"),
    (CheckKind.TYPES, r"\b(?:mypy|pyright|tsc)\b"),
    (CheckKind.SECURITY, r"\b(?:bandit|pip-audit)\b"),
)
_ABOUT = (
    "What is red is mended where rules can do it: format, imports, dependencies, names that are nearly right."
    " Each repair is proven by the same check, or taken back exactly."
)


def heal(directory: Path, check: str | None, options: Options) -> None:
    """Start a session whose one task is to heal, and report."""
    place = Place.find(directory)
    level = options["autonomy"]
    command = start(check.strip() if check is not None else "", Level(level) if level else None)
    tell = (lambda line: None) if options["as_json"] else to_stderr
    code, document = run(place, command, {"model": RULES_MODEL}, tell)
    end(code, document, options)


def is_healing(document: dict[str, Any]) -> bool:
    """Whether this session was begun by `autodev heal`."""
    return bool(document["tasks"]) and _ABOUT in document["tasks"][0]["description"]


def end(code: int, document: dict[str, Any], options: Options) -> NoReturn:
    """Tell what became of a healing, also of one that was interrupted and resumed, and exit."""
    from autodev_tui.cli import emit

    report = read_report(document)
    code = ended(code, report)
    document |= {"code": code, "heal": report}
    if options["as_json"]:
        emit(document)
    else:
        _print(document, report)
    raise click.exceptions.Exit(code)


def start(check: str, level: Level | None) -> commands.StartSession:
    """The session that heals. Raises Failure: the check is no command of one line."""
    if "\n" in check or len(check) > LONGEST_CHECK:
        raise Failure("--check takes one command of one line · put more of them in a script and name it", 2)
    title = f"Heal what is red: {check}" if check else "Heal what is red"
    task = PlannedTask(
        id="T1",
        title=title[:200],
        description=with_rule(_ABOUT, f"{HEAL} {check}" if check else HEAL),
        acceptance_criteria=[Criterion(text="Nothing that was green is red, and no test says less")],
        estimated_effort=5 / 60,
        risk=0.2,
    )
    given = [Check(name=check[:80], command=check, kind=kind_of(check), source="given")] if check else []
    return commands.StartSession(goal=title, level=level, tasks=[task], checks=given)


def kind_of(command: str) -> CheckKind:
    """What a command that the human named measures, by its tool; most say how the program behaves."""
    return next((kind for kind, pattern in _KINDS if re.search(pattern, command)), CheckKind.BEHAVIOUR)


def read_report(document: dict[str, Any]) -> dict[str, Any]:
    """What was healed and what is left, as the task's own list has it, and its summary."""
    from autodev_tui.rules.heal_report import HEALED, NEEDS_A_MODEL

    task = document["tasks"][0] if document["tasks"] else {}
    todos = [one["content"] for one in task.get("todos", [])]
    return {
        "healed": [one.removeprefix(HEALED) for one in todos if one.startswith(HEALED)],
        "left": [one.removeprefix(NEEDS_A_MODEL) for one in todos if one.startswith(NEEDS_A_MODEL)],
        "summary": task.get("summary", ""),
        "waiting": [one["id"] for one in document["approvals"]],
    }


def ended(code: int, report: dict[str, Any]) -> int:
    """The exit code: 0 only when nothing is red, now or once the change lands."""
    if code == 0 and (report["left"] or not report["summary"].startswith(("Nothing is red", "Healed"))):
        return WAITS
    return code


def _print(document: dict[str, Any], report: dict[str, Any]) -> None:
    if report["summary"]:
        click.echo(visible(report["summary"]))
    session, code = document["session"], document["code"]
    changed = bool(document["head"]) and any(task["commit"] for task in document["tasks"])
    questions = [one["kind"] for one in document["approvals"]]
    if document["landed"]:
        to_stderr(f"✓ {session} · landed {document['landed'][:12]} on {document['target']}")
    elif "changes" in questions:
        to_stderr(
            f"◐ {session} · the change waits for your review · autodev approvals, autodev approve ID --hash H"
        )
        to_stderr("  or look at it on the screen: autodev · then autodev resume --headless, autodev land")
    elif code == WAITS and questions and (document["error"] or questions != ["land"]):
        to_stderr(
            f"◐ {session} · {document['error'] or 'it waits for you'}"
            f" · autodev approvals, then autodev resume {session}"
        )
    elif code in (0, WAITS) and changed:
        left = f" · {len(report['left'])} left for a model" if report["left"] else ""
        to_stderr(f"✓ {session} · ready{left} · autodev land {session}")
    elif code == WAITS:
        to_stderr(
            f"◐ {session} · nothing that rules can do · a model may: autodev run GOAL --model PROVIDER/MODEL"
        )
    elif code == 0:
        to_stderr(f"✓ {session} · nothing to do")
    else:
        to_stderr(f"✗ {session} · {document['error']}" + (f" · autodev resume {session}" if session else ""))
